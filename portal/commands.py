"""The commands of `flask --app app …`: each prints what it did, a line a thing, and exits 1 with a clear sentence."""

import datetime
import os
import sys
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from peewee import DatabaseError, PeeweeException
from playhouse.migrations import Runner

from portal import (
    audit_heads,
    clock,
    collecting,
    credentials,
    database,
    demonstration,
    enrolments,
    factors,
    models,
    reach,
    rejecting,
    storage,
    tasks,
    trail,
)
from portal.exchange import hand_over, management_system, rejects, staging
from portal.exchange.columns import words
from portal.folder import Unavailable
from portal.formats import plural
from portal.models import AuditEvent, db
from portal.rules import Refused, identifiers
from portal.vault import Tampered

MIGRATIONS = Path(__file__).parent / "migrations"


def register(app):
    for command in (
        start,
        database_commands,
        audit_commands,
        vault_commands,
        file_commands,
        demo_commands,
        user_commands,
        load,
        hand_over_movements,
        collect,
        take_rejects,
        worker,
    ):
        app.cli.add_command(command)


def stop(sentence):
    click.echo(sentence, err=True)
    sys.exit(1)


def bar(length, label):
    """How far a long work is, for who watches a terminal: on stderr, so that stdout has the lines alone."""
    return click.progressbar(length=length, label=label, file=sys.stderr) if sys.stderr.isatty() else nullcontext()


def watched(rows, label):
    """The same rows, and how many of them went by."""
    with bar(len(rows), label) as shown:
        for row in rows:
            yield row
            if shown:
                shown.update(1)


def opened():
    """A connection for the length of a command."""
    try:
        database.wait_until_up(db)
    except PeeweeException:
        stop("La base de données ne répond pas, ou n’en est pas une. Vérifiez DATABASE_URL, puis recommencez.")
    reach.as_the_mutual(db, reach.COMMAND)
    return db


def ready():
    """The same, with a schema that this code knows."""
    if pending(opened()):
        stop("Le schéma de la base manque ou n’est pas à jour. Lancez d’abord « flask --app app db upgrade ».")
    current_app.configuration.look()


def pending(open_database):
    """The migrations that are still to be applied."""
    runner = Runner(database.real(open_database), str(MIGRATIONS))
    return [row.name for row in runner.status() if not row.applied]


# ── The database ─────────────────────────────────────────────────────────────────────────────────────────────────

database_commands = AppGroup("db", help="Le schéma de la base.")


@contextmanager
def by_the_owner():
    """What only the account that owns the tables may do: another one is told so."""
    try:
        yield
    except DatabaseError as fault:
        if not database.is_forbidden(fault):
            raise
        stop(
            "Ce compte de la base ne change pas le schéma : donnez dans DATABASE_OWNER_URL celui qui possède les "
            "tables (docs/operating.md, « Two accounts of the database »)."
        )


@database_commands.command("upgrade")
def upgrade():
    """Apply the migrations that are missing."""
    with by_the_owner():
        names = migrate(opened())
    click.echo("\n".join(f"Migration {name} : appliquée." for name in names) or "Le schéma est à jour.")


def migrate(open_database):
    """Bring a database to the latest schema; the names of what was applied."""
    return Runner(database.real(open_database), str(MIGRATIONS)).up() if pending(open_database) else []


@database_commands.command("check")
def check():
    """Models and migrations agree, and the database has every migration."""
    missing = pending(opened())
    if missing:
        stop(f"Il manque {plural(len(missing), 'migration')} : {', '.join(missing)}. Lancez « db upgrade ».")
    faults = list(database.differences(db, models.TABLES))
    if faults:
        stop("\n".join(faults))
    click.echo("La base, les migrations et les modèles s’accordent.")


# ── The audit trail ──────────────────────────────────────────────────────────────────────────────────────────────

audit_commands = AppGroup("audit", help="Le journal d’audit.")


@audit_commands.command("verify")
def verify():
    """Follow the chain from its first event to its last."""
    ready()
    faults = [*AuditEvent.faults(), *audit_heads.faults(current_app.settings)]
    if faults:  # nothing is added to a trail that somebody touched
        stop("\n".join(faults[:20]))
    count = AuditEvent.select().count()
    AuditEvent.write(trail.VERIFIED, after={"events": count})
    click.echo(f"Le journal est intact : {plural(count, 'événement')}.")


@audit_commands.command("head")
def note_head():
    """Print the last link of the chain, and note it in AUDIT_HEADS_DIR."""
    ready()
    number, signed = audit_heads.head()
    click.echo(f"{number} {signed}")
    try:
        audit_heads.note(current_app.settings, clock.now())
    except OSError as error:
        stop(f"AUDIT_HEADS_DIR ne s’écrit pas ({error.strerror}) : la tête du journal n’est notée nulle part.")


# ── The vault ────────────────────────────────────────────────────────────────────────────────────────────────────

vault_commands = AppGroup("vault", help="Les clés du chiffrement.")


