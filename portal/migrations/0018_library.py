"""« Espace documentaire »: folders, what the mutual publishes and its versions, who looked at it when."""

from peewee import SQL, CharField, DateField, DateTimeField, Field, ForeignKeyField, IntegerField, Model, UUIDField

from portal.database import is_sqlite
from portal.formats import sort_key
from portal.full_text import TextIndex


class KeyField(Field):
    field_type = "KEY"


def up(migrator, db):
    key = "TEXT" if is_sqlite(db) else 'TEXT COLLATE "C"'
    db.execute_sql(f"ALTER TABLE document ADD COLUMN title_key {key} NOT NULL DEFAULT ''")
    db.create_tables(tables(db))
    for name in ("publication_words", "document_words"):
        TextIndex(name).create(db)
    enter_documents(db)


FOLDERS = {
    "ENROLMENT_FORM": "Bulletins d’adhésion",
    "AFFILIATION_CERTIFICATE": "Attestations",
    "TERMINATION_CERTIFICATE": "Attestations",
    "DSN_SETUP_SHEET": "Fiches de paramétrage DSN",
    "COMPLAINT_COPY": "Copies de réclamations",
}
TITLES = """
    SELECT document.id, document.title, document.document_type, group_contract.number, beneficiary.member_number,
        company.label FROM document
    LEFT JOIN group_contract ON group_contract.id = document.contract_id
    LEFT JOIN beneficiary ON beneficiary.id = document.beneficiary_id
    LEFT JOIN employee_category ON employee_category.id = COALESCE(beneficiary.category_id, group_contract.category_id)
    LEFT JOIN company ON company.id = employee_category.company_id
"""


def enter_documents(db):
    """What was printed until now is found too."""
    update = f"UPDATE document SET title_key = {db.param} WHERE id = {db.param}"  # nosec B608
    for number, title, kind, *others in db.execute_sql(TITLES).fetchall():
        db.execute_sql(update, (sort_key(title), number))
        known_by = [title, FOLDERS.get(kind, ""), *(word for word in others if word)]
        TextIndex("document_words").put(db, {number: " ".join(known_by)})


def tables(db):
    def named(name):
        return type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": name})

    def known(name):
        return type(name, (Model,), {"Meta": named(name)})

    User, StoredFile, ManagedAccount = known("user"), known("stored_file"), known("managed_account")
    Company, EmployeeCategory, Plan = known("company"), known("employee_category"), known("plan")

    class LibraryFolder(Model):
        public_id = UUIDField(unique=True)
        parent = ForeignKeyField("self", null=True, on_delete="CASCADE")
        name = CharField(100)
        name_key = KeyField()

        Meta = named("library_folder")

    class Publication(Model):
        public_id = UUIDField(unique=True)
        series = UUIDField(index=True)
        number = IntegerField()
        folder = ForeignKeyField(LibraryFolder)
        toolbox = CharField(16)
        title = CharField(200)
        title_key = KeyField()
        nature = CharField(16)
        audience = CharField(16)
        account = ForeignKeyField(ManagedAccount, null=True)
        company = ForeignKeyField(Company, null=True)
        category = ForeignKeyField(EmployeeCategory, null=True)
        plan = ForeignKeyField(Plan, null=True)
        published_on = DateField()
        shown_at = DateTimeField(index=True)
        created_at = DateTimeField()
        author = ForeignKeyField(User, null=True, index=False)
        file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)
        note = CharField(200)
        superseded_at = DateTimeField(null=True)
        withdrawn_on = DateField(null=True)
        withdrawal_told_at = DateTimeField(null=True)
        withdrawal_reason = CharField(200)
        read_at = DateTimeField(null=True)
        attempts = IntegerField()
        form_key = CharField(64, null=True, unique=True)

        Meta = named("publication")

    Publication.add_index(Publication.index(Publication.audience, Publication.account, name="publication_audience"))
    Publication.add_index(Publication.index(Publication.id, where=SQL("read_at IS NULL"), name="publication_to_read"))

    class LibraryVisit(Model):
        user = ForeignKeyField(User, unique=True, on_delete="CASCADE")
        last_at = DateTimeField()
        before = DateTimeField(null=True)

        Meta = named("library_visit")

    return [LibraryFolder, Publication, LibraryVisit]
