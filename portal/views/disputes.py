"""The line of a statement that a request disputes: it is in the request from the start."""

from flask import request
from flask_login import current_user

from portal.models import Company, ContributionStatement, EmployeeCategory, GroupContract, StatementLine
from portal.rendering import get_or_404
from portal.views import roster


def line():
    """The line of a statement that the address names."""
    public_id = request.args.get("ligne")
    if not public_id:
        return None
    tables = (StatementLine, ContributionStatement, GroupContract, EmployeeCategory, Company)
    lines = current_user.statement_lines().select(*tables).join(ContributionStatement)
    lines = lines.join(GroupContract).join(EmployeeCategory).join(Company)
    return get_or_404(lines, StatementLine.public_id == roster.uuid_or_404(public_id))
