"""The environment, read once and checked at the start; every default in one place."""

import base64
import binascii
import datetime
import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, fields
from email.utils import parseaddr
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from portal.carriers import on_this_machine
from portal.rules import Refused, contributions, identifiers, mandates, sendings, threads

ROOT = Path(__file__).resolve().parent.parent


class WrongSetting(SystemExit):
    """A setting that stops the start; one sentence that names it, never its value."""

    def __init__(self, name, sentence):
        super().__init__(f"{name} : {sentence}")
        self.name, self.sentence = name, sentence


@dataclass(frozen=True)
class Settings:
    demo: bool
    secret_key: str
    vault_keys: tuple[bytes, ...]
    database_url: str
    storage_url: str
    smtp_url: str
    sms_url: str
    public_url: str
    instance: Path
    backup_keys: tuple[bytes, ...] = ()  # the first seals backups, all open them; none: no backup can be made
    audit_heads_dir: str = ""  # where the head of the audit trail is noted each day; better on another machine
    clamd_url: str = ""  # tcp://host:port or unix:/path; without it, files are not scanned
    files_per_day: int = 200  # that one person may send
    account_space_mo: int = 20_000  # that the files of one account may take
    rows_per_hour: int = 60_000  # that one account may take away in files
    people_per_hour: int = 30_000  # that it may look at
    reveals_per_hour: int = 120  # NIR and IBAN that it may have shown
    files_per_hour: int = 300  # that it may download
    reminder_days: int = 7  # nobody is reminded of a supporting document twice within them
    reminders_before: str = "15 3"  # days before its deadline when a reminder goes by itself
    proof_grace_days: int = 30  # after its deadline, until it has expired
    school_campaign: str = "01/09 31/10"  # when certificates are asked for each year, and until when
    kbis_months: int = 3  # that a Kbis is taken for recent
    people_to_confirm: int = 2  # who agree to a bank account, a role that gives power, a factor’s end; 1: alone
    answer_days: str = ""  # « CARD=1 CONTRACT=15 »: working days in which requests are answered, where they differ
    natures: str = ""  # of requests and complaints, as the mutual arranged them: rules.threads.arranged
    document_types: str = ""  # that companies send, as the mutual arranged them: rules.sendings.arranged
    colour: str = ""  # the mutual’s own, #rrggbb; "" for the portal’s
    logo: str = ""  # the hash of its picture; "" for the portal’s
    texts: str = ""  # the mutual’s own words of messages, as JSON: file name → template (portal.wording)
    ombudsman: str = (
        "Médiateur de la Mutualité Française, FNMF, 255 rue de Vaugirard, 75719 Paris cedex 15, mediateur-mutualite.fr"
    )
    second_factor: str = ""  # « always », « new_device » or, in the demonstration, « optional »; "": see `factor_asked`
    behind_proxy: bool = False
    demo_password: str = "pluie-marmotte-violon-39"  # nosec B105
    brand_name: str = "Trait d’Union"
    insurer_name: str = "Mutuelle du Haut-Jura"
    individual_space_url: str = "https://adherents.mutuelle-haut-jura.example/"
    dpo_email: str = "dpo@mutuelle-haut-jura.example"
    security_email: str = ""  # who is told of what looks like an attack; "": the data protection officer
    support_email: str = "entreprises@mutuelle-haut-jura.example"
    support_phone: str = "01 99 00 10 00"
    amc_number: str = "99900001"  # the mutual’s number as a complementary insurer, for third-party payment (fictional)
    third_party_operator: str = "Réseau Sapinière"  # who pays health professionals for the mutual
    third_party_terms: str = (
        "Tiers payant sur la part complémentaire, au moins à hauteur du tarif de responsabilité ; "
        "intégral pour le 100 % Santé (optique, dentaire, audiologie)."
    )
    dsn_code: str = "999000018"  # the mutual’s « code organisme » in payroll declarations
    insurer_iban: str = "FR7699999000010000000000115"  # the account to which contributions are transferred (fictional)
    insurer_bic: str = ""
    insurer_address: str = "12 rue du Tomachon, 39200 Saint-Claude"
    creditor_identifier: str = "FR72ZZZ123456"  # the mutual’s ICS, of its direct debits (fictional)
    pmss: str = ""  # « 2027=4090 »: the PMSS of the years that the portal does not know yet, in euros
    support_hours: str = "du lundi au vendredi, 8 h 30 – 17 h 30"
    app_store_url: str = ""
    play_store_url: str = ""
    digest_at: str = "07:30"  # in Paris, each day
    mail_from: str = "ne-pas-repondre@mutuelle-haut-jura.example"
    password_cost: tuple[int, int] = (2, 19_456)  # argon2id: passes, KiB of memory

    @property
    def over_tls(self):
        return self.public_url.startswith("https://")

    @property
    def factor_asked(self):
        """When the second factor is: « always », on a « new_device », or « optional »: of who chose to have one."""
        return self.second_factor or ("optional" if self.demo else "new_device")

    @property
    def digest_time(self):
        return datetime.datetime.strptime(self.digest_at, "%H:%M").time()

    @property
    def pmss_table(self):
        """Year → euros, of the years that were added."""
        return contributions.pmss_table(self.pmss)

    @property
    def creditor(self):
        """(ICS, name, address) of the mutual, for mandates."""
        return self.creditor_identifier, self.insurer_name, self.insurer_address

    @property
    def payee(self):
        """(name, IBAN, BIC) of the mutual, for transfers."""
        return self.insurer_name, self.insurer_iban, self.insurer_bic

    @property
    def milestones(self):
        """Days before a deadline, as numbers."""
        return tuple(map(int, self.reminders_before.split()))

    @cached_property
    def own_texts(self):
        """File name of a message → what the mutual wrote in place of the portal's words."""
        return json.loads(self.texts) if self.texts else {}

    @cached_property
    def natures_by_kind(self):
        """Kind of thread → code → `rules.threads.Nature`, as the mutual has them."""
        return threads.arranged(self.natures, threads.days_of(self.answer_days))

    @property
    def promised_days(self):
        """Nature of a request or complaint → working days in which an answer is promised."""
        return {code: one.days for natures in self.natures_by_kind.values() for code, one in natures.items()}

    @cached_property
    def types_of_documents(self):
        """Code → `rules.sendings.DocumentType`, in the mutual's order."""
        return sendings.arranged(self.document_types)

    def school_days(self, year):
        """The opening and the deadline of the campaign of a school year, as dates."""
        opens, due = self.school_campaign.split()
        return (datetime.datetime.strptime(f"{day}/{year}", "%d/%m/%Y").date() for day in (opens, due))


