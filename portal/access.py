"""Who may call a view: closed unless @public, signed in by a session that is a row, @requires(right)."""

import hashlib
from functools import partial
from urllib.parse import urlencode

from flask import abort, current_app, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect, generate_csrf
from htmx_flask import make_response
from werkzeug.exceptions import Forbidden, TooManyRequests

from portal import alarms, clock, reach, readings, taking
from portal.formats import plural
from portal.models import AuditEvent, UnsentWords, UserRole, UserSession, db
from portal.rendering import page_size, split
from portal.rules import rights, staff_roles

COVERED = {"see", "reveal", "export", "move", "affiliate", "enrol", "documents", "money"}
OF_COMPANIES = COVERED | {"write", "habilitate", "portfolio"}
RIGHTS = {
    UserRole.COMPANY: OF_COMPANIES | {"mandate"},
    UserRole.MULTI_ACCOUNT_MANAGER: OF_COMPANIES | {"mandate"},
    UserRole.BROKER: OF_COMPANIES,
    UserRole.HEALTH_PROFESSIONAL: {"check_cover"},
    UserRole.STAFF: COVERED | {"staff", "habilitate"} | staff_roles.WORDS,
    UserRole.ADMIN: COVERED | {"staff", "habilitate"} | staff_roles.WORDS,
}
KNOWN_RIGHTS = set().union(*RIGHTS.values())

csrf = CSRFProtect()
GONE = "fini"  # the token of the session that was just ended: it opens nothing, and tells whose form comes late


def public(view):
    """Open a view to visitors who have not signed in; every other view is closed."""
    view.public = True
    return view


def keeps_words(view):
    """What is typed in the form of a view outlives the session: it is there again after the sign-in that follows."""
    view.keeps_words = True
    return view


def half_open(view):
    """A view for a browser that showed the password alone: there its user is signed in, elsewhere nobody is."""
    view.half_open = True
    return view


def polled(view):
    """A page asks for this view by itself: that keeps no session alive, and says nothing once it has ended."""
    view.polled = True
    return view


def fresh(when=lambda: True):
    """What this view does asks for the password, and the code, once more unless they were shown a moment ago.

    `when`: for which of the forms that it is sent. The page that asks is of `portal.views.confirming`.
    """

    def decorate(view):
        view.fresh = when
        return view

    return decorate


def requires(right):
    """Open a view only to those who have the right; an unknown word is refused when the module is read."""
    if right not in KNOWN_RIGHTS:
        raise ValueError(f"unknown right: {right}")

    def decorate(view):
        view.right = right
        return view

    return decorate


def shows_people(view):
    """What this view shows of people is counted: one by one, or a page of a list (`taking`)."""
    view.shows_people = True
    return view


def while_viewing(view):
    """A form that is taken while the portal is looked at as somebody else: it changes nothing of theirs."""
    view.while_viewing = True
    return view


def opened_by_profile(right):
    """Whether this profile may have the right somewhere; where, the door says (`scope.may`, `User.acting`)."""
    user = current_user._get_current_object()
    return right in RIGHTS[user.role] and user.opens(right)


def init_app(app):
    app.looks = taking.Looks()
    app.readings = readings.Readings()
    manager = LoginManager(app)
    manager.session_protection = None  # our sessions are rows: nothing is guessed from the browser's name
    manager._session_identifier_generator = str  # which would be made at each request all the same, and kept
    manager.user_loader(load_user)
    manager.unauthorized_handler(ask_to_sign_in)
    app.before_request(refuse_other_sites)
    app.before_request(let_in)
    app.after_request(write_down)
    csrf.init_app(app)
    app.jinja_env.globals["csrf_token"] = token_of_forms


def token_of_forms():
    """What the forms of a page prove where they come from by: made once for all of them."""
    if "token_of_forms" not in g:
        g.token_of_forms = generate_csrf()
    return g.token_of_forms


def load_user(token):
    """The user of a live session, with the session; None once it has ended, or while the second factor is due."""
    now, view = clock.now(), current_app.view_functions.get(request.endpoint)
    live = UserSession.of(token, now)
    if live is None:
        return None
    if live.factor_due:
        g.half = live
        if not getattr(view, "half_open", False):
            return None
    if not getattr(view, "polled", False):
        live.touch(now)
    user = live.user
    if live.viewing_id and user.opens("staff_users") and (shown := live.viewed(now)):
        shown.viewer, user = user, shown
    user.session, user.token = live, token
    return user


