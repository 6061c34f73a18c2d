"""nginx as it is shipped, in front of a portal: TLS, headers on every answer and once, a log without what was typed."""

import contextlib
import datetime
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import HSTS, SECURITY_HEADERS
from portal import clock
from portal.views.files import MOST_SENT
from tests.servers import free_port

DEPLOY = Path(__file__).parent.parent / "deploy"
NAME = "portail.example"
HEADERS = [*SECURITY_HEADERS, "Strict-Transport-Security", "Cache-Control"]


def certificate(folder):
    """One that it signs itself, for a day."""
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    made = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), now)
    made = made.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    (folder / "portail.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "portail.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))


class Upstream(BaseHTTPRequestHandler):
    """A portal that answers with its headers, and the status that its path names."""

    def do_GET(self):
        self.server.taken += 1
        asked = self.path.strip("/").partition("?")[0]
        status = int(asked) if asked.isdigit() else 200
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen = self.headers
        self.send_response(status)
        headers = {**SECURITY_HEADERS, "Strict-Transport-Security": HSTS, "Cache-Control": "no-store"}
        headers |= {"Retry-After": "5"} if status == 503 else {}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """nginx with the shipped site on free ports, in front of a portal that may be stopped."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    certificate(folder)
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    upstream.taken = 0
    threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    run = SimpleNamespace(folder=folder, clear=free_port(), tls=free_port(), upstream=upstream)
    site = re.sub(r"^\s*listen \[::\].*\n", "", (DEPLOY / "nginx.conf").read_text(), flags=re.MULTILINE)
    for before, after in {
        "listen 80": f"listen 127.0.0.1:{run.clear}",
        "listen 443": f"listen 127.0.0.1:{run.tls}",
        "/etc/ssl/portail.pem": f"{folder}/portail.pem",
        "/etc/ssl/private/portail.key": f"{folder}/portail.key",
        "/var/log/trait-d-union": str(folder),
        "/srv/trait-d-union/deploy": str(DEPLOY),
        "127.0.0.1:5000": f"127.0.0.1:{upstream.server_port}",
    }.items():
        assert before in site
        site = site.replace(before, after)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    begin = f"daemon off; user root; pid {folder}/pid; error_log {folder}/start.log; events {{}}"
    (folder / "nginx.conf").write_text(f"{begin} http {{ {temporary}\n{site} }}")
    command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "start.log"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr.replace('"user" directive', ""), tested.stderr
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_for(run.tls)
        yield run
        process.terminate()
    upstream.shutdown()
    upstream.server_close()


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError


def secure(version=None):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
    return context


def line(nginx, context=None, name=NAME):
    """A TLS connection, under the portal's name."""
    raw = socket.create_connection(("127.0.0.1", nginx.tls), 10)
    try:
        return (context or secure()).wrap_socket(raw, server_hostname=name)
    except BaseException:
        raw.close()
        raise


def answer(nginx, path="/", method="GET", body=None, clear=False, headers=()):
    """(status, [(name, value)], text)."""
    connection = http.client.HTTPConnection("127.0.0.1", nginx.clear, timeout=10)
    if not clear:
        connection.sock = line(nginx)
    connection.request(method, path, body=body, headers={"Host": NAME, **dict(headers)})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.getheaders(), text


def assert_dressed(headers):
    names = [name.lower() for name, _ in headers]
    for name in HEADERS:
        assert names.count(name.lower()) == 1, (name, headers)
    assert not [value for name, value in headers if name.lower() == "server" and re.search(r"\d", value)]


@pytest.mark.parametrize("status", [200, 303, 400, 403, 404, 422, 429, 500, 503])
def test_what_the_portal_answers_keeps_its_headers_once(nginx, status):
    got, headers, _ = answer(nginx, f"/{status}")
    assert got == status
    assert_dressed(headers)
    assert dict(headers)["Content-Security-Policy"] == SECURITY_HEADERS["Content-Security-Policy"]
    assert [value for name, value in headers if name == "Retry-After"] == (["5"] if status == 503 else [])


def test_a_file_that_is_too_heavy_is_refused_in_french_by_nginx_itself(nginx):
    status, headers, text = answer(nginx, "/200", "POST", b"x" * (MOST_SENT + 1))
    assert status == 413
    assert "trop lourd" in text
    assert_dressed(headers)


def test_what_the_portal_takes_comes_through(nginx):
    assert answer(nginx, "/200", "POST", b"x" * MOST_SENT)[0] == 200


