"""« Configuration »: what the mutual settles, in force everywhere at once, above the environment."""

import dataclasses
import io
import re

import pytest

from portal import configuration, document_types, natures, outbox, wording
from portal.models import AuditEvent, ConfiguredValue, MessageThread, OutboxMessage, Sending, UserRole
from portal.rules import sendings, threads
from tests import factories, files
from tests.views import test_sendings as sent

HOME = "/gestion/configuration"


@pytest.fixture
def desk(client, database):
    client.sign_in(factories.user(role=UserRole.STAFF))
    return client


@pytest.fixture(autouse=True)
def natures_of_the_portal():
    yield
    natures.in_force = threads.arranged("", {})
    document_types.in_force = sendings.arranged("")


def boxes(page):
    """What the form of a page holds, as a browser would send it."""
    html = page.get_data(as_text=True).split('enctype="multipart/form-data"')[1]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", html):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if said.get("type") == "checkbox" and " checked" not in tag or said.get("type") == "file":
            continue
        sent[said.get("name", "")] = said.get("value", "y").replace("&#39;", "'").replace("&amp;", "&")
    sent.pop("", None)
    sent.pop("csrf_token", None)
    return sent


def change(desk, section, **changes):
    sent = boxes(desk.get(f"{HOME}/{section}")) | changes
    return desk.post(f"{HOME}/{section}", data={name: value for name, value in sent.items() if value is not None})


def test_only_the_mutual_opens_it(client, hr):
    client.sign_in(hr)
    assert client.get(HOME).status_code == 403
    assert client.post(f"{HOME}/identite", data={}).status_code == 403


def test_every_section_opens_with_what_is_in_force(desk, app, queries):
    assert desk.get(HOME).status_code == 200
    for section in configuration.SECTIONS:
        queries.clear()
        page = desk.get(f"{HOME}/{section}")
        assert page.status_code == 200
        assert len(queries) <= 8
    assert app.settings.insurer_name in desk.get(f"{HOME}/identite").get_data(as_text=True)


def test_a_name_is_changed_everywhere_at_once_and_written_down(desk, app):
    answer = change(desk, "identite", mutuelle="Mutuelle des Lacs", portail="Mon Portail")
    assert answer.status_code == 303
    assert app.settings.insurer_name == "Mutuelle des Lacs"
    page = desk.get("/gestion").get_data(as_text=True)
    assert "– Mon Portail</title>" in page
    assert "Mutuelle des Lacs" in app.test_client().get("/connexion").get_data(as_text=True)
    written = [event.after for event in AuditEvent.select().where(AuditEvent.action == "configuration.change")]
    assert {"name": "insurer_name", "text": "Mutuelle des Lacs"} in written and len(written) == 2


def test_another_process_sees_it_when_it_looks_again(desk, app, chosen_settings):
    other = configuration.Watched(chosen_settings, lambda chosen: None)
    assert other.look().brand_name == "Trait d’Union"
    change(desk, "identite", portail="Mon Portail")
    assert other.look().brand_name == "Trait d’Union"
    other.look_again()
    assert other.look().brand_name == "Mon Portail"


def test_what_is_emptied_takes_the_value_of_the_environment_back(desk, app):
    change(desk, "identite", mutuelle="Mutuelle des Lacs")
    change(desk, "identite", mutuelle="")
    assert app.settings.insurer_name == "Mutuelle du Haut-Jura"
    assert not ConfiguredValue.select().exists()


@pytest.mark.parametrize(
    ("section", "box", "typed", "sentence"),
    [
        ("contacts", "courriel", "pas une adresse", "adresse"),
        ("contacts", "telephone", "12", "téléphone"),
        ("contacts", "espace", "javascript:alert(1)", "https://"),
        ("delais", "relance", "0", "nombre entier"),
        ("delais", "relance", "-3", "nombre entier"),
        ("delais", "rappels", "quinze", "15 3"),
        ("delais", "scolaire", "31/10 01/09", "septembre"),
        ("identite", "mutuelle", "x" * 81, "80 caractères"),
    ],
)
def test_what_cannot_be_is_said_at_its_box_and_changes_nothing(desk, section, box, typed, sentence):
    answer = change(desk, section, **{box: typed})
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert not ConfiguredValue.select().exists()


def test_what_somebody_else_changed_meanwhile_is_shown_first(desk):
    late = boxes(desk.get(f"{HOME}/identite")) | {"portail": "Trop tard"}
    change(desk, "identite", portail="Avant")
    answer = desk.post(f"{HOME}/identite", data=late)
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "entre-temps" in page and 'value="Avant"' in page
    assert ConfiguredValue.get(ConfiguredValue.name == "brand_name").text == "Avant"


