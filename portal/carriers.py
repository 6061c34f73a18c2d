"""How a message leaves: an SMTP server, an HTTP gateway of texts, or a folder; and what each fault means for it."""

import base64
import contextlib
import http.client
import ipaddress
import json
import os
import re
import smtplib
import ssl
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

TIMEOUT = 20  # seconds without a word from a server
FOR_GOOD = re.compile(r"[^0-9]*5\d\d(?![ -]*5\.7)")  # a reply 5xx, but for 5.7: the server's policy may be mended
TRY_AGAIN = (401, 403, 408, 425, 429)  # our key may be mended; the gateway is busy


class Refused(Exception):
    """This message will never be accepted; the others may."""


class Later(Exception):
    """This message was not accepted this time."""


class Silent(Later):
    """The server let this message wait too long: because of the message, or because nothing goes through."""


class Unreachable(Exception):
    """Nothing goes through at present, neither this message nor the next."""


class Post:
    """Hands e-mails to the server of an address, over one connection for as long as it lasts."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url)
        self.line: smtplib.SMTP | None = None

    def __enter__(self) -> "Post":
        return self

    def __exit__(self, *_: object) -> None:
        if self.line is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self.line.quit()
            self.hang_up()

    def send(self, sender: str, to: str, mail: bytes, name: str) -> None:
        """Accepted, or Refused, Later, Unreachable. `name`: of the file, where it is one."""
        if self.address.scheme == "file":
            drop(self.address, f"{name}.eml", mail)
            return
        try:
            self.hand_over(sender, to, mail)
        except smtplib.SMTPRecipientsRefused as refusal:
            raise refused(*next(iter(refusal.recipients.values()))) from None
        except smtplib.SMTPDataError as refusal:
            raise refused(refusal.smtp_code, refusal.smtp_error) from None
        except (OSError, smtplib.SMTPException) as fault:
            self.hang_up()
            raise later(fault) from None

    def hand_over(self, sender: str, to: str, mail: bytes) -> None:
        """Once more on a new line, where the one of the message before was closed meanwhile."""
        kept = self.line is not None
        try:
            self.call().sendmail(sender, [to], mail)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as fault:
            if not kept or is_silence(fault) or getattr(fault, "smtp_code", 421) != 421:
                raise
            self.hang_up()
            self.call().sendmail(sender, [to], mail)

    def call(self) -> smtplib.SMTP:
        if self.line is None:
            try:
                self.line = connect(self.address)
            except (OSError, smtplib.SMTPException) as fault:
                raise Unreachable(word_of(fault)) from None
        return self.line

    def hang_up(self) -> None:
        """Without a word: a server that does not answer is not asked to take leave."""
        if self.line is not None:
            self.line.close()
            self.line = None


def on_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def connect(address: SplitResult) -> smtplib.SMTP:
    """A server that knows us; on another machine, or told a password where it offers TLS, it proves its name.

    Nothing goes to another machine in clear: raises smtplib.SMTPNotSupportedError. On this one, TLS that would prove
    nothing is not spoken.
    """
    here = on_this_machine(address.hostname or "")
    checked = ssl.create_default_context()
    if address.scheme == "smtps":
        line: smtplib.SMTP = smtplib.SMTP_SSL(
            address.hostname or "", address.port or 0, timeout=TIMEOUT, context=checked
        )
    else:
        line = smtplib.SMTP(address.hostname or "", address.port or 0, timeout=TIMEOUT)
    try:
        line.ehlo_or_helo_if_needed()
        if address.scheme == "smtp" and line.has_extn("starttls") and (address.username or not here):
            line.starttls(context=checked)
        elif address.scheme == "smtp" and not here:
            raise smtplib.SMTPNotSupportedError("no STARTTLS")
        if address.username:
            line.login(unquote(address.username), unquote(address.password or ""))
    except BaseException:
        line.close()
        raise
    return line


def refused(code: int, reply: bytes | str) -> Exception:
    """What a refusal means: its code and the code of its reply, never its words."""
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    extended = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})\b", text)
    word = f"{code} {extended[1]}" if extended else str(code)
    return Refused(word) if FOR_GOOD.match(word) else Later(word)


def later(fault: Exception) -> Later:
    return Silent("TimeoutError") if is_silence(fault) else Later(word_of(fault))


def is_silence(fault: Exception) -> bool:
    """smtplib makes a disconnection out of a time-out, and keeps it as its context."""
    return isinstance(fault, TimeoutError) or isinstance(fault.__context__, TimeoutError)


def word_of(fault: Exception) -> str:
    """The kind of a fault and its code, never its words: they may hold an address."""
    code = getattr(fault, "smtp_code", None)
    return f"{type(fault).__name__} {code}" if code else type(fault).__name__


class Gateway:
    """Hands texts to the gateway of an address, as docs/operating.md tells: POST of JSON {to, text, reference}."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url)

    def send(self, number: str, text: str, reference: str, name: str) -> None:
        """Accepted, or Refused, Later, Unreachable. `reference`: the same at each try of the same text."""
        body = json.dumps({"to": number, "text": text, "reference": reference}, ensure_ascii=False).encode()
        if self.address.scheme == "file":
            drop(self.address, f"{name}.sms.json", body)
            return
        with contextlib.closing(self.line()) as line:
            try:
                line.connect()
            except OSError as fault:
                raise Unreachable(word_of(fault)) from None
            try:
                status = self.post(line, body, reference)
            except (OSError, http.client.HTTPException) as fault:
                raise later(fault) from None
        if not 200 <= status < 300:
            for_good = 400 <= status < 500 and status not in TRY_AGAIN
            raise Refused(f"HTTP {status}") if for_good else Later(f"HTTP {status}")

    def line(self) -> http.client.HTTPConnection:
        https = self.address.scheme == "https"
        opened = http.client.HTTPSConnection if https else http.client.HTTPConnection
        return opened(self.address.hostname or "", self.address.port, timeout=TIMEOUT)

    def post(self, line: http.client.HTTPConnection, body: bytes, reference: str) -> int:
        headers = {"Content-Type": "application/json", "Idempotency-Key": reference}
        if self.address.username:
            pair = f"{unquote(self.address.username)}:{unquote(self.address.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        path = (self.address.path or "/") + (f"?{self.address.query}" if self.address.query else "")
        line.request("POST", path, body, headers)
        return line.getresponse().status


def drop(address: SplitResult, name: str, data: bytes) -> None:
    """One file in a folder, whole or not there at all."""
    folder = Path(unquote(address.path))
    part = folder / f".{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, folder / name)
    except OSError as fault:
        raise Unreachable(word_of(fault)) from None
