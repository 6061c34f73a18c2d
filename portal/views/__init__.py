"""Every blueprint of the portal, and the menu that they make."""

from functools import lru_cache
from typing import NamedTuple

from flask import current_app, g, request, url_for
from flask_login import current_user

from portal.views import (
    affiliations,
    answering,
    asking,
    beginning,
    brand,
    calendars,
    certificate_batches,
    certificates,
    changes,
    colleges,
    companies,
    company_facts,
    confirming,
    contracts,
    contributions,
    cover,
    dependents,
    deposited,
    deposits,
    document_files,
    employees,
    enrolment_steps,
    enrolments,
    entrusting,
    factor,
    factors,
    first_factor,
    granting,
    grants,
    guest_copy,
    guest_deposit,
    guest_enrolment,
    guest_signature,
    guest_waiver,
    guests,
    health,
    help,
    hiring,
    home,
    imports,
    joining,
    library,
    mandates,
    mending,
    movements,
    notices,
    passkeys,
    password,
    portfolio,
    profile,
    registration,
    reminding,
    schedule,
    scope,
    selections,
    sendings,
    session,
    staff,
    statements,
    supporting_documents,
    terminations,
    threads,
    verification,
    waiver_records,
    waivers,
)

MOVES = (terminations, selections, changes, colleges, dependents, movements, certificates, certificate_batches)
AFFILIATIONS = (affiliations, imports, mending, joining)
PROOFS = (supporting_documents, deposits, reminding)
SENDINGS = (sendings, company_facts, deposited)
ENROLMENTS = (enrolments, beginning, enrolment_steps, entrusting)
# No user, no menu, no account.
EMPLOYEE_SIDE = (guests, guest_enrolment, guest_waiver, guest_signature, guest_copy, guest_deposit)
WAIVERS = (waivers, waiver_records)
THREADS = (threads, asking, answering, notices)
GRANTS = (grants, granting)
MONEY = (contributions, schedule, statements, calendars, hiring, mandates)
FILES = (*PROOFS, *SENDINGS, library)
ROOMS = (
    home,
    portfolio,
    scope,
    companies,
    contracts,
    *MONEY,
    employees,
    *MOVES,
    *AFFILIATIONS,
    *ENROLMENTS,
    *WAIVERS,
    *FILES,
    *THREADS,
    *GRANTS,
    profile,
    cover,
)
MODULES = (
    session,
    factor,
    first_factor,
    factors,
    passkeys,
    password,
    *ROOMS,
    registration,
    help,
    health,
    *EMPLOYEE_SIDE,
    *staff.MODULES,
)
MODULES += (document_files, verification, brand)
WITHIN = {module.blueprint.name: "employees" for module in MOVES}  # pages that stand under another's entry of the menu
WITHIN |= {module.blueprint.name: "affiliations" for module in AFFILIATIONS}
WITHIN |= {module.blueprint.name: "enrolments" for module in ENROLMENTS}
WITHIN |= {module.blueprint.name: "waivers" for module in WAIVERS}
WITHIN |= {module.blueprint.name: "supporting_documents" for module in PROOFS}
WITHIN |= {module.blueprint.name: "threads" for module in THREADS}
WITHIN |= {"granting": "grants", "companies": "scope"}
WITHIN |= {"statements": "schedule", "calendars": "schedule", "hiring": "contributions"}
WITHIN |= {"mandates": "contributions", "factors": "profile", "passkeys": "profile"}
WITHIN |= {"staff_answering": "staff_threads", "prepared_answers": "staff_threads"}
WITHIN |= {"staff_publication": "staff_publications", "wording": "configuration", "guarantees": "configuration"}
WITHIN |= {"staff_publication": "staff_publications", "staff_dossiers": "staff_search", "staff_seen": "staff_trail"}
WITHIN |= {"staff_hand_overs": "staff_loads", "staff_campaigns": "staff_proofs", "staff_deciding": "staff_proofs"}
WITHIN |= {"staff_settling": "staff_sendings", "staff_handling": "staff_threads"}
WITHIN |= {"staff_admitting": "staff_registrations"}
WITHIN |= dict.fromkeys(("staff_accesses", "staff_agreeing", "staff_viewing"), "staff_users")
WITHIN |= {module.blueprint.name: "sendings" for module in SENDINGS}

