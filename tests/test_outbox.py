"""E-mails go if and only if their cause stays; a server that is down loses none; two workers send none twice."""

import dataclasses
import datetime
import email
import threading
from email import policy
from pathlib import Path

import pytest

from portal import clock, outbox, tasks
from portal.carriers import Post
from portal.models import MessageKind, OutboxMessage, Throttle, db


@pytest.fixture
def message(database):
    return write()


def write(to="zoe@example.com", told="Objet accentué", **options):
    options = {"kind": MessageKind.IMPORT, "link": "/affiliations"} | options
    return outbox.email(to, "import", clock.now(), told=told, **options)


def test_a_message_becomes_a_file_that_mail_programs_read(app, message, tmp_path):
    assert outbox.send_due(app.settings, clock.now()) == 1
    (file,) = Path(tmp_path / "outbox").glob("*.eml")
    read = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (read["To"], read["Subject"]) == ("zoe@example.com", "Objet accentué")
    text, html = (read.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "http://localhost/affiliations\r\n" in text
    assert 'href="http://localhost/affiliations">Ouvrir le fichier</a>' in html
    assert outbox.send_due(app.settings, clock.now()) == 0


def test_a_cause_that_is_rolled_back_sends_nothing(app, database):
    with db.atomic() as transaction:
        write()
        transaction.rollback()
    assert outbox.send_due(app.settings, clock.now()) == 0


def test_a_server_that_is_down_is_asked_again_later_and_loses_nothing(app, message, monkeypatch):
    down = dataclasses.replace(app.settings, smtp_url="smtp://127.0.0.1:1")
    now = clock.now()
    for attempt in range(3):
        assert outbox.send_due(down, now) == 0
        assert OutboxMessage.get().attempts == attempt + 1
        assert outbox.send_due(app.settings, now) == 0
        now += datetime.timedelta(seconds=outbox.DELAYS[attempt])
    assert outbox.send_due(app.settings, now) == 1
    assert OutboxMessage.get().last_error == "ConnectionRefusedError"


def test_two_workers_send_a_message_once(app, message, monkeypatch):
    sent = []
    monkeypatch.setattr(Post, "send", lambda post, sender, to, mail, name: sent.append(mail))

    def work():
        with db.connection_context():
            outbox.send_due(app.settings, message.not_before)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 1


def test_the_worker_sends_and_stops_when_told(app, message, tmp_path):
    Throttle.create(key="x", failures=1, free_at=clock.now(), forget_at=clock.now() - datetime.timedelta(days=1))
    db.close()
    stop = threading.Event()
    worker = threading.Thread(target=tasks.work, args=(app.settings, stop))
    worker.start()
    for _ in range(100):
        if list(Path(tmp_path / "outbox").glob("*.eml")):
            break
        stop.wait(0.05)
    stop.set()
    worker.join(5)
    assert not worker.is_alive()
    db.connect(reuse_if_open=True)
    assert not Throttle.select().exists()
    assert list(Path(tmp_path / "outbox").glob("*.eml"))
