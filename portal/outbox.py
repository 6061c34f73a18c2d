"""E-mails: written in the same transaction as their cause, sent afterwards by the worker, tried again when it fails."""

import datetime
import os
import smtplib
import uuid
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portal.models import OutboxMessage, db

DELAYS = [60, 300, 1_800, 7_200, 21_600, 86_400]  # seconds before each new try


def write(recipient, subject, text, now):
    """Leave a message to be sent; within the caller's transaction, so that it goes if and only if its cause stays."""
    return OutboxMessage.create(recipient=recipient, subject=subject, text=text, created_at=now, not_before=now)


def send_due(settings, now, most=100):
    """Send what is due; the number sent. A message that fails waits longer each time, and is never lost."""
    due = (
        OutboxMessage.select()
        .where(OutboxMessage.sent_at.is_null(), OutboxMessage.not_before <= now)
        .order_by(OutboxMessage.id)
        .limit(most)
    )
    return sum(send(settings, message, now) for message in list(due))


def send(settings, message, now):
    if not claimed(message, now):
        return False
    try:
        deliver(settings, compose(settings, message))
    except (OSError, ValueError, smtplib.SMTPException) as error:
        message.last_error = type(error).__name__
        message.save(only=[OutboxMessage.last_error])
        return False
    message.sent_at, message.text = now, ""  # a link that was sent is not kept beside its hash
    message.save(only=[OutboxMessage.sent_at, OutboxMessage.text])
    return True


def claimed(message, now):
    """Take the message for this worker: the next try is put off first, so that two workers never send it both."""
    delay = DELAYS[min(message.attempts, len(DELAYS) - 1)]
    with db.atomic():
        taken = (
            OutboxMessage.update(
                attempts=OutboxMessage.attempts + 1, not_before=now + datetime.timedelta(seconds=delay)
            )
            .where(OutboxMessage.id == message.id, OutboxMessage.attempts == message.attempts)
            .execute()
        )
    return taken == 1


def compose(settings, message):
    mail = EmailMessage()
    mail["From"] = settings.mail_from
    mail["To"] = message.recipient
    mail["Subject"] = message.subject
    mail["Message-ID"] = f"<{message.id}.{uuid.uuid5(uuid.NAMESPACE_URL, settings.public_url)}@portail>"
    mail.set_content(message.text)
    return mail


def deliver(settings, mail):
    address = urlsplit(settings.smtp_url)
    if address.scheme == "file":
        drop(Path(unquote(address.path)), mail)
    else:
        hand_to_server(address, mail)


def hand_to_server(address, mail):
    server = smtplib.SMTP_SSL if address.scheme == "smtps" else smtplib.SMTP
    with server(address.hostname, address.port or 0, timeout=20) as connection:
        if address.username:
            connection.login(unquote(address.username), unquote(address.password or ""))
        connection.send_message(mail)


def drop(folder, mail):
    """One .eml file, whole or not there at all."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{mail['Message-ID'].strip('<>').split('@')[0]}.eml"
    part = folder / f".{name}.part"
    part.write_bytes(mail.as_bytes())
    os.replace(part, folder / name)
