"""« Recherche », at the mutual: one box finds accounts, companies and people; a NIR has a form of its own, by POST."""

from types import SimpleNamespace

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal.access import audit, requires
from portal.formats import search_words
from portal.forms.checks import is_secret
from portal.forms.employees import NirSearch
from portal.models import Beneficiary, ManagedAccount, User, db
from portal.prepared import written_once
from portal.rendering import Page, Sort, address, page_size, redirect_whole, render
from portal.views import roster

blueprint = Blueprint("staff_search", __name__, url_prefix="/gestion/dossiers")
to_staff = requires("staff")

FIRST = 5  # of each group, before it is looked at alone
IN_ORDER = Sort(roster.SORTS, "nom")


# All of a group: a query, and what reads its rows.


def accounts(words):
    return current_user.find_accounts(words), list


def companies(words):
    return current_user.find_companies(words), list


def people(words):
    return current_user.find_people(words).select(Beneficiary.id), roster.rows(IN_ORDER)


# The first rows of a group, and one more when there are others.


def first_accounts(words):
    initials, likely = ManagedAccount.patterns(words)
    return some_accounts(current_user.id, *likely, *words, *initials, role=current_user.role)


@written_once(db)
def some_accounts(user, first, second, third, *words, role):
    words, initials = words[: len(words) // 2], words[len(words) // 2 :]
    return User(id=user, role=role).accounts_like(words, initials, (first, second, third)).limit(FIRST + 1)


def first_companies(words):
    return some_companies(*words, role=current_user.role)


@written_once(db)
def some_companies(*words, role):
    return User(role=role).find_companies(words).limit(FIRST + 1)


def first_people(words):
    return some_people(*words, role=current_user.role)


@written_once(db)
def some_people(*words, role):
    return roster.whole(User(role=role).find_people(words).select(Beneficiary.id).limit(FIRST + 1), IN_ORDER)


# Key → (title, one of them, all of them, the first of them).
GROUPS = {
    "comptes": ("Comptes", "compte", accounts, first_accounts),
    "entreprises": ("Entreprises", "entreprise", companies, first_companies),
    "personnes": ("Personnes", "personne", people, first_people),
}


@blueprint.get("")
@to_staff
def index():
    typed, key = request.args.get("q", "").strip()[:100], request.args.get("groupe", "")
    if is_secret(typed):
        flash("Un n° de sécurité sociale ou un IBAN ne s’écrit pas ici : utilisez la recherche par numéro.", "warn")
        return redirect_whole(address(q=None))
    words = search_words(typed)
    chosen = {key: GROUPS[key]} if key in GROUPS else GROUPS
    groups = [group(key, *parts, words, alone=len(chosen) == 1) for key, parts in chosen.items()] if words else []
    return render("staff_search", typed=typed, key=key if key in GROUPS else "", found=groups, nobody=nobody(groups))


def nobody(groups):
    return bool(groups) and not any(one.rows for one in groups)


def group(key, title, one, find, find_first, words, alone):
    """What was found: a page of it, or its first rows, and whether there are more."""
    if alone:
        query, read = find(words)
        page = Page(query, page_size(current_user.rows_per_page), rows=read)
        return SimpleNamespace(key=key, title=title, one=one, rows=page.rows, page=page, more=False)
    rows = find_first(words)
    return SimpleNamespace(key=key, title=title, one=one, rows=rows[:FIRST], page=None, more=len(rows) > FIRST)


@blueprint.post("/nir")
@to_staff
def find_by_nir():
    """Through the blind index: the number stands in no address, and the search is written down."""
    form = NirSearch()
    if not form.validate():
        flash(form.nir.errors[0] if form.nir.errors else "Rechargez la page, puis recommencez.", "danger")
        return redirect(url_for("staff_search.index"), 303)
    found = roster.rows(IN_ORDER)(roster.ids(current_user.find_by_nir(form.nir.data), IN_ORDER))
    audit("nir.search", after={"found": [str(row.public_id) for row in found]})
    if not found:
        flash("Personne ne porte ce n° de sécurité sociale. Vérifiez les 15 chiffres.", "warn")
        return redirect(url_for("staff_search.index"), 303)
    if len(found) > 1:  # a child may have the number of a parent
        return render("nir_found", people=found, back=url_for("staff_search.index"), page_of="staff_dossiers.person")
    return redirect(url_for("staff_dossiers.person", id=found[0].public_id), 303)
