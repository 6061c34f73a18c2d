"""« Chiffres », at the mutual: volumes, delays kept and satisfaction over 24 months, as curves and as a workbook."""

from flask import Blueprint, current_app
from flask_login import current_user

from portal import clock, figures
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.formats import month_fr
from portal.models import db
from portal.rendering import render
from portal.rules.threads import COMPLAINT, REQUEST
from portal.views import roster

blueprint = Blueprint("staff_figures", __name__, url_prefix="/gestion/chiffres")
to_staff = requires("staff")

LABELS = {
    "movements": "Mouvements",
    "enrolments": "Adhésions",
    "proofs": "Justificatifs",
    "requests": "Demandes",
    "complaints": "Réclamations",
    "registrations": "Inscriptions",
}
OF_PEOPLE, OF_EXCHANGES = ("movements", "enrolments", "proofs"), ("requests", "complaints", "registrations")
KINDS = {REQUEST: "Demandes", COMPLAINT: "Réclamations"}
COLUMNS = (
    *(Column("Mois"), *(Column(label, "number") for label in LABELS.values())),
    *(Column(f"{label} dans les délais (%)", "number") for label in KINDS.values()),
    *(Column(f"{label}, délai médian (jours)", "number") for label in KINDS.values()),
    *(Column("Satisfaction (sur 5)", "number"), Column("Évaluations", "number")),
)


@blueprint.get("")
@to_staff
def index():
    months = counted()
    charts = (
        chart("Mouvements, adhésions, justificatifs", months, *volumes(OF_PEOPLE)),
        chart("Demandes, réclamations, inscriptions", months, *volumes(OF_EXCHANGES)),
        chart("Réponses dans les délais", months, KINDS.values(), lambda one: of_kinds(one.kept), "\u00a0%", 100),
        chart("Délai médian de réponse", months, KINDS.values(), lambda one: of_kinds(one.days), "\u00a0j"),
        chart("Satisfaction, sur 5", months, ["Moyenne des évaluations"], lambda one: [one.satisfaction], most=5),
    )
    return render("staff_figures", charts=charts, tiles=tiles(months))


def counted():
    return figures.months(current_user, clock.today(), current_app.settings.promised_days)


def volumes(names):
    return [LABELS[name] for name in names], lambda one: [one.volumes[name] for name in names]


def of_kinds(values):
    return [values.get(kind) for kind in KINDS]


def chart(title, months, labels, values, unit="", most=None):
    """What the macros of charts take: points, series, and the sentence that is read instead of the drawing."""
    points = [(month_fr(one.first), values(one)) for one in months]
    series = [(f"c{place}", label) for place, label in enumerate(labels, 1)]
    known = any(value for _, row in points for value in row)
    return {"title": title, "points": points, "series": series, "unit": unit, "known": known, "most": most}


def tiles(months):
    """(label, this month, the month before)."""
    before, now = months[-2:]
    return [(LABELS[name], now.volumes[name], before.volumes[name]) for name in figures.VOLUMES]


@blueprint.post("/telechargement")
@to_staff
def download():
    with db.atomic():
        audit("figures.export", after={"months": figures.MONTHS})
    return roster.send("chiffres", COLUMNS, map(cells, counted()), "xlsx", "Chiffres")


def cells(one):
    volumes = [one.volumes[name] for name in LABELS]
    return [month_fr(one.first), *volumes, *of_kinds(one.kept), *of_kinds(one.days), one.satisfaction, one.ratings]