def refuse_other_sites():
    """A form that another site sends never gets as far as its token."""
    if request.method not in ("GET", "HEAD", "OPTIONS") and request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)


def let_in():
    view = current_app.view_functions.get(request.endpoint)
    if view is None:
        return None
    if getattr(view, "public", False):
        if why := reach.GUEST if hasattr(view, "guest") else reach.BY_TOKEN.get(request.blueprint):
            reach.as_the_mutual(db, why)
        return None
    user = current_user._get_current_object()  # asked for once: a page asks it a lot
    if not user.is_authenticated:
        by_itself = request.htmx and getattr(view, "polled", False)
        return ("", 204) if by_itself else ask_to_sign_in()
    if user.viewer and request.method not in ("GET", "HEAD") and not getattr(view, "while_viewing", False):
        refuse_to_write()
    right = getattr(view, "right", None)
    user.acting = rights.behind(right)
    if right is not None and not opened_by_profile(right):
        refuse(right)
    who = user.viewer or user
    if who.is_staff and request.method == "GET" and not getattr(view, "polled", False):
        g.opened = opened(who, view)
    if getattr(view, "shows_people", False):
        shown = 1 if request.view_args else page_size(user.rows_per_page)
        refuse_beyond(taking.PEOPLE, current_app.looks.add(who, shown, current_app.settings, clock.now()))
    return None


def opened(who, view):
    """What will be written down of the page that a member of the mutual's staff asks for, or None."""
    values, beside = request.view_args or {}, ""
    if getattr(view, "shows_people", False):
        beside = request.args.get("fiche", "")[:64]
    elif "id" not in values:
        return None
    return readings.of_page(who, request.endpoint, values, beside, request.remote_addr or "", clock.now())


def write_down(response):
    """Once the answer has left: reading a page writes nothing while it is read, and waits for nothing."""
    if g.get("opened") and response.status_code == 200:
        response.call_on_close(partial(current_app.readings.note, g.opened))
    return response


def refuse_to_write():
    refused = Forbidden(
        "Vous voyez le portail comme quelqu’un d’autre\u00a0: rien ne se change ni ne se télécharge ainsi."
    )
    refused.said = True
    raise refused


def refuse(right):
    """No profile opens it, or no role of this member of the staff: which one it takes is said."""
    refused = Forbidden()
    if current_user.role == UserRole.STAFF and (named := staff_roles.labels(staff_roles.BEHIND.get(right, 0))):
        asked = "\u202f» ou «\u202f".join(named)
        refused.description = (
            f"Il y faut le rôle «\u202f{asked}\u202f». Demandez-le à un administrateur de la mutuelle."
        )
        refused.said = True
    raise refused


def keep_words():
    """Keep what a late form holds for who typed it; False when the form is not of those, or nobody knows whose it is.

    The session has ended, or another one was opened since: the form is shown again, and nothing of it is done.
    """
    view = current_app.view_functions.get(request.endpoint)
    if request.method != "POST" or not getattr(view, "keeps_words", False) or not from_this_site():
        return False
    signed_in = current_user._get_current_object() if current_user.is_authenticated else None
    user = signed_in or UserSession.owner(session.get("_user_id", "")) or UserSession.owner(session.get(GONE, ""))
    words = {name: texts for name, texts in request.form.lists() if name != "csrf_token"}
    if user is None or sum(len(text) for texts in words.values() for text in texts) > UnsentWords.MOST:
        return False
    UnsentWords.keep(user, request.path, words, clock.now())
    return True


def from_this_site():
    said = request.headers.get("Sec-Fetch-Site")
    if said:
        return said == "same-origin"
    sender = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return split(sender).netloc == request.host


def ask_to_sign_in():
    """To the sign-in page, or its second step, and back here afterwards; out of the region that htmx was swapping."""
    keep_words()
    step = "factor.ask" if "half" in g else "session.new"
    sign_in = url_for(step, **({"suite": here()} if here() != "/" else {}))
    if request.htmx or request.headers.get("HX-History-Restore-Request"):
        return make_response("", 401, redirect=sign_in)
    return redirect(sign_in, 303)


