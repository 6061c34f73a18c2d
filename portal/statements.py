"""What a statement says: its lines, what changed since the one before, and the PDF of it, made once."""

from portal import clock, database, documents
from portal.formats import SPACE, date_fr, euros, share
from portal.models import ContributionStatement, StatementLine, db, fn
from portal.rules.contributions import CHANGED, IN, OUT, WHOLE, Charged, differences

DOCUMENT = "CONTRIBUTION_STATEMENT"
CAUSES = {
    "FAMILY": "la famille a changé",
    "PRICE": "le tarif a changé",
    "PORTION": "mois incomplet, d’un côté ou de l’autre",
    "SHARE": "la part de l’employeur a changé",
    "CORRECTION": "régularisation",
}
COLUMNS = (
    *(StatementLine.member_number, StatementLine.is_correction, StatementLine.band, StatementLine.price),
    *(StatementLine.employer, StatementLine.employee, StatementLine.portion),
    *(StatementLine.label, StatementLine.starts_on, StatementLine.ends_on),
)


# ── What changed ─────────────────────────────────────────────────────────────────────────────────────────────────


class Changes:
    """Between a statement and the one before: `rows`, (rules.Difference, who, in words why), the greatest first."""

    def __init__(self, statement):
        self.statement, self.before = statement, None if statement.is_note else statement.before
        self.rows = []
        if self.before is None:  # nothing to compare: its lines are added up where they are
            self.called = Called.summed(statement)
            return
        old, self.called = charged(self.before, statement)
        new = self.called
        if old.by_member and new.by_member:
            found = differences(old.by_member, new.by_member)
            self.rows = [
                (one, (new if one.kind != OUT else old).who[one.member], cause(one, old, new)) for one in found
            ]
            self.rows.sort(key=lambda row: (-abs(row[0].amount), row[1]))

    @property
    def amount(self):
        return self.statement.total - self.before.total if self.before else 0

    def count(self, kind):
        return sum(one.kind == kind for one, _, _ in self.rows)

    @property
    def counts(self):
        """How many came, left, and pay another amount."""
        return self.count(IN), self.count(OUT), self.count(CHANGED)


class Called:
    """The lines of a statement, an employee at a time; their names and days too."""

    def __init__(self):
        self.by_member, self.who, self.days = {}, {}, {}
        self.count = self.employer = self.employee = 0  # lines, and cents of each part

    @classmethod
    def summed(cls, statement):
        """How many lines a statement has and the cents of each part, without the lines."""
        called, line = cls(), StatementLine
        sums = fn.COUNT(line.id), database.summed(line.employer), database.summed(line.employee)
        called.count, called.employer, called.employee = statement.lines.select(*sums).tuples().get()
        return called

    def add(self, member, is_correction, band, price, employer, employee, portion, label, starts_on, ends_on):
        self.count, self.employer, self.employee = self.count + 1, self.employer + employer, self.employee + employee
        known = self.by_member.get(member)
        self.who[member] = label
        if is_correction:
            known = known or Charged("", 0, 0, 0, 0)
            amounts = known.employer + employer, known.employee + employee
            changed = known._replace(employer=amounts[0], employee=amounts[1])
            self.by_member[member] = changed._replace(correction=known.correction + employer + employee)
            return
        self.days[member] = starts_on, ends_on
        more = (known.employer, known.employee, known.correction) if known else (0, 0, 0)
        self.by_member[member] = Charged(band, price, employer + more[0], employee + more[1], portion, more[2])


def charged(*statements):
    """What each of these called, read together; nothing of one that is None."""
    called = {one.id: Called() for one in statements if one}
    rows = StatementLine.select(StatementLine.statement, *COLUMNS).where(StatementLine.statement.in_(list(called)))
    for statement, *row in rows.order_by(StatementLine.id).tuples():
        called[statement].add(*row)
    return [called[one.id] if one else Called() for one in statements]


def cause(one, old, new):
    """Why, in words: « entrée le 12/03/2026 », « Isolé → Famille »; with what of it is of periods before."""
    if one.kind != CHANGED:
        side, place, came = (new, 0, "entrée") if one.kind == IN else (old, 1, "sortie")
        day, of_before = side.days.get(one.member), side.by_member[one.member].correction
        if not day:
            return CAUSES["CORRECTION"]
        return f"{came} le {date_fr(day[place])}" + (
            f", dont {CAUSES['CORRECTION']}{SPACE}: {euros(of_before)}" if of_before else ""
        )
    said = []
    for key in one.causes:
        pair = old.by_member[one.member], new.by_member[one.member]
        detail = {
            "FAMILY": lambda a, b: f" : {a.band} → {b.band}",
            "PRICE": lambda a, b: f" : {euros(a.price)} → {euros(b.price)} par mois",
            "CORRECTION": lambda a, b: f" : {euros(b.correction - a.correction)}",
        }.get(key, lambda a, b: "")
        said.append(CAUSES[key] + detail(*pair).replace(" :", f"{SPACE}:"))
    return ", ".join(said)


