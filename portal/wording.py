"""The words of e-mails and texts, which the mutual may write anew: what it may say, and how a message would look.

A message is a template of `portal/emails`, in three parts: subject, body, words of its button (a text is a body).
What is written in their place may only name what the message is told, choose between words, and write dates: nothing
else of Jinja passes `checked`, so that a text can neither read nor do anything.
"""

import datetime
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes

from portal import outbox
from portal.rules import Refused

FOLDER = Path(outbox.__file__).with_name("emails")
FRAMES = {"layout.txt", "digest.txt"}  # what surrounds every message, and the list of a day
SET = re.compile(r"{% set (subject|action) = (.*) %}\n")
MAY_STAND = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.Assign),
    *(nodes.CondExpr, nodes.Concat, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Getattr, nodes.Filter, nodes.Call),
)
MUST_STAY = ("url", "code")  # without them, a message leads nowhere
OF_EVERYONE = {"brand", "plural"}
EXAMPLES = {
    "first_name": "Claire",
    "name": "Zoé",
    "company": "Ateliers Combe-Noire",
    "code": "482 913",
    "number": 1042,
    "url": "https://portail.example/page",
    "link": "/page",
    "count": 3,
    "late": False,
    "complaint": False,
    "ends": True,
    "due_on": datetime.date(2026, 12, 15),
    "on": datetime.date(2026, 12, 15),
    "until": datetime.date(2026, 12, 15),
    "why": "La date n’est pas lisible.",
    "document": "Un certificat de scolarité",
    "day": datetime.date(2026, 12, 15),
    "browser": "Firefox, Windows",
    "at": datetime.datetime(2026, 12, 15, 9, 5),
    "told": "Votre fichier d’affiliations est vérifié",
}


MEANINGS = {  # what each of these words says, for who writes a message
    "first_name": "le prénom de qui lit",
    "name": "le prénom de la personne dont il s’agit",
    "company": "l’entreprise",
    "code": "le code à recopier",
    "number": "le numéro de l’échange",
    "url": "l’adresse de la page à ouvrir",
    "count": "combien il y en a",
    "late": "vrai quand la date limite est passée",
    "complaint": "vrai pour une réclamation",
    "ends": "vrai quand le mandat prend fin",
    "due_on": "la date limite",
    "on": "le jour",
    "until": "le dernier jour",
    "why": "le motif",
    "document": "le document",
    "day": "le jour",
    "browser": "le navigateur et l’appareil",
    "at": "le jour et l’heure",
    "told": "ce qui est annoncé",
    "brand.insurer": "le nom de la mutuelle",
    "brand.name": "le nom du portail",
    "brand.support_phone": "le téléphone de l’assistance",
    "brand.support_email": "l’adresse électronique de l’assistance",
    "brand.support_hours": "les heures de l’assistance",
    "brand.individual_space_url": "l’adresse de l’espace des salariés",
    "brand.dpo_email": "l’adresse électronique du délégué à la protection des données",
}


class Words(NamedTuple):
    """The parts of a message, as they are written; "" where it has none."""

    subject: str
    body: str
    action: str


def names():
    """File names of the messages that may be written anew, texts last."""
    known = (path.name for path in FOLDER.glob("*.txt") if path.name not in FRAMES)
    return sorted(known, key=lambda name: (is_text(name), name))


def is_text(name):
    """An SMS."""
    return name.endswith(".sms.txt")


@cache
def source_of(name):
    """The portal's own words, as a template."""
    return (FOLDER / name).read_text(encoding="utf-8")


def split(source):
    """A template as its parts."""
    said = {part: expression_as_text(expression) for part, expression in SET.findall(source)}
    return Words(said.get("subject", ""), SET.sub("", source).strip(), said.get("action", ""))


