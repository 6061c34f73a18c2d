"""The commands about one person, for the data protection officer; forms and sentences as in `commands`."""

import os
import shutil
import sys

import click
from flask.cli import AppGroup

from portal import commands, privacy, trail
from portal.folder import Unavailable
from portal.formats import plural, weight
from portal.models import AuditEvent

person_commands = AppGroup("person", help="Ce qui est tenu sur une personne.")


def register(app):
    app.cli.add_command(person_commands)


def named(who):
    """The one person of an id, or of the NIR that « - » takes from the standard input: arguments are seen by all."""
    if who == "-":
        who = sys.stdin.readline()
    elif trail.read_uuid(who) is None:
        commands.stop("Donnez l’identifiant de la personne, ou « - » et son n° sur l’entrée standard.")
    people = privacy.found(who)
    if not people:
        commands.stop("Personne ne porte cet identifiant ni ce n° de sécurité sociale.")
    if len(people) > 1:
        ids = "\n".join(str(one.public_id) for one in people)
        commands.stop(
            f"Ce n° est celui de {plural(len(people), 'personne')} ; donnez l’un de ces identifiants :\n{ids}"
        )
    return people[0]


@person_commands.command("export")
@click.argument("who")
@click.option("--out", "path", required=True, type=click.Path(dir_okay=False), help="L’archive à écrire.")
def export(who, path):
    """Everything that is held on a person, in one archive; WHO: an id, or « - » for a NIR on the standard input."""
    commands.ready()
    person = named(who)
    try:
        with (
            privacy.export(person) as file,
            open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ):
            shutil.copyfileobj(file, out)
            size = out.tell()
    except FileExistsError:
        commands.stop(f"{path} existe déjà : donnez un autre nom.")
    except OSError as fault:
        commands.stop(f"{path} ne s’écrit pas ({fault.strerror}).")
    except Unavailable as fault:
        commands.stop(f"Le stockage des fichiers ne répond pas ({fault}). Vérifiez STORAGE_URL, puis recommencez.")
    AuditEvent.write("person.export", on=person, account=person.account_id, after={"reason": "COMMAND"})
    click.echo(f"Exporté : {path}, {weight(size)}, lisible par vous seul. Tout y est en clair.")
