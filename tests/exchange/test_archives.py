"""A zip made while it goes out: whole, readable, each name once, in little memory."""

import datetime
import io
import tracemalloc
import zipfile

from hypothesis import given
from hypothesis import strategies as some

from portal.exchange.archives import Member, archive

AT = datetime.datetime(2026, 11, 26, 9, 30)


def opened(members):
    return zipfile.ZipFile(io.BytesIO(b"".join(archive(members))))


@given(some.lists(some.tuples(some.sampled_from(["a.pdf", "A.pdf", "é/a.pdf", "é"]), some.lists(some.binary()))))
def test_what_goes_in_comes_out_under_names_of_its_own(files):
    found = opened([Member(name, AT, pieces) for name, pieces in files])
    assert found.testzip() is None
    assert [found.read(name) for name in found.namelist()] == [b"".join(pieces) for _, pieces in files]
    assert len({name.lower() for name in found.namelist()}) == len(files)


def test_a_name_that_is_taken_gets_a_number_before_its_extension():
    names = ["Attestations/Zoé.pdf", "Attestations/zoé.pdf", "Autres/Zoé.pdf"]
    found = opened([Member(name, AT, [b"x"]) for name in names])
    assert found.namelist() == ["Attestations/Zoé.pdf", "Attestations/zoé (2).pdf", "Autres/Zoé.pdf"]
    assert found.infolist()[0].date_time == (2026, 11, 26, 9, 30, 0)


def test_the_memory_it_takes_does_not_follow_what_it_holds():
    def members():
        for number in range(200):
            yield Member(f"{number}.pdf", AT, (b"x" * 65_536 for _ in range(4)))

    tracemalloc.start()
    size = sum(len(piece) for piece in archive(members()))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 200 * 4 * 65_536
    assert most < 3_000_000
