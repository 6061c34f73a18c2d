"""The web application: settings, extensions, and the parts of `portal` it is made of."""

import gc
import hashlib
import logging
import os
import re
import secrets
from functools import cache, lru_cache
from pathlib import Path

from flask import Flask, abort, g, redirect, render_template, request
from flask.sessions import SecureCookieSessionInterface
from flask_compress import Compress
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from htmx_flask import Htmx, make_response
from jinja2 import Template
from markupsafe import Markup, escape
from peewee import InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from portal import (
    access,
    clock,
    commands,
    configuration,
    credentials,
    database,
    formats,
    models,
    operating,
    people_commands,
    settings,
    storage,
    views,
    wrong_use,
)
from portal.faults import OneLine, place_of
from portal.folder import Unavailable
from portal.forms import boxes
from portal.rendering import address, redirect_whole, wants_fragment

STATIC = Path(__file__).parent / "static"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "max-age=63072000; includeSubDomains"


def create_app(**overrides):
    """The application, for these settings (by default those of the environment)."""
    is_the_one = not overrides
    os.umask(0o077)  # the base, the keys, files and letters are nobody else's to read
    app = Flask(__name__, template_folder="portal", static_folder=None)
    # Every template is kept, there are so many files and no more: the cache that forgets takes a lock at each look.
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "cache_size": -1}
    app.ensure_sync = lambda function: function  # none of ours is a coroutine: it is looked for at each call
    app.session_interface = Cookies()
    app.settings = overrides.pop("settings", None) or settings.read()
    app.config.update(
        SECRET_KEY=app.settings.secret_key,
        SESSION_COOKIE_NAME="__Host-session" if app.settings.over_tls else "session",
        SESSION_COOKIE_SECURE=app.settings.over_tls,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as the session
        MAX_CONTENT_LENGTH=5 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        MAX_FORM_PARTS=2_000,
        COMPRESS_MIMETYPES=["text/html", "text/csv", "application/json"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_LEVEL=4,
        COMPRESS_BR_LEVEL=4,
        COMPRESS_MIN_SIZE=1_000,
        **overrides,
    )
    app.logger.setLevel(logging.INFO)
    logging.setLogRecordFactory(OneLine)
    drop_last_slash(app)
    let_files_come(app)
    open_database(app)
    Htmx(app)
    Compress(app)
    dress_answers(app)
    access.init_app(app)
    show_errors(app)
    fill_templates(app)
    configure(app)
    views.register(app)
    commands.register(app)
    operating.register(app)
    people_commands.register(app)
    wrong_use.explain(app.cli)
    serve_static_files(app)
    if is_the_one:
        gc.freeze()  # all of it stays: looking through it for what does not held a page up by 80 ms, now and then
    return app


class Cookies(SecureCookieSessionInterface):
    """What signs the cookie is made once: Flask makes it anew at each look, and the key of a running portal stays."""

    signer = None

    def get_signing_serializer(self, app):
        self.signer = self.signer or super().get_signing_serializer(app)
        return self.signer


def drop_last_slash(app):
    """/salaries/ is /salaries: only where a page answers without the slash."""

    @app.before_request
    def redirect_to_page():
        path = request.path.rstrip("/")
        if request.url_rule or path in ("", request.path) or request.method not in ("GET", "HEAD"):
            return None
        try:
            app.create_url_adapter(request).match(path)
        except HTTPException:  # no page either, or one that is not asked for this way
            return None
        return redirect(address(path), 308)


def let_files_come(app):
    """A view that takes several files says how much may come, before anything is read."""

    @app.before_request
    def allow():
        request.max_content_length = getattr(
            app.view_functions.get(request.endpoint), "most_bytes", app.config["MAX_CONTENT_LENGTH"]
        )


def open_database(app):
    """One pooled connection for the time of a request, given back whatever happens."""
    models.db.initialize(database.connect(app.settings.database_url))
    models.vault.use(app.settings.vault_keys)
    credentials.use(*app.settings.password_cost)
    storage.use(app.settings)

    @app.before_request
    def connect():
        g.request_id = secrets.token_hex(8)
        if request.endpoint == "health.show":  # it opens its own: being without one is what it tells
            return
        g.opened_here = models.db.connect(reuse_if_open=True)
        app.configuration.look()

    @app.before_request
    def refuse_what_no_form_sends():
        """PostgreSQL keeps no NUL, SQLite does: neither sees one. Flask-WTF would read JSON as a form."""
        typed = (
            text for form in (request.args, request.form) for name, texts in form.lists() for text in (name, *texts)
        )
        if request.is_json or "\0" in request.path or any("\0" in text for text in typed):
            abort(400)

    @app.teardown_request
    def close(error):
        if g.pop("opened_here", False) and not models.db.is_closed():
            models.db.close()


def security_headers(app):
    return SECURITY_HEADERS | ({"Strict-Transport-Security": HSTS} if app.settings.over_tls else {})


def dress_answers(app):
    headers = {"Cache-Control": "no-store", **security_headers(app)}

    @app.after_request
    def dress(response):
        """An address has two bodies, page and fragment, and both are personal."""
        response.vary.add("HX-Request")
        there = {name.lower() for name, _ in response.headers}
        response.headers.extend((name, value) for name, value in headers.items() if name.lower() not in there)
        return response


ERRORS = {
    400: ("Cette demande n’est pas lisible", "Revenez à la page précédente et recommencez."),
    403: ("Vous n’avez pas accès à cette page", "Demandez l’accès à l’administrateur de votre entreprise."),
    404: ("Cette page n’existe pas", "Vérifiez l’adresse, ou cherchez depuis l’accueil."),
    405: ("Cette page ne se demande pas ainsi", "Revenez à l’accueil et reprenez depuis le menu."),
    413: ("Cet envoi est trop lourd", ""),  # how much so is the view’s: `lighter`
    429: ("Trop d’essais", "Patientez un peu, puis recommencez."),
    500: ("Une erreur est survenue de notre côté", "Rien n’a été enregistré. Réessayez dans un instant."),
    503: ("Le portail est très occupé", "Rien n’a été enregistré. Réessayez dans un instant."),
}


def lighter(most, usual):
    """What to do with a form that weighs more than `most` bytes: its files, and 1 Mo for the rest of it."""
    how = "Allégez le fichier" if most <= usual else "Allégez les fichiers, ou envoyez-les en plusieurs fois"
    return f"La limite est de {most // 1024**2 - 1} Mo. {how}, puis recommencez."


# Of the page alone: with JavaScript the form is still there. Firefox forgets what a page held that it may not store.
BACK = (
    "Rien n’a été enregistré. Revenez à la page précédente\u00a0: votre navigateur y garde d’ordinaire ce que vous "
    "avez tapé\u202f; les fichiers, eux, se choisissent de nouveau."
)


def show_errors(app):
    """One handler for every fault: a page, or a message above the region that could not be swapped."""

    @app.errorhandler(HTTPException)
    def show(error):
        title, what_to_do = ERRORS.get(error.code, ERRORS[500 if error.code >= 500 else 400])
        what_to_do = error.description if getattr(error, "said", False) else what_to_do
        if isinstance(error, access.Exhausted):
            error.tell()
        if error.code == 413:
            what_to_do = lighter(request.max_content_length, app.config["MAX_CONTENT_LENGTH"])
            what_to_do = what_to_do if wants_fragment() else f"{what_to_do} {BACK}"
        access.note_refusal(error.code)
        context = {"title": title, "what_to_do": what_to_do, "reference": g.get("request_id", "")}
        if wants_fragment():
            html = render_template("partials/error.html", **context)
            response = make_response(html, error.code, retarget="#flash", reswap="outerHTML", push_url=False)
        else:
            page = "guest_error" if request.path.startswith("/salarie/") else "error"
            response = make_response(render_template(f"pages/{page}.html", **context), error.code)
        if error.code == 405:
            response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        if error.code in (429, 503):
            response.headers["Retry-After"] = str(getattr(error, "retry_after", None) or 5)
        return response

    @app.errorhandler(CSRFError)
    def explain(error):
        public = getattr(app.view_functions.get(request.endpoint), "public", False)
        if not public and not access.current_user.is_authenticated:
            return access.ask_to_sign_in()
        if access.keep_words():  # signed in again meanwhile, in another tab
            return redirect_whole(access.here())
        error.said = True
        error.description = (
            "Cette page était ouverte depuis trop longtemps, ou dans un autre onglet. "
            "Revenez en arrière, rechargez la page, puis envoyez de nouveau : rien n’a été enregistré."
        )
        return show(error)

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(MaxConnectionsExceeded)
    @app.errorhandler(Unavailable)
    def say_busy(error):
        log_fault(app, error)
        g._login_user = AnonymousUserMixin()  # the page needs nobody: Flask-Login would ask the database again
        return show(ServiceUnavailable())

    @app.errorhandler(Exception)
    def say_fault(error):
        log_fault(app, error)
        g._login_user = AnonymousUserMixin()
        if app.testing:
            raise error
        return show(InternalServerError())


def log_fault(app, error):
    """Where it happened, never the exception's own words: they may hold what someone typed."""
    request_id = g.get("request_id", "")
    app.logger.error("%s %s %s %s", request_id, request.method, request.endpoint, place_of(error))


WRITTEN = (
    formats.date_fr,
    formats.datetime_fr,
    formats.euros,
    formats.iban_grouped,
    formats.long_date,
    formats.month_fr,
    formats.nir_grouped,
    formats.number,
    formats.of_name,
    formats.percent,
    formats.share,
    formats.phone_fr,
    formats.time_fr,
    formats.upper_name,
    formats.weight,
)


class PrintedAt:
    """This minute, for the line that only paper shows."""

    def __str__(self):
        return formats.datetime_fr(clock.now())


TO_ESCAPE = re.compile("[&<>'\"]")


def escaped(said):
    """What a template writes of a value, as markupsafe does: but what needs no escape is not made a Markup anew."""
    kind = type(said)
    if kind is Markup or (kind is str and not TO_ESCAPE.search(said)):
        return said
    return str(said) if kind is int else escape(said)


class QuickTemplate(Template):
    """Our macros take nothing from the page that imports them; those of PURE give the same for the same arguments.

    Those of BOXES do too, but for what is typed in a box.
    """

    PURE = {"macros/icons.html": ("icon", "logo"), "macros/menu.html": ("groups",), "macros/swap.html": ("swap",)}
    PURE |= {"macros/badges.html": ("badge",)}
    BOXES = {"macros/fields.html": ("field", "choices")}

    @classmethod
    def _from_namespace(cls, environment, namespace, globals):
        namespace["escape"] = escaped  # a page writes five hundred values, few of which need one
        return super()._from_namespace(environment, namespace, globals)

    def _get_default_module(self, context=None):
        first, module = self._module is None, super()._get_default_module()
        for name in self.PURE.get(self.name, ()) if first else ():
            setattr(module, name, lru_cache(512)(getattr(module, name)))
        for name in self.BOXES.get(self.name, ()) if first else ():
            setattr(module, name, boxes.sparing(getattr(module, name)))
        return module


def configure(app):
    """The settings of the environment, then those that the mutual sets on its pages, for as long as the portal runs."""

    def tell(chosen):
        app.settings = chosen
        app.jinja_env.globals["brand"] = settings.Brand(chosen)
        configuration.use(chosen)

    app.configuration = configuration.Watched(app.settings, tell)
    tell(app.settings)


def fill_templates(app):
    app.jinja_env.template_class = QuickTemplate
    app.context_processor(lambda: {"today": clock.today()})
    app.jinja_env.filters |= {written.__name__: written for written in WRITTEN}
    app.jinja_env.globals |= {
        "asset": asset,
        "address": address,
        "plural": formats.plural,
        "printed_at": PrintedAt(),
        "page_address": lambda number: address(page=number),
        "size_address": lambda size: address(lignes=size, page=None),
        "nir_mask": formats.NIR_MASK,
        "iban_mask": formats.IBAN_MASK,
    }


@cache
def asset(path):
    """The address of a static file, with the start of its hash: it may be kept for ever."""
    return f"/static/{path}?v={hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:10]}"


def serve_static_files(app):
    """Through WhiteNoise, compressed beforehand (`make`), with the same headers as the pages."""

    def dress(headers, path, url):
        for name, value in security_headers(app).items():
            headers[name] = value

    app.wsgi_app = WhiteNoise(
        app.wsgi_app,
        root=STATIC,
        prefix="static/",
        max_age=31_536_000,
        add_headers_function=dress,
        allow_all_origins=False,
    )
    if app.settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
