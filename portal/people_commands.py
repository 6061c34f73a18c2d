"""The commands about one person, for the data protection officer; forms and sentences as in `commands`."""

import os
import shutil
import sys

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock, commands, database, erasing, privacy, trail
from portal.folder import Unavailable
from portal.formats import plural, weight
from portal.models import AuditEvent, db
from portal.rules import Refused

LEFT_IN_FILES = {
    "sqlite": "Le journal de SQLite est lu sans cesse : il sera coupé quand les services redémarreront.",
    "postgresql": "Les fichiers de la base gardent ce qui est effacé : ce compte ne possède pas les tables. Lancez "
    "« VACUUM (FULL) » avec celui qui les possède (DATABASE_OWNER_URL).",
}

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


@person_commands.command("erase")
@click.argument("who")
@click.option("--dry-run", is_flag=True, help="Dire ce qui partirait, et ce qui resterait, sans rien effacer.")
@click.option("--ordered", is_flag=True, help="Avant le terme, sur ordre du délégué à la protection des données.")
def erase(who, dry_run, ordered):
    """Erase what is held on a person whose time is over, household included for an employee; WHO as for export."""
    commands.ready()
    settings, now = current_app.settings, clock.now()
    people = erasing.people_with(named(who))
    try:
        erasing.refuse_unless_over(people, clock.day_of(now), ordered)
        for line in erasing.foreseen(people, now):
            click.echo(f"{line.label} : {line.count} {line.fate}{f' ({line.why})' if line.why else ''}.")
        if dry_run:
            click.echo(f"{plural(len(people), 'personne')} : rien n’a été effacé.")
            return
        whole = erasing.erase(people, settings, now, ordered)
    except Refused as refused:
        commands.stop(str(refused))
    except OSError as fault:
        commands.stop(f"AUDIT_HEADS_DIR ne s’écrit pas ({fault.strerror}) : rien n’a été effacé.")
    except Unavailable as fault:
        commands.stop(f"Les lignes sont effacées, les fichiers attendent le stockage ({fault}) : voyez « purge ».")
    click.echo(f"Effacé : {plural(len(people), 'personne')}.")
    if not whole:
        click.echo(LEFT_IN_FILES["sqlite" if database.is_sqlite(db) else "postgresql"])
    if not settings.audit_heads_dir:
        click.echo("Faites une sauvegarde : elle seule dit à une restauration de refaire cet effacement.")
