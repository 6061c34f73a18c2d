"""What the screens show, of all that the user may see: an account, one of its companies, one of its colleges."""

from functools import reduce
from operator import or_
from types import SimpleNamespace

from portal.rules import threads

EVERYTHING = "tous"


class Scope:
    """The account and company chosen on screen. A filter, never the door."""

    def __init__(self, rows, asked):
        """`rows`: `user.scope_rows` of what was asked; who sees one account alone sees it, whole, instead of all."""
        whole, everything = rows[0], asked in ("", EVERYTHING)
        self.account_count = whole.account_count
        self.asked = whole.account_code if everything and self.single else asked
        self.chosen = [row for row in rows if row.account_code and self.asked in codes(row)]
        self.account = self.chosen[0] if self.chosen else None
        self.rows = [row for row in rows if self.account and row.account_code == self.code]
        self.awaited = whole.awaited_in_all if everything else sum(row.awaited for row in self.chosen)
        self.actions = reduce(or_, [row.actions or 0 for row in self.chosen if row.category_id], 0)
        self.actions = self.actions if self.account and self.actions else whole.actions_in_all or 0
        self.unread = {threads.REQUEST: whole.unread_requests, threads.COMPLAINT: whole.unread_complaints}
        self.offered = list({row.account_code: row for row in rows if row.account_code}.values())

    @classmethod
    def read(cls, user, asked, recent=()):
        """The scope of an address (`C004127.0412701.001`); None when it is not this user's, or does not exist.

        `recent`: the codes of the accounts looked at last, to be `offered` as the favourites are.
        """
        everything = asked in ("", EVERYTHING)
        scope = cls(user.scope_rows(() if everything else beginnings(asked), recent), asked)
        return scope if everything or scope.account else None

    @property
    def single(self):
        return self.account_count == 1

    def holds(self, action):
        """Whether a grant lets the user do this somewhere in the scope."""
        return bool(self.actions & action)

    @property
    def code(self):
        return self.account.account_code if self.account else ""

    @property
    def address(self):
        """What the address says of it: « tous » too, where another choice could be made; None with no account."""
        return self.asked or (EVERYTHING if self.account_count > 1 else None)

    @property
    def label(self):
        return self.account.account_name if self.account else "Tous mes comptes"

    @property
    def is_whole_account(self):
        return bool(self.account) and self.asked == self.account.account_code

    @property
    def company_label(self):
        if not self.account or self.is_whole_account:
            return "Toutes les entreprises"
        row = self.chosen[0]
        one_college = self.asked != f"{row.account_code}.{row.company_code}"
        return f"{row.company_label} · {row.category_code}" if one_college else row.company_label

    def categories(self, url):
        """The rows of the second chooser: all companies, then each college; `url(code)` is the way to it."""
        whole = SimpleNamespace(label="Toutes les entreprises", code="", current=self.is_whole_account)
        whole.url = url(self.code)
        return [whole, *(self.category(row, url) for row in self.rows if row.category_id)]

    def category(self, row, url):
        code = codes(row)[-1]
        return SimpleNamespace(
            id=row.category_id,
            label=row.company_label,
            company_code=row.company_code,
            code=row.category_code,
            category_label=row.category_label,
            recipient=f"{row.call_recipient_title} {row.call_recipient_label}".strip(),
            recipient_title=row.call_recipient_title,
            recipient_label=row.call_recipient_label,
            payer=row.contribution_payer,
            current=code == self.asked,
            url=url(code),
        )

    def narrow(self, query, category, account=None):
        """Only the rows of the scope. `category`, `account`: the columns that hold them."""
        if not self.account:
            return query
        if self.is_whole_account and account is not None:
            return query.where(account == self.account.account_id)
        return query.where(category.in_([row.category_id for row in self.chosen]))


def codes(row):
    """The three addresses that a row answers to: its account, its company, its college."""
    company = f"{row.account_code}.{row.company_code}"
    return row.account_code, company, f"{company}.{row.category_code}"


def beginnings(asked):
    """Every account code that an address may begin with: codes may hold dots themselves."""
    parts = asked[:200].split(".")
    return [".".join(parts[:length]) for length in range(1, min(len(parts), 8) + 1)]