class Brand:
    """How the mutual presents itself."""

    def __init__(self, chosen):
        self.name = chosen.brand_name
        self.insurer = chosen.insurer_name
        self.individual_space_url = chosen.individual_space_url.rstrip("/") + "/"  # pages of it follow
        self.dpo_email = chosen.dpo_email
        self.support_email = chosen.support_email
        self.support_phone = chosen.support_phone
        self.support_hours = chosen.support_hours
        self.app_store_url = chosen.app_store_url
        self.play_store_url = chosen.play_store_url
        self.amc_number = chosen.amc_number
        self.third_party_operator = chosen.third_party_operator
        self.third_party_terms = chosen.third_party_terms
        self.demo = chosen.demo
        self.logo = chosen.logo
        self.colour = chosen.colour.removeprefix("#")


NUMBERS = {field.name for field in fields(Settings) if field.type is int}
SET_ON_PAGES = {"natures", "document_types", "colour", "logo", "texts"}  # « Configuration » alone says them
TEXTS = {field.name for field in fields(Settings) if field.type is str} - {"secret_key"} - SET_ON_PAGES


def read(environ=os.environ):
    """Settings of this environment; stops with a sentence when one is wrong."""
    instance = Path(environ.get("INSTANCE") or ROOT / "instance")
    demo = demonstration(environ)
    keys = made_once(instance, environ) if demo else environ
    values: dict[str, Any] = {
        "database_url": f"sqlite:///{instance}/portal.db",
        "storage_url": f"file://{instance}/files",
        "smtp_url": f"file://{instance}/outbox",
        "sms_url": f"file://{instance}/outbox",
        "public_url": f"http://{host(environ)}:{port(environ)}",
    }
    values |= {name: environ[name.upper()] for name in TEXTS if environ.get(name.upper())}
    values |= {name: number(name.upper(), environ[name.upper()]) for name in NUMBERS if environ.get(name.upper())}
    if environ.get("DATABASE_OWNER_URL"):  # the account that owns the tables, for the commands that need it
        values["database_url"] = environ["DATABASE_OWNER_URL"]
    values["database_url"] = without_idle_tls(values["database_url"])
    settings = Settings(
        demo=demo,
        instance=instance,
        behind_proxy=yes_or_no("BEHIND_PROXY", environ) == "1",  # X-Forwarded-For is believed from the proxy alone
        secret_key=secret_key(keys.get("SECRET_KEY", "")),
        vault_keys=vault_keys(keys.get("VAULT_KEYS", "")),
        backup_keys=key_list("BACKUP_KEY", environ.get("BACKUP_KEY", "")),
        **values,
    )
    check(settings)
    if not demo:
        check_lines(settings, environ)
    if demo and settings.over_tls:
        raise WrongSetting("DEMO", "la démonstration ne s’ouvre pas sur une adresse https:// : mettez DEMO=0.")
    return settings


