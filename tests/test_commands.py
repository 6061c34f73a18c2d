"""The commands: what they cannot do they say in one sentence, never with a traceback."""

import dataclasses
import io
import sys
from contextlib import nullcontext

import pytest

from app import create_app
from portal import commands, credentials, wrong_use
from portal import database as databases
from portal.models import User, db
from tests import factories

CREATE = ["user", "create", "rh@example.com", "--first-name", "A", "--last-name", "B", "--role", "staff"]
COMMANDS = {
    "user create": CREATE,
    "load": ["load", "accounts", "{file}"],
    "audit verify": ["audit", "verify"],
    "vault rotate": ["vault", "rotate"],
}


def refusal(app, *command):
    """The sentence of a command that could not."""
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.output.count("\n") == 1, result.output
    return result.output


@pytest.fixture
def elsewhere(chosen_settings):
    """The portal, for another database of SQLite: elsewhere(path)."""

    def portal(path):
        return create_app(settings=dataclasses.replace(chosen_settings, database_url=f"sqlite:///{path}"), TESTING=True)

    yield portal
    db.close_all()


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "accounts.csv"
    path.write_text("x")
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_a_database_without_its_schema_is_said(elsewhere, tmp_path, sheet, name):
    command = [part.format(file=sheet) for part in COMMANDS[name]]
    assert "db upgrade" in refusal(elsewhere(tmp_path / "empty.db"), *command)


@pytest.mark.parametrize("name", [*COMMANDS, "demo load", "worker"])
def test_a_database_that_does_not_open_is_said(elsewhere, tmp_path, sheet, monkeypatch, name):
    monkeypatch.setattr(databases.wait_until_up, "__defaults__", (0,))
    command = [part.format(file=sheet) for part in COMMANDS.get(name, name.split())]
    (tmp_path / "a-file").write_text("")
    assert "DATABASE_URL" in refusal(elsewhere(tmp_path / "a-file" / "portal.db"), *command)


def test_a_file_that_is_no_database_is_said(elsewhere, tmp_path):
    (tmp_path / "letter.db").write_text("Bonjour, ceci est une lettre. " * 200)
    assert "DATABASE_URL" in refusal(elsewhere(tmp_path / "letter.db"), "audit", "verify")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["load", "nosuch", "{file}"], "KIND : écrivez accounts, companies, "),
        (["load", "accounts", "{folder}/missing.csv"], "FILE : ce fichier n’existe pas."),
        (["load", "accounts", "{folder}"], "FILE : il faut un fichier"),
        (["load", "accounts"], "Il manque FILE."),
        (["load", "accounts", "{file}", "{file}"], "un argument de trop"),
        (["load", "accounts", "{file}", "--force"], "L’option --force n’existe pas."),
        (["hand-over"], "Il manque DIR."),
        (["hand-over", "{file}"], "DIR : il faut un dossier"),
        (["restore", "{folder}/missing"], "FILE : ce fichier n’existe pas."),
        (["demo", "load", "--scale", "0"], "--scale : un nombre entier, 1 au moins."),
        (["demo", "load", "--seed", "x"], "--seed : un nombre entier."),
        (["demo", "load", "--seed"], "L’option --seed est mal employée."),
        (["user", "create", "--role", "chief"], "--role : écrivez company, "),
        (["db", "downgrade"], "Cette commande n’existe pas"),
    ],
)
def test_a_command_written_wrong_is_a_sentence_too(app, sheet, tmp_path, command, said):
    result = app.test_cli_runner().invoke(args=[part.format(file=sheet, folder=tmp_path) for part in command])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1, result.output
    assert result.output.startswith(said) or said in result.output
    assert "--help" in result.output


def test_many_portals_of_one_process_explain_their_commands_once(app):
    for _ in range(sys.getrecursionlimit()):
        wrong_use.explain(app.cli)
    assert "upgrade" in app.test_cli_runner().invoke(args=["db", "--help"]).output
    assert app.test_cli_runner().invoke(args=["db", "chose"]).exit_code == 1


def test_a_group_alone_shows_its_help(app):
    assert "upgrade" in app.test_cli_runner().invoke(args=["db"]).output


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_how_far_a_long_work_is(app, database, tmp_path, monkeypatch):
    path = tmp_path / "accounts.csv"
    path.write_text("account_code;name;first_name;description;contact;phone;email\nA1;Dupont;;;;;\n")
    shown = []
    monkeypatch.setattr(commands, "bar", lambda length, label: shown.append((length, label)) or nullcontext())
    assert app.test_cli_runner().invoke(args=["load", "accounts", str(path)]).exit_code == 0
    assert shown == [(2, "Comptes")]


def test_a_bar_is_for_a_terminal_alone(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(commands.watched([1, 2], "Essai")) == [1, 2]
    assert "Essai" in sys.stderr.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert list(commands.watched([1, 2], "Essai")) == [1, 2]
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("scale", ["0", "-1"])
def test_a_demonstration_of_nothing_is_refused(app, database, scale):
    result = app.test_cli_runner().invoke(args=["demo", "load", "--scale", scale])
    assert result.exit_code == 1
    assert not User.select().exists()


@pytest.mark.parametrize("command", ["sign-ins", "load"])
def test_a_real_portal_has_no_demonstration(app, database, command):
    app.settings = dataclasses.replace(app.settings, demo=False)
    sentence = refusal(app, "demo", command)
    assert "DEMO=0" in sentence
    assert app.settings.demo_password not in sentence


@pytest.mark.parametrize("role", ["company", "multi_account_manager", "broker"])
def test_who_sees_accounts_alone_is_given_one(app, database, role):
    command = [*CREATE[:-1], role]
    assert "--account" in refusal(app, *command)
    assert not User.select().exists()
    code = factories.account().code
    assert app.test_cli_runner().invoke(args=[*command, "--account", code]).exit_code == 0


def test_the_mutual_s_own_need_no_account(app, database):
    assert app.test_cli_runner().invoke(args=CREATE).exit_code == 0


@pytest.mark.parametrize("names", [("", "B"), ("A", "  "), ("A" * 300, "B"), ("A\nB", "C")])
def test_a_user_has_names_of_one_line(app, database, names):
    first, last = names
    refusal(app, *CREATE[:3], "--first-name", first, "--last-name", last, "--role", "staff")
    assert not User.select().exists()


def test_the_demonstration_leaves_a_base_that_was_loaded_alone(app, database):
    factories.account()
    assert "base vide" in refusal(app, "demo", "load")
    started = app.test_cli_runner().invoke(args=["start"])
    assert started.exit_code == 0
    assert "user create" in started.output
    assert app.settings.demo_password not in started.output
    assert not User.select().exists()


def test_sign_ins_are_those_that_are_there_with_the_password_that_opens(app, database):
    user = factories.user()
    User.update(identifier="rh@demo.example").where(User.id == user.id).execute()
    said = app.test_cli_runner().invoke(args=["demo", "sign-ins"]).output
    assert "rh@demo.example" in said
    assert "admin@demo.example" not in said
    assert app.settings.demo_password not in said
    User.update(password_hash=credentials.hash_password(app.settings.demo_password)).execute()
    assert app.settings.demo_password in app.test_cli_runner().invoke(args=["demo", "sign-ins"]).output
