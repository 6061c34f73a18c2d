"""Plans and the rules of contracts, as the mutual's staff changes them: for what comes, never for what was decided."""

import hashlib

from peewee import fn

from portal import database
from portal.models import GroupContract, Outdated, Plan, db

RULES = ("coverage_end_rule", "child_max_age", "child_student_max_age", "child_end_rule", "is_branch_mandated")
SHOWN = ("label", "valid_to")  # of a plan


def version_of(row, names):
    """What a form that shows these columns sends back, to know whether somebody changed them meanwhile."""
    return hashlib.sha256(repr([getattr(row, name) for name in names]).encode()).hexdigest()[:16]


def change(row, names, values, seen):
    """Write these columns of a plan or a contract: (before, after) of what changed. Outdated: not what was `seen`."""
    table = type(row)
    with db.atomic():
        now = database.locked(db, table.select().where(table.id == row.id)).get()
        if version_of(now, names) != seen:
            raise Outdated(now)
        before = {name: getattr(now, name) for name in names if getattr(now, name) != values[name]}
        after = {name: values[name] for name in before}
        if after:
            table.update(**after).where(table.id == row.id).execute()
    return before, after


def with_counts(plans):
    """These plans, with the number of their contracts as `contracts`."""
    counted = GroupContract.select(fn.COUNT(GroupContract.id)).where(GroupContract.plan == Plan.id)
    return plans.select(Plan, counted.alias("contracts")).order_by(Plan.code)
