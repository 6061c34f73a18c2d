"""The filters above statements and payments."""

import datetime

from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from portal import database
from portal.formats import date_fr, search_words
from portal.forms.checks import typed_day
from portal.forms.filters import Filter, SharedSelect
from portal.models import ContributionStatement, Payment, StatementLine, StatementState, db
from portal.rules.contributions import Member
from portal.rules.dates import months_after, months_before

METHODS = ("Prélèvement", "Virement", "Chèque", "Télérèglement")
STATES = {
    "a-regler": (StatementState.DUE, StatementState.PARTLY),
    "retard": (StatementState.LATE,),
    "regles": (StatementState.SETTLED,),
    "a-venir": (StatementState.UPCOMING,),
    "avoirs": (StatementState.CREDIT,),
}
LABELS = {
    "a-regler": "À régler",
    "retard": "En retard",
    "regles": "Réglés",
    "a-venir": "À venir",
    "avoirs": "Avoirs",
}


class MoneyFilter(Filter):
    """What both lists have: a number to look for; an unknown value narrows nothing."""

    q = StringField("N° de bordereau ou de contrat, produit")

    @property
    def typed(self):
        return (self.q.data or "").strip()[:32]

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        words = {"q": f"«\u202f{self.typed}\u202f»" if self.typed else ""} | self.words()
        return [(name, written) for name, written in words.items() if written]


class PaymentFilter(MoneyFilter):
    mode = SelectField("Mode de règlement", widget=SharedSelect())
    du = StringField("Depuis le")
    au = StringField("Jusqu’au")

    def __init__(self, arguments, today):
        super().__init__(arguments)
        self.q.label.text = "Référence ou n° de contrat"
        self.mode.choices = [SelectChoice("", "Tous"), *(SelectChoice(one, one) for one in METHODS)]
        self.since, self.until = typed_day(self.du, today), typed_day(self.au, today)
        if self.since and self.until and self.until < self.since:
            self.au.errors, self.until = ["Cette date est avant le début de la période. Corrigez l’une des deux."], None

    def narrow(self, payments):
        if self.typed:
            payments = payments.where(Payment.naming(self.typed))
        if self.mode.data in METHODS:
            payments = payments.where(Payment.payment_method == self.mode.data)
        if self.since:
            payments = payments.where(Payment.paid_on >= self.since)
        if self.until:
            payments = payments.where(Payment.paid_on <= self.until)
        return payments

    def words(self):
        return {
            "mode": self.mode.data if self.mode.data in METHODS else "",
            "du": f"Depuis le {date_fr(self.since)}" if self.since else "",
            "au": f"Jusqu’au {date_fr(self.until)}" if self.until else "",
        }


class ScheduleFilter(MoneyFilter):
    annee = SelectField("Échéances de")
    etat = SelectField("État", widget=SharedSelect())

    def __init__(self, arguments, years, today):
        """`years`: those that have a due date."""
        super().__init__(arguments)
        self.today = today
        self.annee.choices = [SelectChoice("", "Toutes"), *(SelectChoice(str(y), str(y)) for y in years)]
        self.etat.choices = [SelectChoice("", "Tous"), *(SelectChoice(*pair) for pair in LABELS.items())]
        known = self.annee.data or ""
        self.year = next((year for year in years if str(year) == known), None)

    def narrow(self, statements):
        if self.typed:
            statements = statements.where(ContributionStatement.naming(self.typed))
        if self.year:
            first, last = datetime.date(self.year, 1, 1), datetime.date(self.year, 12, 31)
            statements = statements.where(ContributionStatement.due_on.between(first, last))
        if self.etat.data in STATES:
            wanted = [ContributionStatement.in_state(state, self.today) for state in STATES[self.etat.data]]
            statements = statements.where(wanted[0] | wanted[-1])
        return statements

    def words(self):
        return {"annee": str(self.year or ""), "etat": LABELS.get(self.etat.data, "")}


class HireFilter(Filter):
    """« Et si j’embauche ? »: a contract, a family, a first day; what cannot be read is said at its box."""

    contrat = SelectField("Contrat et collège")
    date = StringField("Date d’embauche")
    conjoint = SelectField("Conjoint à couvrir")
    enfants = SelectField("Enfants à couvrir")
    MOST_CHILDREN = 9

    def __init__(self, arguments, contracts, today):
        """`contracts`: those that may be chosen, with college and company; the only one is chosen already."""
        following = months_after(today.replace(day=1), 1)
        alone = contracts[0].number if len(contracts) == 1 else ""
        super().__init__(arguments, contrat=alone, date=f"{following:%d/%m/%Y}", conjoint="non", enfants="0")
        self.known = {one.number: one for one in contracts}
        self.contrat.choices = [SelectChoice("", "Choisir"), *(SelectChoice(one.number, of(one)) for one in contracts)]
        self.conjoint.choices = [SelectChoice("non", "Non"), SelectChoice("oui", "Oui")]
        self.numbers = [str(number) for number in range(1, self.MOST_CHILDREN + 1)]
        self.enfants.choices = [SelectChoice("0", "Aucun"), *(SelectChoice(number, number) for number in self.numbers)]
        self.day = self.read_day(today)
        if self.contrat.data and not self.contract:
            self.contrat.errors = ["Ce contrat n’est pas dans la liste. Choisissez-en un autre."]

    def read_day(self, today):
        day = typed_day(self.date, today)
        if day and not months_before(today, 12) <= day <= months_after(today, 12):
            self.date.errors = ["Choisissez une date à moins d’un an d’aujourd’hui."]
            return None
        if day is None and not self.date.errors:
            self.date.errors = ["Indiquez la date d’embauche."]
        return day

    @property
    def contract(self):
        return self.known.get(self.contrat.data)

    @property
    def household(self):
        """The employee, a spouse and children, as the rules take them; all from that day."""
        children = int(self.enfants.data) if self.enfants.data in self.numbers else 0
        adults = 2 if self.conjoint.data == "oui" else 1
        return [Member(place < adults, self.day) for place in range(adults + children)]


def of(contract):
    """A contract as it is chosen: the company, the college, the number."""
    place = contract.category
    return f"{place.company.label} · {place.code} {place.label} · {contract.number}"


class LineFilter(MoneyFilter):
    """Above the lines of one statement."""

    def __init__(self, arguments):
        super().__init__(arguments)
        self.q.label.text = "Nom ou n° d’adhérent"

    def narrow(self, lines):
        for word in search_words(self.typed):
            named = database.contains(db, StatementLine.name_key, word)
            lines = lines.where(named | StatementLine.member_number.contains(word) | StatementLine.label.contains(word))
        return lines

    def words(self):
        return {}
