"""Files in a form: each passes the gate, and those that did stay when the form has to be sent again."""

import uuid
from contextlib import suppress

from wtforms import FileField
from wtforms.validators import StopValidation
from wtforms.widgets import FileInput

from portal import storage
from portal.antivirus import Infected
from portal.exchange import uploads
from portal.formats import SPACE, plural
from portal.models import StoredFile
from portal.rules import Refused

MOST = 10  # in one sending
MOST_TOGETHER = 20 * 1024 * 1024  # bytes of those that go up at once


class UploadField(FileField):
    """One file, or several; `files` are those that wait to be attached, `refused` the others, with the reason.

    The form is read from `rendering.posted()`. The view calls `receive` (by `views.files.take_in`) before it validates.
    """

    def __init__(self, label=None, kinds=uploads.PROOFS, multiple=False, missing="", **options):
        """`kinds`: which of `uploads.KINDS` may come. `missing`: what to say when a file must come and none did."""
        super().__init__(label, **options)
        self.widget = FileInput(multiple=multiple)
        self.kinds, self.multiple, self.missing = kinds, multiple, missing
        self.sent, self.kept = [], []  # files that come, and public ids of those that came with an earlier sending
        self.files, self.refused, self.infected = [], [], []
        if missing:
            self.flags.required = True

    def process(self, formdata, *given, **named):
        super().process(formdata, *given, **named)
        for text in formdata.getlist(self.kept_name) if formdata else ():
            with suppress(ValueError):
                self.kept.append(uuid.UUID(text))

    def process_formdata(self, values):
        self.sent = [value for value in values if getattr(value, "filename", "")]

    @property
    def kept_name(self):
        return f"{self.name}-gardes"

    most_bytes = uploads.MOST_BYTES

    @property
    def most_together(self):
        return MOST_TOGETHER if self.multiple else self.most_bytes

    @property
    def accept(self):
        """For the browser's chooser: extensions, and the types of images, by which telephones know what to make."""
        known = [uploads.KINDS[kind] for kind in self.kinds]
        types = [kind.mime_type for kind in known if kind.mime_type.startswith("image/")]
        return ",".join([extension for kind in known for extension in kind.extensions] + types)

    @property
    def promise(self):
        """Formats and limit, said before anything is chosen."""
        each = f" par fichier, 20{SPACE}Mo ensemble" if self.multiple else ""
        return f"{uploads.formats_of(self.kinds)}. 4{SPACE}Mo au plus{each}."

    def receive(self, waiting, account, holder):
        """Pass every file through the gate. `waiting`: what this holder sent earlier, as a query."""
        if self.kept:
            self.files = list(waiting.where(StoredFile.public_id.in_(self.kept)).order_by(StoredFile.id))
        if self.sent and not self.multiple:
            self.files = []  # the new one takes its place
        room = (MOST if self.multiple else 1) - len(self.files)
        for one in self.sent:
            try:
                if room <= 0:
                    raise Refused(f"{plural(MOST, 'fichier')} au plus à la fois. Envoyez celui-ci ensuite.")
                self.files.append(storage.receive(one.stream, one.filename, self.kinds, account=account, holder=holder))
                room -= 1
            except Refused as refused:
                self.refuse(one.filename, refused)

    def refuse(self, name, refused):
        self.refused.append((uploads.shown_name(name), str(refused)))
        if isinstance(refused, Infected):
            self.infected.append(refused.signature)
        self.process_errors = [f"{name}{SPACE}: {sentence}" for name, sentence in self.refused]

    def pre_validate(self, form):
        if self.missing and not self.files and not self.refused:
            raise StopValidation(self.missing)