def expression_as_text(expression):
    """« "Demande n° " ~ number » as one writes it in a text: « Demande n° {{ number }} »."""
    whole = outbox.templates.parse("{{ " + expression + " }}").body[0].nodes[0]
    if isinstance(whole, nodes.Const):
        return whole.value
    if isinstance(whole, nodes.Concat) and " ~ " in expression:
        pieces = zip(whole.nodes, re.split(r' ~ (?=(?:[^"]*"[^"]*")*[^"]*$)', expression), strict=True)
        return "".join(node.value if isinstance(node, nodes.Const) else f"{{{{ {said} }}}}" for node, said in pieces)
    return "{{ " + expression + " }}"


def joined(words):
    """The parts as one template."""
    said = {"subject": words.subject, "action": words.action}
    sets = "".join("{% set " + part + " %}" + text + "{% endset %}\n" for part, text in said.items() if text)
    first = re.match(r"(?:{% set \w+ = .*? %}\s*)*", words.body).end()  # what the parts choose from comes before them
    return words.body[:first] + sets + words.body[first:] + "\n"


def told(name):
    """What a message is told: the words that may stand between {{ and }}."""
    return meta.find_undeclared_variables(outbox.templates.parse(source_of(name))) | {"first_name", "url"}


def checked(name, words):
    """The template that these words make; Refused, with what is wrong."""
    source = joined(words)
    try:
        for text in words:
            check_tree(outbox.templates.parse(text))
        used = meta.find_undeclared_variables(outbox.templates.parse(source))
        unknown = used - told(name) - OF_EVERYONE
        if unknown:
            raise Refused(f"Ce message ne connaît pas « {min(unknown)} ». Ce qu’il connaît est écrit plus bas.")
        for word in MUST_STAY:
            if word in meta.find_undeclared_variables(outbox.templates.parse(source_of(name))) - used:
                raise Refused(f"Gardez {{{{ {word} }}}} : sans lui, le message ne mène nulle part.")
        shown(name, source)
    except Refused:
        raise
    except TemplateSyntaxError as fault:
        raise Refused(f"Une accolade ou une condition n’est pas fermée, ligne {fault.lineno}.") from None
    except (TemplateError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise Refused("Ce texte ne peut pas être composé. Vérifiez ce qui est entre accolades.") from None
    return source


def check_tree(tree):
    """Refuse whatever of Jinja is more than a text needs."""
    for node in tree.find_all(nodes.Node):
        right = isinstance(node, MAY_STAND)
        if isinstance(node, nodes.Getattr):
            right = isinstance(node.node, nodes.Name) and node.node.name == "brand" and node.attr in BRAND
        elif isinstance(node, nodes.Name):
            right = node.name in OF_EVERYONE or node.name not in outbox.templates.globals
        elif isinstance(node, nodes.Filter):
            right = node.name in {written.__name__ for written in outbox.WRITTEN} and not (node.args or node.kwargs)
        elif isinstance(node, nodes.Call):
            right = isinstance(node.node, nodes.Name) and node.node.name == "plural" and len(node.args) in (2, 3)
        if not right:
            raise Refused(
                "Un message ne peut que nommer ce qu’il connaît, et choisir entre des mots : retirez le reste."
            )


BRAND = {"insurer", "name", "support_phone", "support_email", "support_hours", "individual_space_url", "dpo_email"}


class Shown(NamedTuple):
    """A message as it would look."""

    subject: str
    paragraphs: list[str]
    action: str
    length: int  # signs of a text


def shown(name, source):
    """This template with examples in it; raises what Jinja does when it cannot be made."""
    words = outbox.told(None, EXAMPLES) | {"url": EXAMPLES["url"]}
    template = compiled(source)
    if is_text(name):
        body = outbox.BLANK.sub(" ", template.render(words)).strip()
        return Shown("", [body], "", len(body))
    page = template.make_module(words)
    said = {part: outbox.one_line(str(getattr(page, part, ""))) for part in outbox.SET}
    return Shown(said["subject"], outbox.paragraphs(str(page)), said["action"], 0)


@lru_cache(200)  # the portal's own words, some seventy, and what is being written in their place
def compiled(source):
    return outbox.templates.from_string(source)


def changed(texts, name, source):
    """The mutual's texts (file name → template) with another one, or without it (None)."""
    others = {known: text for known, text in texts.items() if known != name}
    return others | ({name: source} if source is not None else {})
