"""What was done before the demonstration begins: who signed in when, the files that the mutual loaded."""

import datetime

from portal.demonstration.draw import days_ago
from portal.models import AuditEvent, FileLoad, LoadState, User

# Days ago, identifier: who came, the oldest first.
CAME = (
    (24, "siege@ateliers.example"),
    (16, "courtier@demo.example"),
    (12, "admin@demo.example"),
    (9, "comptable@ateliers.example"),
    (6, "sante@demo.example"),
    (5, "autre@demo.example"),
    (3, "multi@demo.example"),
    (2, "admin@demo.example"),
    (2, "rh@demo.example"),
    (1, "gestion@demo.example"),
)
UNKNOWN = "Ce contrat est inconnu. Chargez-le d’abord, ou corrigez le numéro."
WRONG = [f"Ligne {line}, colonne «\u202fcontract_number\u202f»\u00a0: {UNKNOWN}" for line in (14, 27)]
# Days ago, kind, name, lines, created, updated, faults.
LOADED = (
    (12, "beneficiaries", "beneficiaires.csv", 5596, 212, 31, ()),
    (12, "statements", "bordereaux-essai.csv", 204, 0, 0, WRONG),
    (11, "statements", "bordereaux.csv", 204, 204, 0, ()),
    (2, "payments", "reglements.csv", 187, 187, 0, ()),
)


def make_trail(draw):
    for place, (days, identifier) in enumerate(CAME):
        origin = f"192.0.2.{20 + place}", draw.uuid().hex[:16]
        AuditEvent.write("session.start", by=User.known(identifier), origin=origin, now=days_ago(days))
    author = User.known("admin@demo.example")
    for days, kind, name, lines, created, updated, faults in LOADED:
        at = days_ago(days)
        FileLoad.create(
            public_id=draw.uuid(),
            kind=kind,
            author=author,
            file_name=name,
            state=LoadState.FAILED if faults else LoadState.DONE,
            faults=list(faults),
            total=lines,
            done=0 if faults else lines,
            created=created,
            updated=updated,
            unchanged=0 if faults else lines - created - updated,
            attempts=1,
            created_at=at,
            ended_at=at + datetime.timedelta(seconds=40),
        )
