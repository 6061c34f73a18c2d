"""The pre-affiliation workbook: found in whatever comes back, each cell mended or said, each person checked."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.exchange import affiliation_cells
from portal.exchange.affiliation_cells import COLUMNS, TITLES
from portal.exchange.affiliation_check import Context, check_rows
from portal.exchange.affiliation_file import MOST_ROWS, WrongTemplate, read
from portal.exchange.spreadsheets import Unreadable
from portal.models import BeneficiaryRole
from tests.exchange.people import (
    IBAN,
    KNOWN,
    OFFERS,
    TODAY,
    cells,
    child,
    context,
    csv_text,
    employee,
    file,
    nir,
    ods,
    spouse,
    xlsx,
)

AIN = TITLES.index("Code Postal")


def check(*rows, **known):
    return check_rows(list(enumerate(rows, 2)), context(**known))


def said(*rows, **known):
    """The errors of the last row."""
    return check(*rows, **known)[-1].errors


def one(**others):
    (checked,) = check(employee(**others))
    return checked


def after(checked, title):
    return checked.cells[TITLES.index(title)]


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def refusal(content, kind=Unreadable):
    with pytest.raises(kind) as refused:
        read(file(content))
    assert type(refused.value) is kind
    return str(refused.value)


def test_the_columns_are_those_of_the_contract():
    assert len(COLUMNS) == 30
    assert TITLES[8] == "N° S. Sociale"
    assert TITLES.index("Situation") == affiliation_cells.SITUATION
    assert [role.value for role in BeneficiaryRole] == list(affiliation_cells.ROLES)


@pytest.mark.parametrize("make", [xlsx, ods], ids=["xlsx", "ods"])
def test_a_workbook_is_read_row_by_row(make):
    sheet = read(file(make(TITLES, employee(), spouse())))
    assert (sheet.name, sheet.heading_row, sheet.unknown_columns) == ("Salariés", 1, [])
    assert [row for row, _ in sheet.rows] == [2, 3]
    assert sheet.rows[0][1] == employee()


def test_a_csv_has_no_sheet():
    sheet = read(file(csv_text(TITLES, employee()).encode("cp1252")))
    assert (sheet.name, sheet.rows) == (None, [(2, employee())])


def test_headings_are_forgiven_and_may_stand_lower_and_further():
    titles = ["", *(f" {title.upper().replace('É', 'E')}  " for title in reversed(TITLES)), "Service"]
    row = ["", *reversed(employee()), "Atelier"]
    sheet = read(file(xlsx(["Entrées de décembre"], [], titles, [], row, ["", " ", "\u00a0"])))
    assert (sheet.heading_row, sheet.unknown_columns) == (3, ["Service"])
    assert sheet.rows == [(5, employee())]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("NIR", "N° S. Sociale"),
        ("Nº S. Sociale", "N° S. Sociale"),
        ("Date de naissance (jj/mm/aaaa)", "Date de naissance"),
    ]
    + [("Numéro de sécurité sociale", "N° S. Sociale"), ("CP", "Code Postal")]
    + [
        ("Email", "E-mail"),
        ("Courriel", "E-mail"),
        ("Téléphone", "Tél fixe"),
        ("Nom de naissance", "Nom"),
        ("N° de rue", "N°"),
    ],
)
def test_usual_headings_are_understood(heading, title):
    titles = [heading if one == title else one for one in TITLES]
    assert read(file(xlsx(titles, employee(email="x@exemple.fr", phone="01 99 00 10 01")))).unknown_columns == []


def test_a_usual_heading_beside_the_real_one_is_another_column():
    assert read(file(xlsx([*TITLES, "Courriel"], employee()))).unknown_columns == ["Courriel"]


@pytest.mark.parametrize("fault", ["#N/A", "#REF!", "#VALEUR!", "#CALC!"])
@pytest.mark.parametrize("title", ["Date d'effet", "IBAN prestation", "Complément", "Situation"])
def test_a_cell_that_was_not_calculated_is_an_error_not_a_blank(title, fault):
    joined = check(employee(), child(**{title: fault}))[-1]
    assert fault in joined.errors[title]


def test_rows_of_formulas_beyond_the_people_are_nobody():
    drawn_down = [*([""] * 11), "#N/A", "#REF!"]
    assert read(file(xlsx(TITLES, employee(), drawn_down, drawn_down))).rows == [(2, employee())]


NOBODY = {"Type": "Salarié", "company": "AHL01", "college": "CAD", "effective": "15/12/2026", "Pays": "France"}


@pytest.mark.parametrize("row", [cells(**NOBODY), cells(Type="TOTAL", Matricule="1"), list(TITLES)])
def test_rows_that_name_nobody_are_left_aside_and_told(row):
    sheet = read(file(xlsx(TITLES, employee(), row, employee(Matricule="M2"))))
    assert [number for number, _ in sheet.rows] == [2, 4]
    assert sheet.remark == "La ligne 3 ne nomme personne\u00a0: elle est laissée de côté."


def test_many_rows_that_name_nobody_are_counted():
    told = read(file(xlsx(TITLES, employee(), *[cells(**NOBODY)] * 200))).remark
    assert told == "200 lignes ne nomment personne\u00a0: elles sont laissées de côté (3, 4, 5, 6, 7…)."


@pytest.mark.parametrize("title", ["Nom", "Prénom", "birth", "nir", "email", "iban", "Rue"])
def test_a_row_that_says_anything_of_somebody_is_read(title):
    assert len(read(file(xlsx(TITLES, employee(), cells(**NOBODY | {title: "x"})))).rows) == 2


def test_a_file_whose_rows_name_nobody_has_no_row():
    with pytest.raises(Unreadable, match="aucune ligne"):
        read(file(xlsx(TITLES, cells(**NOBODY))))


def test_another_sheet_of_people_is_told_not_lost_unseen():
    sheet = read(file(xlsx(TITLES, employee(), other_sheets=[("Site de Dole", [TITLES, employee(Matricule="M2")])])))
    assert (sheet.name, len(sheet.rows)) == ("Salariés", 1)
    assert "Site de Dole" in sheet.remark
    assert read(file(xlsx(TITLES, employee(), other_sheets=[("Notes", [["à relire"]])]))).remark == ""


def test_the_column_of_errors_comes_back_unseen():
    assert read(file(xlsx([*TITLES, "Erreur"], [*employee(), "Nom : Indiquez le nom."]))).unknown_columns == []


def test_the_sheet_of_people_is_preferred_and_another_will_do():
    others = [("salaries ", [TITLES, employee()])]
    assert read(file(xlsx(TITLES, employee(Nom="Autre"), title="Copie", other_sheets=others))).name == "salaries "
    lists = [("Listes", [["Type", "Civilité", "Sexe", "Lien"]])]
    assert read(file(xlsx(TITLES, employee(), title="Feuil1", other_sheets=lists))).name == "Feuil1"


def test_what_is_not_the_template_says_so():
    assert "modèle" in refusal(xlsx(["a", "b"], [1, 2]), WrongTemplate)
    assert "modèle" in refusal(b"bonjour", WrongTemplate)
    assert "Date de naissance" in refusal(xlsx(["Type", "Matricule", "Nom", "Prénom"]), WrongTemplate)
    assert "modèle" in refusal(xlsx(*[["x"]] * 20, TITLES, employee()), WrongTemplate)


@pytest.mark.parametrize("version", [0, 2, 9999])
def test_another_version_of_the_template_is_refused(version):
    told = f"Modèle de préaffiliation, version {version}"
    assert "version" in refusal(xlsx(TITLES, employee(), other_sheets=[("Listes", [["x", told]])]), WrongTemplate)


def test_a_column_twice_is_refused():
    assert "« Nom »" in refusal(xlsx([*TITLES, "nom"], employee())).replace("\u202f", " ")


def test_a_file_without_people_is_refused():
    assert "aucune ligne" in refusal(xlsx(TITLES))
    assert "aucune ligne" in refusal(xlsx([*TITLES, "Service"], [*[""] * 30, "Atelier"]))


def test_twenty_thousand_rows_are_read_and_no_more():
    row = csv_text(["Enfant", "M1", "A", "B", "1"])
    content = csv_text(["Type", "Matricule", "Nom", "Prénom", "Date de naissance"]) + row * MOST_ROWS
    assert len(read(file(content.encode())).rows) == MOST_ROWS
    assert "20\u202f000" in refusal((content + row).encode())


def test_too_many_columns_are_refused():
    assert "256 colonnes" in refusal(xlsx([*TITLES, *(f"x{n}" for n in range(300))], employee()))


# ── One row ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_right_row_has_its_values():
    checked = one(iban=IBAN, Portable="06 12 34 56 78", email="l@EXEMPLE.fr", other="Non", number=12, used_name="Roux")
    assert (checked.verdict, checked.line, checked.matricule) == ("ok", 2, "M1")
    assert checked.values == {
        "role": 0,
        "matricule": "M1",
        "title": "Mme",
        "birth_name": "Orgebin",
        "used_name": "Roux",
        "first_name": "Lucie",
        "birth_date": date(1979, 9, 10),
        "sex": "F",
        "nir": nir("2790939966013"),
        "base_scheme": "GENERAL",
        "offer": OFFERS[0],
        "effective_on": date(2026, 12, 15),
        "street_number": "12",
        "street": "place du Neuf-Marché",
        "complement": "",
        "postal_code": "39200",
        "city": "Saint-Claude",
        "country": "France",
        "phone": "",
        "mobile": "+33612345678",
        "email": "l@exemple.fr",
        "reimbursement_iban": IBAN,
        "reimbursement_bic": "AGRIFRPPXXX",
        "contribution_iban": "",
        "contribution_bic": "",
        "other_cover": False,
        "relationship": "",
        "child_status": "",
        "proof": "",
    }
    assert checked.repairs == {"BIC prestation": "BIC rempli d’après l’IBAN."}


def test_a_bic_without_its_iban_is_told_to_be_of_no_use():
    checked = one(**{"IBAN prestation": "", "BIC prestation": "AGRIFRPPXXX"})
    assert checked.warnings == {"BIC prestation": "Sans IBAN, ce BIC ne sert à rien. Ajoutez l’IBAN, ou videz la case."}


def test_two_foreign_banks_are_not_taken_for_each_other():
    ibans = {"DE30100100100532013002": "PBNKDEFFXXX", "DE49100103000532013000": "KLRNDEBEXXX"}
    rows = [employee(Matricule=f"D{place}", iban=iban) for place, iban in enumerate(ibans)]
    assert [after(row, "BIC prestation") for row in check(*rows)] == list(ibans.values())


MANDATORY = ("Type", "Matricule", "Civilité", "Nom", "Prénom", "birth", "Sexe", "nir", "company", "college", "Garantie")


@pytest.mark.parametrize("name", [*MANDATORY, "effective", "Rue", "postal_code", "Ville"])
def test_what_an_employee_must_have_is_asked_at_its_cell(name):
    row = employee(**{name: " "})
    (checked,) = check(row)
    assert list(checked.errors) == [TITLES[next(n for n, cell in enumerate(row) if cell == " ")]]
    assert not checked.values


@pytest.mark.parametrize("name", ["Type", "Nom", "Prénom", "birth", "Sexe", "Matricule"])
@pytest.mark.parametrize("person", [spouse, child])
def test_what_a_dependent_must_have_is_asked_too(person, name):
    row = person(**{name: ""})
    assert len(said(employee(), row)) == 1


REPAIRED = [
    ("postal_code", "1000", "01000"),
    ("postal_code", 1000.0, "01000"),
    ("Nom", "\u00a0 Petit\u00a0 bois \u200b", "Petit bois"),
    ("Nom", "ORGEBIN", "Orgebin"),
    ("Prénom", "jean-PAUL".lower(), "Jean-Paul"),
    ("Civilité", "Madame", "Mme"),
    ("Sexe", "Féminin", "F"),
    ("birth", "10 sept. 1979", "10/09/1979"),
    ("birth", 29108, "10/09/1979"),
    ("birth", "1979-09-10", "10/09/1979"),
    ("effective", "1/12/26", "01/12/2026"),
    ("Portable", "6 12 34 56 78", "06 12 34 56 78"),
    ("Portable", 612345678, "06 12 34 56 78"),
    ("phone", 33199001001, "01 99 00 10 01"),
    ("nir", "2 79 09 39 966 013 " + nir("2790939966013")[13:], nir("2790939966013")),
    ("iban", "FR76 3000 6000 0112 3456 7890 189", IBAN),
    ("bic", " agri fr pp", "AGRIFRPP"),
    ("other", "O", "Oui"),
    ("other", True, "Oui"),
    ("scheme", "Régime général", "Assuré social"),
    ("Garantie", "Cadres Plus", "CAD-PLUS"),
    ("Type", "assuré", "Salarié"),
    ("birth", "lundi 10 septembre 1979", "10/09/1979"),
    ("birth", "10/09/1979 08:30", "10/09/1979"),
    ("birth", "29108.0", "10/09/1979"),
    ("birth", "'10/09/1979", "10/09/1979"),
    ("nir", f"{nir('2790939966013')}.0", nir("2790939966013")),
    ("nir", f"'{nir('2790939966013')}", nir("2790939966013")),
    ("Matricule", "1204.0", "1204"),
    ("postal_code", "39 200", "39200"),
    ("postal_code", "F-39200", "39200"),
    ("postal_code", "1000.0", "01000"),
    ("Portable", "612345678.0", "06 12 34 56 78"),
    ("Portable", "néant", ""),
    ("email", "Aucun", ""),
    ("used_name", "-", ""),
    ("Lien", "sans objet", ""),
    ("Situation", "/", ""),
    ("Civilité", "Melle", "Mme"),
    ("iban", f"IBAN : {IBAN}", IBAN),
    ("iban", f"iban {IBAN.lower()}", IBAN),
    ("birth", "10 / 09 / 1979", "10/09/1979"),
    ("birth", "10/ 09/1979", "10/09/1979"),
    ("birth", "10\u201109\u20111979", "10/09/1979"),
    ("birth", "1979–09–10", "10/09/1979"),
]


@pytest.mark.parametrize(("name", "typed", "kept"), REPAIRED)
def test_what_can_be_mended_safely_is_mended_and_said(name, typed, kept):
    checked = one(**{name: typed})
    title = next(title for title, cell in zip(TITLES, employee(**{name: "#"}), strict=True) if cell == "#")
    assert after(checked, title) == kept
    assert checked.errors == {}
    assert title in checked.repairs or typed is True
    (again,) = check_rows([(2, checked.cells)], context())
    assert (again.cells, again.errors, again.warnings, again.repairs) == (
        checked.cells,
        {},
        checked.warnings,
        {},
    )


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [("Type", "SALARIE", "Salarié"), ("Sexe", "f", "F"), ("Civilité", "mme.", "Mme"), ("Matricule", "m1", "M1")]
    + [("company", "ahl01", "AHL01"), ("birth", date(1979, 9, 10), "10/09/1979"), ("Matricule", 7.0, "7")],
)
def test_case_accents_and_true_dates_are_not_worth_a_word(name, typed, kept):
    checked = one(**{name: typed})
    assert kept in checked.cells
    assert (checked.verdict, checked.repairs) == ("ok", {})


@pytest.mark.parametrize(("title", "typed"), [("Complément", "A.0"), ("Matricule", "1,000"), ("Nom", "Aucune")])
def test_what_only_looks_like_a_repair_is_kept(title, typed):
    checked = one(**{title: typed})
    assert (after(checked, title), checked.repairs) == (typed, {})


def test_what_must_be_there_is_asked_for_where_nothing_is_said():
    assert list(one(nir="néant").errors) == ["N° S. Sociale"]
    assert "Prénom" in one(Prénom="-").errors


def test_zeros_that_a_code_lost_are_found_again():
    (checked,) = check(employee(company="PBM02", college=1, Garantie="ESS-BASE"))
    assert (after(checked, "Code collège"), checked.values["offer"]) == ("001", OFFERS[3])
    assert "Code collège" in checked.repairs


ERRORS = [
    ("Type", "Ami", "Salarié, Conjoint ou Enfant"),
    ("nir", nir("2790939966013")[:14], "il en faut 15"),
    ("nir", "1,85E+14", "illisible"),
    ("nir", "279093996601399", "clé"),
    ("birth", "31/02/1980", "31 février"),
    ("birth", "24/11/2026", "avenir"),
    ("birth", "01/01/1900", "120 ans"),
    ("birth", "1979", "Écrivez la date"),
    ("effective", "01/06/1900", "01/01/2018"),
    ("effective", "24/11/2027", "23/11/2027"),
    ("email", "prenom.nom.exemple.fr", "courriel"),
    ("Portable", "12", "téléphone"),
    ("postal_code", "392", "5 chiffres"),
    ("postal_code", "2A004", "5 chiffres"),
    ("iban", IBAN[:-1] + "8", "clé"),
    ("bic", "AGRI", "BIC"),
    ("number", date(2026, 5, 3), "date"),
    ("Nom", "x" * 256, "255 caractères"),
    ("Nom", "---", "lettres"),
    ("Nom", "x" * 81, "80 caractères"),
    ("Nom d'usage", "王", "lettres latines"),
    ("Prénom", "Zoé 😀", "signe"),
    ("Matricule", "9" * 33, "32 caractères"),
    ("company", "ZZZ", "AHL01 ou PBM02"),
    ("college", "ZZZ", "CAD ou NCA"),
    ("Garantie", "ZZZ", "CAD-PLUS"),
    ("college", "001", "CAD ou NCA"),
    ("other", "peut-être", "Oui ou Non"),
]


@pytest.mark.parametrize(("name", "typed", "words"), ERRORS)
def test_what_is_wrong_is_said_at_its_cell(name, typed, words):
    checked = one(**{name: typed})
    title = next(title for title, cell in zip(TITLES, employee(**{name: "#"}), strict=True) if cell == "#")
    assert list(checked.errors) == [title]
    assert words in checked.errors[title]
    assert checked.verdict == "error"


def test_no_sentence_holds_a_nir_or_an_iban():
    number, account = nir("2790939966013"), IBAN
    for row in (
        employee(nir=number[:14], iban=account[:-1]),
        employee(nir=number[:13] + "99", iban=account[:-1] + "8"),
        employee(nir=f"{number[:3]} {number[3:]}", iban=f"{account[:4]} {account[4:]}"),
        employee(nir=nir("7790939966013")),
    ):
        for checked in check(row, row):
            sentences = " ".join([*checked.errors.values(), *checked.warnings.values(), *checked.repairs.values()])
            assert number[3:10] not in sentences
            assert account[4:12] not in sentences


def test_a_number_in_scientific_notation_with_all_its_digits_is_read():
    digits = nir("2790939966013")
    assert one(nir=f"{digits[0]},{digits[1:]}E+14").values["nir"] == digits


WARNINGS = [
    ({"nir": nir("7790939966013")}, "N° S. Sociale", "provisoire"),
    ({"birth": "10/10/1979"}, "N° S. Sociale", "octobre 1979"),
    ({"Sexe": "M", "Civilité": "M."}, "N° S. Sociale", "masculin"),
    ({"effective": "31/07/2026"}, "Date d'effet", "3 mois"),
    ({"other": "Oui"}, "Autre régime", "dispense"),
    ({"birth": "10/09/2015"}, "Date de naissance", "16 ans"),
    ({"Portable": "03 84 45 00 01"}, "Portable", "aucun SMS"),
    ({"iban": "TR330006100519786457841326"}, "IBAN prestation", "zone SEPA"),
]


@pytest.mark.parametrize(("others", "title", "words"), WARNINGS)
def test_what_is_doubtful_is_said_and_accepted(others, title, words):
    checked = one(**others)
    assert checked.errors == {}
    assert words in checked.warnings[title]
    assert checked.verdict == "warning"
    assert checked.values


def test_another_country_has_its_own_postal_codes():
    assert one(Pays="Suisse", postal_code="1201").values["postal_code"] == "1201"
    assert (one(Pays="").values["country"], one(Pays="").repairs) == ("France", {})


def test_of_two_contracts_alike_the_latest_is_taken_and_said():
    later = replace(OFFERS[0], contract_id=9, contract_number="SC-9", subscribed_on=date(2025, 1, 1))
    (checked,) = check_rows([(2, employee())], Context([*OFFERS, later], TODAY))
    assert checked.values["offer"] == later
    assert "SC-9" in checked.warnings["Garantie"]


def test_without_any_contract_every_company_is_unknown():
    (checked,) = check_rows([(2, employee())], Context([], TODAY))
    assert "inconnue" in checked.errors["Code Entreprise"]


# ── Households ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dependent_has_the_contract_the_date_and_the_address_of_the_employee():
    for rows in ([employee(), spouse(), child()], [child(), spouse(), employee()]):
        checked = check(*rows)
        assert [row.verdict for row in checked] == ["ok"] * 3
        for row in checked:
            assert row.values["offer"] == OFFERS[0]
            assert row.values["effective_on"] == date(2026, 12, 15)
            assert row.values["city"] == "Saint-Claude"
    assert checked[1].values["relationship"] == "SPOUSE"
    assert checked[0].values["child_status"] == "DEPENDENT"
    assert checked[0].values["title"] == "Mme"
    assert after(checked[0], "Ville") == ""


def test_a_dependent_may_live_elsewhere_and_then_has_a_whole_address():
    elsewhere = {"Rue": "rue Haute", "postal_code": 1000, "Ville": "Bourg-en-Bresse"}
    assert check(employee(), child(**elsewhere))[1].values["postal_code"] == "01000"
    assert list(said(employee(), child(Rue="rue Haute"))) == ["Code Postal", "Ville"]


def test_a_dependent_has_no_other_contract_than_the_employee():
    same = {"company": "AHL01", "college": "CAD", "Garantie": "CAD-PLUS"}
    assert said(employee(), child(**same)) == {}
    assert said(employee(), child(Garantie="CAD-PLUS")) == {}
    assert list(said(employee(), child(company="AHL01", college="NCA", Garantie="ESS-BASE"))) == ["Garantie"]


def test_a_dependent_of_nobody_is_refused():
    assert "inconnu" in said(employee(), child(Matricule="M9"))["Matricule"]
    assert "inconnu" in said(child())["Matricule"]


def test_a_dependent_may_join_an_employee_who_is_known():
    (checked,) = check(child(effective="01/12/2026"), M1=KNOWN)
    assert (checked.values["offer"], checked.values["city"]) == (OFFERS[0], "Saint-Claude")
    assert "couvert depuis le 01/01/2020" in said(child(), M1=KNOWN)["Date d'effet"]
    gone = replace(KNOWN, terminated_on=date(2026, 10, 31))
    assert "plus couvert" in said(child(effective="01/12/2026"), M1=gone)["Matricule"]
    assert "inconnu" in said(child(effective="01/12/2026"), M1=replace(KNOWN, contract_id=99))["Matricule"]
    assert "Plusieurs" in said(child(effective="01/12/2026"), M1=replace(KNOWN, several=True))["Matricule"]


def test_only_the_employees_of_dependents_who_come_alone_are_looked_for():
    asked = []
    check_rows(
        [(2, employee()), (3, child()), (4, child(Matricule="x9"))],
        Context(OFFERS, TODAY, lambda matricules: asked.append(matricules) or {}),
    )
    assert asked == [{"X9"}]


def test_a_dependent_waits_for_the_employee_s_row_to_be_mended():
    sentence = said(employee(Nom=""), child())["Matricule"]
    assert "ligne 2" in sentence


def test_a_dependent_is_not_covered_before_the_employee():
    assert "15/12/2026" in said(employee(), child(effective="01/12/2026"))["Date d'effet"]
    assert said(employee(), child(effective="01/01/2027")) == {}


def test_a_child_born_after_the_employee_s_date_is_covered_from_birth():
    checked = check(employee(effective="01/11/2026"), child(birth="20/11/2026"))[1]
    assert checked.values["effective_on"] == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("birth", "status", "title"),
    [
        ("15/12/2006", "À charge", ""),
        ("14/12/2006", "À charge", "Situation"),
        ("14/12/2006", "", "Situation"),
        ("15/12/2001", "Étudiant", ""),
        ("14/12/2001", "Étudiant", "Date de naissance"),
        ("14/12/2001", "Apprenti", "Date de naissance"),
        ("14/12/1980", "Handicap", ""),
    ],
)
def test_a_child_has_the_age_of_the_contract(birth, status, title):
    assert list(said(employee(), child(birth=birth, Situation=status))) == [title] * bool(title)


@pytest.mark.parametrize(
    ("person", "title"),
    [
        (spouse(Lien="PACS"), "Lien"),
        (spouse(Lien="Concubin"), "Lien"),
        (spouse(Lien=""), "Lien"),
        (child(birth="01/01/2004", Situation="Étudiant"), "Situation"),
        (child(birth="01/01/1990", Situation="Handicap"), "Situation"),
    ],
)
def test_the_proofs_to_send_are_told(person, title):
    checked = check(employee(), person)[1]
    assert (checked.verdict, list(checked.warnings)) == ("warning", [title])


def test_two_spouses_are_doubtful():
    checked = check(employee(), spouse(), spouse(Prénom="Paul"))
    assert "ligne 3" in checked[2].warnings["Type"]
    assert checked[1].verdict == "ok"


def test_who_figures_twice_is_refused_the_second_time():
    first, second = check(employee(), employee())
    assert first.verdict == "ok"
    assert "ligne 2" in second.errors["Matricule"]
    assert "ligne 3" in said(employee(), child(), child())["Matricule"]
    assert "ligne 2" in said(employee(), employee(Matricule="M2"))["N° S. Sociale"]
    assert said(employee(), child(), child(Prénom="Zoé")) == {}


def test_two_people_have_not_one_nir():
    assert "ligne 2" in said(employee(), child(nir=nir("2790939966013")))["N° S. Sociale"]


def test_homonyms_born_the_same_day_are_doubtful():
    checked = check(employee(), employee(Matricule="M2", nir=nir("2790939966014")))[1]
    assert (checked.verdict, list(checked.warnings)) == ("warning", ["Nom"])


def test_both_parents_may_cover_a_child():
    other = employee(Matricule="M2", Nom="Clavelloux", nir=nir("2790939966014"))
    checked = check(employee(), child(), other, child(Matricule="M2"))[3]
    assert (checked.verdict, list(checked.warnings)) == ("warning", ["Nom"])


def test_a_child_of_both_parents_is_in_each_household_once():
    other = employee(Matricule="M2", Nom="Clavelloux", nir=nir("2790939966014"))
    twice = check(employee(), child(), other, child(Matricule="M2"), child(Matricule="M2"))[4]
    assert "ligne 5" in twice.errors["Matricule"]


def test_two_employees_have_not_one_matricule():
    first, second, third = check(employee(), employee(Nom="Autre", nir=nir("2790939966014")), child())
    assert "ligne 3" in first.errors["Matricule"]
    assert "ligne 2" in second.errors["Matricule"]
    assert "ligne 2" in third.errors["Matricule"]


def test_a_mended_row_is_checked_again_with_its_household():
    rows = check(employee(Nom=""), child())
    mended = [(row.line, row.cells) for row in rows]
    mended[0][1][TITLES.index("Nom")] = "Orgebin"
    assert [row.verdict for row in check_rows(mended, context())] == ["ok", "ok"]


def test_a_person_is_told_by_names_and_birth_and_otherwise_by_nir():
    assert one().identity == check(employee(Nom=" ORGEBIN", nir=""))[0].identity
    assert one(birth="").identity == f"nir:{nir('2790939966013')}"
    assert check(child(Nom=""))[0].identity == ""


# ── Any row ──────────────────────────────────────────────────────────────────────────────────────────────────────

words = st.sampled_from(
    ["", " ", "Salarié", "conjoint", "ENFANT", "M1", "m2", "1", "M", "F", "Mme", "AHL01", "CAD", "1000", "31133", "Oui"]
    + ["27/03/1985", "x" * 300, "'=1", "ŉ", "\x00", "\ud800", IBAN, nir("2790939966013"), "6 12 34 56 78", "1,8E+14"]
)
raw = words | st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.dates() | st.none()
likely = st.builds(
    lambda row, changes: [changes.get(place, cell) for place, cell in enumerate(row)],
    st.sampled_from([employee(), spouse(), child(), employee(Matricule="M2")]),
    st.dictionaries(st.integers(0, 29), raw, max_size=4),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(likely | st.lists(raw, max_size=32), max_size=6))
def test_no_row_is_a_fault_and_what_was_mended_is_mended(rows):
    checked = check(*rows)
    assert [row.line for row in checked] == list(range(2, len(rows) + 2))
    again = check_rows([(row.line, row.cells) for row in checked], context())
    for first, second in zip(checked, again, strict=True):
        assert second.repairs == {}
        assert (second.cells, second.errors, second.warnings) == (first.cells, first.errors, first.warnings)
        assert bool(first.values) != bool(first.errors)
        assert all(title in TITLES for title in (*first.errors, *first.warnings, *first.repairs))


ANOTHER = employee(Matricule="M3", Nom="", nir=nir("2790939966014"))
HOUSEHOLDS = [
    employee(),
    spouse(),
    child(),
    child(Matricule="M2", Prénom="Zoé"),
    ANOTHER,
    child(Matricule="M3", Nom="Roux"),
]


@settings(max_examples=50, deadline=None)
@given(st.permutations(HOUSEHOLDS))
def test_the_order_of_the_rows_changes_no_verdict(rows):
    verdicts = {tuple(row.cells): row.verdict for row in check(*rows)}
    assert verdicts == {tuple(row.cells): row.verdict for row in check(*sorted(rows))}


def test_cells_of_a_row_that_is_too_long_or_too_short_do_not_matter():
    assert check([*employee(), "x"])[0].verdict == "ok"
    assert check(employee()[:5])[0].verdict == "error"
    assert check(cells())[0].errors
