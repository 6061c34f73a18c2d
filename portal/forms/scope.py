"""What the screens show, of all that the user may see: an account, one of its companies, one of its colleges."""

from types import SimpleNamespace

EVERYTHING = "tous"


class Scope:
    """The account and company chosen on screen. A filter, never the door."""

    def __init__(self, rows=(), asked="", account_count=0, awaited=0):
        """`rows`: `user.scope_rows`, of the account that `asked` begins with; none for all accounts."""
        self.asked = asked
        self.chosen = [row for row in rows if asked in codes(row)]
        self.account = self.chosen[0] if self.chosen else None
        self.account_count = self.account.account_count if self.account else account_count
        self.rows = [row for row in rows if row.account_code == self.code]
        self.awaited = sum(row.awaited for row in self.chosen) if self.account else awaited

    @classmethod
    def read(cls, user, asked):
        """The scope of an address (`C004127.0412701.001`); None when it is not this user's, or does not exist."""
        if asked in ("", EVERYTHING):
            count, code, awaited = user.only_account()
            return cls.read(user, code) if count == 1 else cls(asked=asked, account_count=count, awaited=awaited)
        scope = cls(list(user.scope_rows(beginnings(asked))), asked)
        return scope if scope.account else None

    @property
    def single(self):
        return self.account_count == 1

    @property
    def code(self):
        return self.account.account_code if self.account else ""

    @property
    def address(self):
        """What the address says of it."""
        return self.asked or None

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