def test_the_site_lets_come_what_each_view_takes(app):
    """A view that takes more than the site has a place of its own in it."""
    site = (DEPLOY / "nginx.conf").read_text()
    places = dict(re.findall(r"location = (\S+) {\s+client_max_body_size (\d+)m;", site))
    [most] = re.findall(r"^    client_max_body_size (\d+)m;", site, re.MULTILINE)
    taken = {
        rule.rule: view.most_bytes
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and hasattr(view := app.view_functions[rule.endpoint], "most_bytes")
    }
    assert max(taken.values()) > MOST_SENT
    assert {path: size for path, size in taken.items() if size > int(places.get(path, most)) * 1024**2} == {}


def test_an_upload_of_the_management_system_comes_through(nginx):
    assert answer(nginx, "/gestion/chargements", "POST", b"x" * (MOST_SENT + 1))[0] == 200


def test_a_request_that_nobody_can_read_is_dressed_too(nginx):
    with line(nginx) as sent:
        sent.sendall(b"GET /\x01 HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\n\r\n")
        response = http.client.HTTPResponse(sent)
        response.begin()
        assert response.status == 400
        assert_dressed(response.getheaders())
        response.close()


def test_a_portal_that_is_down_is_said_in_french_with_when_to_come_back(nginx, monkeypatch):
    conf = nginx.folder / "nginx.conf"
    before = conf.read_text()
    down = free_port()
    conf.write_text(before.replace(f"127.0.0.1:{nginx.upstream.server_port}", f"127.0.0.1:{down}"))
    reload(nginx)
    try:
        status, headers, text = until(lambda: answer(nginx, "/200"), lambda got: got[0] == 503)
    finally:
        conf.write_text(before)
        reload(nginx)
    assert "momentanément indisponible" in text
    assert_dressed(headers)
    assert dict(headers)["Retry-After"] == "30"


def reload(nginx):
    conf = nginx.folder / "nginx.conf"
    subprocess.run(["nginx", "-p", nginx.folder, "-c", conf, "-s", "reload"], check=True, stderr=subprocess.DEVNULL)


def until(ask, good):
    """The first good answer: a reload takes a moment."""
    for _ in range(100):
        if good(got := ask()):
            return got
        time.sleep(0.05)
    return got


def test_only_tls_1_2_and_1_3_are_spoken_with_forward_secrecy(nginx):
    until(lambda: answer(nginx, "/200"), lambda got: got[0] == 200)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with line(nginx, secure(version)) as spoken:
            name = spoken.cipher()[0]
            assert name.startswith(("ECDHE-", "TLS_")) and ("GCM" in name or "CHACHA" in name)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            line(nginx, secure(version))
    weak = secure(ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES128-GCM-SHA256:AES256-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        line(nginx, weak)


def graded(nginx, folder, *checks):
    """{what testssl.sh looked at: (its grade, what it found)} of the portal's port."""
    if not shutil.which("testssl"):
        pytest.skip("testssl.sh is not installed")
    told = folder / "testssl.json"
    quiet = ("--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1")
    command = ["testssl", *quiet, *checks, "--jsonfile", told, f"{NAME}:{nginx.tls}"]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=900)  # its status counts findings
    return {one["id"]: (one["severity"], one["finding"]) for one in json.loads(told.read_text())}


OF_THE_TOOL = {"engine_problem": "it knows no GOST", "secure_renego": "OpenSSL 3 ends its handshake"}


def faults(found):
    """What is LOW or worse; a warning too, unless it tells what the tool itself cannot do."""
    right = {"OK", "INFO", "DEBUG"}
    return {name: told for name, told in found.items() if told[0] not in right and name not in OF_THE_TOOL}


def test_testssl_finds_no_fault_in_the_line(nginx, tmp_path):
    """Versions, kinds of ciphers, forward secrecy, what the server prefers, known weaknesses; not the certificate."""
    until(lambda: answer(nginx, "/200"), lambda got: got[0] == 200)
    found = graded(nginx, tmp_path, "-p", "-s", "-f", "-P", "-U")
    assert faults(found) == {}
    assert {
        "SSLv2",
        "SSLv3",
        "TLS1",
        "TLS1_1",
        "TLS1_2",
        "TLS1_3",
        "PFS",
        "heartbleed",
        "ROBOT",
        "SWEET32",
    } <= found.keys()
    assert [found[name][1] for name in ("TLS1", "TLS1_1")] == ["not offered"] * 2
    print(f"testssl.sh: {len(found)} findings, 0 LOW or worse")


