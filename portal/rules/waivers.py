"""Who may stay out of the company's cover (« dispense d'affiliation »): each case, what proves it, until when.

A waiver is always asked by the employee, in writing; the employer keeps the request and its proof, without which the
contributions are claimed back. Sources: Code de la sécurité sociale, art. L. 911-7, D. 911-2 and R. 242-1-6; loi
n° 89-1009 du 31 décembre 1989, art. 11.
"""

from datetime import date, timedelta
from typing import NamedTuple

from portal.rules.dependents import Proof
from portal.rules.terminations import months_later

STATUTORY, PLAN_DOCUMENT = "STATUTORY", "PLAN_DOCUMENT"
BASES = {STATUTORY: "De droit", PLAN_DOCUMENT: "Prévue par l’acte de l’entreprise"}
MONTHS_AHEAD = 12  # how far a waiver is recorded before it begins
DAYS_BEFORE = 30  # when a reminder goes, before a proof is due or a waiver ends

# When it may be asked for (art. D. 911-5).
OCCASIONS = {
    "HIRING": "À l’embauche",
    "SET_UP": "À la mise en place du régime dans l’entreprise",
    "OTHER_COVER": "Au début de l’autre couverture",
}
# What « another collective cover » may be (art. D. 911-2, 3°).
COVERS = {
    "SPOUSE": "La mutuelle d’entreprise du conjoint",
    "OTHER_JOB": "La mutuelle d’entreprise d’un autre emploi",
    "CIVIL_SERVICE": "La fonction publique d’État ou territoriale",
    "MADELIN": "Un contrat « loi Madelin »",
    "ALSACE_MOSELLE": "Le régime local d’Alsace-Moselle",
    "CAMIEG": "Le régime des industries électriques et gazières (CAMIEG)",
}

CSS = Proof("CSS_CERTIFICATE", "Attestation de droits à la complémentaire santé solidaire")
INDIVIDUAL = Proof("INDIVIDUAL_COVER", "Attestation du contrat individuel, avec sa date d’échéance")
OTHER = Proof("OTHER_COVER", "Attestation de l’autre couverture, par l’assureur ou l’employeur", yearly=True)
RESPONSIBLE = Proof("RESPONSIBLE_COVER", "Attestation d’un contrat « responsable »")
ANY_COVER = Proof("ANY_COVER", "Attestation d’une couverture pour le même type de garanties")
PAYSLIP = Proof("PAYSLIP", "Bulletin de salaire, et calcul de la cotisation", yearly=True)
PROOFS = {proof.code: proof for proof in (CSS, INDIVIDUAL, OTHER, RESPONSIBLE, ANY_COVER, PAYSLIP)}


class Case(NamedTuple):
    label: str
    claim: str  # the employee's own words
    basis: str
    article: str
    proof: Proof | None
    lasts: str  # until when, in words
    until: str = ""  # the label of the last day that is asked; none: no day ends it
    hired: bool = False  # the hire date is asked: the case rests on it
    covers: tuple[str, ...] = ()  # which other covers may be answered
    occasions: tuple[str, ...] = tuple(OCCASIONS)
    renewable: bool = True  # a later last day may follow the first
    note: str = ""

    @property
    def yearly(self):
        """Proved again every year."""
        return bool(self.proof and self.proof.yearly)


_END_OF_JOB = "Fin du contrat de travail"
_COVERED = "Je suis déjà couvert par une mutuelle d’entreprise, ou par un régime équivalent."

