"""Supporting documents: one request for a waiver in a campaign."""


def up(migrator, db):
    migrator.migrate(migrator.add_index("document_request", ("campaign", "waiver_id", "document_type"), True))
