"""The commands of who operates the portal: backup, restore, verify, purge; forms and sentences as in `commands`."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from peewee import PeeweeException

from portal import backups, clock, commands, erasing, invariants, retention, storage
from portal.folder import Unavailable
from portal.formats import plural, weight
from portal.rules import Refused
from portal.rules.retention import TERMS

MOST_SAID = 5  # faults of one invariant; the others are counted


def register(app):
    for command in (backup, restore, verify, purge, retention_commands):
        app.cli.add_command(command)


@click.command("backup")
@click.argument("folder", metavar="FILE", type=click.Path(file_okay=False, path_type=Path))
@click.option("--keep", default=14, show_default=True, type=click.IntRange(min=1), help="Sauvegardes à garder.")
@with_appcontext
def backup(folder, keep):
    """Copy the base and the files, encrypted, while the portal goes on; the oldest backups beyond --keep leave."""
    commands.ready()
    try:
        where, manifest = backups.make(folder, current_app.settings, keep=keep)
    except Refused as refused:
        commands.stop(str(refused))
    size = sum(size for size, _ in manifest["pieces"].values())
    files = plural(len(manifest["pieces"]) - 1, "fichier")
    click.echo(f"Sauvegarde {where} : la base et {files}, {weight(size)}.")
    if manifest["missing"]:
        lost = plural(len(manifest["missing"]), "fichier")
        commands.stop(f"La sauvegarde est faite, mais {lost} manquaient au stockage : voyez « files verify ».")


@click.command("restore")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, path_type=Path))
@with_appcontext
def restore(source):
    """Put a backup (or the last of a folder) back where there is nothing: every byte is checked before."""
    settings, known = current_app.settings, [path.stem for path in commands.MIGRATIONS.glob("[0-9]*.py")]
    try:
        where, manifest, key = backups.check(source, settings, known)
        backups.refuse_unless_empty(manifest)
        backups.put_back(where, manifest, key)
        names = commands.migrate(commands.opened())
        backups.conclude(where, manifest, settings, clock.now())
        ids = backups.erased(where, settings.backup_keys) | erasing.noted(settings)
        erased = erasing.again(ids, settings, clock.now())
    except Refused as refused:
        commands.stop(str(refused))
    except (OSError, Unavailable, PeeweeException) as fault:
        commands.stop(f"La restauration s’est arrêtée ({type(fault).__name__}). Videz la base, puis recommencez.")
    files = plural(len(manifest["pieces"]) - 1, "fichier")
    click.echo(f"Restauré : {where.name}, la base et {files}. Toutes les sessions sont fermées.")
    if erased:
        click.echo(f"Effacements refaits : {plural(erased, 'personne')}.")
    if names:
        click.echo(f"Migrations appliquées : {', '.join(names)}.")
    click.echo("Lancez maintenant « flask --app app verify ».")


@click.command("verify")
@with_appcontext
def verify():
    """Check everything that must hold, a line a thing; exit 1 with what does not."""
    commands.ready()
    wrong = 0
    for name, faults in invariants.all_of(current_app.settings):
        try:
            found = list(faults)
        except Unavailable as fault:
            found = [f"Le stockage ne répond pas ({fault})."]
        except PeeweeException as fault:  # its own words may hold a value
            found = [f"La base ne se lit pas ({type(fault).__name__})."]
        click.echo(f"{name} : {'en ordre.' if not found else plural(len(found), 'faute') + '.'}", err=bool(found))
        for sentence in found[:MOST_SAID]:
            click.echo(f"  – {sentence}", err=True)
        wrong += len(found)
    if wrong:
        commands.stop(f"À reprendre : {plural(wrong, 'faute')}. Voyez docs/operating.md, « After an alert ».")
    click.echo("Tout est en ordre.")


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Dire ce qui partirait, sans rien effacer.")
@with_appcontext
def purge(dry_run):
    """Forget what is past its term, as the worker does each day."""
    commands.ready()
    now = clock.now()
    lines = retention.told(retention.foreseen(now) if dry_run else retention.purge(now))
    try:
        files = sum(1 for _ in storage.strays(now)) if dry_run else retention.sweep(now)
    except Unavailable as fault:
        commands.stop(f"Le stockage des fichiers ne répond pas ({fault}). Vérifiez STORAGE_URL, puis recommencez.")
    lines += [f"Fichiers enlevés du stockage : {files}."] if files else []
    click.echo("\n".join(lines) or "Rien n’est arrivé à son terme.")
    click.echo("Rien n’a été effacé." if dry_run else "C’est fait.")


@click.command("terms")
def say_terms():
    """How long each thing is kept, since when and why."""
    for term in TERMS.values():
        click.echo(f"{term.what} : {plural(term.days, 'jour')} depuis {term.since} ; {term.reason}.")


retention_commands = AppGroup("retention", help="Les durées de conservation.")
retention_commands.add_command(purge, "apply")
retention_commands.add_command(say_terms)
