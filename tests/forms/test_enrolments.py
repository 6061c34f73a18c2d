"""The steps of an enrolment keep whatever a browser sends, and the rules answer to all of it with sentences."""

import dataclasses
import datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from wtforms.meta import DefaultMeta

from portal.enrolments import offer_of
from portal.forms import cleaned
from portal.forms.boxes import MARK, MOST, WRITTEN, sparing
from portal.forms.enrolments import STEPS, as_typed, with_a_child_more, without_child
from portal.household import MOST_CHILDREN, PRIVATE, Household, numbers_of_children
from portal.last_look import summary
from tests import enrolling

TODAY = datetime.date(2026, 11, 26)
CONTRACT = SimpleNamespace(
    id=1,
    number="HJ1",
    plan=SimpleNamespace(code="P", label="Essentielle"),
    subscribed_on=datetime.date(2020, 1, 1),
    child_max_age=21,
    child_student_max_age=25,
    child_end_rule="BIRTHDAY",
)
COMPANY = SimpleNamespace(code="E1", label="Ateliers")
OFFER = offer_of(
    SimpleNamespace(contract=CONTRACT, category=SimpleNamespace(id=1, code="001", label="Cadres", company=COMPANY))
)
TYPED = st.one_of(st.text(max_size=40), st.sampled_from(["", "31/06/2026", "0" * 15, "présent", "<b>", "FR76", "\x00"]))
RIGHT = {step: {name: [text] for name, text in words.items()} for step, words in enrolling.STEPS.items()} | {
    "garantie": {"contrat": ["HJ1"], "datedeffet": ["01/12/2026"]}
}


def boxes(step):
    names = [box.name for box in STEPS[step](None) if box.name not in ("version", "form_key", "averti", "enfants")]
    if step == "enfants":
        names += [f"enfants-{number}-{name}" for number in (0, 3) for name in ("nom", "datedenaissance", "situation")]
    return names


@pytest.mark.parametrize("step", STEPS)
@settings(deadline=None)  # the first one reads the registers of banks and telephones
@given(data=st.data())
def test_whatever_is_sent_is_kept_checked_and_shown(step, data):
    sent = data.draw(st.fixed_dictionaries({name: TYPED.map(lambda text: [text]) for name in boxes(step)}))
    if step in ("conjoint", "enfants"):
        sent["presence"] = ["present"]
    form = STEPS[step](as_typed(sent))
    kept = form.words()
    assert {name: kept[name] for name in kept if name in sent} == {
        name: [*map(cleaned, sent[name])] for name in kept if name in sent
    }
    home = Household(RIGHT | {step: kept}, OFFER, TODAY)
    errors = home.errors(step)
    form.show(home)
    form.tell({name: said for name, said in errors.items() if name in form or name.startswith("enfants-")})
    assert all(said and MARK not in said for said in errors.values())
    assert len(summary(home)) == 6


def lines_of(step, **words):
    said = RIGHT | {step: {name: [text] for name, text in words.items()}}
    found = {name: lines for name, _, lines in summary(Household(said, OFFER, TODAY))}
    return dict(found[step])


def test_a_number_of_overseas_is_read_again_as_it_will_be_kept():
    told = lines_of("coordonnees", **enrolling.ADDRESS | {"portable": "0692123456", "telfixe": "03 84"})
    assert told["Portable"].replace("\u00a0", " ").startswith("+262 692")
    assert told["N° Tél fixe"] == "03 84"


def test_a_daughter_who_studies_or_learns_is_told_so():
    children = enrolling.children(datetime.date(2004, 6, 15), datetime.date(2004, 6, 16))
    for number, (sex, status) in enumerate((("F", "Apprenti"), ("M", "Étudiant"))):
        children |= {f"enfants-{number}-sexe": sex, f"enfants-{number}-situation": status}
    told = lines_of("enfants", **children)
    assert "née le 15/06/2004, apprentie" in told["Enfant 1"] and "né le 16/06/2004, étudiant," in told["Enfant 2"]


def test_a_land_line_among_mobiles_and_an_account_out_of_sepa_are_doubts():
    coordinates = {name: [text] for name, text in enrolling.ADDRESS.items()} | {"portable": ["03 84 45 00 01"]}
    accounts = {"ibanprestation": ["TR330006100519786457841326"]}
    home = Household(RIGHT | {"coordonnees": coordinates, "comptes": accounts}, OFFER, TODAY)
    assert not home.errors("coordonnees") and not home.errors("comptes")
    (label, sentence), *others = home.doubts("coordonnees")
    assert label == "Portable" and "aucun SMS" in sentence and not others
    assert ["hors de la zone SEPA" in said for _, said in home.doubts("comptes")] == [True]


@settings(deadline=None)
@given(typed=st.text(max_size=30))
def test_a_box_is_written_the_same_once_as_anew(typed):
    form = STEPS["salarie"](as_typed({"nom": [typed]}))
    WRITTEN.clear()
    anew = str(DefaultMeta().render_field(form.nom, {"title": "x"}))
    assert [str(form.nom(title="x")) for _ in range(2)] == [anew, anew]
    assert not any(typed in text for text in WRITTEN.values() if len(typed) > 20)


def drawn(field, hint="", **given):
    """A macro: all that it writes of a box."""
    return Markup("{} {} {} {} {}").format(
        field.label.text, hint, sorted(given.items()), field.errors, field(title="x")
    )