# ── Disputed ─────────────────────────────────────────────────────────────────────────────────────────────────────


def disputed(line):
    """What a request about a line says from the start: the line itself, then the place of what is disputed."""
    statement, days = line.statement, f"du {date_fr(line.starts_on)} au {date_fr(line.ends_on)}"
    kind = "régularisation" if line.is_correction else f"{line.band}, {euros(line.price)} par mois"
    amounts = f"employeur {euros(line.employer)}, salarié {euros(line.employee)}, total {euros(line.total)}"
    message = (
        f"Bordereau n°\u00a0{statement.number} du {date_fr(statement.issued_on)}, "
        f"contrat {statement.contract.number}.\n"
        f"Ligne\u00a0: {line.label}, n° d’adhérent {line.member_number}, {kind}, {days}, {amounts}.\n\n"
        "Ce que nous contestons\u00a0: "
    )
    detail = f"Bordereau {statement.number}\u00a0: ligne de {line.label}"[:150]
    place = statement.contract.category.company.code
    return {"lieu": place, "nature": "CONTRIBUTIONS", "detail": detail, "message": message}


# ── The PDF ──────────────────────────────────────────────────────────────────────────────────────────────────────


def document_of(statement, payee, now):
    """The PDF of a statement, asked for once: it never changes. `payee`: (name, IBAN, BIC) of the mutual.

    One that the worker gave up is tried again.
    """
    with db.atomic():
        held = ContributionStatement.select().where(ContributionStatement.id == statement.id)
        held = database.locked(db, held).get()
        if held.document_id is None:
            held.document = documents.ask(
                "contribution_statement",
                words(statement, payee, now),
                now,
                title=f"Bordereau d’appel n°{SPACE}{statement.number}",
                document_type=DOCUMENT,
                account=statement.contract.category.account_id,
                contract=statement.contract,
            )
            held.save(only=[ContributionStatement.document])
        elif held.document.has_failed(now):
            held.document.try_again()
    return held.document


def words(statement, payee, now):
    """What the PDF says, as JSON takes it; `statement`: whole."""
    contract, changes = statement.contract, Changes(statement)
    category = contract.category
    recipient = f"{category.call_recipient_title} {category.call_recipient_label}".strip()
    lines = list(statement.lines.order_by(StatementLine.name_key, StatementLine.member_number, StatementLine.id))
    return {
        "on": date_fr(clock.day_of(now)),
        "number": statement.number,
        "is_credit": statement.total < 0,
        "facts": [
            ("Entreprise", f"{category.company.label}, SIRET {category.company.siret}"),
            ("Destinataire d’appel", recipient),
            ("Payeur", statement.payer),
            ("Contrat", f"{contract.number}, collège {category.code} – {category.label}"),
            ("Produit", statement.plan.label),
            ("Période", f"du {date_fr(statement.period_start)} au {date_fr(statement.period_end)}"),
            ("Date du bordereau", date_fr(statement.issued_on)),
            ("Échéance", date_fr(statement.due_on)),
            ("Mode de règlement", contract.payment_method),
        ],
        "total": euros(statement.total),
        "parts": [euros(sum(getattr(line, part) for line in lines)) for part in ("employer", "employee")],
        "lines": [printed(line) for line in lines],
        "changes": [
            (who, why, euros(one.before), euros(one.after), euros(one.amount)) for one, who, why in changes.rows
        ],
        "before": changes.before and changes.before.number,
        "difference": euros(changes.amount),
        "method": contract.payment_method,
        "due_on": date_fr(statement.due_on),
        "payee": transfer(statement, payee, statement.total) if statement.total > 0 else None,
    }


def printed(line):
    """Few cells, since thousands are drawn; the days are told of who was not there for the whole period."""
    said, structure = f"{line.label} ({line.member_number})", line.band
    days = f"du {date_fr(line.starts_on)} au {date_fr(line.ends_on)}"
    if line.is_correction:
        said, structure = f"{line.label}{SPACE}: régularisation", f"{structure}, {days}"
    elif line.portion != WHOLE:
        structure = f"{structure}, {days} ({share(line.portion)})"
    return [said, structure, *(euros(cents) for cents in (line.price, line.employer, line.employee, line.total))]


def to_transfer(statement, payee, was_rejected, today):
    """Where what is left of it is transferred, as `transfer` gives it; None where it is not paid so, or not yet."""
    by_transfer = was_rejected or statement.contract.payment_method == "Virement"
    if by_transfer and statement.rest > 0 and statement.issued_on <= today:
        return transfer(statement, payee, statement.rest)
    return None


def transfer(statement, payee, cents):
    """To whom, how much, and the reference by which the payment finds its statement."""
    name, iban, bic = payee
    return {"name": name, "iban": iban, "bic": bic, "cents": cents, "reference": statement.number}
