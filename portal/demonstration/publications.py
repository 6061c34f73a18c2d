"""What the mutual publishes in the demonstration: in the folders that users know, for each audience, with versions."""

import csv
import io
from datetime import time, timedelta
from pathlib import Path

from portal import clock, printing, publishing, storage
from portal.demonstration.draw import days_ago
from portal.formats import sort_key
from portal.models import (
    Audience,
    EmployeeCategory,
    GroupContract,
    LibraryFolder,
    Publication,
    ScanState,
    StoredFile,
    User,
)

NOTE = "Document fictif de démonstration."
GUIDES = "FORMULAIRES ET FICHES PRATIQUES"
WORDS = Path(__file__).parent.parent / "data" / "demonstration" / "publications.csv"
LEAVING, REPLACED, TO_COME = "Fiche pratique, 100\u202f% Santé", "Tableau des garanties", "Guide de la rentrée"


def make_publications(draw, account):
    """`account`: {"id"}, the guide's own."""
    staff = User.known("gestion@demo.example")
    college = EmployeeCategory.select().where(EmployeeCategory.account == account["id"]).order_by(EmployeeCategory.id)
    places = audiences(account["id"], college.first())
    made = {}
    with WORDS.open(encoding="utf-8", newline="") as file:
        for folder, title, nature, toolbox, audience, days, said in csv.reader(file, delimiter=";"):
            row = {"title": title, "nature": nature, "toolbox": toolbox, **places[audience]}
            made[title] = publish(draw, folder, row, said, days_ago(int(days)), staff)
    change(draw, made, staff)


def audiences(account, college):
    """The columns of each audience, all of which the guide's account reads."""
    of_account = {"account": account}
    of_company = of_account | {"company": college.company_id}
    plan = GroupContract.get(GroupContract.category == college).plan_id
    return {
        Audience.EVERYONE: {"audience": Audience.EVERYONE},
        Audience.ACCOUNT: of_account | {"audience": Audience.ACCOUNT},
        Audience.COMPANY: of_company | {"audience": Audience.COMPANY},
        Audience.CATEGORY: of_company | {"audience": Audience.CATEGORY, "category": college.id},
        Audience.PLAN: {"audience": Audience.PLAN, "plan": plan},
    }


def publish(draw, folder, values, said, at, staff):
    row = Publication(public_id=draw.uuid(), series=draw.uuid(), folder=folder_of(draw, folder), **values)
    row.published_on = clock.day_of(at)
    return publishing.keep(row, file_of(draw, row.title, said, at), staff, at, None)


def folder_of(draw, path):
    place = None
    for name in path.split("/"):
        here = LibraryFolder.parent.is_null() if place is None else LibraryFolder.parent == place
        known = LibraryFolder.get_or_none(here, LibraryFolder.name == name)
        place = known or LibraryFolder.create(public_id=draw.uuid(), parent=place, name=name, name_key=sort_key(name))
    return place


def file_of(draw, title, said, at):
    """A page that says so."""
    page = printing.Letter(
        recipient=["Aux entreprises adhérentes"], subject=title, paragraphs=[said, NOTE], on=clock.day_of(at)
    )
    row = StoredFile(public_id=draw.uuid(), account=None, holder="", mime_type="application/pdf", scan=ScanState.OURS)
    return storage.keep(row, io.BytesIO(printing.letters([page], title)), f"{title}.pdf", at)


def change(draw, made, staff):
    """A new version, a withdrawal that was announced, and what is to come."""
    said = "Optique : le forfait passe à 350 € pour les verres complexes au 1er janvier."
    at, row = days_ago(6), made[REPLACED]
    fresh, _ = publishing.replace(row, file_of(draw, row.title, said, at), "Forfait optique relevé", staff, at)
    Publication.update(public_id=draw.uuid()).where(Publication.id == fresh.id).execute()
    leaving = clock.today() + timedelta(days=50)
    told = {
        "withdrawn_on": leaving,
        "withdrawal_told_at": days_ago(15),
        "withdrawal_reason": "Remplacée par la page de l’Assurance maladie.",
    }
    Publication.update(told).where(Publication.id == made[LEAVING].id).execute()
    row = {"title": TO_COME, "nature": "GUIDE", "toolbox": "entreprise", "audience": Audience.EVERYONE}
    to_come = publish(draw, GUIDES, row, "Ce qui change au 1er janvier pour les entreprises.", days_ago(1), staff)
    day = clock.today() + timedelta(days=12)
    Publication.update(published_on=day, shown_at=clock.instant(day, time())).where(
        Publication.id == to_come.id
    ).execute()
