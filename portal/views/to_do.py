"""What waits for a user, as « Accueil » says it: each line is left out when nothing of it does."""

import datetime

from flask import url_for
from flask_login import current_user

from portal.formats import date_fr, plural
from portal.forms.employees import SOON
from portal.models import Beneficiary, Enrolment
from portal.rules import threads as rules
from portal.views import enrolled, expected, roster, threads
from portal.views.expected import since
from portal.views.scope import may
from portal.views.tally import number


def waiting(today):
    """What may wait for this user, the most urgent first: {name: (how it is counted, how it is told)}.

    It is told of a number and the first instant or day: tone, icon, words, second line, badge, address.
    """
    lines = {"leaving": leaving(today), "growing_up": growing_up(today)}
    if may("enrol"):
        lines = {"to_complete": to_complete(), "unfinished": unfinished()} | lines
    if may("write"):
        lines["requests"] = answered(rules.REQUEST, "demande", "demandes")
        lines["complaints"] = answered(rules.COMPLAINT, "réclamation", "réclamations")
    return expected.lines(today) | lines


URGENCY = {"danger": 0, "warn": 1, "info": 2}  # what is late, what has a day or holds somebody up, what can wait


def told(lines, tally):
    """Those of which something waits, what is late first."""
    found = [tell(tally.count(name), tally.since(name)) for name, (_, tell) in lines.items() if tally.count(name)]
    return sorted(found, key=lambda line: URGENCY[line[0]])


def to_complete():
    """Spouses and children who are still to be added to what was sent."""

    def tell(count, first):
        words = plural(count, "adhésion à compléter", "adhésions à compléter")
        detail = "Un conjoint ou des enfants restent à ajouter."
        return "warn", "users-plus", words, detail, since(first), url_for("enrolments.index", _anchor="a-completer")

    return number(enrolled.awaited(), Enrolment.submitted_at), tell


def unfinished():
    def tell(count, first):
        words = plural(count, "saisie d’adhésion en cours", "saisies d’adhésion en cours")
        detail = "Commencée, pas encore envoyée." if count == 1 else "Commencées, pas encore envoyées."
        return "info", "pencil", words, detail, since(first), url_for("enrolments.index", _anchor="saisies")

    return number(enrolled.open_ones(), Enrolment.created_at), tell


def leaving(today):
    def tell(count, first):
        words = plural(count, "radiation à venir", "radiations à venir")
        whose = "de cette personne" if count == 1 else "de ces personnes"
        badge = f"{'Le' if count == 1 else 'Dès le'} {date_fr(first.date())}"
        return "warn", "user-minus", words, f"La couverture {whose} prend fin.", badge, link_to("a-venir")

    soon = today + datetime.timedelta(days=SOON)
    return number(
        roster.visible().where(Beneficiary.terminated_on.between(today, soon)), Beneficiary.terminated_on
    ), tell


def growing_up(today):
    def tell(count, _):
        words = plural(count, "enfant proche de l’âge limite", "enfants proches de l’âge limite")
        badge = f"D’ici au {date_fr(today + datetime.timedelta(days=SOON))}"
        return "warn", "school", words, "Un justificatif pourra être demandé.", badge, link_to("age-limite")

    old_enough = Beneficiary.reaching_age(current_user.child_ages(), today, SOON)
    return number(roster.visible().where(Beneficiary.active_on(today), old_enough)), tell


def answered(kind, one, many):
    """Threads in which the mutual wrote since this user read them."""

    def tell(count, _):
        badge = "Non lue" if count == 1 else "Non lues"
        words = plural(count, f"{one} a reçu une réponse", f"{many} ont reçu une réponse")
        where = url_for("threads.index", room=many.replace("é", "e"), lues="non")
        return "info", "messages", words, "Une réponse de la mutuelle vous attend.", badge, where

    return number(threads.visible(kind, unread_alone=True)), tell


def link_to(situation):
    return url_for("employees.index", situation=situation)
