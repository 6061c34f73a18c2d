"""Files that a form sends and that a view gives back, on the pages of `tests.trial`."""

import io
import re

import pytest
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from app import create_app
from portal import storage
from portal.antivirus import Infected
from portal.models import AuditEvent, StoredFile
from tests import files
from tests.clients import CarefulClient
from tests.trial import OneProof, Proof, shape, trial


@pytest.fixture
def app(chosen_settings):
    app = create_app(settings=chosen_settings, TESTING=True)
    app.test_client_class = CarefulClient
    app.register_blueprint(trial)
    return app


@pytest.fixture(autouse=True)
def usual_form():
    shape["form"] = Proof


def send(client, *pieces, nom="x", kept=()):
    """What a browser sends; the body is made in memory, the test client would leave a file open."""
    data = {"csrf_token": client.token(), "nom": nom, "pieces-gardes": [str(one) for one in kept]}
    data["pieces"] = [FileStorage(io.BytesIO(content), name) for name, content in pieces]
    boundary, body = encode_multipart(MultiDict(data))
    return client.open("/essai", method="POST", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def kept_in(response):
    return re.findall(r'name="pieces-gardes" value="([^"]+)"', response.get_data(as_text=True))


def test_formats_and_limit_are_said_before(signed_in):
    page = signed_in.get("/essai").get_data(as_text=True)
    assert "PDF, PNG ou JPEG. 4\u00a0Mo au plus par fichier, 20\u00a0Mo ensemble." in page
    assert 'accept=".pdf,.png,.jpeg,.jpg,image/png,image/jpeg"' in page
    assert "multiple" in page and "facultatif" not in page


def test_files_are_kept_by_who_sent_them(signed_in, hr):
    assert send(signed_in, ("a.pdf", files.pdf()), ("b.png", files.image())).status_code == 303
    rows = list(StoredFile.select().order_by(StoredFile.id))
    assert [(row.file_name, row.holder) for row in rows] == [("a.pdf", f"user:{hr.id}"), ("b.png", f"user:{hr.id}")]
    assert all(row.attached_at for row in rows)


def test_without_a_file_the_field_says_so(signed_in):
    response = send(signed_in)
    assert response.status_code == 422
    assert "Choisissez au moins un fichier." in response.get_data(as_text=True)


def test_each_refused_file_has_its_reason_and_the_others_stay(signed_in):
    response = send(signed_in, ("bon.pdf", files.pdf()), ("photo.heic", b"x"), ("programme.pdf", b"MZ" * 100))
    assert response.status_code == 422
    page = response.get_data(as_text=True)
    assert "photo.heic\u00a0: Ce format de photo" in page
    assert "programme.pdf\u00a0: Ce fichier n’est pas au format PDF" in page
    assert len(kept_in(response)) == 1 and "déjà reçu" in page
    assert send(signed_in, kept=kept_in(response)).status_code == 303
    assert StoredFile.get().attached_at


def test_another_fault_loses_no_file(signed_in):
    response = send(signed_in, ("bon.pdf", files.pdf()), nom="")
    assert response.status_code == 422
    assert send(signed_in, ("autre.pdf", files.pdf()), kept=kept_in(response)).status_code == 303
    assert StoredFile.select().where(StoredFile.attached_at.is_null(False)).count() == 2


def test_a_file_that_is_unticked_is_left(signed_in):
    response = send(signed_in, ("bon.pdf", files.pdf()), nom="")
    assert kept_in(response)
    assert send(signed_in, ("autre.pdf", files.pdf())).status_code == 303
    assert [row.file_name for row in StoredFile.select().where(StoredFile.attached_at.is_null(False))] == ["autre.pdf"]


def test_what_somebody_else_sent_is_not_taken(signed_in):
    foreign = storage.receive(io.BytesIO(files.pdf()), "a.pdf", account=None, holder="user:0")
    for id in (foreign.public_id, "x", "00000000-0000-4000-8000-000000000000"):
        assert send(signed_in, kept=[id]).status_code == 422
    assert StoredFile.get().attached_at is None


def test_where_one_file_is_asked_for_the_last_one_counts(signed_in):
    shape["form"] = OneProof
    response = send(signed_in, ("a.pdf", files.pdf()), nom="")
    response = send(signed_in, ("b.pdf", files.pdf()), nom="", kept=kept_in(response))
    assert "b.pdf" in response.get_data(as_text=True) and "a.pdf" not in response.get_data(as_text=True)
    assert send(signed_in, ("c.pdf", files.pdf()), ("d.pdf", files.pdf())).status_code == 422


def test_more_than_ten_at_once_is_said(signed_in):
    response = send(signed_in, *[(f"{number}.pdf", files.pdf()) for number in range(11)])
    assert response.status_code == 422
    assert "10.pdf\u00a0: 10\u00a0fichiers au plus" in response.get_data(as_text=True)
    assert len(kept_in(response)) == 10


def test_five_files_of_four_megabytes_pass_and_one_byte_more_is_said_at_its_name(signed_in):
    limit = 4 * 1024 * 1024
    response = send(
        signed_in, *[(f"{number}.pdf", files.heavy_pdf(limit + (number == 4))) for number in range(5)], nom=""
    )
    assert len(kept_in(response)) == 4
    assert "4.pdf\u00a0: Ce fichier est trop lourd." in response.get_data(as_text=True)


def test_more_than_that_is_refused_whole_and_other_pages_take_less(signed_in):
    said = {
        (
            "/essai",
            22,
        ): "La limite est de 20 Mo. Allégez les fichiers, ou envoyez-les en plusieurs fois, puis recommencez.",
        ("/compte", 6): "La limite est de 4 Mo. Allégez le fichier, puis recommencez.",
    }
    for (path, size), sentence in said.items():
        body = b"x" * size * 1024 * 1024
        answer = signed_in.open(path, method="POST", data=body, content_type="multipart/form-data; boundary=b")
        assert answer.status_code == 413
        text = answer.get_data(as_text=True)
        assert sentence in text and "garde d’ordinaire ce que vous avez tapé" in text


def test_an_infected_file_is_written_down_without_its_name(signed_in, monkeypatch):
    def infected(file, url):
        raise Infected("Eicar")

    monkeypatch.setattr(storage.store, "antivirus", "tcp://nowhere:1")
    monkeypatch.setattr("portal.antivirus.scan", infected)
    response = send(signed_in, ("Barbaud.pdf", files.pdf()))
    assert "virus" in response.get_data(as_text=True)
    event = AuditEvent.get(AuditEvent.action == "file.infected")
    assert event.after == {"signature": "Eicar"}
    assert not StoredFile.select().exists()


# What is given back


def kept(content, name, kinds=None):
    options = {"kinds": kinds} if kinds else {}
    return storage.receive(io.BytesIO(content), name, account=None, holder="", **options)


def test_a_download_is_the_file_under_its_name_and_nothing_runs(signed_in):
    content = files.heavy_pdf(200_000)
    row = kept(content, "Reçu n° 12 \u202efdp.exe.pdf")
    response = signed_in.post(f"/essai/{row.public_id}")
    assert response.data == content
    headers = response.headers
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"Recu n 12 fdp.exe.pdf\"; filename*=UTF-8''Re%C3%A7u%20n%C2%B0%2012%20fdp.exe.pdf"
    )
    assert headers["Content-Type"] == "application/pdf" and headers["Content-Length"] == str(len(content))
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    assert "sandbox" in headers["Content-Security-Policy"] and "script-src" not in headers["Content-Security-Policy"]


def test_images_and_pdf_are_previewed_and_nothing_else(signed_in):
    shown = kept(files.image(), "a.png")
    response = signed_in.get(f"/essai/{shown.public_id}")
    assert response.headers["Content-Disposition"].startswith("inline")
    assert "sandbox" in response.headers["Content-Security-Policy"]
    other = kept(b"a;b\n1;2\n", "a.csv")
    assert signed_in.get(f"/essai/{other.public_id}").status_code == 404


def test_a_store_that_does_not_answer_is_a_page(signed_in):
    row = kept(files.pdf(), "a.pdf")
    storage.store.place.delete(row.digest)
    assert signed_in.post(f"/essai/{row.public_id}").status_code == 503