TABLES = (models.Beneficiary, models.StoredFile, models.OutboxMessage, models.Document)
COLUMNS = (
    (models.Movement, "secrets"),
    (models.AffiliationImport, "content"),
    (models.UnsentWords, "words"),
    (models.SecondFactor, "seed"),
    (models.BankDetails, "iban"),
    (models.AnswerDraft, "body"),
    (models.GuestLink, "recipient"),
    (models.GuestLink, "code_to"),
    (models.SepaMandate, "iban"),
    (models.DebitBatch, "content"),
    (models.SepaMandate, "code_to"),
)
# What each does: (last id seen, or None at the end; rows changed), after an id.
RESEALED = (
    enrolments.reseal,
    staging.reseal,
    *(table.reseal for table in TABLES),
    *(partial(models.reseal, *column) for column in COLUMNS),
)


@vault_commands.command("rotate")
def rotate():
    """Seal everything under the first key; stopped half-way, it goes on where it was."""
    ready()
    total = 0
    for reseal in RESEALED:
        last = 0
        while last is not None:
            last, changed = reseal(last)
            total += changed
    if total:
        AuditEvent.write("vault.rotate", after={"rows": total})
    again = plural(total, "ligne chiffrée", "lignes chiffrées")
    click.echo(f"{again} de nouveau ; toutes le sont avec la première clé.")


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────

file_commands = AppGroup("files", help="Les fichiers déposés.")


@file_commands.command("verify")
@click.option("--read", is_flag=True, help="Lire chaque fichier en entier.")
def verify_files(read):
    """Every row has its file and, with --read, every file opens; what no row knows is only counted."""
    ready()
    try:
        faults = [f"Le fichier {row.public_id} manque." for row in storage.missing()]
        faults += [f"Le fichier {row.public_id} ne s’ouvre pas." for row in (storage.unreadable() if read else ())]
        strays = sum(1 for _ in storage.strays(clock.now()))
    except Unavailable as fault:
        stop(f"Le stockage des fichiers ne répond pas ({fault}). Vérifiez STORAGE_URL, puis recommencez.")
    if faults:
        stop("\n".join([*faults[:20], f"{plural(len(faults), 'fichier')} à reprendre d’une sauvegarde."]))
    click.echo(f"Tout est là : {plural(models.StoredFile.held().count(), 'fichier')}.")
    if strays:
        click.echo(f"Sans ligne, à enlever par le traitement : {plural(strays, 'fichier')}.")


# ── People who sign in ───────────────────────────────────────────────────────────────────────────────────────────

user_commands = AppGroup("user", help="Les utilisateurs.")

SEES_ACCOUNTS = {models.UserRole.COMPANY, models.UserRole.MULTI_ACCOUNT_MANAGER, models.UserRole.BROKER}


@user_commands.command("create")
@click.argument("identifier")
@click.option("--first-name", required=True)
@click.option("--last-name", required=True)
@click.option("--role", type=click.Choice([role.value for role in models.UserRole]), required=True)
@click.option("--account", "accounts", multiple=True, help="Code d’un compte en gestion ; à répéter.")
def create_user(identifier, first_name, last_name, role, accounts):
    """Make a user, and print a link by which they alone choose their password."""
    ready()
    if role in SEES_ACCOUNTS and not accounts:
        stop("Ce profil ne voit que les comptes qui lui sont ouverts : donnez-en au moins un avec --account CODE.")
    try:
        identifier = identifiers.email(identifier).lower()
        first_name, last_name = (words(name.strip()) for name in (first_name, last_name))
        if not (first_name and last_name):
            raise Refused("Donnez un prénom et un nom.")
        user = models.User.invite(identifier, first_name, last_name, role, accounts)
    except ValueError as error:
        stop(str(error))
    with db.atomic():
        AuditEvent.write("user.create", on=user, after={"role": role, "accounts": list(accounts)})
        token = models.OneTimeLink.draw(user, clock.now(), lasts=datetime.timedelta(days=1))
    click.echo(f"Utilisateur créé. Lien valable 24 heures : {link(token)}")


@user_commands.command("reset-factor")
@click.argument("identifier")
def reset_factor(identifier):
    """Somebody has lost their second factor: take it away, with their sessions; they add another one."""
    ready()
    user = models.User.known(identifier)
    if user is None:
        stop("Personne n’a cet identifiant.")
    with db.atomic():
        AuditEvent.write("factor.reset", on=user)
        factors.reset(user, clock.now())
    click.echo("Double authentification remise à zéro : un courriel le dit à la personne, ses sessions sont fermées.")


def link(token):
    return f"{current_app.settings.public_url}/mot-de-passe/{token}"


# ── Files of the management system, and the demonstration ────────────────────────────────────────────────────────


@click.command("load")
@click.argument("kind", metavar="KIND", type=click.Choice(list(getattr(management_system, "KINDS", {}))))
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def load(kind, file):
    """Load a file of the management system: all of it, or nothing."""
    ready()
    outcome = management_system.load(kind, file, progress=bar)
    if outcome.errors:
        stop("\n".join(outcome.errors))
    click.echo(outcome.summary)


