"""The words of messages, written anew: all of ours can be, and nothing else passes."""

import re
from pathlib import Path

import pytest

from portal import outbox, wording
from portal.rules import Refused

ANSWERED = "thread_answered.txt"
PORTAL = Path(wording.__file__).parent
# « avant le 10/12 » leaves the tenth out, where a deadline is the last good day (`rules.proofs.days_left`): said of a
# date, or as the heading of a column of dates.
SAID_BEFORE = re.compile(r"avant le\s*(?:<\w+>\s*)?(?:\{|[\"’»])", re.IGNORECASE)
# An hour, not a day; and the first day that is not doubtful.
TRULY_BEFORE = {"pages/staff_user.html", "forms/enrolments.py"}


def test_a_day_that_still_counts_is_never_said_to_be_too_late():
    files = [path for kind in ("*.html", "*.txt", "*.py") for path in PORTAL.rglob(kind)]
    found = {str(path.relative_to(PORTAL)) for path in files if SAID_BEFORE.search(path.read_text())}
    assert len(files) > 400 and found == TRULY_BEFORE


@pytest.mark.parametrize("name", [name for name in wording.names() if name.startswith("waiver_re")])
def test_who_stays_out_for_a_short_contract_or_a_small_wage_is_not_told_to_be_covered_elsewhere(name, app):
    said = str(wording.shown(name, wording.source_of(name)))
    assert "ailleurs" not in said and "attestation" not in said


@pytest.mark.parametrize("name", [name for name in wording.names() if name.startswith("waiver_")])
def test_what_an_employee_is_told_of_a_waiver_agrees_with_any_of_them(name, app):
    """The address is all that is known of who reads it: « vous serez affilié » would be wrong for half of them."""
    said = str(wording.shown(name, wording.source_of(name)))
    assert not re.search(r"\bvous (?:n’)?(?:êtes|serez|étiez)(?: pas| plus)? \w+é\b", said, re.IGNORECASE)


@pytest.mark.parametrize(
    "name", ["proof_reminder.txt", "proof_reminder.sms.txt", "waiver_reminder.sms.txt", "waiver_review.sms.txt"]
)
def test_a_reminder_says_that_its_day_is_the_last_good_one(name, app):
    said = wording.shown(name, wording.source_of(name))
    assert re.search(r"au plus tard le \d\d/\d\d/\d{4}", str(said))


def test_each_word_of_each_message_is_explained_to_who_writes_it():
    named = {word for name in wording.names() for word in wording.told(name)} - {"link", *wording.OF_EVERYONE}
    assert named | {f"brand.{word}" for word in wording.BRAND} <= set(wording.MEANINGS)


@pytest.mark.parametrize("name", wording.names())
def test_our_own_words_pass_and_say_the_same_once_they_were_split(name, app):
    source = wording.checked(name, wording.split(wording.source_of(name)))
    assert wording.shown(name, source) == wording.shown(name, wording.source_of(name))


@pytest.mark.parametrize(
    "body",
    [
        "{{ url }} {{ ''.__class__.__mro__ }}",
        "{{ url }} {{ brand.__init__.__globals__ }}",
        "{{ url }} {{ brand.demo }}",
        "{{ url }} {{ 'a' * 1000000000 }}",
        "{{ url }} {% for a in 'abc' %}{{ a }}{% endfor %}",
        "{{ url }} {% include 'layout.txt' %}",
        "{{ url }} {% import 'layout.txt' as a %}",
        "{{ url }} {{ number.real }}",
        "{{ url }} {{ number|string|list }}",
        "{{ url }} {{ plural(number, 'a').format(brand) }}",
        "{{ url }} {{ range(10) }}",
        "{{ url }} {{ lipsum() }}",
        "{{ url }} {{ [1, 2] }}",
        "{{ url }} {{ url[0] }}",
        "{{ url }} {% macro a() %}{% endmacro %}",
        "{{ url }} {% endset %}{% set action %}",
        "{{ url }} {% if complaint %}",
        "{{ url }} {{ public_url }}",
        "{{ url }} {{ nir }}",
        "{{ url }} {{ number|date_fr }}",
        "Sans adresse.",
    ],
)
def test_what_is_more_than_words_is_refused(body, app):
    with pytest.raises(Refused):
        wording.checked(ANSWERED, wording.Words("Réponse {{ number }}", body, "Lire"))


@pytest.mark.parametrize("part", ["subject", "action"])
def test_no_part_reaches_out_of_its_place(part, app):
    words = wording.split(wording.source_of(ANSWERED))._replace(**{part: "x{% endset %}{{ ''.__class__ }}{% set y %}"})
    with pytest.raises(Refused):
        wording.checked(ANSWERED, words)


def test_a_code_cannot_be_forgotten(app):
    words = wording.split(wording.source_of("guest_code.sms.txt"))
    with pytest.raises(Refused, match="code"):
        wording.checked("guest_code.sms.txt", words._replace(body="Votre code est sur le portail : {{ url }}"))


def test_words_that_cannot_be_drawn_give_way_to_ours(app, monkeypatch):
    monkeypatch.setitem(outbox.own_texts, "password.txt", "{{ unknown }}")
    outbox.templates.cache.clear()
    said = outbox.composed("password.txt", lambda found: found.render(outbox.told(None, {"link": "/x"})))
    assert "http://localhost/x" in said
    outbox.templates.cache.clear()