# ── Colour and logo ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_colour_dresses_the_pages_and_is_kept_by_browsers(desk, app):
    assert "/marque/" not in desk.get("/gestion").get_data(as_text=True)
    change(desk, "identite", couleur="#7A1FA2", d_origine=None)
    page = desk.get("/gestion").get_data(as_text=True)
    assert "/marque/claire-7a1fa2.css" in page and "/marque/sombre-7a1fa2.css" in page
    sheet = app.test_client().get("/marque/claire-7a1fa2.css")
    assert sheet.mimetype == "text/css" and "--brand-700: #" in sheet.get_data(as_text=True)
    assert "immutable" in sheet.headers["Cache-Control"]
    for other in ("000000", "7a1fa2;}", "zzz"):
        assert app.test_client().get(f"/marque/claire-{other}.css").status_code == 404


def test_the_first_colour_comes_back(desk, app):
    change(desk, "identite", couleur="#7a1fa2", d_origine=None)
    change(desk, "identite", d_origine="y")
    assert app.settings.colour == ""


def test_a_logo_is_drawn_anew_and_shown_on_every_page(desk, app):
    answer = change(desk, "identite", logo=(io.BytesIO(files.image()), "logo.png"))
    assert answer.status_code == 303
    address = re.search(r'src="(/marque/logo-\w+\.png)"', desk.get("/gestion").get_data(as_text=True))[1]
    picture = app.test_client().get(address)
    assert picture.mimetype == "image/png" and picture.data.startswith(b"\x89PNG")
    assert "no-store" not in picture.headers["Cache-Control"]
    assert address in app.test_client().get("/connexion").get_data(as_text=True)
    assert app.test_client().get("/marque/logo-0000000000000000.png").status_code == 404
    change(desk, "identite", sans_logo="y")
    assert "/marque/logo" not in desk.get("/gestion").get_data(as_text=True)
    assert app.test_client().get(address).status_code == 404


@pytest.mark.parametrize(("content", "name"), [(b"MZ\x90\x00" * 40, "logo.png"), (b"<svg/>", "logo.svg")])
def test_what_is_no_picture_is_refused_beside_its_field(desk, content, name):
    answer = change(desk, "identite", logo=(io.BytesIO(content), name))
    assert answer.status_code == 422
    assert 'id="logo-error"' in answer.get_data(as_text=True)
    assert "<li>Logo\u00a0: " in answer.get_data(as_text=True)


# ── Natures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def at(box, code):
    """The place of a nature in its list."""
    kind = {"demandes": threads.REQUEST, "reclamations": threads.COMPLAINT}[box]
    return f"{box}-{list(threads.NATURES[kind]).index(code)}"


def test_a_nature_is_renamed_given_other_days_and_withdrawn(desk, app, client):
    change(desk, "natures", **{f"{at('demandes', 'CARD')}-nom": "Carte", f"{at('demandes', 'CARD')}-jours": "1"})
    change(desk, "natures", **{f"{at('demandes', 'DSN')}-proposee": None})
    assert app.settings.promised_days["CARD"] == 1
    client.sign_in(factories.hr_user())
    page = client.get("/demandes/nouvelle").get_data(as_text=True)
    assert ">Carte</option>" in page and "DSN et fiche" not in page


def test_a_nature_that_was_added_is_asked_for_like_another(desk, app, client):
    last = f"demandes-{len(threads.NATURES[threads.REQUEST])}"
    change(desk, "natures", **{f"{last}-nom": "Portage salarial", f"{last}-jours": "4"})
    client.sign_in(factories.hr_user())
    page = client.get("/demandes/nouvelle").get_data(as_text=True)
    code = re.search(r'value="(OWN_\d+)">Portage salarial', page)[1]
    assert app.settings.promised_days[code] == 4
    fields = dict(re.findall(r'name="(form_key|version)"[^>]*value="([^"]*)"', page))
    place = re.search(r'<select[^>]*name="lieu".*?<option[^>]*value="([^"]+)"', page, re.DOTALL)
    sent = fields | {"nature": code, "detail": "Portage", "message": "Comment faire ?", "suivi": "EMAIL"}
    answer = client.post("/demandes/nouvelle", data=sent | ({"lieu": place[1]} if place else {}))
    assert answer.status_code == 303, re.findall(r"invalid-feedback.*", answer.get_data(as_text=True))
    assert MessageThread.get().nature == code
    assert "Portage salarial" in client.get("/demandes").get_data(as_text=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"demandes-0-nom": ""}, "Donnez un nom"),
        ({"demandes-0-jours": "0"}, "nombre entier"),
        ({"demandes-0-jours": "61"}, "nombre entier"),
        ({"demandes-0-jours": ""}, "délai promis"),
        ({f"reclamations-{n}-proposee": None for n in range(12)}, "au moins une nature"),
    ],
)
def test_a_nature_that_cannot_be_is_refused(desk, changes, sentence):
    answer = change(desk, "natures", **changes)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)


