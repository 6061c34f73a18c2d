"""Files: chosen, refused in a sentence, sent, seen again; and nothing that is kept ever runs."""

import io

import pytest
from playwright.sync_api import expect

from portal import storage
from portal.models import StoredFile
from tests import files
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in
from tests.trial import trial

HTML = b"<!doctype html><script>alert(document.domain)</script><img src=x onerror=alert(1)><h1>Bonjour</h1>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


WATCH = """() => {
  window.seen = [];
  const look = () => {
    const bars = [...document.querySelectorAll("progress")];
    if (bars.length) { seen.push(bars.map((bar) => bar.position)); requestAnimationFrame(look); }
  };
  look();
}"""


@pytest.fixture
def app(app):
    app.register_blueprint(trial)
    return app


@pytest.fixture
def form(page):
    sign_in(page, scenery.roster())
    page.goto("/essai")
    return page


def pick(page, *chosen):
    types = {"pdf": "application/pdf", "png": "image/png", "exe": "application/octet-stream"}
    page.get_by_label("Pièces").set_input_files(
        [{"name": name, "mimeType": types[name[-3:]], "buffer": content} for name, content in chosen]
    )


def test_files_are_sent_and_seen_again(form):
    axe(form)
    form.get_by_label("Nom").fill("Barbaud")
    pick(form, ("attestation.pdf", files.heavy_pdf(600_000)), ("carte.png", files.image()))
    form.get_by_role("button", name="Envoyer").click()
    expect(form.locator("#flash")).to_contain_text("C’est envoyé.")
    expect(form.get_by_role("link", name="attestation.pdf")).to_be_visible()
    same_after_reload(form)
    assert [row.file_name for row in StoredFile.select().order_by(StoredFile.id)] == ["attestation.pdf", "carte.png"]


def test_a_renamed_program_is_refused_beside_its_name_and_nothing_else_is_lost(form):
    form.complaints.expects(422)
    pick(form, ("attestation.pdf", files.pdf()), ("carte.pdf", b"MZ" * 500))
    form.get_by_role("button", name="Envoyer").click()
    expect(form.get_by_role("alert")).to_contain_text("Écrivez un nom.")
    expect(form.locator("main")).to_contain_text("carte.pdf\u00a0: Ce fichier n’est pas au format PDF")
    expect(form.get_by_label("attestation.pdf")).to_be_checked()
    axe(form)
    form.get_by_label("Nom").fill("Barbaud")
    form.get_by_role("button", name="Envoyer").click()
    expect(form.get_by_role("link", name="attestation.pdf")).to_be_visible()


@pytest.mark.parametrize("page", [True], indirect=True, ids=["js"])
def test_what_cannot_go_is_said_when_it_is_chosen(form):
    pick(form, ("a.pdf", files.pdf()), ("b.exe", b"MZ"), ("c.pdf", b"x" * (4 * 1024 * 1024 + 1)))
    said = form.get_by_role("status").filter(has_text="a.pdf")
    expect(said).to_contain_text("b.exe\u00a0: ce format n’est pas accepté")
    expect(said).to_contain_text("c.pdf\u00a0: trop lourd, 4 Mo au plus. Ce fichier ne partira pas.")
    expect(said.get_by_role("progressbar", name="a.pdf")).to_be_visible()
    assert form.get_by_label("Pièces").evaluate("field => field.files.length") == 1
    axe(form)


@pytest.mark.parametrize("page", [True], indirect=True, ids=["js"])
def test_what_is_too_heavy_together_is_said_when_it_is_chosen(form, tmp_path):
    heavy = [tmp_path / f"{number}.pdf" for number in range(6)]
    for path in heavy:
        path.write_bytes(b"x" * 4 * 1024 * 1024)
    form.get_by_label("Pièces").set_input_files(heavy)
    said = form.get_by_role("status").filter(has_text="0.pdf")
    expect(said).to_contain_text("5.pdf\u00a0: 20 Mo au plus ensemble, à envoyer ensuite. Ce fichier ne partira pas.")
    expect(said.get_by_role("progressbar")).to_have_count(5)
    assert form.get_by_label("Pièces").evaluate("field => field.files.length") == 5


@pytest.mark.parametrize("page", [True], indirect=True, ids=["js"])
def test_each_file_shows_how_far_it_has_gone(form):
    wire = form.context.new_cdp_session(form)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_500_000}
    wire.send("Network.emulateNetworkConditions", slow)
    form.get_by_label("Nom").fill("Barbaud")
    pick(form, ("a.pdf", files.heavy_pdf(1_500_000)), ("b.pdf", files.heavy_pdf(1_500_000)))
    form.evaluate(WATCH)
    form.get_by_role("button", name="Envoyer").click()
    expect(form.get_by_role("link", name="b.pdf")).to_be_visible(timeout=30_000)
    seen = form.evaluate("seen")
    assert any(0 < first < 1 and second == 0 for first, second in seen), "the first is under way, the other waits"
    assert any(first == 1 and 0 < second < 1 for first, second in seen), "then the other"
    same_after_reload(form)


HOSTILE = {
    "page as an image": (HTML, "image/png"),
    "page as a PDF": (HTML, "application/pdf"),
    "drawing as an image": (SVG, "image/png"),
    "drawing as a photo": (SVG, "image/jpeg"),
    "page after an image": (files.image() + HTML, "image/png"),
    "PDF with a script": (
        files.pdf(lambda made: made.Root.__setitem__("/OpenAction", {"/S": "/JavaScript", "/JS": "app.alert(1)"})),
        "application/pdf",
    ),
    "page": (HTML, "text/html"),
    "drawing": (SVG, "image/svg+xml"),
    "table of a page": (HTML, "text/csv"),
}


@pytest.mark.parametrize("page", [True], indirect=True, ids=["js"])
def test_nothing_that_is_kept_runs(page):
    """Even what the gate refuses, had it come in."""
    sign_in(page, scenery.roster())
    page.complaints.expects(404)
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    for name, (content, mime_type) in HOSTILE.items():
        row = storage.file_away(io.BytesIO(content), f"{name}.bin", mime_type, account=None)
        try:
            answer = page.goto(f"/essai/{row.public_id}")
        except Exception as fault:  # some of them cannot be shown at all: the browser saves them
            assert "Download" in str(fault) or "ERR_ABORTED" in str(fault), fault
            continue
        shown = mime_type in ("image/png", "image/jpeg", "application/pdf")
        assert answer.status == (200 if shown else 404), name
        assert page.locator("h1", has_text="Bonjour").count() == 0, name
    assert not ran