drawn.name = "drawn"


@settings(deadline=None)
@given(
    typed=st.text(max_size=30),
    sex=st.sampled_from(["M", "F", "<b>", ""]),
    wrong=st.booleans(),
    hint=st.sampled_from(["", "<b>"]),
)
def test_a_macro_writes_the_same_once_as_anew(typed, sex, wrong, hint):
    form = STEPS["salarie"](as_typed({"nom": [typed], "sexe": [sex]}))
    form.tell({"sexe": "Choisissez.", "nom": "Indiquez le nom."} if wrong else {})
    for box in (form.nom, form.sexe, form.civilite):
        assert {str(sparing(drawn)(box, hint=hint, width="x")) for _ in range(2)} == {str(drawn(box, hint, width="x"))}
    assert not any(typed in text for text in WRITTEN.values() if len(typed) > 20)


def test_hints_of_each_answer_are_written_each_time():
    form = STEPS["salarie"](None)
    for hints in ({"M": "un"}, {"M": "deux"}):
        assert str(sparing(drawn)(form.sexe, hints=hints)) == str(drawn(form.sexe, hints=hints))


def test_the_contracts_of_one_user_are_not_written_for_another():
    others = [dataclasses.replace(OFFER, contract_number="HJ2", plan_label="Confort")]
    ours, theirs = (str(sparing(drawn)(STEPS["garantie"](None, offers=some).contrat)) for some in ([OFFER], others))
    assert "Essentielle" in ours and "Confort" in theirs and "Essentielle" not in theirs


def test_what_is_doubtful_of_one_of_several_children_says_of_which():
    child = {"enfants-0": {"prenom": "Léa"}, "enfants-4": {"prenom": "Tom", "nssociale": "1 94 06 39 478 031 95"}}
    words = {"nom": "Roux", "datedenaissance": "26/11/2022", "sexe": "M"}
    typed = {f"{who}-{name}": [text] for who, more in child.items() for name, text in (words | more).items()}
    home = Household(RIGHT | {"enfants": {"presence": ["present"]} | typed}, OFFER, TODAY)
    assert {label for label, _ in home.doubts("enfants")} == {"Enfant 2, N° S. Sociale"}
    alone = {name: texts for name, texts in typed.items() if "-4-" in name}
    home = Household(RIGHT | {"enfants": {"presence": ["present"]} | alone}, OFFER, TODAY)
    assert {label for label, _ in home.doubts("enfants")} == {"N° S. Sociale"}


def doubts(step, to_employee=False, **words):
    changed = {name.replace("__", "-"): [text] for name, text in words.items()}
    return dict(Household(RIGHT | {step: RIGHT[step] | changed}, OFFER, TODAY).doubts(step, to_employee))


def test_what_is_right_is_not_doubtful():
    assert [doubts(step) for step in RIGHT] == [{}] * len(RIGHT)


@pytest.mark.parametrize(
    ("words", "about"),
    [
        ({"civilite": "M."}, {"État civil"}),
        ({"civilite": "M.", "sexe": "M"}, {"N° S. Sociale"}),
        ({"sexe": "M"}, {"État civil", "N° S. Sociale"}),
    ],
)
def test_civility_sex_and_number_that_are_not_of_one_person_are_doubtful(words, about):
    assert doubts("salarie", **words).keys() == about


@pytest.mark.parametrize(("born", "doubtful"), [("30/06/1994", True), ("12/05/1960", True), ("01/07/2019", False)])
def test_a_child_who_is_not_younger_than_the_employee_is_doubtful(born, doubtful):
    child = {"prenom": "Léa", "nom": "Roux", "sexe": "F", "datedenaissance": born, "situation": "Handicap"}
    words = {f"enfants__0__{name}": text for name, text in child.items()} | {"presence": "present"}
    assert ("Date de naissance" in doubts("enfants", **words)) == doubtful
    if doubtful:
        assert "plus jeune que le salarié" in doubts("enfants", **words)["Date de naissance"]
        assert "plus jeune que vous" in doubts("enfants", to_employee=True, **words)["Date de naissance"]


@pytest.mark.parametrize(("private", "to_employee", "told"), [("", False, 1), ("oui", False, 0), ("oui", True, 1)])
def test_a_bic_of_another_bank_is_doubtful_and_tells_hr_nothing_of_the_account_the_employee_gave(
    private, to_employee, told
):
    words = {"bicprestation": "BNPAFRPPXXX"} | ({PRIVATE: private} if private else {})
    assert len(doubts("comptes", to_employee, **words)) == told


def test_the_boxes_that_are_kept_written_are_not_without_end():
    for number in range(MOST + 50):
        STEPS["enfants"](as_typed({f"enfants-{number % 99}-nom": ["x"]})).enfants[0].form.nom(title=str(number))
    assert len(WRITTEN) <= MOST


@settings(deadline=None)
@given(st.integers(0, 40))
def test_children_are_added_up_to_a_limit_and_taken_away(clicks):
    words = {"presence": ["present"], "enfants-0-nom": ["Roux"]}
    for _ in range(clicks):
        words = with_a_child_more(words)
    numbers = numbers_of_children(words)
    assert len(numbers) == min(clicks + 1, MOST_CHILDREN)
    assert numbers_of_children(without_child(words, numbers[-1])) == numbers[:-1]
