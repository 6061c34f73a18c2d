"""What is said of a file of affiliations and of its rows: states, verdicts and counts, in words."""

from collections import Counter
from types import SimpleNamespace

from flask import url_for

from portal.exchange import affiliation_cells as cells
from portal.exchange import staging
from portal.exchange.affiliation_cells import TITLES
from portal.formats import upper_name
from portal.models import JOIN, Beneficiary, Case, ImportRow, ImportState, Movement, fn
from portal.rendering import Page, Sort, address
from portal.views.told import STATES as STATES_OF_MOVEMENTS

# word of the address → (label, tone, icon, which rows, small print)
PENDING = ImportRow.confirmed_at.is_null()
VERDICTS = {
    "creer": ("À créer", "ok", "user-plus", PENDING & (ImportRow.verdict == "CREATE")),
    "modifier": ("À mettre à jour", "info", "refresh", PENDING & (ImportRow.verdict == "UPDATE")),
    "inchangee": ("Inchangée", "", "circle-check", ImportRow.verdict == "UNCHANGED"),
    "avertissement": ("Avertissement", "warn", "alert-triangle", PENDING & (ImportRow.verdict == "WARNING")),
    "erreur": ("Erreur", "danger", "circle-x", ImportRow.verdict == "ERROR"),
    "faite": (
        "Enregistrée",
        "ok",
        "circle-check",
        ImportRow.confirmed_at.is_null(False) & (ImportRow.verdict != "UNCHANGED"),
    ),
}
WORD = {
    "CREATE": "creer",
    "UPDATE": "modifier",
    "UNCHANGED": "inchangee",
    "WARNING": "avertissement",
    "ERROR": "erreur",
}
DONE = {"CREATE": "Affiliée", "REHIRE": "Réaffiliée", "UPDATE": "Mise à jour"}
TITLES_OF = {
    "": "Toutes les lignes",
    "creer": "Lignes à créer",
    "modifier": "Lignes à mettre à jour",
    "inchangee": "Lignes inchangées",
    "avertissement": "Lignes avec un avertissement",
    "erreur": "Lignes en erreur",
    "faite": "Lignes enregistrées",
}
ALWAYS = {"creer", "avertissement", "erreur"}
SMALL_PRINT = {
    "creer": "prêtes à affilier",
    "modifier": "déjà couvertes, avec du nouveau",
    "inchangee": "déjà couvertes, rien à faire",
    "avertissement": "à relire avant de confirmer",
    "erreur": "à corriger",
    "faite": "enregistrées",
}
URGENCY = Case(ImportRow.verdict, [("ERROR", 0), ("WARNING", 1), ("CREATE", 2), ("UPDATE", 3)], 4)
SORTS = {"urgence": (URGENCY, ImportRow.line), "ligne": (ImportRow.line,)}
STATES = {
    ImportState.WAITING: ("En cours de vérification", "info", "hourglass"),
    ImportState.CHECKED: ("À confirmer", "warn", "alert-triangle"),
    ImportState.CONFIRMING: ("Affiliation en cours", "info", "hourglass"),
    ImportState.DONE: ("Terminé", "ok", "circle-check"),
    ImportState.FAILED: ("Illisible", "danger", "circle-x"),
    ImportState.DROPPED: ("Abandonné", "", "trash"),
}


def state_of(source, counts):
    """(words, tone, icon)"""
    if source.state == ImportState.CHECKED and not (counts.ready or counts["erreur"]):
        return "Rien à affilier", "", "circle-check"
    if source.state == ImportState.CHECKED and counts["erreur"] and not counts.ready:
        return "À corriger", "danger", "circle-x"
    return STATES[source.state]


class Counts(Counter):
    """How many rows of each word of VERDICTS, and how many of them may be confirmed."""

    def __init__(self, rows):
        super().__init__()
        self.ready = self.updates = self.doubtful = 0
        for verdict, action, confirmed, count in rows:
            self["faite" if confirmed and verdict != "UNCHANGED" else WORD[verdict]] += count
            if action and not confirmed and verdict != "ERROR":
                self.ready += count
                self.updates += count if action == "UPDATE" else 0
                self.doubtful += count if verdict == "WARNING" else 0

    @property
    def creations(self):
        return self.ready - self.updates


def counts_of(sources):
    """Import id → its counts, in one query."""
    columns = (ImportRow.source, ImportRow.verdict, ImportRow.action, ImportRow.confirmed_at.is_null(False))
    found = {source.id: [] for source in sources}
    rows = rows_of(sources).select(*columns, fn.COUNT(ImportRow.id)).group_by(*columns)
    for source, *row in rows.tuples():
        found[source].append(row)
    return {source: Counts(some) for source, some in found.items()}