def test_the_days_of_the_environment_stay_where_the_page_says_nothing(chosen_settings):
    said = dataclasses.replace(chosen_settings, answer_days="CARD=7", natures='{"REQUEST": {"DSN": ["DSN", 9, true]}}')
    assert said.promised_days["CARD"] == 7 and said.promised_days["DSN"] == 9
    assert said.promised_days["CONTRACT"] == 10


# ── Types of documents ───────────────────────────────────────────────────────────────────────────────────────────

OWN_TYPE = {"types-3-nom": "Accord d’entreprise", "types-3-pour": "Qui change son régime", "types-3-entreprise": None}


@pytest.fixture
def theirs(app, desk):
    """The browser of a company."""
    browser = app.test_client()
    browser.sign_in(factories.hr_user())
    return browser


def types(desk, *formats, **changes):
    """Send the form of the types; `formats`: those of the line that is added."""
    page = boxes(desk.get(f"{HOME}/documents"))
    every = {name: list(sendings.FORMATS) for name in page if name.endswith("-formats")}
    chosen = every | {"types-3-formats": list(formats)} if formats else every
    sent = {name: value for name, value in (page | chosen | changes).items() if value is not None}
    return desk.post(f"{HOME}/documents", data=sent)


def test_a_type_that_was_added_is_sent_like_another_in_its_place_and_formats(desk, theirs):
    assert types(desk, "pdf", "images", **OWN_TYPE | {"types-3-rang": "1"}).status_code == 303
    page = theirs.get("/documents").get_data(as_text=True)
    assert re.findall(r'name="type"[^>]*value="(\w+)"', page) == ["KBIS", "OWN_1", "BANK_DETAILS", "GROUP"]
    assert "Qui change son régime. Formats\u00a0: PDF, images." in page
    refused = sent.send(theirs, ("liste.csv", b"a;b\n1;2\n"), type="OWN_1", entreprise="compte")
    assert refused.status_code == 422
    assert "liste.csv\u00a0: pour ce type de document, envoyez un fichier PDF, PNG ou JPEG." in refused.get_data(
        as_text=True
    )
    assert not Sending.select().exists()
    two = (("1.png", files.image()), ("2.pdf", files.pdf()))
    assert sent.send(theirs, *two, type="OWN_1", entreprise="compte").status_code == 303
    row = Sending.get()
    assert (row.document_type, row.document_name, row.company) == ("OWN_1", "Accord d’entreprise", None)
    assert "Accord d’entreprise, Tout le compte" in theirs.get(f"/documents/{row.public_id}").get_data(as_text=True)
    assert "1.png, 2.pdf" in theirs.get("/documents?genre=own_1").get_data(as_text=True)
    assert "1.png, 2.pdf" not in theirs.get("/documents?genre=kbis").get_data(as_text=True)


def test_a_type_of_one_company_asks_for_it(desk, theirs):
    types(desk, "pdf", **OWN_TYPE | {"types-3-entreprise": "y"})
    answer = sent.send(theirs, ("1.pdf", files.pdf()), type="OWN_1", entreprise="compte")
    assert answer.status_code == 422 and "celui d’une seule entreprise" in answer.get_data(as_text=True)


def test_a_type_that_is_retired_or_renamed_stays_on_what_was_sent(desk, theirs, app):
    types(desk, "pdf", **OWN_TYPE)
    assert sent.send(theirs, ("1.pdf", files.pdf()), type="OWN_1", entreprise="compte").status_code == 303
    assert types(desk, **{"types-3-nom": "Accord collectif", "types-3-propose": None}).status_code == 303
    page = theirs.get("/documents").get_data(as_text=True)
    assert 'name="type" type="radio" value="OWN_1"' not in page and 'value="OWN_1"' not in page
    assert "Accord collectif" in page and Sending.get().document_name == "Accord d’entreprise"
    again = sent.send(theirs, ("1.pdf", files.pdf()), type="OWN_1", entreprise="compte")
    assert again.status_code == 422 and Sending.select().count() == 1
    types(desk, **{"types-4-nom": "Un autre", "types-4-formats": ["pdf"]})
    assert list(app.settings.types_of_documents)[3:] == ["OWN_1", "OWN_2"]  # the code of one that is retired is its own