CASES = {
    "OP_CSS": Case(
        "Complémentaire santé solidaire",
        "J’ai la complémentaire santé solidaire (CSS).",
        *(STATUTORY, "CSS, art. D. 911-2, 1°", CSS, "Tant que durent les droits"),
        until="Fin des droits",
    ),
    "OP_INDIVIDUAL": Case(
        "Assurance santé individuelle",
        "J’ai une mutuelle individuelle, souscrite avant mon embauche ou avant le régime de l’entreprise.",
        *(STATUTORY, "CSS, art. D. 911-2, 2°", INDIVIDUAL, "Jusqu’à l’échéance du contrat individuel"),
        until="Échéance du contrat individuel",
        occasions=("HIRING", "SET_UP"),
        renewable=False,
        note="À cette échéance, le salarié doit être affilié : son contrat individuel ne se prolonge pas ici.",
    ),
    "OP_OTHER_JOB": Case(
        "Autre couverture collective",
        _COVERED,
        *(STATUTORY, "CSS, art. D. 911-2, 3°", OTHER, "Tant que dure l’autre couverture, justifiée chaque année"),
        covers=tuple(cover for cover in COVERS if cover != "SPOUSE"),
    ),
    "OP_DEPENDENT": Case(
        "Ayant droit d’une couverture collective",
        "Je suis couvert comme ayant droit par la mutuelle d’entreprise de mon conjoint.",
        *(STATUTORY, "CSS, art. D. 911-2, 3°", OTHER, "Tant que dure l’autre couverture, justifiée chaque année"),
        covers=tuple(cover for cover in COVERS if cover != "OTHER_JOB"),
    ),
    "OP_SHORT_CONTRACT": Case(
        "Couverture de moins de trois mois",
        "Mon contrat est court : la mutuelle me couvrirait moins de trois mois, et j’ai un contrat « responsable ».",
        *(STATUTORY, "CSS, art. L. 911-7, III", RESPONSIBLE, "Jusqu’à la fin du contrat de travail"),
        until=_END_OF_JOB,
        note="Le salarié peut demander le versement santé à l’employeur (CSS, art. L. 911-7-1).",
    ),
    "OP_DUE_BEFORE": Case(
        "Présent avant la décision unilatérale",
        "J’étais dans l’entreprise avant que mon employeur décide seul d’un régime dont je paierais une part.",
        *(STATUTORY, "Loi n° 89-1009 du 31/12/1989, art. 11", None, "Sans limite"),
        hired=True,
        occasions=("SET_UP",),
    ),
    "ACT_CDD_LT12": Case(
        "CDD, mission ou apprentissage de moins de douze mois",
        "J’ai un contrat (CDD, mission, apprentissage) de moins de douze mois.",
        *(PLAN_DOCUMENT, "CSS, art. R. 242-1-6, 2° b", None, "Jusqu’à la fin du contrat de travail"),
        until=_END_OF_JOB,
        hired=True,
    ),
    "ACT_CDD_GE12": Case(
        "CDD, mission ou apprentissage de douze mois ou plus",
        "J’ai un contrat (CDD, mission, apprentissage) de douze mois ou plus, et une mutuelle individuelle.",
        *(PLAN_DOCUMENT, "CSS, art. R. 242-1-6, 2° a", ANY_COVER, "Jusqu’à la fin du contrat de travail"),
        until=_END_OF_JOB,
        hired=True,
    ),
    "ACT_PARTTIME_10": Case(
        "Temps partiel ou apprentissage, cotisation d’au moins 10 % du salaire",
        "Je suis à temps partiel ou apprenti, et la cotisation prendrait 10 % ou plus de mon salaire brut.",
        *(PLAN_DOCUMENT, "CSS, art. R. 242-1-6, 2° c", PAYSLIP, "Tant que la cotisation atteint 10 % du salaire brut"),
    ),
    "ACT_CSS": Case(
        "Complémentaire santé solidaire, prévue par l’acte",
        "J’ai la complémentaire santé solidaire (CSS).",
        *(PLAN_DOCUMENT, "CSS, art. R. 242-1-6, 2° d", CSS, "Tant que durent les droits"),
        until="Fin des droits",
    ),
    "ACT_INDIVIDUAL": Case(
        "Assurance santé individuelle, prévue par l’acte",
        "J’ai une mutuelle individuelle, souscrite avant mon embauche ou avant le régime de l’entreprise.",
        *(PLAN_DOCUMENT, "CSS, art. R. 242-1-6, 2° e", INDIVIDUAL, "Jusqu’à l’échéance du contrat individuel"),
        until="Échéance du contrat individuel",
        occasions=("HIRING", "SET_UP"),
        renewable=False,
        note="À cette échéance, le salarié doit être affilié : son contrat individuel ne se prolonge pas ici.",
    ),
    "ACT_OTHER": Case(
        "Autre couverture collective, prévue par l’acte",
        _COVERED,
        *(PLAN_DOCUMENT, "CSS, art. R. 242-1-6, 2°", OTHER, "Tant que dure l’autre couverture, justifiée chaque année"),
        covers=tuple(COVERS),
    ),
}


# What an employee is offered: what the act repeats of the law changes nothing for them.
OFFERED = tuple(code for code in CASES if code not in ("ACT_CSS", "ACT_INDIVIDUAL", "ACT_OTHER"))


class Asked(NamedTuple):
    """What is answered of a waiver: the boxes of its form, read."""

    reason: str
    requested_on: date
    effect_on: date
    occasion: str
    cover: str = ""
    hired_on: date | None = None
    valid_until: date | None = None


def faults(asked: Asked, today: date) -> dict[str, str]:
    """What the law or good sense refuses, in French, by field of Asked; raises KeyError for an unknown case."""
    case = CASES[asked.reason]
    found = {
        "requested_on": _requested_fault(asked, today),
        "effect_on": _effect_fault(asked, today),
        "occasion": _occasion_fault(case, asked),
        "cover": _cover_fault(case, asked),
        "hired_on": _hired_fault(case, asked),
        "valid_until": until_fault(case, asked.reason, asked.effect_on, asked.hired_on, asked.valid_until),
    }
    return {name: sentence for name, sentence in found.items() if sentence}


def _requested_fault(asked: Asked, today: date) -> str:
    return "Cette date est dans l’avenir. Indiquez le jour de la demande écrite." if asked.requested_on > today else ""


