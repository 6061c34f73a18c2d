"""Certificates: the same words of the same day are one document."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE document ADD COLUMN fingerprint VARCHAR(64)")
    db.execute_sql('CREATE UNIQUE INDEX "document_fingerprint" ON "document" ("fingerprint")')
