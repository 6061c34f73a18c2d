"""Who keeps the cover after the contract of employment, and until when: portability, then article 4 of the loi Évin."""

from datetime import date, timedelta
from typing import Literal, NamedTuple

from portal.rules import Refused
from portal.rules.terminations import REASONS, months_later

PORTABILITY_LAW = "Code de la sécurité sociale, art. L. 911-8"
EVIN_LAW = "Loi n° 89-1009 du 31 décembre 1989, art. 4"
LONGEST = 12  # months of portability
PROPOSED_WITHIN, ASKED_WITHIN, SURVIVORS_KEEP = 2, 6, 12  # months of the loi Évin

Verdict = Literal["likely", "to_prove", "no", "excluded"]

PROOF = "Seule la preuve de son indemnisation par France Travail décide."
STAYS = "Le contrat de travail continue : la portabilité ne vient qu’à sa fin."

# Only the exclusion of faute lourde is in the law: the rest presumes what unemployment insurance will answer
# (Code du travail, art. L. 5422-1), and yields to the proof. A key of HR's list comes before the group it is stored as.
PRESUMPTIONS: dict[str, tuple[Verdict, str]] = {
    "DISMISSAL": ("likely", "Un licenciement ouvre en général droit au chômage."),
    "DISMISSAL_ECONOMIC": ("likely", "Un licenciement économique ouvre en général droit au chômage."),
    "DISMISSAL_GROSS": ("likely", "La faute grave n’exclut pas la portabilité : seule la faute lourde l’exclut."),
    "DISMISSAL_SERIOUS": ("excluded", "La loi exclut de la portabilité un licenciement pour faute lourde."),
    "MUTUAL_TERMINATION": ("likely", "Une rupture conventionnelle ouvre en général droit au chômage."),
    "RESIGNATION": ("no", "Une démission n’ouvre en principe pas droit au chômage."),
    "FIXED_TERM_END": ("likely", "La fin d’un contrat à durée déterminée ouvre en général droit au chômage."),
    "TRIAL_END": ("to_prove", "Tout dépend de qui a mis fin à la période d’essai : l’employeur ou le salarié."),
    "essai-employeur": ("likely", "Une période d’essai rompue par l’employeur ouvre en général droit au chômage."),
    "essai-salarie": ("no", "Une période d’essai rompue par le salarié n’ouvre en principe pas droit au chômage."),
    "RETIREMENT": ("no", "Une pension de retraite n’est pas une allocation de chômage : la loi Évin prend le relais."),
    "COURT": ("to_prove", "Tout dépend du juge : la rupture a les effets d’un licenciement, ou d’une démission."),
    "DEATH": ("no", "La portabilité suit un ancien salarié indemnisé : la loi Évin protège ses ayants droit."),
    "TRANSFER": ("no", STAYS),
    "dispense": ("no", STAYS),
    "OTHER": ("to_prove", "Tout dépend de la façon dont le contrat de travail a pris fin."),
}
VOLUNTARY = {"RESIGNATION", "essai-salarie"}  # no presumption, but unemployment insurance may decide otherwise
CONTINUING = {"TRANSFER", "dispense"}  # the contract of employment goes on: neither law applies


class Portability(NamedTuple):
    verdict: Verdict
    months: int  # at most; 0 when the verdict is « no » or « excluded »
    starts_on: date | None
    ends_on: date | None  # at the latest
    why: str
    source: str


class Continuation(NamedTuple):
    """What article 4 of the loi Évin has the insurer propose, and the days it is counted in."""

    who: Literal["employee", "dependents"]
    certain: bool  # False when the person must first prove a pension or a replacement income
    proposed_by: date
    asked_by: date
    at_least_until: date | None  # None: without limit
    why: str
    source: str


def portability(reason: str, hired_on: date, last_day: date) -> Portability:
    """What L911-8 presumably gives to an employee who was covered, from a key of REASONS or of GROUPS.

    `hired_on` opens the last contract, or the first of consecutive ones with the same employer. The first day of cover
    may stand in for it, but is never earlier: the months are then a minimum, unless they are 12 already.
    « likely » and « to_prove » give the longest period: it ends sooner if the benefits do, and starts only on proof.
    It starts the day after the contract's last day, whatever the contract's `coverage_end_rule`, and follows the
    dependents who were covered. Raises KeyError for an unknown reason, Refused when the contract ends before it starts.
    """
    case = _case(reason)
    verdict, why = PRESUMPTIONS[case]
    if verdict in ("no", "excluded"):
        if case in VOLUNTARY:
            why = f"{why} Si le salarié est indemnisé malgré tout, la portabilité s’applique. {PROOF}"
        return Portability(verdict, 0, None, None, why, PORTABILITY_LAW)
    months = portability_months(hired_on, last_day)
    starts_on = last_day + timedelta(days=1)
    ends_on = portability_end(last_day, months)
    return Portability(verdict, months, starts_on, ends_on, f"{why} {PROOF}", PORTABILITY_LAW)


