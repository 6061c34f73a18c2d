"""Going through the steps of an enrolment, whoever types: shown, saved as one types, left by a button."""

import datetime
import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace

from flask import flash, redirect, request
from htmx_flask import make_response

from portal import clock, enrolments
from portal.enrolments import LAST_LOOK, NEXT, ORDER
from portal.exchange import affiliation_cells as cells
from portal.formats import date_fr
from portal.forms.enrolments import STEPS, as_typed, speak_to_employee, with_a_child_more, without_child
from portal.household import (
    NAMES,
    PRIVATE,
    STEP_TITLES,
    Household,
    first,
    said_to_you,
    shown_to_hr,
    typed_by_employee,
    typed_by_hr,
)
from portal.models import Enrolment
from portal.rendering import render, render_region, wants_fragment
from portal.rules import identifiers

QUIT, BACK, SUMMARY, TOWN, MORE, LESS = "quitter", "precedent", "resume", "ville", "ajouter", "retirer-"
FIRST = ORDER[0]
# Words of an address: say at once what is wrong; show what is saved rather than what a session did not outlive.
REVIEW, SAVED = "revoir", "enregistre"


@dataclass
class Stepping:
    """How somebody goes through one enrolment, read whole.

    `by`: None for the employee. `address_of(step)`, `leave`: where the steps are, and the way out. `offers()`: the
    contracts that may be chosen. `known(home)`: who the employee may be already, or nothing. `page`: the template.
    """

    enrolment: Enrolment
    by: object
    address_of: object
    leave: str
    offers: object = None
    known: object = None
    page: str = "enrolment_step"
    titles: dict = field(default_factory=lambda: STEP_TITLES)

    # Showing

    def show(self, step, unsent=None):
        """The page of a step; a step beyond the first that is not right leads back to that one."""
        reached = enrolments.first_unanswered(self.enrolment)
        if ORDER.index(step) > ORDER.index(reached):
            return redirect(self.review(reached), 303)
        words = self.another_page(step, unsent) or self.answers().get(step)
        form = self.form(step, as_typed(words))
        home = self.home(step, form.words()) if self.begun and words else None
        if home:
            form.show(home)
        known = self.tell(step, form, home) if home and request.args.get(REVIEW) else None
        return self.render(step, form, home=home, unsent=unsent, known=known)

    def tell(self, step, form, home):
        """Say what is wrong in a step, or else what is doubtful and was not told yet; who the employee may be."""
        errors = home.errors(step)
        form.tell(self.worded(errors))
        known = self.known(home) if self.known and step == "salarie" and not errors else None
        return None if errors or self.has_told(step, form, home, known) else known

    def another_page(self, step, unsent):
        """What a session did not outlive, in a page of its own: shown in two tabs, they are two pages of one draft.

        What the page of these words saved by itself before is nobody else's: it has been seen.
        """
        words = dict(unsent or {})
        if words and self.begun and words.pop("form_key", None) == [self.enrolment.saved.get(step, {}).get("key")]:
            words["version"] = [str(self.enrolment.version)]
        return words

    def review(self, step):
        address = self.address_of(step)
        return with_word(address, REVIEW) if step in self.enrolment.saved else address

    def worded(self, errors):
        """The sentences as they are said to who types."""
        return {name: said_to_you(one) for name, one in errors.items()} if self.by is None else errors

    def form(self, step, typed):
        more = {"offers": self.offers()} if step == "garantie" else {}
        form = STEPS[step](typed, version=self.enrolment.version, **more)
        if self.by is None:
            speak_to_employee(form)
        return form

    def answers(self):
        """What the draft holds, as far as whoever types may see it."""
        answers = self.enrolment.unseal() if self.begun else {}
        return answers if self.by is None else shown_to_hr(answers)

    def home(self, step, words):
        """The household with these words in this step."""
        answers = self.answers()
        if not request.args.get(REVIEW):  # what is shown of a step depends on nobody else; on the first day, of a child
            answers = {name: said for name, said in answers.items() if name == FIRST}
        answers = answers | {step: words}
        return Household(answers, self.offer, clock.today())

    @property
    def begun(self):
        """There is a draft."""
        return self.enrolment.id is not None

    @property
    def offer(self):
        return enrolments.offer_of(self.enrolment) if self.begun else None

    def render(self, step, form, status=200, home=None, **more):
        if step == "coordonnees":
            form.propose(home)
        about = {
            "stepping": self,
            "enrolment": self.enrolment,
            "offer": self.offer,
            "step": step,
            "place": ORDER.index(step) + 1,
            "title": self.titles[step][0],
            "onward": self.titles[enrolments.following(step)][1],
            "private": self.by is not None and bool(self.answers().get(step, {}).get(PRIVATE)),
            "banks": banks(form) if step == "comptes" else (),
            "limits": form.limits(clock.today()) if step == "garantie" else "",
            "waiver": step == "salarie" and form.autreregime.data == "Oui",
        }
        more = {"known": None, "theirs": None, "unsent": None, **more}
        return render(self.page, status, form=form, **about, **more)

    def saved_address(self, step):
        """The step as it is in the draft, without what was typed when a session ended."""
        return with_word(self.address_of(step), SAVED)

    def lines(self, step):
        """The list of the steps: what is done, what can be reached, where one is."""
        reached = ORDER.index(enrolments.first_unanswered(self.enrolment))
        for place, name in enumerate(ORDER):
            saved = self.enrolment.saved.get(name, {})
            yield SimpleNamespace(
                name=name,
                title=self.titles[name][1],
                url=self.address_of(name) if place <= reached and name != step else "",
                done=bool(saved.get("right")) and name != step,
                current=name == step,
                detail=self.detail(name) if saved.get("right") else "",
            )

    def detail(self, step):
        return {"garantie": self.enrolment.contract.plan.label, "salarie": self.enrolment.label}.get(step, "")

    @property
    def is_whole(self):
        """Every step is right: the last look can be had at any time."""
        return enrolments.first_unanswered(self.enrolment) == LAST_LOOK

    # Saving

    def save(self, step):
        """What a form of a step does; raises enrolments.Closed."""
        action = request.form.get("action", "")
        form = self.form(step, request.form)
        before = self.enrolment.unseal().get(step, {})
        kept = typed_by_employee if self.by is None else typed_by_hr
        words = kept(step, changed(form.words(), action), before)
        contract, offer = self.enrolment.contract_id, getattr(form, "offer", None)
        saved = enrolments.save(self.enrolment, step, words, form, action, self.by, clock.now(), offer)
        self.enrolment = saved.enrolment
        if self.enrolment.contract_id != contract:
            self.enrolment = self.enrolment.read_whole()
        if self.by is not None:
            answers = shown_to_hr(saved.household.answers)
            if answers is not saved.household.answers:
                saved.household = Household(answers, self.offer, clock.today())
            saved.words = shown_to_hr({step: saved.words})[step] if step == "comptes" else saved.words
        if wants_fragment():
            return self.autosaved(step, form, saved, before)
        form.version.data, form.form_key.data = str(saved.enrolment.version), str(uuid.uuid4())
        if saved.theirs:
            return self.overtaken(step, form, saved)
        if action in (NEXT, SUMMARY):
            return self.go_on(step, form, saved.household, action)
        return self.leave_by(action, step, words)

    def go_on(self, step, form, home, action):
        """To the next step, unless something is wrong, or doubtful and not told yet.

        The draft keeps these words, right or wrong: the page that tells what is wrong is asked for, so that the
        browser's « Back » shows it again and has no form to send twice.
        """
        known = self.known(home) if self.known and step == "salarie" and not home.errors(step) else None
        if home.errors(step) or not self.has_told(step, form, home, known):
            return redirect(with_word(self.address_of(step), REVIEW), 303)
        onward = LAST_LOOK if action == SUMMARY and self.is_whole else enrolments.following(step)
        return redirect(self.address_of(onward), 303)

    def has_told(self, step, form, home, known):
        """Whether there is no doubt that the form was not told of already; who is surely covered never goes on."""
        doubts = home.doubts(step, self.by is None)
        if self.by is not None and step == "salarie":
            doubts += enrolments.same_number(self.by, self.enrolment, home)
        told = form.accepts(doubts, *(known.marks if known else ()))
        if known and known.met.person:
            form.autre.data = str(known.met.person.public_id)
        return told and not (known and known.met.surely)

    def leave_by(self, action, step, words):
        if action == QUIT:
            until = date_fr(self.enrolment.kept_until)
            flash(f"Votre saisie est enregistrée. Vous pouvez la reprendre ici jusqu’au {until}.", "ok")
            return redirect(self.leave, 303)
        if action == BACK:
            return redirect(self.address_of(enrolments.previous(step)), 303)
        where = {TOWN: "#ville", MORE: f"#enfants-{last_child(words)}-nom"}.get(action, "")
        return redirect(f"{self.address_of(step)}{where}", 303)

    def overtaken(self, step, form, saved):
        """What somebody else wrote in this step meanwhile; the form may be sent again knowingly."""
        form.show(saved.household)
        theirs = self.form(step, as_typed(saved.words))
        theirs.show(Household(self.answers() | {step: saved.words}, self.offer, clock.today()))
        names = theirs.words() | form.words()
        changes = list(differences(as_shown(theirs, names), as_shown(form, names), labels(theirs) | labels(form)))
        told = saved.theirs | {"changes": changes, "at": datetime.datetime.fromisoformat(saved.theirs["at"])}
        return self.render(step, form, 409, saved.household, theirs=told)

    def autosaved(self, step, form, saved, before):
        """What htmx shows of a draft that was saved while one types: no box that is being typed in."""
        if saved.theirs:
            return render("saved", 409, saved=None, theirs=saved.theirs)
        words = form.words()
        if step == "coordonnees" and differ(before, words, cells.POSTAL_CODE):
            form.propose(saved.household)
            return aimed("towns", "towns", form=form)
        if step == "comptes" and differ(before, words, cells.REIMBURSEMENT_IBAN, cells.CONTRIBUTION_IBAN):
            return aimed("banks", "banks", banks=banks(form))
        form.show(saved.household)
        for number, child in form.numbered() if step == "enfants" else ():
            if first(before, child.datedenaissance.name) != first(words, child.datedenaissance.name):
                return aimed("situation", f"situation-{number}", child=child, number=number)
        return render("saved", saved=clock.now(), theirs=None)


