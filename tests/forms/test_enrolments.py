"""The steps of an enrolment keep whatever a browser sends, and the rules answer to all of it with sentences."""

import datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wtforms.meta import DefaultMeta

from portal.enrolments import offer_of
from portal.forms.boxes import MARK, MOST, WRITTEN
from portal.forms.enrolments import STEPS, as_typed, with_a_child_more, without_child
from portal.household import MOST_CHILDREN, Household, numbers_of_children, summary
from tests import enrolling

TODAY = datetime.date(2026, 11, 26)
CONTRACT = SimpleNamespace(
    id=1,
    number="HJ1",
    plan=SimpleNamespace(code="P", label="Essentielle"),
    subscribed_on=datetime.date(2020, 1, 1),
    child_max_age=21,
    child_student_max_age=25,
    child_end_rule="BIRTHDAY",
)
COMPANY = SimpleNamespace(code="E1", label="Ateliers")
OFFER = offer_of(
    SimpleNamespace(contract=CONTRACT, category=SimpleNamespace(id=1, code="001", label="Cadres", company=COMPANY))
)
TYPED = st.one_of(st.text(max_size=40), st.sampled_from(["", "31/06/2026", "0" * 15, "présent", "<b>", "FR76", "\x00"]))
RIGHT = {step: {name: [text] for name, text in words.items()} for step, words in enrolling.STEPS.items()} | {
    "garantie": {"contrat": ["HJ1"], "datedeffet": ["01/12/2026"]}
}


def boxes(step):
    names = [box.name for box in STEPS[step](None) if box.name not in ("version", "form_key", "averti", "enfants")]
    if step == "enfants":
        names += [f"enfants-{number}-{name}" for number in (0, 3) for name in ("nom", "datedenaissance", "situation")]
    return names


@pytest.mark.parametrize("step", STEPS)
@settings(deadline=None)  # the first one reads the registers of banks and telephones
@given(data=st.data())
def test_whatever_is_sent_is_kept_checked_and_shown(step, data):
    sent = data.draw(st.fixed_dictionaries({name: TYPED.map(lambda text: [text]) for name in boxes(step)}))
    if step in ("conjoint", "enfants"):
        sent["presence"] = ["present"]
    form = STEPS[step](as_typed(sent))
    kept = form.words()
    assert {name: kept[name] for name in kept if name in sent} == {name: sent[name] for name in kept if name in sent}
    home = Household(RIGHT | {step: kept}, OFFER, TODAY)
    errors = home.errors(step)
    form.show(home)
    form.tell({name: said for name, said in errors.items() if name in form or name.startswith("enfants-")})
    assert all(said and MARK not in said for said in errors.values())
    assert len(summary(home)) == 6


@settings(deadline=None)
@given(typed=st.text(max_size=30))
def test_a_box_is_written_the_same_once_as_anew(typed):
    form = STEPS["salarie"](as_typed({"nom": [typed]}))
    WRITTEN.clear()
    anew = str(DefaultMeta().render_field(form.nom, {"title": "x"}))
    assert [str(form.nom(title="x")) for _ in range(2)] == [anew, anew]
    assert not any(typed in text for text in WRITTEN.values() if len(typed) > 20)


def test_the_boxes_that_are_kept_written_are_not_without_end():
    for number in range(MOST + 50):
        STEPS["enfants"](as_typed({f"enfants-{number % 99}-nom": ["x"]})).enfants[0].form.nom(title=str(number))
    assert len(WRITTEN) <= MOST


@settings(deadline=None)
@given(st.integers(0, 40))
def test_children_are_added_up_to_a_limit_and_taken_away(clicks):
    words = {"presence": ["present"], "enfants-0-nom": ["Roux"]}
    for _ in range(clicks):
        words = with_a_child_more(words)
    numbers = numbers_of_children(words)
    assert len(numbers) == min(clicks + 1, MOST_CHILDREN)
    assert numbers_of_children(without_child(words, numbers[-1])) == numbers[:-1]