def _effect_fault(asked: Asked, today: date) -> str:
    latest = months_later(today, MONTHS_AHEAD)
    return f"Au plus tard le {latest:%d/%m/%Y}. Corrigez la date." if asked.effect_on > latest else ""


def _occasion_fault(case: Case, asked: Asked) -> str:
    if asked.occasion in case.occasions:
        return ""
    if not asked.occasion:
        return "Indiquez quand la dispense est demandée. Choisissez une des réponses."
    *others, last = (OCCASIONS[name].lower() for name in case.occasions)
    possible = f"{', '.join(others)} ou {last}" if others else last
    return f"Dans ce cas, la dispense se demande {possible}. Choisissez une autre réponse, ou un autre cas."


def _cover_fault(case: Case, asked: Asked) -> str:
    missing = case.covers and asked.cover not in case.covers
    return "Indiquez de quelle couverture il s’agit. Choisissez une des réponses." if missing else ""


def _hired_fault(case: Case, asked: Asked) -> str:
    if not case.hired:
        return ""
    if asked.hired_on is None:
        return "Indiquez la date d’embauche : ce cas en dépend."
    if asked.hired_on > asked.effect_on:
        return "Cette date est après l’effet de la dispense. Corrigez l’une des deux."
    if asked.reason == "OP_DUE_BEFORE" and asked.hired_on == asked.effect_on:
        return "Ce cas vaut pour un salarié présent avant le régime. Corrigez la date, ou choisissez un autre cas."
    return ""


def until_fault(case: Case, reason: str, effect_on: date, hired_on: date | None, until: date | None) -> str:
    """Why a waiver cannot last until that day, in French, or nothing; None is right where no day is asked."""
    if not case.until:
        return ""
    if until is None:
        return f"Indiquez la date : {case.until[:1].lower()}{case.until[1:]}."
    if until < effect_on:
        return "Cette date est avant l’effet de la dispense. Corrigez l’une des deux."
    start = hired_on or effect_on
    return {
        "OP_INDIVIDUAL": _individual_fault(effect_on, until),
        "ACT_INDIVIDUAL": _individual_fault(effect_on, until),
        "OP_SHORT_CONTRACT": "La mutuelle couvrirait ce salarié trois mois ou plus. Choisissez un autre cas."
        if lasts(effect_on, until, 3)
        else "",
        "ACT_CDD_LT12": "Ce contrat dure douze mois ou plus. Choisissez le cas qui lui correspond."
        if lasts(start, until, 12)
        else "",
        "ACT_CDD_GE12": ""
        if lasts(start, until, 12)
        else "Ce contrat dure moins de douze mois. Choisissez le cas qui lui correspond.",
    }.get(reason, "")


def _individual_fault(effect_on: date, until: date) -> str:
    latest = months_later(effect_on, 12)
    if until <= latest:
        return ""
    return f"Un contrat individuel a une échéance chaque année : au plus tard le {latest:%d/%m/%Y}. Corrigez la date."


def lasts(start: date, end: date, months: int) -> bool:
    """From the first day to the last, so many months or more: 01/01 to 31/12 is twelve."""
    return end + timedelta(1) >= months_later(start, months)


def doubts(asked: Asked, today: date) -> list[str]:
    """What is accepted once it was read, in French."""
    found = []
    if asked.requested_on > asked.effect_on:
        found.append(
            "La demande est postérieure à l’effet : entre les deux, la cotisation est due, et un contrôle peut la"
            " réclamer. Vérifiez les deux dates."
        )
    if asked.valid_until and asked.valid_until < today:
        found.append("Cette dispense est déjà terminée. Le salarié doit être affilié.")
    return found


# ── Proved again, ended ──────────────────────────────────────────────────────────────────────────────────────────


def first_review(case: Case, effect_on: date) -> date | None:
    """When the proof is to be given again for the first time."""
    return months_later(effect_on, 12) if case.yearly else None


def next_review(case: Case, due_on: date, today: date) -> date | None:
    """The anniversary after a review that was due, the first one to come: a late proof does not move the date."""
    years = 1
    while case.yearly and months_later(due_on, 12 * years) <= today:
        years += 1
    return months_later(due_on, 12 * years) if case.yearly else None


def renewal_fault(case: Case, asked: Asked, until: date | None) -> str:
    """Why a waiver cannot be prolonged until that day, in French, or nothing."""
    if not case.renewable:
        return "Cette dispense ne se prolonge pas : à l’échéance, le salarié doit être affilié."
    if case.until and until and asked.valid_until and until <= asked.valid_until:
        return f"Indiquez une date après le {asked.valid_until:%d/%m/%Y}, où elle se termine déjà."
    return until_fault(case, asked.reason, asked.effect_on, asked.hired_on, until)


def due_on(valid_until: date | None, review_due_on: date | None) -> date | None:
    """The next day by which HR has something to do: give a proof again, or affiliate."""
    return min((day for day in (valid_until, review_due_on) if day), default=None)