def portability_months(hired_on: date, last_day: date) -> int:
    """From 1 to 12: the months of the contract, both days included, a month begun counting whole (L911-8, 1°).

    Raises Refused when the contract ends before it starts.
    """
    if last_day < hired_on:
        raise Refused(f"Au plus tôt le {hired_on:%d/%m/%Y}, premier jour du contrat de travail.")
    return next((count for count in range(1, LONGEST) if _whole_months(hired_on, count) >= last_day), LONGEST)


def portability_end(last_day: date, months: int) -> date:
    """The last day of so many whole months from the day after the contract's end.

    From 28/02/2027, 12 months end on 29/02/2028; from 30/01/2027, 1 month ends on 28/02/2027.
    """
    return _whole_months(last_day + timedelta(days=1), months)


def continuation(reason: str, last_day: date, ported_until: date | None = None) -> Continuation | None:
    """What article 4 of the loi Évin offers after a leaving, or None when the contract of employment goes on.

    `last_day` is the contract's last day, or the day of death. `ported_until` is the last day of portability where
    there is one: both delays then run from it. Faute lourde, which shuts out portability, does not shut out this.
    A disability is no reason for leaving and is told to the mutual alone: so every leaver may have a right to prove.
    Raises KeyError for an unknown reason.
    """
    case = _case(reason)
    if case in CONTINUING:
        return None
    start = last_day if case == "DEATH" else max(last_day, ported_until or last_day)
    proposed_by, asked_by = months_later(start, PROPOSED_WITHIN), months_later(start, ASKED_WITHIN)
    days = (
        f"La mutuelle envoie sa proposition au plus tard le {proposed_by:%d/%m/%Y},"
        f" et la demande se fait au plus tard le {asked_by:%d/%m/%Y}."
    )
    if case == "DEATH":
        until = months_later(last_day, SURVIVORS_KEEP)
        why = f"Ses ayants droit couverts peuvent le rester au moins jusqu’au {until:%d/%m/%Y}. {days}"
        return Continuation("dependents", True, proposed_by, asked_by, until, why, EVIN_LAW)
    if case == "RETIREMENT":
        why = f"Un retraité peut rester couvert à titre individuel, sans condition de durée. {days}"
    else:
        why = (
            "S’il touche une pension de retraite ou d’invalidité, une rente d’incapacité ou un revenu de remplacement,"
            f" l’ancien salarié peut rester couvert à titre individuel, sans condition de durée. {days}"
        )
    return Continuation("employee", case == "RETIREMENT", proposed_by, asked_by, None, why, EVIN_LAW)


def employer_steps(reason: str) -> tuple[str, ...]:
    """What the law asks of the employer at that leaving, in French sentences (L911-8, 6°; loi Évin, art. 4, 2°)."""
    case = _case(reason)
    verdict, _ = PRESUMPTIONS[case]
    if case == "DEATH":
        return ("Informez la mutuelle du décès : cette radiation le fait.",)
    if verdict in ("likely", "to_prove"):
        return (
            "Mentionnez dans le certificat de travail le maintien des garanties en cas de chômage indemnisé.",
            "Informez la mutuelle de la fin du contrat de travail : cette radiation le fait.",
        )
    return ()


def employee_steps(reason: str) -> tuple[str, ...]:
    """What the leaver will receive and must do for portability, in French sentences (L911-8, 5°)."""
    case = _case(reason)
    verdict, _ = PRESUMPTIONS[case]
    if verdict in ("likely", "to_prove"):
        return (
            "La mutuelle envoie au salarié le bulletin de portabilité.",
            "Le salarié le renvoie à la mutuelle avec son attestation d’indemnisation par France Travail.",
            "Il justifie de nouveau de son indemnisation pendant le maintien, et prévient la mutuelle "
            "quand elle cesse.",
        )
    if case in VOLUNTARY:
        return ("Si France Travail l’indemnise, le salarié envoie son attestation à la mutuelle.",)
    return ()


def _case(reason: str) -> str:
    """The key of PRESUMPTIONS; raises KeyError for a reason that is neither HR's nor the data's."""
    if reason in PRESUMPTIONS:
        return reason
    return REASONS[reason].group


def _whole_months(first: date, count: int) -> date:
    """The last day of so many whole months: the eve of the same day, or the end of the month where that day lacks."""
    anniversary = months_later(first, count)
    return anniversary if anniversary.day < first.day else anniversary - timedelta(days=1)
