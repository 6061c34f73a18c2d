"""Files: in and out of the store, what waits, what is dropped, and what a kill leaves behind."""

import io

from portal import storage
from portal.models import StoredFile
from tests import files


def sent(content=None, name="attestation.pdf", holder="user:1", **given):
    return storage.receive(
        io.BytesIO(files.pdf() if content is None else content), name, holder=holder, **{"account": None} | given
    )


def test_what_was_sent_comes_back_byte_for_byte(database):
    content = files.pdf()
    row = sent(content)
    assert storage.content(StoredFile.get_by_id(row.id)) == content
    assert (row.size, row.mime_type, row.file_name) == (len(content), "application/pdf", "attestation.pdf")