def with_word(address, word):
    return f"{address}{'&' if '?' in address else '?'}{word}=oui"


def changed(words, action):
    """The words once a child was added or taken away."""
    if action == MORE:
        return with_a_child_more(words)
    number = action.removeprefix(LESS)
    return without_child(words, int(number)) if action != number and number.isdecimal() and len(number) < 3 else words


def last_child(words):
    return max((int(name.split("-")[1]) for name in words if name.startswith("enfants-")), default=0)


def differ(before, words, *places):
    return any(first(before, NAMES[place]) != first(words, NAMES[place]) for place in places)


def aimed(name, region, **context):
    """A region that is not the one the form aims at."""
    html, status = render_region(name, **context)
    return make_response(html, status, retarget=f"#{region}", reswap="outerHTML")


def banks(form):
    """(what it is for, name of the bank, BIC) of the IBAN that can be read."""
    found = []
    for title, box in (("Remboursement prestation", form.ibanprestation), ("Cotisation", form.ibancotisation)):
        read = cells.read(cells.iban, box.data or "", clock.today())
        if read.value:
            bic, name = identifiers.bank_of(read.value)
            found.append((title, name, bic))
    return found


HIDDEN = ("averti", "autre")


def differences(theirs, mine, named):
    """(label, what they wrote, what was typed here) of the boxes that differ."""
    for name in dict.fromkeys([*theirs, *mine]):
        there, here = first(theirs, name), first(mine, name)
        if there != here and name not in HIDDEN:
            yield named.get(name, name), there, here


def as_shown(form, names):
    """The words of a form with the repairs of the rules in them: what they repaired is nobody's change."""
    children = [child for _, child in form.numbered()] if hasattr(form, "numbered") else []
    boxes = {box.name: box.data for boxes in (form, *children) for box in boxes}
    words = form.words()
    return {name: [boxes[name]] if isinstance(boxes.get(name), str) else words.get(name, []) for name in names}


def labels(form):
    """How the boxes are called, those of each child with a number."""
    found = {box.name: box.label.text for box in form}
    for place, (_, child) in enumerate(form.numbered() if hasattr(form, "numbered") else (), 1):
        found |= {box.name: f"Enfant {place}, {box.label.text}" for box in child}
    return found
