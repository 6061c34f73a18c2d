"""The queues of the desk are read along an index: what came first of the proofs, what is due first of the threads."""


def up(migrator, db):
    migrator.migrate(
        migrator.add_index("document_request", ("state", "received_at")),
        migrator.add_index("message_thread", ("kind", "state", "due_on", "written_at")),
        migrator.add_index("message_thread", ("kind", "rating")),
        migrator.drop_index("message_thread", "message_thread_kind_state_due_on"),
    )