def rows_of(sources):
    """Rows come from their import, which came through the door."""
    return staging.rows_of([source.id for source in sources])


def listed(cut):
    """The lines of the list of files."""
    sources = list(cut)
    counts = counts_of(sources)
    return [told(source, counts[source.id]) for source in sources]


def told(source, counts):
    words = [(VERDICTS[word][0], VERDICTS[word][1], counts[word]) for word in VERDICTS if counts[word]]
    url = url_for("imports.show", id=source.public_id)
    return SimpleNamespace(source=source, counts=counts, words=words, state=state_of(source, counts), url=url)


# ── The rows of one file ─────────────────────────────────────────────────────────────────────────────────────────


class Report:
    """A page of rows, filtered and sorted as the address says; `opened`: the number of the row that is being mended."""

    def __init__(self, source, arguments, size, offers, opened=None):
        self.source, self.opened = source, opened
        self.filter = arguments.get("etat") if arguments.get("etat") in VERDICTS else ""
        self.sort = Sort(SORTS, arguments.get("tri", ""))
        self.sort.url = self.sort_url  # after a form in error, the address is the form’s own
        self.labels = {(one.company_code, one.category_code): one.company_label for one in offers}
        self.path = url_for("imports.show", id=source.public_id, perimetre=None)  # the address that all its links keep
        rows = rows_of([source])
        rows = rows.where(VERDICTS[self.filter][3]) if self.filter else rows
        self.page = Page(self.sort.of(rows), size, rows=self.tell)

    def url(self, **changes):
        return address(self.path, **{"ligne": None, "apres": None} | changes)

    def sort_url(self, word):
        return self.url(tri=word, page=None)

    def page_url(self, number):
        return self.url(page=number)

    def size_url(self, size):
        return self.url(lignes=size, page=None)

    def tiles(self, counts):
        """(word, label, tone, icon, small print) of the verdicts to filter by."""
        for word, (label, tone, icon, _) in VERDICTS.items():
            if counts[word] or word in ALWAYS and self.source.state == ImportState.CHECKED:
                yield word, label, tone or "plain", icon, SMALL_PRINT[word]

    @property
    def title(self):
        return TITLES_OF[self.filter]

    def next_wrong(self, after):
        """The line of this page to mend once `after` was."""
        wrong = [row.line for row in self.page.rows if row.wrong] if after else []
        return next((line for line in wrong if line > after), wrong[0] if wrong else None)

    def tell(self, cut):
        told_of = cut.select(ImportRow, Beneficiary.public_id.alias("person"), Movement.state.alias("became"))
        joined = told_of.join(Beneficiary, JOIN.LEFT_OUTER).switch(ImportRow).join(Movement, JOIN.LEFT_OUTER)
        return [tell(self.source, row, self.labels) for row in joined.objects()]


def tell(source, row, labels):
    texts = staging.cells_of(source, row)
    done = row.confirmed_at is not None
    company, college = texts[cells.COMPANY], texts[cells.COLLEGE]
    names = [upper_name(texts[cells.USED_NAME] or texts[cells.BIRTH_NAME]), texts[cells.FIRST_NAME]]
    label, tone, icon, _ = VERDICTS["faite" if done and row.verdict != "UNCHANGED" else WORD[row.verdict]]
    return SimpleNamespace(
        line=row.line,
        name=" ".join(filter(None, names)) or "(sans nom)",
        role=texts[cells.TYPE],
        company=labels.get((company, college)) or company,
        college=" · ".join(filter(None, (college, texts[cells.PLAN]))),
        effective_on=texts[cells.EFFECTIVE_ON],
        became=STATES_OF_MOVEMENTS[row.became] if row.became else "",
        verdict=(DONE.get(row.action, label) if done else label, tone, icon),
        notes=[] if done else list(notes(texts, row.notes)),
        wrong=row.verdict == "ERROR",
        may_be_mended=not done,
        person=row.person,
    )


KINDS = (("errors", "danger"), ("warnings", "warn"), ("repairs", "ok"))
SECRETS = {TITLES[place] for place in (cells.NIR, cells.REIMBURSEMENT_IBAN, cells.CONTRIBUTION_IBAN)}


def notes(texts, said):
    """(tone, column, what was read, sentence), the errors first."""
    for kind, tone in KINDS:
        for title, sentence in said.get(kind, {}).items():
            read = texts[TITLES.index(title)]
            yield tone, title.replace("'", "’"), shortened(read) if title in SECRETS else read, sentence


def shortened(secret):
    """Enough of a NIR or an IBAN to know it again."""
    return f"{secret[:4]}…{secret[-2:]}" if len(secret) > 8 else secret
