"""The pre-affiliation workbooks that are handed over with the project, row by row, as their `attendu.json` says."""

import datetime
import json

import pytest

from portal import clock
from portal.exchange import confirming, management_system, staging
from portal.exchange.affiliation_cells import TITLES
from portal.formats import search_key
from portal.models import (
    AffiliationImport,
    Beneficiary,
    ImportRow,
    ImportState,
    ManagedAccount,
    db,
)
from tests import factories
from tests.exchange.test_management_system import DATA as LOADED
from tests.exchange.test_management_system import ORDER

DATA = LOADED.parent / "prefiliation"
EXPECTED = json.loads((DATA / "attendu.json").read_text()) if DATA.exists() else {"files": {}}
WORDS = {"ERROR": "rejected", "WARNING": "accepted-with-warning"}
# What the sentence of a rejection holds, by the idea that `attendu.json` wants in it.
MARKS = {
    "date": "n’existe pas",
    "inconnu": "inconnu",
    "inconnue": "inconnue",
    "clé": "clé",
    "obligatoire": "indiquez",
    "ancienne": "au plus tôt",
    "doublon": "déjà",
    "affilié": "affilié",
    "format": "",
    "illisible": "que les premiers chiffres",
}

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the examples are not beside the project")


@pytest.fixture
def jura(database, monkeypatch):
    """HR of the account of the examples, on their reference date, with set B loaded."""
    noon = datetime.datetime.fromisoformat(f"{EXPECTED['reference_date']}T11:00:00")
    monkeypatch.setattr(clock, "now", lambda: noon)
    for kind in ORDER:
        assert not management_system.load(kind, LOADED / f"{kind}.csv").errors
    return factories.user(accounts=[ManagedAccount.get(ManagedAccount.code == EXPECTED["account_code"])])


def staged(user, name):
    source = AffiliationImport.send(user.accounts().get().id, user, name, (DATA / name).read_bytes(), None)
    staging.read(source)
    assert source.state == ImportState.CHECKED, source.fault
    return source


def verdict(row):
    """Who is covered already and stays so is said with a warning."""
    unchanged = row.verdict == "UNCHANGED" and row.notes.get("warnings")
    return "accepted-with-warning" if unchanged else WORDS.get(row.verdict, "accepted")


def fault(source, row, wanted):
    """What is not as expected of a row; nothing when it is."""
    if verdict(row) not in {wanted["verdict"], *wanted.get("tolerated", ())}:
        notes = row.notes if row.verdict == "ERROR" or not tolerable(row.notes) else None
        return notes and f"{row.line}: {row.verdict} instead of {wanted['verdict']}: {notes}"
    named = wanted if wanted["verdict"] == "rejected" else wanted.get("if_rejected", {})
    if row.verdict == "ERROR" and named:
        return misnamed(row, named)
    if row.verdict != "ERROR":
        texts = dict(zip(TITLES, staging.cells_of(source, row), strict=True))
        kept = {title: iso(texts[title]) for title in wanted.get("expect", ())}
        return kept != wanted.get("expect", {}) and f"{row.line}: kept {kept.keys()} otherwise than expected"
    return None


def tolerable(notes):
    """Warnings that are welcome everywhere: a proof, a BIC, another scheme, a land line, a date that has passed."""
    welcome = {"Type", "BIC prestation", "Autre régime", "Portable", "Lien conjoint", "Situation", "Date d'effet"}
    return set(notes.get("warnings", {})) <= welcome | {"Lien", "Situation enfant"}


def misnamed(row, named):
    said = row.notes["errors"]
    sentence = said.get(named["column"], "") or next(iter(said.values()))
    titles = {named["column"], "Matricule", "Nom"} if named["reason"] == "doublon" else {named["column"]}
    if not titles & set(said) or search_key(MARKS[named["reason"]]) not in search_key(sentence):
        return f"{row.line}: {named} was said as {said}"
    return None


def iso(text):
    """A cell as `attendu.json` writes it: dates in ISO, telephones as they are dialled from abroad."""
    day, _, rest = text.partition("/")
    if len(rest) == 7:
        month, _, year = rest.partition("/")
        return f"{year}-{month}-{day}"
    digits = text.replace(" ", "")
    return (
        f"+33{digits[1:]}" if digits.startswith("06") and len(digits) == 10 else digits if digits[:2] == "FR" else text
    )


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_each_row_has_the_verdict_that_is_expected(jura, name):
    expected = EXPECTED["files"][name]
    source = staged(jura, name)
    rows = {row.line: row for row in source.rows.order_by(ImportRow.line)}
    assert len(rows) == expected["persons"]
    assert sorted(source.unknown_columns) == sorted(expected.get("unknown_columns", ()))
    listed = expected["rows"] if isinstance(expected["rows"], list) else []  # otherwise all are accepted
    others = [row for line, row in rows.items() if line not in {row["row"] for row in listed}]
    assert not [row.notes for row in others if row.verdict == "ERROR" or not tolerable(row.notes)]
    assert not [row for row in listed if row["verdict"] == "ignored" and row["row"] in rows]
    faults = [fault(source, rows[row["row"]], row) for row in listed if row["verdict"] != "ignored"]
    assert not list(filter(None, faults))


def test_two_thousand_people_are_affiliated_once(jura):
    before = Beneficiary.select().count()
    for _ in range(2):
        source = staged(jura, "prefiliation-2000.xlsx")
        source.move(ImportState.CONFIRMING, asked_by=jura)
        confirming.confirm(source)
        assert source.state == ImportState.DONE
    assert Beneficiary.select().count() == before + 2_000
    assert {row.verdict for row in source.rows} == {"UNCHANGED"}
    assert db.execute_sql("SELECT COUNT(DISTINCT movement_id) FROM import_row").fetchone() == (2_000,)
