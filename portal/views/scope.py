"""The chooser of account and company: what it shows on every page, its list while one types, and its full table."""

from functools import lru_cache
from types import SimpleNamespace

from flask import Blueprint, abort, current_app, flash, g, has_request_context, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import Forbidden
from werkzeug.local import LocalProxy

from portal.access import opened_by_profile, requires, safe_path
from portal.formats import search_words
from portal.forms.checks import is_secret
from portal.forms.scope import EVERYTHING, Scope
from portal.models import Beneficiary, ManagedAccount
from portal.rendering import (
    Page,
    Sort,
    address,
    get_or_404,
    redirect_whole,
    render,
    render_region,
    wants_fragment,
)
from portal.rules import rights

blueprint = Blueprint("scope", __name__, url_prefix="/perimetre")

PEOPLE = {"employees", "terminations", "selections", "changes", "colleges", "dependents", "movements"}
CERTIFICATES = {"certificates", "certificate_batches"}
AFFILIATIONS = {"affiliations", "imports", "mending", "joining"}
ENROLMENTS = {"enrolments", "beginning", "enrolment_steps", "entrusting"}
SENDINGS = {"sendings", "company_facts", "deposited"}
FOLLOWED = {*ENROLMENTS, "supporting_documents", "deposits", "reminding", *SENDINGS}
THREADS = {"threads", "asking", "answering"}
WAIVERS = {"waivers", "waiver_records"}
MONEY = {"contributions", "schedule", "statements", "calendars", "hiring", "mandates"}
SCOPED = {"home", "contracts", *PEOPLE, *CERTIFICATES, *AFFILIATIONS, *FOLLOWED, *WAIVERS, *THREADS, *MONEY}
SCOPED |= {
    "portfolio",
    "library",
    "grants",
    "granting",
    "scope",
    "companies",
    "profile",
    "factors",
    "passkeys",
    "help",
    "notices",
}
RECENT = 6  # accounts, the present one among them
FIRST = "premier"


def init_app(app):
    """Every page of the portal knows its scope, and every address of one keeps it."""
    app.before_request(recall)
    app.url_defaults(keep)
    app.jinja_env.globals["url_for"] = remembering(lru_cache(4096, typed=True)(found_once))
    app.jinja_env.globals["scope"] = LocalProxy(chooser)  # read when a template asks for it, not by every fragment
    app.jinja_env.globals["chooser"] = chooser
    app.jinja_env.globals["may"] = may


def remembering(known):
    """`url_for` for templates: what is asked twice is found once, a page asks for thirty addresses or more."""

    def address_of(endpoint, **values):
        if endpoint[0] == "." or "_external" in values or any(isinstance(value, list) for value in values.values()):
            return url_for(endpoint, **values)
        return known(endpoint, kept_scope(), **values)

    return address_of


def found_once(endpoint, kept, /, **values):
    """An address in the scope that is `kept`: the same for whoever is there."""
    return url_for(endpoint, **values)


def current_scope():
    """The scope of this request, read once; 404 when it is not the user's."""
    scope = g.get("scope")
    if scope is None:
        g.scope = scope = g.pop("bare_scope", None) or read(request.args.get("perimetre", ""))
        if scope is None:
            abort(404)
        remember(scope)
    return scope


def recall():
    """A page asked for without its scope is shown in the last one used: its address then says so.

    « Tous mes comptes » is said too, where there are several: otherwise a page that shows all of them would be of
    another account as soon as one was chosen in another tab. An only account is shown whole, for the same reason.
    """
    bare = request.method == "GET" and "perimetre" not in request.args and not wants_fragment()
    if not (bare and request.blueprint in SCOPED - {"scope"} and current_user.is_authenticated):
        return None
    last = session.get("dernier") or ""
    scope = read(last)
    if scope is None:  # the right to it has gone
        session.pop("dernier")
        scope = read("")
    if scope.account_count > 1:
        return redirect(address(perimetre=scope.address))
    g.bare_scope = scope
    return None


def read(asked):
    return Scope.read(current_user._get_current_object(), asked, session.get("recents", ()))


def may(right):
    """Whether the user has a right in what the screen shows: what it offers is what can be done."""
    if right is None:
        return True
    return opened_by_profile(right) and (right not in rights.BEHIND or current_scope().holds(rights.behind(right)))


def refuse_without_right():
    """A page whose right the scope does not give says so; anything else that is asked for finds nothing (the door)."""
    right = getattr(current_app.view_functions.get(request.endpoint), "right", None)
    if right == "see" or may(right):  # who sees nothing yet is shown that there is nothing
        return
    action, _ = rights.LABELS[rights.behind(right)]
    refused = Forbidden(
        f"Vos habilitations sur «\u202f{current_scope().label}\u202f» ne comprennent pas «\u202f{action}\u202f». "
        "Demandez ce droit à qui gère les habilitations de votre entreprise, ou choisissez un autre compte."
    )
    refused.said = True
    raise refused


def remember(scope):
    """The last scope and accounts used, in the browser's own cookie: reading a page writes nothing in the database."""
    if not request.args.get("perimetre"):
        return
    known, last = session.get("recents", []), "" if scope.single or scope.asked == EVERYTHING else scope.asked
    recents = [scope.code, *(code for code in known if code != scope.code)][:RECENT] if scope.code else known
    if (last, recents) != (session.get("dernier"), known):
        session["dernier"], session["recents"] = last, recents


