"""Whether the portal can work: for monitors and load balancers."""

from flask import Blueprint, current_app
from peewee import InterfaceError, OperationalError, ProgrammingError
from playhouse.pool import MaxConnectionsExceeded

from portal import database, storage
from portal.access import public
from portal.models import User, db

blueprint = Blueprint("health", __name__)


@blueprint.get("/sante")
@public
def show():
    faults = []
    try:
        with db.connection_context():
            User.any_at_all()
            database.still_there(db)
    except (OperationalError, InterfaceError, ProgrammingError, MaxConnectionsExceeded):
        faults.append("la base de données ne répond pas")
    if not storage.answers(current_app.settings.storage_url):
        faults.append("le stockage des fichiers ne répond pas")
    status = 503 if faults else 200
    return (
        (" ; ".join(faults).capitalize() or "Tout répond") + ".\n",
        status,
        {"Content-Type": "text/plain; charset=utf-8"},
    )
