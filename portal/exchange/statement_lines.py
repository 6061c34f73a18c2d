"""Files of the detail of statements: what each employee is called for, to the cent of their statement."""

from datetime import date
from typing import Any, NamedTuple

from portal.exchange.columns import cents, code, day, one_of, optional, share, words
from portal.exchange.loading import Column, Key, Kind, Mirror, Report
from portal.exchange.many import among, chunks
from portal.formats import euros, sort_key
from portal.models import ContributionStatement, StatementLine, fn

LINE = (
    *("statement", "member_number", "is_correction", "starts_on", "beneficiary", "label", "name_key"),
    *("band", "price", "employer", "employee", "ends_on", "portion"),
)
KEY = LINE[:4]
WHOLE = 10_000
STATEMENTS = """SELECT s.number, s.id, c.account_id, CAST(s.period_start AS TEXT), CAST(s.period_end AS TEXT),
    CAST(s.issued_on AS TEXT), s.computed FROM contribution_statement s JOIN group_contract g ON g.id = s.contract_id
    JOIN employee_category c ON c.id = g.category_id WHERE s.number"""
PEOPLE = """SELECT member_number, id, account_id, first_name, birth_name, used_name, name_key
    FROM beneficiary WHERE member_number"""


class Known(NamedTuple):
    """A statement that the lines of a chunk are of; dates as their text."""

    id: int
    account: int
    starts_on: str
    ends_on: str
    issued_on: str
    computed: bool


class Written(Mirror):
    """Lines. Those of a statement that is issued never change."""

    def __init__(self, kind: "StatementLines") -> None:
        super().__init__(StatementLine, KEY, LINE)
        self.kind = kind

    def change(self, key: Key, row: int, old: tuple, new: tuple) -> dict[str, Any]:
        values = super().change(key, row, old, new)
        self.kind.refuse_change(key, values)
        return values


class StatementLines(Kind):
    label = "Lignes de bordereaux"
    key = ("statement_number", "member_number", "correction", "starts_on")
    columns = (
        Column("statement_number", code),
        Column("member_number", code, again=0),
        optional("correction", one_of(Oui=True, Non=False), blank=False),
        Column("starts_on", day),
        Column("ends_on", day),
        optional("employee_name", words, again=0),
        Column("structure", words),
        Column("price", cents),
        Column("employer_part", cents),
        Column("employee_part", cents),
        optional("portion", share, blank=WHOLE),
    )
    TOLD = {"ends_on": "ends_on", "band": "structure", "price": "price", "employer": "employer_part"} | {
        "employee": "employee_part",
        "portion": "portion",
    }

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.mirror = Written(self)
        self.statements: dict[str, Known] = {}  # of one chunk
        self.people: dict[str, tuple] = {}
        self.lines: dict[Key, int] = {}
        self.first: dict[int, tuple[int, str]] = {}  # of the file: statement → its first line, its number
        self.upcoming: dict[int, set[Key]] = {}  # statements that are still to be issued → what the file says of them

    def look_up(self, rows: list[tuple]) -> None:
        found = among(STATEMENTS, list({row[0] for row in rows}))
        self.statements = {number: Known(*values) for number, *values in found}
        self.people = {number: tuple(values) for number, *values in among(PEOPLE, [row[1] for row in rows])}
        self.lines = {}

    def record(self, row: tuple) -> tuple[Key, tuple]:
        number, member_number, is_correction, starts_on, ends_on, name, *amounts, portion = row
        statement = self.statement(number)
        if ends_on < starts_on:
            self.report.fault("ends_on", "Cette date est avant le début. Corrigez l’une des deux.")
        if statement and not is_correction and not statement.starts_on <= starts_on <= ends_on <= statement.ends_on:
            self.report.fault("starts_on", "Ces dates sortent de la période du bordereau. Corrigez-les.")
        key = (statement and statement.id, member_number, is_correction, starts_on)
        who = self.who(member_number, name, statement)
        if statement:
            self.lines[key] = self.report.line
            self.first.setdefault(statement.id, (self.report.line, number))
            if statement.issued_on > self.today.isoformat():
                self.upcoming.setdefault(statement.id, set()).add(key)
        return key, (*key, *who, *amounts, ends_on, portion)

    def statement(self, number: str) -> Known | None:
        found = self.statements.get(number)
        if found is None:
            said = "Ce bordereau est inconnu. Chargez-le d’abord, ou corrigez son numéro."
            self.report.fault("statement_number", said)
        elif found.computed:
            self.report.fault("statement_number", "Ce bordereau est calculé par le portail. Retirez ses lignes.")
        return found

    def who(self, member_number: str, name: str, statement: Known | None) -> tuple:
        """(person or None, their name as it is written, the key of its order)."""
        id, account, first_name, birth_name, used_name, name_key = self.people.get(member_number) or (None,) * 6
        if id is None:
            if not name:
                self.report.fault("employee_name", "Cet adhérent est inconnu du portail. Écrivez son nom.")
            return None, name, sort_key(name)
        if statement and account != statement.account:
            self.report.fault("member_number", "Cet adhérent n’est pas du compte de ce bordereau. Corrigez le numéro.")
        return id, f"{first_name} {(used_name or birth_name).upper()}", name_key

    def refuse_change(self, key: Key, values: dict[str, Any]) -> None:
        name = next((name for name in values if name in self.TOLD), None)
        if name and key[0] not in self.upcoming:
            said = "Ce bordereau est émis, ses lignes ne changent plus. Portez la correction sur le suivant."
            self.report.fault(self.TOLD[name], said, self.lines[key])

    def finish(self) -> None:
        """The lines of each statement make its total; those that the file left out are gone, where it may still say."""
        if self.report.count:
            return
        for statement, keys in self.upcoming.items():
            self.forget_others(statement, keys)
        for some in chunks(sorted(self.first), 500):
            for id, total, called in totals(some):
                if total != called:
                    line, number = self.first[id]
                    said = f"les lignes de {number} font {euros(called)}, et le bordereau {euros(total)}. Corrigez-les."
                    self.report.fault("employer_part", said, line)

    def forget_others(self, statement: int, keys: set[Key]) -> None:
        row = StatementLine
        there = row.select(row.id, *(getattr(row, name) for name in KEY)).where(row.statement == statement).tuples()
        gone = [id for id, of, number, is_correction, on in there if (of, number, is_correction, f"{on}") not in keys]
        for some in chunks(gone, 500):
            row.delete().where(row.id.in_(some)).execute()


def totals(statements: Any) -> Any:
    """(statement, its total, what its lines make)."""
    row, line = ContributionStatement, StatementLine
    parts = fn.COALESCE(fn.SUM(line.employer + line.employee), 0).cast("BIGINT")
    joined = row.select(row.id, row.total, parts).join(line, on=(line.statement == row.id))
    return joined.where(row.id.in_(statements)).group_by(row.id, row.total).tuples()
