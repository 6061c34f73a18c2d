"""The password policy: length, common list, personal words, guessability, and its indifference to composition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zxcvbn.matching import L33T_TABLE, enumerate_l33t_subs, relevant_l33t_subtable

from portal.rules import passwords
from portal.rules.passwords import DATA, refusal

GOOD = "girafe clavier tunnel ananas"
COMMON = (DATA / "common-passwords.txt").read_text(encoding="utf-8").split()


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=90), st.lists(st.text(max_size=20), max_size=3), st.booleans())
def test_any_password_gets_an_answer(password, about, staff):
    answer = refusal(password, about, staff)
    assert answer is None or answer.endswith(".")
    if answer is None:
        assert len(password) >= 15


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12), st.text(max_size=8))
def test_a_password_that_holds_a_personal_word_is_refused(name, around):
    assert "votre nom" in refusal(f"{around}{GOOD}{name}", [name.upper()])


@pytest.mark.parametrize(
    "password", [GOOD, "xkcjqpwoeirutyalsk", "quiche forêt élan 12 vélos", "Ж" + "щгывлдпморшц" * 2]
)
def test_a_long_password_is_accepted_whatever_its_characters(password):
    assert refusal(password) is None
    assert refusal(password, staff=True) is None


def test_the_staff_needs_one_character_more():
    assert refusal("xkcjqpwoeirutya") is None
    assert "au moins 16" in refusal("xkcjqpwoeirutya", staff=True)


def test_a_short_password_is_refused_with_a_way_out():
    assert refusal("xkcjqpwoeiruty") == (
        "Le mot de passe est trop court : il faut au moins 15 caractères."
        " Choisissez par exemple quatre mots sans rapport entre eux."
    )


def test_an_accent_typed_in_two_signs_counts_for_one():
    assert "trop court" in refusal("xe\u0301kcjqpwoeirut")


def test_a_password_is_accepted_up_to_a_thousand_characters():
    long = " ".join(f"élan{number}vague" for number in range(200))
    assert refusal(long[:128]) is None
    assert refusal(long[:1000]) is None
    assert "1 000" in refusal(long[:1001])


@pytest.mark.parametrize(
    "about",
    ["GIRAFE", "Girafe SARL", "Mme Ananas-Dupont", "ananas.lamy@exemple.fr", "Clavier", "Tunnél"],
)
def test_the_name_of_the_person_or_of_the_company_is_refused(about):
    assert "votre nom" in refusal(GOOD, [about])


@pytest.mark.parametrize("about", ["gi", "ana", "rh@tunnel.fr", "", "1234", "la de du"])
def test_short_words_and_the_domain_of_the_email_are_left_alone(about):
    assert refusal(GOOD, [about]) is None


@pytest.mark.parametrize("word", ["mutuelle", "MUTUELLE", "Mütuelle", "m u t u e l l e", "mu-39-tuelle"])
def test_the_word_mutuelle_is_refused(word):
    assert "« mutuelle »" in refusal(f"{GOOD} {word}")


@pytest.mark.parametrize(
    "password",
    [
        "azertyuiop123456",
        "motdepassemotdepasse",
        "MotDePasse-MotDePasse-2026!",
        "Motdepasse2026!",
        "2026!!!motdepasse???",
        "motdepasse1motdepasse1",
        "quatre mots sans rapport",
        "jetaimemonamour39",
        "Lé-Petit-Prince!!",
    ],
)
def test_a_common_password_is_refused_under_its_disguises(password):
    assert "trop courant" in refusal(password)


@pytest.mark.parametrize(
    "password", ["a" * 128, "é" * 15, "😀" * 20, "1234567890123456", "abcdefghijklmnopqrst", "P@ssw0rdP@ssw0rd"]
)
def test_a_password_easy_to_guess_is_refused(password):
    assert refusal(password)


def test_a_french_word_is_known_to_the_guesser():
    assert "deviner" in refusal("administrateurs2026")


def test_the_whole_common_list_is_refused_even_made_long():
    assert len(COMMON) == len(set(COMMON)) == 3000
    assert [word for word in COMMON if not refusal(word * (15 // len(word) + 1))] == []


def test_the_lists_are_in_the_form_they_are_compared_in():
    words = (DATA / "french-words.txt").read_text(encoding="utf-8").split()
    assert len(words) == len(set(words)) > 1000
    assert [word for word in words + COMMON if word != passwords._plain(word)] == []


def test_no_crafted_password_makes_the_guesser_try_every_mixture_of_signs(monkeypatch):
    given_to_the_guesser = []

    def guesser(password, user_inputs):
        given_to_the_guesser.append(password)
        return {"score": 4}

    monkeypatch.setattr("zxcvbn.zxcvbn", guesser)
    crafted = "@4({[<369!|1/|70$5+7%2z8" * 4
    assert refusal(crafted) is None
    [tried] = given_to_the_guesser
    assert len(tried) == passwords.SCORED
    assert len(enumerate_l33t_subs(relevant_l33t_subtable(tried, L33T_TABLE))) <= 16
    assert len(enumerate_l33t_subs(relevant_l33t_subtable(crafted, L33T_TABLE))) > 500
