"""What the portal's code may use: nothing that runs what it reads, guesses, weak sums, or calls anywhere."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [*(ROOT / "portal").rglob("*.py"), ROOT / "app.py"]

# Modules that few may import, and who; the others, nobody.
FEW = {
    "random": {"portal/demonstration/draw.py"},  # the same data for the same seed
    "http": {"portal/carriers.py"},
    "smtplib": {"portal/carriers.py"},
    "socket": {"portal/antivirus.py", "portal/exchange/children.py", "portal/exchange/warm_child.py"},
    "boto3": {"portal/bucket.py"},
    **dict.fromkeys(("pickle", "marshal", "shelve", "dill", "yaml", "requests", "httpx", "ftplib", "telnetlib"), set()),
}
WEAK = re.compile(r"\b(?:md5|sha1|SHA1|MD5|modes\.ECB|ARC4|TripleDES|PKCS1v15)\b")
WEAK_HERE = {
    "portal/bucket.py": "the sum of a transfer, which S3 asks for",
    "portal/rules/totp.py": "RFC 6238, as applications of codes know it",
}
SCRIPTS = [path for path in (ROOT / "static" / "js").glob("*.js") if not path.name.startswith("htmx")]


def imported(source):
    """The modules that a text imports, each by its first word; urllib.request by both."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            yield name if name == "urllib.request" else name.partition(".")[0]


def wrong_modules(path, source):
    return {name for name in imported(source) if name == "urllib.request" or path not in FEW.get(name, {path})}


def test_nothing_reads_objects_draws_guesses_or_calls_elsewhere_but_where_it_is_said():
    found = {str(path.relative_to(ROOT)): path.read_text() for path in SOURCES}
    assert {path: wrong for path, source in found.items() if (wrong := wrong_modules(path, source))} == {}
    used = {name for path, source in found.items() for name in imported(source)}
    assert {name for name, places in FEW.items() if places} <= used


@pytest.mark.parametrize(
    "line", ["import pickle", "from random import choice", "import urllib.request", "import http.client"]
)
def test_a_planted_module_is_found(line):
    assert wrong_modules("portal/views/home.py", line)


def test_no_sum_or_cipher_is_weak_but_where_a_standard_asks_for_it():
    found = {str(path.relative_to(ROOT)) for path in SOURCES if WEAK.search(path.read_text())}
    assert found == set(WEAK_HERE)


def test_our_scripts_listen_to_no_other_window():
    assert SCRIPTS
    assert [path.name for path in SCRIPTS if re.search(r"postMessage|[\"']message[\"']", path.read_text())] == []


def bandit(*what):
    command = [sys.executable, "-m", "bandit", "-q", "-r", *what, "-c", "pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_bandit_finds_nothing_that_is_not_explained():
    found = bandit("app.py", "portal")
    assert found.returncode == 0, found.stdout


def test_bandit_finds_a_planted_fault(tmp_path):
    (tmp_path / "planted.py").write_text("import subprocess\nsubprocess.call('ls ' + input(), shell=True)\n")
    assert bandit(str(tmp_path)).returncode == 1