def test_testssl_finds_a_planted_fault(nginx, tmp_path):
    """So that what it does not find above is worth something."""
    conf = nginx.folder / "nginx.conf"
    before = conf.read_text()
    conf.write_text(re.sub(r"ssl_ciphers \S+;", "ssl_ciphers ECDHE-ECDSA-AES128-SHA;", before))
    reload(nginx)
    try:
        until(lambda: answer(nginx, "/200"), lambda got: got[0] == 200)
        assert "LUCKY13" in faults(graded(nginx, tmp_path, "-L"))
    finally:
        conf.write_text(before)
        reload(nginx)


def test_another_name_is_shown_no_certificate(nginx):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        line(nginx, name="autre.example")


@pytest.fixture
def machine(tmp_path):
    """How `deploy/check.sh` finds a certificate, made for a name by an authority that is known or not."""
    started = []

    def found(name, known):
        made = "req -x509 -nodes -days 30 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=x -keyout key -out pem"
        certify = ["openssl", *made.split(), "-addext", f"subjectAltName=DNS:{name}"]
        subprocess.run(certify, cwd=tmp_path, check=True, capture_output=True)
        port = free_port()
        serve = ["openssl", "s_server", "-accept", str(port), "-cert", "pem", "-key", "key", "-quiet"]
        started.append(subprocess.Popen(serve, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(port)
        environment = os.environ | {"ONLY": "tls", "TLS_PORT": str(port)}
        environment |= {"SSL_CERT_FILE": str(tmp_path / "pem")} if known else {}
        check = ["bash", DEPLOY / "check.sh", "localhost"]
        told = subprocess.run(check, env=environment, capture_output=True, text=True).stdout
        (said,) = [line for line in told.splitlines() if "certificat" in line]
        return said.split()[0]

    yield found
    for server in started:
        server.kill()
        server.wait()


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [("localhost", True, "ok"), ("autre.example", True, "FAUTE"), ("localhost", False, "FAUTE")],
)
def test_a_machine_is_asked_whether_its_certificate_is_of_its_name_and_of_a_known_authority(machine, name, known, said):
    assert machine(name, known) == said


def test_what_comes_in_clear_is_sent_to_tls_without_what_was_typed(nginx):
    status, headers, _ = answer(nginx, "/salaries?q=Durand", clear=True)
    assert status == 301
    assert dict(headers)["Location"] == f"https://{NAME}/salaries"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/connexion"), ("PUT", "/200"), ("GET", f"/calendrier/{'A' * 43}.ics"), ("POST", "/gestion/chargements")],
)
def test_a_program_or_a_form_that_comes_in_clear_is_refused_and_led_nowhere(nginx, method, path):
    """Its owner learns at once that it speaks in clear."""
    taken = nginx.upstream.taken
    status, headers, _ = answer(nginx, path, method, clear=True, body=b"x=1" if method != "GET" else None)
    assert status == 403 and "Location" not in dict(headers)
    assert nginx.upstream.taken == taken