@click.command("hand-over")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--number", type=int, help="Écrire de nouveau la transmission de ce numéro.")
@with_appcontext
def hand_over_movements(folder, number):
    """Write what users changed and sent since the last time: one CSV a kind, the documents, and a manifest."""
    ready()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if number is not None:
            done = [hand_over.again(number, folder) or stop(f"Aucune transmission ne porte le n° {number}.")]
        else:
            done = list(hand_over.hand_over(folder, clock.now()))
    except OSError as error:
        stop(f"Le dossier {folder} ne s’écrit pas ({type(error).__name__}) : rien n’est perdu, recommencez.")
    except (Unavailable, Tampered) as fault:
        stop(f"Un justificatif ne se lit pas ({type(fault).__name__}) : rien n’est perdu, voyez « files check ».")
    for made, where, rows in done:
        click.echo(f"Transmission n° {made} : {plural(rows, 'ligne')} dans {where}.")
    if not done:
        click.echo("Rien à transmettre.")


@click.command("collect")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--days", default=5, show_default=True, help="Jours de prélèvement d’ici à tant de jours.")
@with_appcontext
def collect(folder, days):
    """Write the files of direct debits for the bank, one a collection day and scheme; a statement is in one alone."""
    ready()
    now = clock.now()
    until = clock.day_of(now) + datetime.timedelta(days=days)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for batch in collecting.collect(current_app.settings, now, until) or [None]:
            click.echo(written(batch, folder) if batch else "Rien à prélever.")
    except OSError as error:
        fault = type(error).__name__
        stop(f"Le dossier {folder} ne s’écrit pas ({fault}) : les fichiers préparés sont dans « Prélèvements ».")


@click.command("rejects")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def take_rejects(file):
    """Read what the bank rejected of direct debits (pain.002, or CSV reference;date;motif): all of it, or nothing."""
    ready()
    try:
        taken = rejecting.take(rejects.read(file.read_bytes(), clock.today()), clock.now())
    except Refused as refused:
        stop(str(refused))
    click.echo(rejecting.said(taken))


def written(batch, folder):
    """A file that only who runs the command reads: it holds IBAN."""
    path = folder / f"{batch.number}.xml"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(batch.unseal())
    return f"{path} : {plural(batch.count, 'prélèvement')} le {batch.collected_on:%d/%m/%Y}."


demo_commands = AppGroup("demo", help="La démonstration.")


@click.command("start")
@with_appcontext
def start():
    """What comes before serving: the schema, and the demonstration when it is asked for and nobody is there yet."""
    migrate(opened())
    if current_app.settings.demo and not is_used():
        fill(seed=1, scale=1)
    click.echo(f"\n  Le portail : {current_app.settings.public_url}\n")
    if current_app.settings.demo:
        say_sign_ins()


def is_used():
    """Whether the base holds what the demonstration would not go along with: it has users, accounts and plans."""
    return any(table.select().exists() for table in (models.User, models.ManagedAccount, models.Plan))


@demo_commands.command("sign-ins")
def say_sign_ins_command():
    """Who may sign in to the demonstration."""
    refuse_outside_demonstration("les identifiants de démonstration n’existent pas")
    say_sign_ins()


def refuse_outside_demonstration(what):
    if not current_app.settings.demo:
        stop(f"DEMO : {what} sur un portail réel (DEMO=0).")


def say_sign_ins():
    """Those who are there; a base that was filled by hand has none."""
    people = {identifier: models.User.known(identifier) for identifier in demonstration.SIGN_INS}
    there = {identifier: user for identifier, user in people.items() if user}
    for identifier in there:
        click.echo(f"  {identifier:<24} {demonstration.SIGN_INS[identifier]}")
    if not there:
        click.echo(
            "  Sans la démonstration, qui veut une base vide. Ajoutez quelqu’un par « flask --app app user create ».\n"
        )
    elif any(credentials.verify(user, current_app.settings.demo_password) for user in there.values()):
        click.echo(f"\n  Mot de passe : {current_app.settings.demo_password}\n")
    else:
        click.echo("\n  Mot de passe : celui de DEMO_PASSWORD quand la démonstration a été faite.\n")


def fill(seed, scale):
    for line in demonstration.load(current_app.settings, seed, scale, watched):
        click.echo(line)


@demo_commands.command("load")
@click.option("--seed", default=1, show_default=True)
@click.option("--scale", default=1, show_default=True, type=click.IntRange(min=1))
def load_demonstration(seed, scale):
    """Fill the database with fictional accounts, people and sign-ins; the same seed gives the same data."""
    refuse_outside_demonstration("la démonstration ne se charge pas")
    migrate(opened())
    if is_used():
        stop("La base contient déjà des utilisateurs ou des fichiers chargés : la démonstration veut une base vide.")
    fill(seed, scale)


# ── The worker ───────────────────────────────────────────────────────────────────────────────────────────────────


@click.command("worker")
@with_appcontext
def worker():
    """Do what outlives a request, until it is stopped."""
    opened()
    tasks.work(current_app.settings)
