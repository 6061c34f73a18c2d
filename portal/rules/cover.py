"""On which days of care a health professional may ask whether somebody is covered."""

from datetime import date

from portal.rules import Refused, dates

MONTHS_BACK, MONTHS_AHEAD = 27, 3  # two years to ask for a payment (Code de la mutualité, L. 221-11), and a quarter


def day_of_care(text: str, today: date) -> date:
    """The day that is typed; raises Refused."""
    day = dates.french_date(text, today)
    if day < dates.months_before(today, MONTHS_BACK):
        raise Refused("Ces soins sont trop anciens : au-delà de deux ans, ils ne sont plus remboursés.")
    if day > dates.months_after(today, MONTHS_AHEAD):
        raise Refused("Ce jour est trop loin : vérifiez la couverture dans les trois mois qui précèdent les soins.")
    return day
