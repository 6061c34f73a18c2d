"""Letters about supporting documents, for who has neither telephone nor e-mail: one PDF for all, made once."""

import io
from collections import defaultdict

from portal import clock, guests, printing, reminders, storage
from portal.formats import plural
from portal.models import (
    AuditEvent,
    Beneficiary,
    Company,
    EmployeeCategory,
    GuestChannel,
    GuestPurpose,
    Reminder,
    db,
)

MOST = 100  # in one PDF: it is made while one waits


def wanted(requests, now, days):
    """Of these whole requests, those that a letter alone can tell of: {employee id: [requests]}, [those of waivers]."""
    households, of_waivers = defaultdict(list), []
    for row in reminders.plan(requests, now, days).unreachable:
        if row.waiver_id:
            of_waivers.append(row)
        elif row.answering is not None:
            households[row.answering.id].append(row)
    return dict(list(households.items())[:MOST]), of_waivers[: MOST - min(MOST, len(households))]


def print_now(batch, requests, public_url, now, days):
    """The file of the letters of a batch, made once; None when everybody can be written to. `requests`: whole."""
    with db.atomic():
        held = batch.hold()
        if held.letters_id:
            return held.letters
        households, of_waivers = wanted(requests, now, days)
        if not households and not of_waivers:
            return None
        user, people = batch.user, with_companies(households)
        asked = [guests.Wanted(GuestChannel.LETTER, beneficiary=person) for person in people]
        drawn = guests.draw_many(GuestPurpose.DEPOSIT, now, asked, user)
        written = [
            letter(person, households[person.id], f"{public_url}{guests.path(token)}", now)
            for person, (_, token) in zip(people, drawn, strict=True)
        ]
        written += [letter_of_waiver(row, now) for row in of_waivers]
        pdf = printing.letters(written, title="Justificatifs attendus")
        rows = [
            Reminder(request=row, batch=batch, channel=GuestChannel.LETTER, link=link, author=user)
            for person, (link, _) in zip(people, drawn, strict=True)
            for row in households[person.id]
        ]
        rows += [Reminder(request=row, batch=batch, channel=GuestChannel.LETTER, author=user) for row in of_waivers]
        return finish(batch, pdf, rows, user, now)


def finish(batch, pdf, rows, user, now):
    """The file, what is kept of it, and that it was made."""
    file = storage.file_away(io.BytesIO(pdf), "lettres.pdf", "application/pdf", account=None, now=now)
    file.attach(now)
    reminders.keep(rows, now)
    batch.letters = file
    batch.save(only=["letters"])
    AuditEvent.write("reminders.letters", on=batch, by=user, after={"documents": len(rows)}, now=now)
    return file


def with_companies(households):
    """The employees to write to, with their address and their company, by name."""
    people = Beneficiary.select(Beneficiary, EmployeeCategory, Company).join(EmployeeCategory).join(Company)
    return list(people.where(Beneficiary.id.in_(list(households))).order_by(Beneficiary.name_key, Beneficiary.id))


def letter(person, requests, url, now):
    until = at_the_latest(min((row.due_on for row in requests if row.due_on), default=None), now)
    awaited, one = plural(len(requests), "justificatif", "justificatifs"), len(requests) == 1
    return printing.Letter(
        recipient=envelope(person),
        sender=[person.category.company.label],
        subject=f"{awaited} {'attendu' if one else 'attendus'} pour votre contrat santé",
        paragraphs=[
            greeting(person),
            f"Votre mutuelle attend {awaited} pour votre contrat santé{until}. Sans {'lui' if one else 'eux'}, une"
            " personne de votre foyer pourrait ne plus être couverte.",
            f"La page dont l’adresse suit dit {'lequel' if one else 'lesquels'}. Vous pouvez {'l’' if one else 'les '}y"
            " envoyer en photo ou en fichier.",
        ],
        after=[
            "Votre date de naissance vous y sera demandée. Le lien est valable 30 jours. Vous pouvez aussi remettre le"
            " document à votre service du personnel.",
        ],
        on=clock.day_of(now),
        url=url,
    )


def letter_of_waiver(row, now):
    """Handed by the company, which knows no address of who is not covered: it is to the company that it is answered."""
    waiver = row.waiver
    affiliated = "affiliée" if waiver.title == "Mme" else "affilié"
    return printing.Letter(
        recipient=[f"{waiver.title} {waiver.full_name}"],
        sender=[row.category.company.label],
        subject="Votre dispense est à justifier",
        paragraphs=[
            greeting(waiver),
            f"Vous n’êtes pas {affiliated} à la mutuelle d’entreprise, à votre demande. Remettez le justificatif"
            f" de votre dispense à votre service du personnel{at_the_latest(row.due_on, now)}.",
            f"Sans lui, vous serez {affiliated}.",
        ],
        on=clock.day_of(now),
    )


def at_the_latest(due_on, now):
    return f", au plus tard le {due_on:%d/%m/%Y}" if due_on and due_on >= clock.day_of(now) else ""


def greeting(person):
    return f"{'Madame' if person.title == 'Mme' else 'Monsieur'},"


def envelope(person):
    street = " ".join(filter(None, (person.street_number, person.street)))
    town = " ".join(filter(None, (person.postal_code, person.city)))
    country = person.country if person.country != "France" else ""
    return list(filter(None, (f"{person.title} {person.full_name}", person.complement, street, town, country)))