def test_types_that_feed_the_portal_are_never_retired(desk, app):
    assert types(desk, **{"types-0-propose": None, "types-0-entreprise": None, "types-0-nom": "Extrait Kbis"})
    found = app.settings.types_of_documents["KBIS"]
    assert found.offered and found.of_company and found.label == "Extrait Kbis"
    assert types(desk, **{"types-0-nom": "Kbis"}).status_code == 303
    assert not ConfiguredValue.select().exists()  # what is as it was is not kept


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"types-0-nom": ""}, "Donnez un nom"),
        ({"types-3-nom": "kbis"}, "Deux types ont le même nom"),
        ({"types-3-nom": "Accord", "types-3-formats": []}, "au moins un format"),
        ({"types-2-rang": "0"}, "nombre entier"),
        ({"types-2-nom": "x" * 61}, "Au plus 60"),
        ({"types-2-pour": "le 2 94 03 39 478 031 32"}, "sécurité sociale"),
    ],
)
def test_a_type_that_cannot_be_is_refused(desk, changes, sentence):
    answer = types(desk, **changes)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert not ConfiguredValue.select().exists()


# ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────

PASSWORD = f"{HOME}/messages/password.txt"


def words(desk, path=PASSWORD, **changes):
    page = desk.get(path).get_data(as_text=True)
    seen = re.search(r'name="seen"[^>]*value="(\w+)"', page)[1]
    sent = {"seen": seen, "objet": "Nouveau mot de passe", "texte": "C’est ici :\n\n{{ url }}", "bouton": "Choisir"}
    return desk.post(path, data=sent | {"etape": "enregistrer"} | changes)


def last_mail(app):
    message = OutboxMessage.select().order_by(OutboxMessage.id.desc()).get()
    return message.subject, message.unseal()["text"]


def test_every_message_opens(desk):
    page = desk.get(f"{HOME}/messages").get_data(as_text=True)
    for name in wording.names():
        assert f"/messages/{name}" in page
        assert desk.get(f"{HOME}/messages/{name}").status_code == 200
    assert desk.get(f"{HOME}/messages/layout.txt").status_code == 404
    assert desk.get(f"{HOME}/messages/..%2Fx").status_code == 404


def test_words_are_seen_before_they_are_kept(desk, app):
    answer = words(desk, etape="apercu", texte="Par ici, {{ brand.insurer }} :\n\n{{ url }}")
    assert answer.status_code == 200
    assert "Par ici, Mutuelle du Haut-Jura" in answer.get_data(as_text=True)
    assert not ConfiguredValue.select().exists()


def test_the_next_message_says_them_and_the_first_words_come_back(desk, app):
    hr = factories.hr_user()
    assert words(desk).status_code == 303
    app.test_client().post("/mot-de-passe-oublie", {"courriel": hr.identifier})
    subject, said = last_mail(app)
    assert subject == "Nouveau mot de passe" and "C’est ici :" in said and "http" in said
    assert words(desk, etape="origine").status_code == 303
    assert not ConfiguredValue.select().exists()
    assert app.settings.own_texts == {} and outbox.own_texts == {}


def test_words_that_cannot_be_are_refused_at_their_box(desk):
    for text, sentence in (("Rien", "ne mène nulle part"), ("{{ url }} {{ nir }}", "ne connaît pas"), ("", "Écrivez")):
        answer = words(desk, texte=text)
        assert answer.status_code == 422
        assert sentence in answer.get_data(as_text=True)
    assert not ConfiguredValue.select().exists()


def test_two_colleagues_do_not_erase_each_other(desk):
    page = desk.get(PASSWORD).get_data(as_text=True)
    seen = re.search(r'name="seen"[^>]*value="(\w+)"', page)[1]
    words(desk, f"{HOME}/messages/import.txt", objet="{{ told }}")
    answer = words(desk, seen=seen)
    assert answer.status_code == 409 and "entre-temps" in answer.get_data(as_text=True)
    assert words(desk).status_code == 303
    assert len(ConfiguredValue.get(ConfiguredValue.name == "texts").text) > 100