def keep(endpoint, values):
    if "perimetre" not in values and endpoint.partition(".")[0] in SCOPED and kept_scope():
        values["perimetre"] = kept_scope()


def kept_scope():
    """What every address says of the scope: of the one that was read, or as this page's own address says it."""
    scope = g.get("scope")
    if scope is not None:
        return scope.address
    return (request.args.get("perimetre") or None) if has_request_context() else None


def chooser():
    if "chooser" not in g:
        g.chooser = Chooser() if current_user.is_authenticated else None
    return g.chooser


class Chooser:
    """What the layout's chooser shows."""

    def __init__(self):
        self.scope = current_scope()
        refuse_without_right()
        self.categories = self.scope.categories(towards) if self.scope.account else []
        self.all_url = towards(EVERYTHING)
        self.favourites, self.recents = [], []
        if not self.single:
            self.offer()

    def __getattr__(self, name):
        return getattr(self.scope, name)

    def offer(self):
        recents = session.get("recents", ())
        for row in self.scope.offered:
            if row.starred or row.account_code in recents:
                option = self.option(row.account_code, row.account_name, row.description)
                (self.favourites if row.starred else self.recents).append(option)

    def option(self, code, name, description):
        return SimpleNamespace(
            url=towards(code), name=name, code=code, description=description, current=code == self.scope.code
        )


def towards(code):
    """The page being looked at, in another scope: its filters stay, not its page number nor the person shown."""
    where = origin()
    return f"{where}{'&' if '?' in where else '?'}perimetre={code}"


def origin():
    """The address that the chooser goes back to, without what depends on the scope."""
    if "origin" not in g:
        asked = request.args.get("vers") if request.blueprint == "scope" else None
        g.origin = without_scope(safe_path(asked) if asked else request.full_path)
    return g.origin


def without_scope(path):
    path, _, query = path.partition("?")
    if path.count("/") > 1:  # the page of one person or contract, which another scope may not hold
        path = "/" + path.split("/")[1]
    kept = [part for part in query.split("&") if part and part.partition("=")[0] not in ("perimetre", "page", "fiche")]
    return f"{path}?{'&'.join(kept)}" if kept else path


@blueprint.get("")
@requires("see")
def index():
    """The table of accounts and companies; the live list of the chooser; or, on Return, the first match itself."""
    typed = request.args.get("q", "").strip()[:100]
    live = wants_fragment() and "vers" in request.args
    if is_secret(typed):
        return refuse_secret(origin() if live else address(q=None))
    if request.args.get("choix"):
        account = chosen(request.args["choix"], typed)
        return redirect(towards(account.code) if account else address(choix=None))
    found = current_user.find_accounts(search_words(typed))
    if live:
        rows = [chooser().option(row.code, row.name, row.description) for row in found.limit(12)]
        return render_region("accounts_found", typed=typed, found=rows)
    sort = Sort(SORTS, request.args.get("tri", ""))
    if sort.asked:
        found = sort.of(found)
    page = Page(found, 10)
    return render(
        "accounts",
        typed=typed,
        page=page,
        sort=sort,
        head_counts=current_user.head_counts([account.id for account in page.rows]),
        in_colleges=in_colleges(current_scope().account),
        categories=chooser().categories,
        starred=set(current_user.favourite_codes()),
        towards=towards,
    )


def refuse_secret(where):
    """Back to a page whose address does not hold what was typed in the search of accounts."""
    flash(
        "Un n° de sécurité sociale ou un IBAN ne s’écrit pas ici : un compte se cherche par son nom ou son n°. "
        "Pour une personne, allez à « Salariés / Bénéficiaires », « Par n° de sécurité sociale ».",
        "warn",
    )
    return redirect_whole(where)


def chosen(code, typed):
    """The account of the button, unless more was typed since it was drawn: then the first that matches now.

    Return sends « premier », whatever the list has had time to show: the first match, None when there is none.
    """
    found = current_user.find_accounts(search_words(typed))
    if code == FIRST:
        return found.first() if typed else None
    account = get_or_404(current_user.accounts(), ManagedAccount.code == code)
    return found.where(ManagedAccount.id == account.id).first() or found.first() or account


SORTS = {
    "compte": (ManagedAccount.name_key, ManagedAccount.id),
    "numero": (ManagedAccount.code,),
    "contact": (ManagedAccount.contact, ManagedAccount.name_key, ManagedAccount.id),
}


def in_colleges(account):
    """How many people are covered now in each college of the account that is shown: id → number."""
    return current_user.head_counts([account.account_id], by=Beneficiary.category) if account else {}


@blueprint.post("/favoris")
@requires("see")
def star():
    account = get_or_404(current_user.accounts(), ManagedAccount.code == request.form.get("compte", ""))
    starred = current_user.toggle_favourite(account)
    flash(f"{account.name} {'est dans' if starred else 'a quitté'} vos favoris.", "ok")
    return redirect(safe_path(request.form.get("vers", "/perimetre")), 303)
