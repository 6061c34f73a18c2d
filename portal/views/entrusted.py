"""How an enrolment that was given to its employee is told in French: the link, how far they are; and the letter."""

from types import SimpleNamespace

from portal import clock, enrolments, entrusting, formats
from portal.formats import date_fr, datetime_fr
from portal.household import STEP_TITLES, STEPS
from portal.models import GuestChannel, MessageState, OutboxMessage
from portal.printing import Letter

SENT_BY = {
    GuestChannel.EMAIL: "par courriel à {}",
    GuestChannel.SMS: "par SMS au {}",
    GuestChannel.LETTER: "par lettre",
}


def tell(row, now):
    """What HR sees of an enrolment that its employee has in hand: nothing of what they typed."""
    link = entrusting.latest(row)
    return SimpleNamespace(
        link=link,
        how=how(link) if link else "",
        delivery=delivery(link) if link else None,
        state=state(link, now),
        ended=link is None or ended(link, now),
        steps=[(STEP_TITLES[step][1], bool(row.saved.get(step, {}).get("right"))) for step in STEPS],
        whole=enrolments.first_unanswered(row) == enrolments.LAST_LOOK,
    )


def how(link):
    channel, to = GuestChannel(link.channel), link.unseal()
    masked = {GuestChannel.EMAIL: formats.email_masked, GuestChannel.SMS: formats.phone_masked}
    return SENT_BY[channel].format(masked[channel](to) if to else "")


def message_of(link, *about):
    """What carried a link, told of it or of another row (`about`): None for a letter, or once it is forgotten."""
    written = (OutboxMessage.about(row).where(OutboxMessage.created_at == link.created_at) for row in (link, *about))
    return next((found for message in written if (found := message.first())), None)


def delivery(link):
    """(tone, words) of the message that carried the link; None for a letter."""
    message = message_of(link)
    if message is None:
        return None
    at = datetime_fr(message.settled_at) if message.settled_at else ""
    return {
        MessageState.WAITING: ("info", "Message en cours d’envoi"),
        MessageState.SENT: ("ok", f"Message parti le {at}"),
        MessageState.FAILED: ("danger", "Le message n’a pas pu être remis : vérifiez l’adresse ou le numéro"),
    }.get(message.state, ("", "Message retenu"))


def ended(link, now):
    return link.cancelled_at is not None or link.expires_at <= now or link.is_blocked


def state(link, now):
    """(tone, words) of the link."""
    if link is None:
        return "warn", "Aucun lien n’est en service : imprimez la lettre"
    if link.is_blocked:
        return "danger", "Lien bloqué : dix dates de naissance fausses ont été essayées"
    if link.cancelled_at:
        return "warn", "Ce lien ne sert plus"
    if link.expires_at <= now:
        return "danger", f"Lien expiré le {date_fr(clock.day_of(link.expires_at))}"
    if link.opened_at is None:
        return "info", "Pas encore ouvert"
    return "ok", f"Ouvert le {datetime_fr(link.opened_at)}"


def in_short(link, now):
    """(tone, words) of where an enrolment stands that its employee has in hand, in a list."""
    if link is not None and not ended(link, now):
        return "info", "Chez le salarié"
    tone, words = state(link, now)
    return tone, words.partition("\u00a0:")[0]


def copy_of(row):
    """What became of the copy that the employee is sent, in a sentence; "" when nothing could be sent."""
    link = row.copy_link()
    if link is None:
        return ""
    message, by_mail = message_of(link, row), link.channel == GuestChannel.EMAIL
    what = "courriel" if by_mail else "SMS"
    opens = "le lien lui donne son bulletin, après sa date de naissance."
    if message is not None and message.state == MessageState.WAITING:
        return f"Un {what} part vers le salarié\u00a0: {opens}"
    if message is not None and message.state == MessageState.FAILED:
        of_what = "l’adresse" if by_mail else "le numéro"
        return f"Le {what} n’a pas pu être remis au salarié\u00a0: vérifiez {of_what}, et remettez-lui son bulletin."
    at = f" le {datetime_fr(message.settled_at)}" if message is not None and message.settled_at else ""
    return f"Un {what} est parti vers le salarié{at}\u00a0: {opens}"


def letter_of(row, link, url, today):
    """What is printed for the employee: the company writes."""
    return Letter(
        recipient=[row.label],
        subject="Compléter votre adhésion à la mutuelle",
        sender=[row.category.company.label],
        on=today,
        paragraphs=[
            "Bonjour,",
            "Vous rejoignez la mutuelle de l’entreprise. Il vous reste quelques informations à donner : "
            "votre n° de Sécurité sociale, votre adresse, votre RIB et, s’il y a lieu, votre conjoint et vos enfants.",
            "Comptez une dizaine de minutes. Ce que vous remplissez est gardé au fur et à mesure.",
        ],
        url=url,
        after=[
            f"Ce lien est personnel : votre date de naissance vous sera demandée. Il sert jusqu’au "
            f"{date_fr(clock.day_of(link.expires_at))}.",
        ],
    )
