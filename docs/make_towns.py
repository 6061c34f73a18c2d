"""Makes portal/data/towns.txt.gz out of the npm package of Etalab: `python docs/make_towns.py [tarball]`."""

import gzip
import json
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
from collections import defaultdict
from pathlib import Path

PACKAGE = "@etalab/decoupage-administratif@6.0.0"
TOWNS = Path(__file__).parent.parent / "portal" / "data" / "towns.txt.gz"
PRESENT = ("commune-actuelle", "arrondissement-municipal")


def main(tarball=None):
    with tempfile.TemporaryDirectory() as folder:
        communes = read(tarball or fetch(folder))
    text = "".join(f"{line}\n" for line in lines(communes))
    # No date in the file: the same package makes the same bytes.
    TOWNS.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def fetch(folder):
    """The tarball, from the registry that npm is set to."""
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder, PACKAGE], check=True)
    [tarball] = Path(folder).glob("*.tgz")
    return tarball


def read(tarball):
    with tarfile.open(tarball) as package:
        return json.load(package.extractfile("package/data/communes.json"))


def lines(communes):
    """« 39400 Bellefontaine|Hauts de Bienne<tab>Morez »: the communes of a code, then those merged into them."""
    codes = {row["code"]: row.get("codesPostaux", ()) for row in communes if row["type"] in PRESENT}
    present, former = defaultdict(set), defaultdict(set)
    # Not in the package; Monte-Carlo is one of its quarters, which people write.
    present["98000"], former["98000"] = {"Monaco"}, {"Monte-Carlo"}
    for row in communes:
        for code in codes[row["code"] if row["type"] in PRESENT else row["chefLieu"]]:
            (present if row["type"] in PRESENT else former)[code].add(name(row))
    for code in sorted(present):
        merged = former[code] - present[code]
        yield f"{code} {joined(present[code])}" + (f"\t{joined(merged)}" if merged else "")


def joined(names):
    return "|".join(sorted(names, key=lambda name: unicodedata.normalize("NFD", name)))


def name(row):
    return row["nom"].replace("'", "’")


if __name__ == "__main__":
    main(*sys.argv[1:2])