# The menu, in the order that users know, the mutual's own desk above: title of the group, then (icon, label,
# endpoint, values).
MENU = (
    ("", (("home", "Accueil", "home.index", {}), ("building-community", "Portefeuille", "portfolio.index", {}))),
    *staff.MENU,
    ("Patients", (("user-check", "Vérifier une couverture", "cover.show", {}),)),
    (
        "Salariés",
        (
            ("users", "Salariés / Bénéficiaires", "employees.index", {}),
            ("user-plus", "Adhésion salarié", "enrolments.index", {}),
            ("file-import", "Gestion des affiliations", "affiliations.index", {}),
            ("ban", "Dispenses", "waivers.index", {}),
            ("clipboard-check", "Suivi des pièces justificatives", "supporting_documents.index", {}),
        ),
    ),
    (
        "Contrats et cotisations",
        (
            ("file-certificate", "Liste des contrats", "contracts.index", {}),
            ("receipt-euro", "Règlement des cotisations", "contributions.index", {}),
            ("calendar-due", "Échéancier", "schedule.index", {}),
        ),
    ),
    (
        "Documents",
        (
            ("file-upload", "Documents", "sendings.index", {}),
            ("folders", "Espace documentaire", "library.index", {}),
        ),
    ),
    (
        "Échanges",
        (
            ("messages", "Demandes", "threads.index", {"room": "demandes"}),
            ("message-report", "Réclamations", "threads.index", {"room": "reclamations"}),
        ),
    ),
    ("Entreprise", (("key", "Habilitations", "grants.index", {}),)),
)


def register(app):
    for module in MODULES:
        app.register_blueprint(module.blueprint)
    scope.init_app(app)
    confirming.init_app(app)
    app.jinja_env.globals["menu"] = menu


class Entry(NamedTuple):
    """One line of the menu."""

    icon: str
    label: str
    key: str
    url: str
    active: bool
    count: int | None = None


def menu():
    """The groups of the menu: what the user may open in the scope, with the entry of the present page marked."""
    if "menu" not in g:
        room = (request.view_args or {}).get("room")
        within = WITHIN.get(request.blueprint, request.blueprint)
        user, shown = current_user._get_current_object(), scope.current_scope()
        who = user.role, user.duties
        g.menu = drawn(who, shown.actions, not shown.single, within, room, scope.kept_scope())
        counts = {"supporting_documents": shown.awaited}
        if scope.may("write"):
            counts |= threads.unread_counts()
        if scope.may("staff"):
            counts |= staff.counts(user)
        g.menu = with_counts(g.menu, counts)
    return g.menu


@lru_cache(512)
def drawn(who, actions, several, blueprint, room, kept):
    """The menu of a place; the scope that is `kept` is in its addresses, which are the same for all who are there."""
    opened = [(title, [parts for parts in entries if is_open(parts[2], several)]) for title, entries in MENU]
    return tuple((title, tuple(entry(blueprint, room, *one) for one in group)) for title, group in opened if group)


def is_open(endpoint, several):
    """Whether the user has the right of a view; « Accueil » asks for none. One account is no portfolio."""
    right = getattr(current_app.view_functions[endpoint], "right", None)
    return scope.may(right) and (several or right != "portfolio")


def with_counts(groups, counts):
    """The menu with what waits for someone beside its entries."""
    return tuple(
        (title, tuple(one._replace(count=counts[one.key]) if one.key in counts else one for one in entries))
        for title, entries in groups
    )


def entry(blueprint, room, icon, label, endpoint, values):
    module, _, _ = endpoint.partition(".")
    active = blueprint == module and room == values.get("room")
    key = values.get("room") or module
    return Entry(icon, label, f"staff-{key}" if module == "staff_threads" else key, url_for(endpoint, **values), active)
