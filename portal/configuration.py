"""What the mutual settles on its own pages: it stands above the environment, and each process reads it again at times.

`change` writes some of it; a process looks again every few seconds (`Watched`), the one that changed it at once.
"""

import dataclasses
import hashlib
import json
import time
from io import BytesIO

from PIL import Image

from portal import database, document_types, natures, outbox, printing, settings
from portal.models import ConfiguredValue, Outdated, db, hash_of

LIFE = 5.0  # seconds for which a process believes what it read
LOGO = "logo"
# The sections of the page: key → names of the settings that it sets.
SECTIONS = {
    "identite": ("brand_name", "insurer_name", "insurer_address", "colour", LOGO),
    "contacts": (
        *("support_email", "support_phone", "support_hours", "dpo_email", "ombudsman"),
        *("individual_space_url", "app_store_url", "play_store_url"),
        *("third_party_operator", "third_party_terms"),
    ),
    "delais": ("reminder_days", "reminders_before", "proof_grace_days", "school_campaign", "kbis_months"),
    "natures": ("natures",),
    "documents": ("document_types",),
    "messages": ("texts",),
}
NAMES = {name for names in SECTIONS.values() for name in names}


def use(chosen):
    """Let the parts that have no request know how the mutual presents itself."""
    for part in (outbox, printing, natures, document_types):
        part.use(chosen)


def stored():
    """Name → text, of everything that was set."""
    rows = ConfiguredValue.select(ConfiguredValue.name, ConfiguredValue.text).order_by(ConfiguredValue.name)
    return dict(rows.tuples())


def applied(base, values):
    """The settings with these values above them; raises settings.WrongSetting."""
    texts = {name: text for name, text in values.items() if name in NAMES}
    numbers = {name: int(text) for name, text in texts.items() if name in settings.NUMBERS}
    chosen = dataclasses.replace(base, **texts | numbers)
    settings.check(chosen)
    return chosen


class Watched:
    """The settings in force in this process, looked at again once they are old."""

    def __init__(self, base, tell=use):
        """`tell(settings)` is called whenever they change."""
        self.base, self.tell = base, tell
        self.values, self.settings, self.read_at = {}, base, None

    def look(self):
        """The settings in force, from the database when what is known of them is old."""
        if self.read_at is None or time.monotonic() - self.read_at > LIFE:
            self.look_again()
        return self.settings

    def look_again(self):
        values = stored()
        if values != self.values:
            self.values, self.settings = values, applied(self.base, values)
            self.tell(self.settings)
        self.read_at = time.monotonic()


# ── Changing it ──────────────────────────────────────────────────────────────────────────────────────────────────


def version_of(values, names):
    """What a form that shows these values sends back, to know whether somebody changed them meanwhile."""
    return hashlib.sha256(json.dumps([values.get(name) for name in names]).encode()).hexdigest()[:16]


def as_text(arranged):
    """What was arranged of the natures, as it is kept; None when nothing was."""
    return json.dumps(arranged, ensure_ascii=False) if any(arranged.values()) else None


def change(watched, names, new, seen, by, now, picture=None):
    """Write the values of a section: name → text, None for what the environment says. What changed: name → text.

    `picture`: the bytes of a new logo. All or nothing; Outdated when they are no longer those that were `seen`,
    WrongSetting when one cannot be.
    """
    with db.atomic():
        database.serialise(db, hash_of("configuration"))
        values = stored()
        if version_of(values, names) != seen:
            raise Outdated(None)
        applied(watched.base, {name: text for name, text in (values | new).items() if text is not None})
        changed = {name: text for name, text in new.items() if values.get(name) != text}
        for name, text in changed.items():
            put(name, text, by, now, picture if name == LOGO else None)
    return changed


def put(name, text, by, now, content=None):
    """One value; None for that of the environment."""
    if text is None:
        ConfiguredValue.delete().where(ConfiguredValue.name == name).execute()
        return
    said = {"text": text, "content": content, "changed_at": now, "changed_by": by}
    if not ConfiguredValue.update(**said).where(ConfiguredValue.name == name).execute():
        ConfiguredValue.insert(name=name, **said).execute()


# ── The logo ─────────────────────────────────────────────────────────────────────────────────────────────────────

SIDE = 192  # pixels, at most: it is shown at 44, on screens that have up to four for one


def drawn(picture):
    """(hash, bytes) of a logo as the pages show it: a small PNG."""
    with Image.open(BytesIO(picture)) as image:
        image.thumbnail((SIDE * 2, SIDE))
        made = BytesIO()
        image.convert("RGBA").save(made, "PNG", optimize=True)
    content = made.getvalue()
    return hashlib.sha256(content).hexdigest()[:16], content


def logo(mark):
    """The picture whose hash this is; None when it is not the one in force."""
    row = ConfiguredValue.get_or_none(ConfiguredValue.name == LOGO, ConfiguredValue.text == mark)
    return row and bytes(row.content)
