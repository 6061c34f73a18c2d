"""Files in a folder of this machine, or of a disk that several share: there whole, or not at all."""

import errno
import os
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path


class Unavailable(Exception):
    """The store does not answer, or has not what it should have."""


@contextmanager
def said():
    """What the disk says when it fails, in a word."""
    try:
        yield
    except OSError as error:
        raise Unavailable(errno.errorcode.get(error.errno or 0) or type(error).__name__) from None


class Folder:
    """256 folders, since some disks are slow with many files in one; `portal.bucket` has the same verbs."""

    PART = ".part-"  # how the name of a file begins while it is being written
    said = staticmethod(said)

    def __init__(self, path):
        self.path = Path(path)

    def file(self, name):
        return self.path / name if name.startswith(self.PART) else self.path / name[:2] / name

    def answers(self):
        """It can be written to."""
        with said():
            self.path.mkdir(parents=True, exist_ok=True)
        return os.access(self.path, os.W_OK)

    def put(self, name, pieces):
        """Write under another name, make sure that it is on the disk, then give it its name."""
        target = self.file(name)
        with said():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(prefix=self.PART, dir=self.path, delete=False) as part:
                try:
                    part.writelines(pieces)
                    part.flush()
                    os.fsync(part.fileno())
                    os.rename(part.name, target)
                except BaseException:
                    os.unlink(part.name)
                    raise
            make_sure(target.parent)

    def open(self, name):
        """The bytes of a file, to be read and closed."""
        with said():
            return open(self.file(name), "rb")

    def delete(self, name):
        """What is gone already is no fault."""
        with said():
            self.file(name).unlink(missing_ok=True)

    def names(self):
        """Each name and the instant it came, those of files that were never finished too."""
        for file in self.path.rglob("*"):
            with suppress(FileNotFoundError):  # it left meanwhile
                if file.is_file():
                    yield file.name, datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(tzinfo=None)


def make_sure(folder):
    """The name of a file that was just written there survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
