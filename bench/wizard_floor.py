"""The floor of a step of the wizard: bare Flask, SQL written by hand, AES-GCM, one compiled template a step.

A request finds its session by the hash of its token, checks or makes a CSRF token, reads the draft through the
permissions, opens its answers, and writes them again, sealed; it checks nothing of what was typed.
"""

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, redirect, request

from bench.floor import DOOR, Floor

STEPS = ("garantie", "salarie", "coordonnees", "comptes", "conjoint", "enfants", "verification")
HIDDEN = {"csrf_token", "version", "form_key", "averti", "autre", "action"}
DRAFT = f"""SELECT e.id, e.answers, e.saved, e.version, c.code, y.label, k.number, p.label FROM enrolment e
    JOIN employee_category c ON c.id = e.category_id JOIN company y ON y.id = c.company_id
    JOIN group_contract k ON k.id = e.contract_id JOIN plan p ON p.id = k.plan_id
    WHERE e.public_id = :draft AND e.state = 'DRAFT' AND e.{DOOR}"""
WRITE = """UPDATE enrolment SET answers = :answers, saved = :saved, version = version + 1, step = :step,
    updated_at = :now WHERE id = :id AND version = :version"""


def create_app():
    app = Flask(__name__)
    app.secret_key = os.environ["SECRET_KEY"]
    app.add_url_rule("/bonjour", view_func=lambda: "bonjour", endpoint="hello")
    folder = os.environ.get("BENCH_TEMPLATES")
    if folder:
        WizardFloor(app, Path(folder))
    return app


class WizardFloor(Floor):
    def __init__(self, app, folder):
        super().__init__(app, folder)
        self.cipher = AESGCM(bytes.fromhex(os.environ["BENCH_KEY"]))
        app.add_url_rule("/adhesion/<uuid:id>/<step>", view_func=self.page, endpoint="page")
        app.add_url_rule("/adhesion/<uuid:id>/<step>", view_func=self.save, endpoint="save", methods=["POST"])

    def draft(self, id, user):
        key = id.hex if self.database.is_sqlite else id
        [row] = self.database.rows(DRAFT, **user, draft=key)
        return row

    def page(self, id, step):
        user = self.signed_in()
        row = self.draft(id, user)
        answers = self.opened(row[1])
        words = {name: texts[0] for name, texts in answers.get(step, {}).items()}
        key = str(uuid.uuid4())
        return self.templates[step].render(words=words, version=row[3], form_key=key, **self.frame(user))

    def save(self, id, step):
        user = self.signed_in()
        self.signer.loads(request.form["csrf_token"], max_age=3_600)
        row = self.draft(id, user)
        words = {name: texts for name, texts in request.form.lists() if name not in HIDDEN}
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
        saved = row[2] if isinstance(row[2], dict) else json.loads(row[2])
        saved[step] = {"key": request.form["form_key"], "at": now, "right": True}
        onward = STEPS[STEPS.index(step) + 1]
        kept = {"answers": self.sealed(self.opened(row[1]) | {step: words}), "saved": json.dumps(saved)}
        self.database.rows(WRITE + " RETURNING id", id=row[0], step=onward, now=now, version=row[3], **kept)
        return redirect(f"/adhesion/{id}/{onward}", 303)

    def sealed(self, answers):
        nonce = os.urandom(12)
        return nonce + self.cipher.encrypt(nonce, json.dumps(answers).encode(), None)

    def opened(self, sealed):
        sealed = bytes(sealed)
        return json.loads(self.cipher.decrypt(sealed[:12], sealed[12:], None))
