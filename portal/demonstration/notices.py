"""What the mutual says in the demonstration: to everyone, to one account; one that is over, one to come."""

import datetime

from portal.demonstration.draw import days_ago
from portal.models import Notice, User

# Title, words, important, to the guide's account alone, first day and last day (days from now; none: no end).
NOTICES = (
    (
        "Nouvelles cartes de tiers payant",
        "Les nouvelles cartes partent dans les prochaines semaines, à l’adresse de chaque adhérent.\n\n"
        "Vérifiez les adresses de vos salariés avant cette date.",
        True,
        False,
        *(-6, 40),
    ),
    (
        "Votre conseillère change",
        "Nadia Berthod suit désormais votre compte. Écrivez-lui depuis «\u202fDemandes\u202f».",
        False,
        True,
        *(-12, None),
    ),
    ("Fermeture exceptionnelle", "Nos équipes reprennent lundi à 8\u00a0h.", False, False, *(-40, -10)),
    ("Nouveau tableau de garanties", "Il sera dans l’espace documentaire.", False, False, *(20, 60)),
)


def make_notices(draw, account):
    author = User.known("gestion@demo.example")
    for title, body, important, one_account, first, last in NOTICES:
        start = days_ago(-first)
        Notice.create(
            public_id=draw.uuid(),
            title=title,
            body=body,
            is_important=important,
            account=account["id"] if one_account else None,
            starts_on=start.date(),
            ends_on=None if last is None else start.date() + datetime.timedelta(days=last - first),
            author=author,
            created_at=min(start, days_ago(1)),
        )
