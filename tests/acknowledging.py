"""A process that writes for ever, and says what it was told is written, for `test_stopped`."""

from types import SimpleNamespace

from app import create_app
from portal.models import AuditEvent, db


def main():
    create_app()
    db.connect()
    for number in range(10**6):
        AuditEvent.write("test", on=SimpleNamespace(public_id=f"n{number}", _meta=AuditEvent._meta))
        print(f"n{number}", flush=True)


if __name__ == "__main__":
    main()