def here():
    """The page that the user sees: a form sent from it is not an address to come back to."""
    shown = request.headers.get("HX-Current-URL") if request.htmx else None
    if request.method != "GET":
        shown = shown or request.headers.get("Referer")
    if not shown:
        query = urlencode(list(request.args.items(multi=True)))
        return f"{request.path}?{query}" if query else request.path
    parts = split(shown)
    return safe_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def safe_path(text):
    """A path of this site, or the home page: what follows a sign-in never leads elsewhere."""
    ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if ours and not split(text).netloc else "/"


def open_session(user, factor_due=False):
    """Sign in: a new session and a new token, whatever the browser held before; half of it while the factor is due."""
    now = clock.now()
    before = current_user.session if current_user.is_authenticated else g.get("half")
    if before:  # signing in again leaves no other session of this browser behind
        before.end(now)
    last = session.get(GONE) if "half" in g else session.get("_user_id", session.get(GONE))
    session.clear()
    browser = request.remote_addr or "", str(request.user_agent)
    user.session, user.token = UserSession.start(user, now, *browser, factor_due=factor_due)
    login_user(user)
    if not factor_due:
        reach.of_user(db, user, clock.day_of(now))
    if factor_due and last:
        session[GONE] = last


def renew_session():
    """All that one signs in with was shown again: another token. False when the session ended meanwhile."""
    token = current_user.session.renew(clock.now())
    if token is None:
        return False
    current_user.token = session["_user_id"] = token
    reach.of_user(db, current_user, clock.today())
    session.pop(GONE, None)
    return True


def close_session():
    current_user.session.end(clock.now())
    ended = current_user.token
    logout_user()
    session.clear()
    session[GONE] = ended


def hash_of_identifier(identifier):
    """How an account is named among what is slowed down: counters hold no address."""
    return hashlib.sha256(identifier.strip().lower().encode()).hexdigest()[:32]


def too_many_tries(seconds):
    """How long to wait, the same for a known account and an unknown one."""
    wait = plural(seconds, "seconde") if seconds < 90 else plural(-(-seconds // 60), "minute")
    return f"Trop d’essais ont échoué. Patientez {wait}, puis réessayez."


def refuse_while(seconds):
    if seconds:
        refusal = TooManyRequests(too_many_tries(seconds), retry_after=seconds)
        refusal.said = True
        raise refusal


class Exhausted(TooManyRequests):
    """An account took all that it may in an hour. `told`: the mutual, once what the view began was undone."""

    said = True

    def __init__(self, kind, seconds, user):
        super().__init__(taking.sentence(kind, seconds, current_app.settings), retry_after=seconds)
        self.kind, self.user = kind, user

    def tell(self):
        taking.tell(self.user, self.kind, origin(), current_app.settings, clock.now())


def count(kind, number, by):
    """Before it is given: so many of what one account may take in an hour."""
    refuse_beyond(kind, taking.take(by, kind, number, current_app.settings, clock.now()), by)


def refuse_beyond(kind, seconds, by=None):
    if seconds:
        raise Exhausted(kind, seconds, by or current_user._get_current_object())


def audit(action, on=None, **details):
    """Write down what the signed-in user does, and from where."""
    by = details.pop("by", None) or (current_user._get_current_object() if current_user.is_authenticated else None)
    by = getattr(by, "viewer", None) or by
    if by and (taken := taking.of_event(action, details.get("after"))):
        count(*taken, by)
    alarms.of_event(action, by, origin(), current_app.settings, clock.now())
    return AuditEvent.write(action, on=on, by=by, origin=origin(), **{"role": "visitor"} | details)


def origin():
    """From where, as the trail keeps it."""
    return request.remote_addr or "", g.request_id


def note_refusal(code):
    """A page that is not this user's to see, or a link that opens nothing: many in an hour are told (`alarms`)."""
    view = current_app.view_functions.get(request.endpoint)
    if view is None or code not in (403, 404) or getattr(view, "polled", False):
        return
    if current_user.is_authenticated:
        user = current_user._get_current_object()
        alarms.note(alarms.REFUSALS, user.viewer or user, origin(), current_app.settings, clock.now())
    elif getattr(view, "public", False) and request.view_args:
        note_link()


def note_link():
    """A link, or the code of a document, that opens nothing."""
    alarms.note(alarms.LINKS, None, origin(), current_app.settings, clock.now())
