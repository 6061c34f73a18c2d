"""What is wrong in how a command was written, in one French sentence and with exit status 1, as for any other fault."""

from functools import wraps

import click
from click.exceptions import NoArgsIsHelpError


class Sentence(click.ClickException):
    """A command that could not, and why."""

    exit_code = 1

    def show(self, file=None):
        click.echo(self.message, err=True)


def explain(group):
    """Have the commands of a group, and of its own groups, say so; they are those of the process, told once."""
    group.resolve_command = explained(group.resolve_command)
    for command in group.commands.values():
        command.make_context = explained(command.make_context)
        if isinstance(command, click.Group):
            explain(command)


def explained(step):
    """A step of click's reading of the command line."""
    if hasattr(step, "explained"):
        return step

    @wraps(step)
    def read(*args, **kwargs):
        try:
            return step(*args, **kwargs)
        except NoArgsIsHelpError:  # a group alone: its help is the answer
            raise
        except click.UsageError as error:
            path = error.ctx.command_path.partition(" ")[2] if error.ctx else ""
            where = f"« flask --app app {path} --help »" if path else "--help"
            raise Sentence(f"{sentence(error)} Voyez {where}.") from None

    read.explained = True
    return read


def sentence(error):
    match error:
        case click.MissingParameter():
            return f"Il manque {name(error.param)}."
        case click.BadParameter():
            return f"{name(error.param)} : {fault(error)}."
        case click.NoSuchOption():
            return f"L’option {error.option_name} n’existe pas."
        case click.BadOptionUsage():
            return f"L’option {error.option_name} est mal employée."
    return "Cette commande n’existe pas, ou a un argument de trop."


def name(param):
    return param.opts[0] if isinstance(param, click.Option) else param.make_metavar(None).strip("[].")


def fault(error):
    """What is wrong in a value; its words may be anybody's: a path alone is repeated."""
    kind = error.param.type if error.param else None
    if isinstance(kind, click.Choice):
        return f"écrivez {', '.join(kind.choices[:-1])} ou {kind.choices[-1]}"
    if isinstance(kind, click.Path):
        if "does not exist" in error.message:
            return "ce fichier n’existe pas"
        wanted = "un dossier" if kind.dir_okay and not kind.file_okay else "un fichier"
        return f"il faut {wanted}, lisible"
    if isinstance(kind, click.IntRange) and kind.min is not None:
        return f"un nombre entier, {kind.min} au moins"
    if isinstance(kind, click.types.IntParamType):
        return "un nombre entier"
    return "cette valeur ne convient pas"
