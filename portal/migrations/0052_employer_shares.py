"""The employer’s share has days: what it was until a change, and what each computed statement was called with."""

from peewee import IntegerField, JSONField


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("group_contract", "former_shares", JSONField(null=True)),
        migrator.add_column("contribution_statement", "employer_share", IntegerField(null=True)),
    )
    # A statement issued until now was, or was corrected to, the share that its contract has today.
    whose = "SELECT employer_share FROM group_contract WHERE group_contract.id = contribution_statement.contract_id"
    db.execute_sql(f"UPDATE contribution_statement SET employer_share = ({whose}) WHERE computed")  # nosec B608