def check(settings):
    """WrongSetting, at the first that is wrong."""
    check_words(settings)
    check_addresses(settings)
    check_links(settings)
    check_mailboxes(settings)
    check_backup_keys(settings)
    check_time(settings)
    check_reminders(settings)
    check_dsn_code(settings)
    check_answers(settings)
    check_account(settings)
    check_creditor(settings)
    check_pmss(settings)
    check_factor(settings)
    if settings.people_to_confirm not in (1, 2):
        raise WrongSetting("PEOPLE_TO_CONFIRM", "écrivez 2, ou 1 dans une mutuelle où une seule personne confirme.")


def yes_or_no(name, environ):
    """« 1 », « 0 », or nothing when it is not said."""
    said = environ.get(name, "")
    if said not in ("", "0", "1"):
        raise WrongSetting(name, "écrivez 1 (oui) ou 0 (non).")
    return said


# One of these is set where a portal serves real companies: it is no demonstration even if its keys were lost.
SAID_IN_EARNEST = (
    *("SECRET_KEY", "VAULT_KEYS", "DATABASE_URL", "DATABASE_OWNER_URL", "SMTP_URL", "SMS_URL"),
    *("STORAGE_URL", "PUBLIC_URL", "BEHIND_PROXY"),
)


def demonstration(environ):
    """DEMO when it is said; otherwise, a portal that nobody configured at all is the demonstration."""
    if said := yes_or_no("DEMO", environ):
        return said == "1"
    return not any(environ.get(name) for name in SAID_IN_EARNEST)


def made_once(instance, environ):
    """The demonstration's own keys: those of the environment, or made on the first start and kept."""
    makers = {"SECRET_KEY": lambda: secrets.token_urlsafe(48), "VAULT_KEYS": lambda: secrets.token_hex(32)}
    return {name: environ.get(name) or kept(instance / name.lower(), make) for name, make in makers.items()}


def kept(path, make):
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            with (
                suppress(FileExistsError),  # another process of the same start was first: its key is the one
                open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file,
            ):
                file.write(make())
        return path.read_text().strip()
    except OSError as error:
        raise WrongSetting("INSTANCE", f"ce dossier ne s’ouvre pas ou ne s’écrit pas ({error.strerror}).") from None


def host(environ):
    """Where `make run` listens, as it stands in an address; it is nothing to a portal that has one of its own."""
    text = environ.get("HOST") or "127.0.0.1"
    try:
        return f"[{text}]" if ip_address(text).version == 6 else text
    except ValueError:
        if environ.get("PUBLIC_URL"):
            return text
        raise WrongSetting("HOST", "écrivez une adresse IP de cette machine, par exemple 127.0.0.1.") from None


def port(environ):
    """Where `make run` listens; it is nothing to a portal that has an address of its own."""
    text = environ.get("PORT") or "5000"
    if not environ.get("PUBLIC_URL") and not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65_536):
        raise WrongSetting("PORT", "écrivez un nombre de 1 à 65535.")
    return text


def number(name, text):
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise WrongSetting(name, "écrivez un nombre entier, en chiffres.")
    return int(text)


def secret_key(text):
    if len(text) < 32:
        raise WrongSetting("SECRET_KEY", "il faut au moins 32 caractères tirés au hasard ; gardez-les secrets.")
    return text


