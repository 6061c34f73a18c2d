"""What waits for a user, as « Accueil » says it: each line is left out when nothing of it does."""

import datetime

from flask import url_for
from flask_login import current_user

from portal import clock
from portal.formats import date_fr, plural
from portal.forms.employees import SOON
from portal.models import Beneficiary, Enrolment, Sending, fn
from portal.rules import threads as rules
from portal.views import enrolled, roster, sendings, threads
from portal.views.scope import may


def awaiting(today):
    """What waits for this user, the most urgent first: tone, icon, words, second line, badge, address."""
    enrolling = (to_complete(), unfinished()) if may("enrol") else ()
    writing = (answered(rules.REQUEST, "demande", "demandes"), answered(rules.COMPLAINT, "réclamation", "réclamations"))
    sending = (refused(),) if may("documents") else ()
    found = (*enrolling, *sending, leaving(today), growing_up(today), *(writing if may("write") else ()))
    return [line for count, line in found if count]


def to_complete():
    """Spouses and children who are still to be added to what was sent."""
    count, first = enrolled.awaited().select(fn.COUNT(Enrolment.id), fn.MIN(Enrolment.submitted_at)).tuples().get()
    words = plural(count, "adhésion à compléter", "adhésions à compléter")
    detail = "Un conjoint ou des enfants restent à ajouter."
    return count, (
        "warn",
        "users-plus",
        words,
        detail,
        oldest(first),
        url_for("enrolments.index", _anchor="a-completer"),
    )


def unfinished():
    count, first = enrolled.open_ones().select(fn.COUNT(Enrolment.id), fn.MIN(Enrolment.created_at)).tuples().get()
    words = plural(count, "saisie d’adhésion en cours", "saisies d’adhésion en cours")
    detail = "Commencée, pas encore envoyée." if count == 1 else "Commencées, pas encore envoyées."
    return count, ("info", "pencil", words, detail, oldest(first), url_for("enrolments.index", _anchor="saisies"))


def oldest(instant):
    return instant and f"Depuis le {date_fr(clock.day_of(instant))}"


def refused():
    """Documents that the mutual refused, and that were not sent again."""
    again = sendings.in_scope().where(Sending.to_send_again(clock.now()))
    count, first = again.select(fn.COUNT(Sending.id), fn.MIN(Sending.settled_at)).tuples().get()
    words = plural(count, "document refusé, à renvoyer", "documents refusés, à renvoyer")
    detail = "La mutuelle dit pourquoi dans « Documents »."
    return count, ("warn", "file-upload", words, detail, oldest(first), url_for("sendings.index", etat="refuses"))


def leaving(today):
    soon = today + datetime.timedelta(days=SOON)
    people = roster.visible().where(Beneficiary.terminated_on.between(today, soon))
    count, first = people.select(fn.COUNT(Beneficiary.id), fn.MIN(Beneficiary.terminated_on)).tuples().get()
    words = plural(count, "radiation à venir", "radiations à venir")
    detail = "La couverture de cette personne prend fin." if count == 1 else "La couverture de ces personnes prend fin."
    badge = f"{'Le' if count == 1 else 'Dès le'} {date_fr(first)}"
    return count, ("warn", "user-minus", words, detail, badge, link_to("a-venir"))


def growing_up(today):
    old_enough = Beneficiary.reaching_age(current_user.child_ages(), today, SOON)
    count = roster.visible().where(Beneficiary.active_on(today), old_enough).count()
    words = plural(count, "enfant proche de l’âge limite", "enfants proches de l’âge limite")
    detail = "Un justificatif pourra être demandé."
    soon = today + datetime.timedelta(days=SOON)
    return count, ("warn", "school", words, detail, before(soon), link_to("age-limite"))


def answered(kind, one, many):
    """Threads in which the mutual wrote since this user read them."""
    count = threads.visible(kind, unread_alone=True).count()
    badge = "Non lue" if count == 1 else "Non lues"
    detail = "Une réponse de la mutuelle vous attend."
    words = plural(count, f"{one} a reçu une réponse", f"{many} ont reçu une réponse")
    where = url_for("threads.index", room=many.replace("é", "e"), lues="non")
    return count, ("info", "messages", words, detail, badge, where)


def before(day):
    return f"Avant le {date_fr(day)}"


def link_to(situation):
    return url_for("employees.index", situation=situation)
