"""Arrears of the demonstration: of the others’ contracts, the one that owes for longest was given formal notice."""

from portal import arrears, clock, documents
from portal.demonstration.draw import days_ago
from portal.models import ContributionStatement, EmployeeCategory, FormalNotice, GroupContract, User

GIVEN = 12  # days ago: cover may not be suspended yet


def give_one_notice(draw, others, settings):
    """As `arrears.give_notice`, some time ago, and with ids that the seed gives; none where nobody owes enough."""
    row, now = ContributionStatement, days_ago(GIVEN)
    mine = row.select().join(GroupContract).join(EmployeeCategory)
    mine = mine.where(EmployeeCategory.account.in_([account["id"] for account in others]))
    owed = next(iter(arrears.read(list(arrears.late(mine, clock.day_of(now)).limit(1).tuples()))), None)
    if owed is None or clock.day_of(now) < owed.steps.notice_from:
        return
    FormalNotice.create(
        public_id=draw.uuid(),
        contract=owed.contract,
        oldest_due_on=owed.due_on,
        amount=owed.amount,
        given_on=clock.day_of(now),
        author=User.known("gestion@demo.example"),
        created_at=now,
        document=letter(draw, owed, settings, now),
    )


def letter(draw, owed, settings, now):
    account = owed.contract.category.company.account_id
    asked = documents.row_of(now, arrears.title(owed), arrears.LETTER, account, owed.contract, None)
    asked.public_id, asked.template = draw.uuid(), "formal_notice"
    asked.seal(arrears.words(owed, settings, clock.day_of(now)))
    return documents.enter(asked)