def vault_keys(text):
    """At least one: without it, nothing of what was sealed opens."""
    keys = key_list("VAULT_KEYS", text)
    if not keys:
        raise WrongSetting("VAULT_KEYS", "il faut au moins une clé de 32 octets, en hexadécimal ou en base64.")
    return keys


def key_list(name, text):
    """Keys of 32 bytes in hexadecimal or base64, separated by commas: the first encrypts, all decrypt."""
    keys = tuple(one_key(name, word) for word in text.replace(",", " ").split())
    if len(set(keys)) < len(keys):
        raise WrongSetting(name, "la même clé y est deux fois.")
    return keys


def one_key(name, word):
    try:
        key = bytes.fromhex(word) if len(word) == 64 else base64.b64decode(word + "==", altchars=b"-_")
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32 or len(set(key)) < 8:
        raise WrongSetting(name, "chaque clé a 32 octets tirés au hasard, en hexadécimal ou en base64.")
    return key


def check_backup_keys(settings):
    if set(settings.backup_keys) & set(settings.vault_keys):
        raise WrongSetting("BACKUP_KEY", "il faut une autre clé que VAULT_KEYS : qui tient l’une n’a pas l’autre.")


CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def check_words(settings):
    """What is printed on pages and in the subjects of messages is a line of words."""
    for name in ("BRAND_NAME", "INSURER_NAME", "SUPPORT_PHONE", "SUPPORT_HOURS", "OMBUDSMAN"):
        text = getattr(settings, name.lower())
        if not text.strip() or CONTROL.search(text):
            raise WrongSetting(name, "écrivez une ligne de texte, ni vide ni coupée.")


ADDRESSES = {
    "DATABASE_URL": ("sqlite", "postgresql"),
    "STORAGE_URL": ("file", "s3"),
    "CLAMD_URL": ("tcp", "unix"),
    "SMTP_URL": ("file", "smtp", "smtps"),
    "SMS_URL": ("file", "http", "https"),
    "PUBLIC_URL": ("http", "https"),
}


def reachable(url):
    """A server has a name, and a port that exists; a file has a path."""
    try:
        address = urlsplit(url)
        known = address.scheme in ("file", "sqlite", "postgresql", "unix") or address.hostname
        return bool(known) and (address.port is None or address.port > 0) and bool(address.netloc + address.path)
    except ValueError:
        return False


def check_addresses(settings):
    for name, schemes in ADDRESSES.items():
        url = getattr(settings, name.lower())
        if name == "CLAMD_URL" and not url:
            continue
        scheme = url.partition("://")[0]
        if scheme in schemes and not reachable(url):
            raise WrongSetting(name, "l’adresse est mal écrite : vérifiez ce qui suit « :// », et le port.")
        if urlsplit(url).scheme not in schemes or not reachable(url):
            raise WrongSetting(name, f"l’adresse doit commencer par {' ou '.join(s + '://' for s in schemes)}.")


def is_here(host):
    """A socket, or a name of this very machine."""
    return not host or host.startswith("/") or on_this_machine(host)


def check_lines(settings, environ):
    """What goes to another machine goes by TLS, to a server that proves its name; TLS that proves none is not spoken.

    A relay of mail is asked for STARTTLS on the line itself (`carriers.connect`).
    """
    check_line_of_database(
        "DATABASE_OWNER_URL" if environ.get("DATABASE_OWNER_URL") else "DATABASE_URL", settings.database_url
    )
    bucket = "AWS_ENDPOINT_URL_S3" if environ.get("AWS_ENDPOINT_URL_S3") else "AWS_ENDPOINT_URL"
    for name, url in (("SMS_URL", settings.sms_url), (bucket, environ.get(bucket, ""))):
        if urlsplit(url).scheme == "http" and not is_here(urlsplit(url).hostname or ""):
            raise WrongSetting(name, "vers une autre machine, l’adresse commence par https://.")
    if settings.clamd_url.startswith("tcp:") and not is_here(urlsplit(settings.clamd_url).hostname or ""):
        raise WrongSetting("CLAMD_URL", "cette ligne n’est pas chiffrée : l’antivirus est sur cette machine.")


