"""The filter above « Liste des contrats »."""

from wtforms import StringField

from portal.formats import search_words
from portal.forms.filters import Filter
from portal.models import GroupContract


class ContractFilter(Filter):
    q = StringField("N° de contrat ou entreprise")

    @property
    def typed(self):
        return (self.q.data or "").strip()[:60]

    def narrow(self, contracts):
        """`contracts`: with their company, in the same query."""
        for word in search_words(self.typed):
            contracts = contracts.where(GroupContract.naming(word))
        return contracts

    def in_force(self):
        """What narrows the list now, to be taken away: (parameter, what to write)."""
        return [("q", f"«\u202f{self.typed}\u202f»")] if self.typed else []