# Where one request ends and the next begins: said twice, or wrongly, it is refused and reaches nobody.
HIDDEN = b"GET /200 HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\n\r\n"
SMUGGLED = {
    "length and pieces": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + HIDDEN,
    "two ways of pieces": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a way that is not known": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a length that is none": b"Content-Length: 0x5\r\n\r\n" + HIDDEN,
    "a piece that is none": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_whose_end_is_not_clear_reaches_nobody(nginx, name):
    taken = nginx.upstream.taken
    with line(nginx) as sent:
        sent.sendall(b"POST /200 HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\n" + SMUGGLED[name])
        got = b""
        while piece := sent.recv(4096):
            got += piece
    assert got.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")) and got.count(b"HTTP/1.1 ") == 1, got[:200]
    assert nginx.upstream.taken == taken


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def literal(name, value):
    """A header of HTTP/2 as it is, in no table."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


@pytest.mark.parametrize(("said", "sent"), [(5, b"abc"), (2, b"abcdef"), (3, b"abc")])
def test_in_http_2_the_length_is_that_of_what_comes(nginx, said, sent):
    taken, context = nginx.upstream.taken, secure()
    context.set_alpn_protocols(["h2"])
    asked = {":method": "POST", ":path": "/200", ":scheme": "https", ":authority": NAME, "content-length": str(said)}
    with line(nginx, context) as spoken:
        assert spoken.selected_alpn_protocol() == "h2"
        spoken.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        spoken.sendall(frame(1, 4, 1, b"".join(literal(*one) for one in asked.items())) + frame(0, 1, 1, sent))
        spoken.settimeout(2)
        with contextlib.suppress(TimeoutError):
            while spoken.recv(4096):
                pass
    assert nginx.upstream.taken - taken == (said == len(sent))


def test_each_cipher_has_128_bits_or_more_and_forward_secrecy():
    site = (DEPLOY / "nginx.conf").read_text()
    [listed] = re.findall(r"^ssl_ciphers (\S+);", site, re.MULTILINE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(listed)
    found = [one for one in context.get_ciphers() if one["protocol"] == "TLSv1.2"]
    assert len(found) == len(listed.split(":"))
    assert all(one["strength_bits"] >= 128 and one["aead"] and one["kea"] == "kx-ecdhe" for one in found)


def test_the_site_hands_requests_to_the_portal_of_this_machine_alone():
    """No address that a request could name: neither a variable nor a name to be resolved."""
    site = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text())
    assert set(re.findall(r"proxy_pass ([^;]+);", site)) == {"http://127.0.0.1:5000"}
    assert not re.search(
        r"\b(?:resolver|fastcgi_pass|uwsgi_pass|grpc_pass|scgi_pass|autoindex|alias|ssi|include)\b", site
    )
    assert set(re.findall(r"\broot ([^;]+);", site)) == {"/var/www/acme", "/srv/trait-d-union/deploy/pages"}


def test_the_log_holds_no_query_and_no_token(nginx):
    token = "A" * 43
    answer(nginx, "/200?nom=Canari-Durand")
    answer(nginx, f"/salarie/{token}")
    log = until(lambda: (nginx.folder / "access.log").read_text(), lambda text: "/salarie/-" in text)
    assert "/200" in log
    for path in nginx.folder.glob("*.log"):
        assert "Canari" not in path.read_text() and token not in path.read_text(), path


@pytest.mark.parametrize("forged", ["203.0.113.7", "203.0.113.7, 198.51.100.2", "127.0.0.1, 10.0.0.1"])
def test_the_portal_is_told_the_address_of_the_browser_and_none_that_it_invents(nginx, forged):
    names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "X-Forwarded-Host")
    assert answer(nginx, "/200", headers=dict.fromkeys(names, forged))[0] == 200
    assert nginx.upstream.seen.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert nginx.upstream.seen.get_all("X-Forwarded-Proto") == ["https"]


def test_a_line_of_the_log_of_nginx_is_one_request(nginx):
    log = nginx.folder / "access.log"
    before = len(log.read_bytes().splitlines())
    forged = "/200%0d%0a127.0.0.1%20[01/Jan/2026]%20%22GET%20/faux%22%20200%1b[2K%0bx%C2%85y"
    assert answer(nginx, forged)[0] == 200
    written = until(lambda: log.read_bytes(), lambda text: b"faux" in text)
    lines = written.splitlines()[before:]
    assert len(lines) == 1 and b"/faux" in lines[0]
    assert not re.search(rb"[\x00-\x1f\x7f-\xff]", lines[0])


def slow(nginx, first):
    """A client of another address that sends a little of a request, and then a sign now and then."""
    raw = socket.create_connection(("127.0.0.1", nginx.tls), 10, source_address=("127.0.0.2", 0))
    sent = secure().wrap_socket(raw, server_hostname=NAME)
    sent.sendall(first)
    return sent


def test_slow_clients_starve_nobody_and_reach_no_worker(nginx):
    """A hundred of them: half never end their headers, half their form."""
    host = f"Host: {NAME}\r\n".encode()
    headers = [slow(nginx, b"GET /200 HTTP/1.1\r\n" + host) for _ in range(50)]
    forms = [slow(nginx, b"POST /200 HTTP/1.1\r\n" + host + b"Content-Length: 5000\r\n\r\na=") for _ in range(50)]
    try:
        taken, longest = nginx.upstream.taken, 0
        for number in range(30):
            for one in headers[number::30]:
                one.sendall(b"X-Slow: 1\r\n")
            for one in forms[number::30]:
                one.sendall(b"x")
            started = time.monotonic()
            assert answer(nginx, "/200")[0] == 200
            longest = max(longest, time.monotonic() - started)
        assert nginx.upstream.taken == taken + 30
        assert longest < 2
        print(f"100 slow clients, service available: yes, {longest * 1000:.0f} ms at most")
    finally:
        for one in headers + forms:
            one.close()