def line_of_database(url):
    """(whose machines, its sslmode or "") of an address of PostgreSQL; ((), "verify-full") of any other."""
    if not url.startswith("postgresql:") or not reachable(url):
        return (), "verify-full"
    address = urlsplit(url)
    said = parse_qs(address.query)
    hosts = [unquote(address.hostname or ""), *said.get("host", ()), *said.get("hostaddr", ())]
    return ",".join(hosts).split(","), said.get("sslmode", [""])[-1]


def without_idle_tls(url):
    """A base of this machine is not asked for TLS that proves nothing, which libpq does by itself."""
    hosts, mode = line_of_database(url)
    if mode or not all(map(is_here, hosts)) or all(not host or host.startswith("/") for host in hosts):
        return url
    return f"{url}{'&' if '?' in url else '?'}sslmode=disable"


def check_line_of_database(name, url):
    hosts, mode = line_of_database(url)
    if mode == "verify-full":
        return
    if not all(map(is_here, hosts)):
        raise WrongSetting(name, "la base d’une autre machine prouve son nom : ajoutez sslmode=verify-full.")
    if mode not in ("", "disable"):
        raise WrongSetting(name, "sur cette machine, sslmode est verify-full ou disable.")


def check_links(settings):
    """What becomes a link of a page: no script, no word alone."""
    for name in ("INDIVIDUAL_SPACE_URL", "APP_STORE_URL", "PLAY_STORE_URL"):
        url = getattr(settings, name.lower())
        if url and (urlsplit(url).scheme not in ("http", "https") or not reachable(url)):
            raise WrongSetting(name, "l’adresse doit commencer par http:// ou https://.")


def check_mailboxes(settings):
    for name in ("SUPPORT_EMAIL", "DPO_EMAIL", "MAIL_FROM", "SECURITY_EMAIL"):
        written = getattr(settings, name.lower())
        if name == "SECURITY_EMAIL" and not written:
            continue
        try:
            identifiers.email(parseaddr(written)[1])
        except Refused as refused:
            raise WrongSetting(name, str(refused)) from None


def check_time(settings):
    try:
        _ = settings.digest_time
    except ValueError:
        raise WrongSetting("DIGEST_AT", "écrivez l’heure du récapitulatif ainsi : 07:30.") from None


def check_reminders(settings):
    try:
        _ = settings.milestones
    except ValueError:
        raise WrongSetting("REMINDERS_BEFORE", "écrivez les jours avant l’échéance ainsi : 15 3.") from None
    try:
        opens, due = settings.school_days(2027)
        if not opens < due or opens.month < 9:
            raise ValueError
    except ValueError:
        sentence = "écrivez l’ouverture et la date limite, de septembre à décembre, ainsi : 01/09 31/10."
        raise WrongSetting("SCHOOL_CAMPAIGN", sentence) from None


def check_dsn_code(settings):
    if not re.fullmatch(r"[0-9A-Z]{5,9}", settings.dsn_code):
        raise WrongSetting("DSN_CODE", "écrivez le code organisme de la mutuelle : neuf chiffres.")


def check_answers(settings):
    try:
        _ = settings.natures_by_kind
    except Refused as refused:
        raise WrongSetting("ANSWER_DAYS", str(refused)) from None


def check_account(settings):
    try:
        identifiers.iban(settings.insurer_iban)
        if settings.insurer_bic:
            identifiers.bic(settings.insurer_bic)
    except Refused as refused:
        raise WrongSetting("INSURER_IBAN, INSURER_BIC", str(refused)) from None


def check_creditor(settings):
    if not mandates.is_creditor_identifier(settings.creditor_identifier):
        raise WrongSetting("CREDITOR_IDENTIFIER", "écrivez l’identifiant créancier SEPA (ICS), ainsi : FR72ZZZ123456.")
    if not settings.insurer_address.strip():
        raise WrongSetting("INSURER_ADDRESS", "écrivez l’adresse de la mutuelle : un mandat de prélèvement la porte.")


def check_factor(settings):
    known = ("always", "new_device", "optional") if settings.demo else ("always", "new_device")
    if settings.factor_asked not in known:
        raise WrongSetting("SECOND_FACTOR", f"écrivez {' ou '.join(known)}.")


def check_pmss(settings):
    try:
        _ = settings.pmss_table
    except Refused as refused:
        raise WrongSetting("PMSS", str(refused)) from None
