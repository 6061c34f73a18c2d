"""Every page, at every width, light and dark: axe finds nothing, nothing overflows, nothing is asked elsewhere."""

import datetime
import io
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from portal import (
    arrears,
    campaigns,
    clock,
    collecting,
    enrolments,
    factors,
    guests,
    proofs,
    publishing,
    registrations,
    reminders,
    sendings,
    signing,
    storage,
)
from portal.models import (
    AuditEvent,
    Beneficiary,
    CalendarFeed,
    Company,
    Document,
    DocumentRequest,
    Enrolment,
    EnrolmentState,
    FileLoad,
    FormalNotice,
    HandOver,
    LoadState,
    Movement,
    MovementKind,
    OneTimeLink,
    OutboxMessage,
    Passkey,
    PermissionGrant,
    PreparedAnswer,
    Registration,
    RegistrationFile,
    ReminderBatch,
    Sending,
    TrustedDevice,
    User,
    UserRole,
    db,
    fn,
)
from portal.rules import proofs as rules
from tests import enrolling, factories, files
from tests.journeys import scenery
from tests.journeys.browser import axe, sign_in

# A laptop, the same at a zoom of 200 %, a phone, the narrowest screen that WCAG speaks of.
SIZES = [(1366, 768), (683, 384), (390, 844), (320, 640)]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MENUS_OFF_SCREEN = """() => [...document.querySelectorAll("details.ui-menu")].map((menu) => {
  if (!menu.checkVisibility()) return "";
  menu.open = true;
  const box = menu.querySelector(".dropdown-menu").getBoundingClientRect();
  const name = menu.querySelector("summary").innerText, inside = box.left >= 0 && box.right <= innerWidth;
  menu.open = false;
  return inside ? "" : `the menu « ${name} » goes from ${box.left} to ${box.right}`;
}).filter(Boolean)"""
PICTURES = os.environ.get("PICTURES")  # a folder: what the walk sees is kept there, for the eye

# name → endpoint, who looks, address ({word}: an example made by `examples`)
PAGES = {
    "mon-espace": ("home.index", "visitor", "/"),
    "connexion": ("session.new", "visitor", "/connexion"),
    "connexion-code": ("factor.ask", "half", "/connexion/code?suite=/salaries"),
    "connexion-code-secours": ("factor.ask", "half", "/connexion/code?secours=oui"),
    "connexion-proteger": ("first_factor.new", "bare", "/connexion/double-authentification"),
    "connexion-cle": ("first_factor.key", "bare", "/connexion/double-authentification/cle"),
    "mot-de-passe-oublie": ("password.forgotten", "visitor", "/mot-de-passe-oublie"),
    "courriel-envoye": ("password.sent", "visitor", "/mot-de-passe-oublie/envoye"),
    "nouveau-mot-de-passe": ("password.edit", "visitor", "/mot-de-passe/{token}"),
    "lien-use": ("password.edit", "visitor", "/mot-de-passe/use"),
    "inscription": ("registration.start", "visitor", "/inscription"),
    "inscription-courriel": ("registration.address", "visitor", "/inscription/professionnel-de-sante"),
    "inscription-envoyee": ("registration.sent", "visitor", "/inscription/envoye"),
    "inscription-lien": ("registration.confirm", "visitor", "/inscription/lien/{registering}"),
    "inscription-lien-use": ("registration.confirm", "visitor", "/inscription/lien/perdu"),
    "inscriptions": ("staff_registrations.index", "desk", "/gestion/inscriptions"),
    "inscriptions-refusees": ("staff_registrations.index", "desk", "/gestion/inscriptions?etat=refusees"),
    "inscription-a-decider": ("staff_registrations.show", "desk", "/gestion/inscriptions/{registered}"),
    "inscription-acceptee": ("staff_registrations.show", "desk", "/gestion/inscriptions/{accepted}"),
    "aide-inscription": ("help.show", "visitor", "/aide/inscription"),
    "aide": ("help.index", "visitor", "/aide"),
    "aide-connexion": ("help.show", "visitor", "/aide/connexion"),
    "aide-premiers-pas": ("help.show", "visitor", "/aide/premiers-pas"),
    "aide-adhesion": ("help.show", "visitor", "/aide/adhesion"),
    "aide-affiliations": ("help.show", "visitor", "/aide/affiliations"),
    "aide-attestations": ("help.show", "visitor", "/aide/attestations"),
    "aide-cotisations": ("help.show", "visitor", "/aide/cotisations"),
    "aide-dispenses": ("help.show", "visitor", "/aide/dispenses"),
    "aide-messages": ("help.show", "visitor", "/aide/messages"),
    "aide-rh": ("help.index", "hr", "/aide"),
    "aide-completer": ("help.show", "visitor", "/aide/completer"),
    "aide-documents": ("help.show", "visitor", "/aide/documents"),
    "aide-demandes": ("help.show", "visitor", "/aide/demandes"),
    "aide-espace-documentaire": ("help.show", "visitor", "/aide/espace-documentaire"),
    "aide-couverture": ("help.show", "visitor", "/aide/couverture"),
    "couverture": ("cover.show", "doctor", "/couverture"),
    "gestion": ("desk.index", "staff", "/gestion"),
    "gestion-occupee": ("desk.index", "desk", "/gestion"),
    "portefeuille": ("portfolio.index", "manager", "/portefeuille?perimetre=tous"),
    "portefeuille-vide": ("portfolio.index", "manager", "/portefeuille?q=introuvable&tri=-pieces&perimetre=tous"),
    "aide-habilitations": ("help.show", "visitor", "/aide/habilitations"),
    "habilitations": ("grants.index", "hr", "/habilitations"),
    "habilitations-105-comptes": ("grants.index", "manager", "/habilitations?perimetre=tous"),
    "habilitations-a-confirmer": ("grants.index", "hr", "/habilitations?etat=confirmer&q={to_confirm}"),
    "habilitations-vides": ("grants.index", "hr", "/habilitations?q=introuvable"),
    "habilitation-nouvelle": ("granting.new", "hr", "/habilitations/nouvelle"),
    "habilitation": ("granting.edit", "hr", "/habilitations/{grant}"),
    "aide-justificatifs": ("help.show", "visitor", "/aide/justificatifs"),
    "verification": ("verification.show", "visitor", "/verification?code=7KQM-2XVD-90RT-HC4W"),
    "introuvable": ("", "visitor", "/nulle-part"),
    "salarie-lien": ("guests.show", "visitor", "/salarie/{guest}"),
    "salarie-lien-mort": ("guests.show", "visitor", "/salarie/perdu"),
    "salarie-au-revoir": ("guests.left", "visitor", "/salarie/au-revoir"),
    "accueil": ("home.index", "hr", "/"),
    "accueil-105-comptes": ("home.index", "manager", "/?perimetre=tous"),
    "accueil-mutuelle": ("home.index", "staff", "/?perimetre=tous"),
    "accueil-sante": ("home.index", "doctor", "/"),
    "courriels": ("staff_messages.index", "staff", "/gestion/messages"),
    "courriels-tous": (
        "staff_messages.index",
        "staff",
        "/gestion/messages?etat=tous&canal=courriel",
    ),
    "courriels-vides": ("staff_messages.index", "staff", "/gestion/messages?nature=demandes"),
    "perimetre": ("scope.index", "hr", "/perimetre"),
    "perimetre-105-comptes": ("scope.index", "manager", "/perimetre?q=jura"),
    "contrats": ("contracts.index", "hr", "/contrats"),
    "contrat": ("contracts.show", "hr", "/contrats/{contract}"),
    "salaries": ("employees.index", "hr", "/salaries"),
    "salaries-fiche": ("employees.index", "hr", "/salaries?q=barbaud&fiche={person}"),
    "salaries-filtres": (
        "employees.index",
        "hr",
        "/salaries?qualite=salarie&du=31/06/2020&nom=v&tri=-effet&situation=tous",
    ),
    "salaries-vide": ("employees.index", "hr", "/salaries?q=introuvable"),
    "salaries-105-comptes": ("employees.index", "manager", "/salaries?perimetre=tous"),
    "fiche": ("employees.show", "hr", "/salaries/{person}"),
    "fiche-radie": ("employees.show", "hr", "/salaries/{gone}"),
    "radiation": ("terminations.new", "hr", "/salaries/{person}/radiation"),
    "radiation-suite": ("terminations.new", "hr", "/salaries/{person}/radiation?date={soon}&motif=licenciement"),
    "radiation-refusee": ("terminations.new", "hr", "/salaries/{gone}/radiation?date=31/06/2026&motif=deces"),
    "radiations": ("selections.termination", "hr", "/salaries/radiation/{ticked}?date={soon}&motif=retraite"),
    "radiations-faites": ("selections.termination", "hr", "/salaries/radiation/{used}"),
    "changement-de-college": ("colleges.college", "hr", "/salaries/{person}/college"),
    "changements-de-college": ("selections.college", "hr", "/salaries/college/{ticked}"),
    "reembauche": ("colleges.coming_back", "hr", "/salaries/{gone}/reembauche"),
    "adresse": ("changes.address", "hr", "/salaries/{person}/adresse"),
    "nom": ("changes.name", "hr", "/salaries/{person}/nom"),
    "contact": ("changes.contact", "hr", "/salaries/{person}/contact"),
    "ayant-droit": ("dependents.new", "hr", "/salaries/{person}/ayant-droit"),
    "attestation-radiation": ("certificates.show_termination", "hr", "/salaries/{gone}/attestation-radiation"),
    "attestations": ("certificate_batches.show", "hr", "/salaries/attestations/{ticked}"),
    "mouvements": ("movements.index", "hr", "/mouvements"),
    "mouvements-vides": ("movements.index", "hr", "/mouvements?q=introuvable&nature=radiation&du=1/1/2026"),
    "affiliations": ("affiliations.index", "hr", "/affiliations"),
    "affiliations-105-comptes": ("affiliations.index", "manager", "/affiliations?perimetre=tous"),
    "affiliation": ("joining.new", "hr", "/affiliations/nouvelle"),
    "fichier-en-attente": ("imports.show", "hr", "/affiliations/fichiers/{waiting}"),
    "fichier-verifie": ("imports.show", "hr", "/affiliations/fichiers/{checked}"),
    "fichier-ligne-ouverte": ("imports.show", "hr", "/affiliations/fichiers/{checked}?etat=erreur&ligne=3"),
    "fichier-termine": ("imports.show", "hr", "/affiliations/fichiers/{done}"),
    "fichier-illisible": ("imports.show", "hr", "/affiliations/fichiers/{failed}"),
    "adhesions": ("enrolments.index", "hr", "/adhesion"),
    "adhesions-105-comptes": ("enrolments.index", "manager", "/adhesion?perimetre=tous"),
    "adhesion-nouvelle": ("beginning.new", "hr", "/adhesion/nouvelle"),
    "adhesion-salarie": ("enrolment_steps.step", "hr", "/adhesion/{draft}/salarie?revoir=oui"),
    "adhesion-coordonnees": ("enrolment_steps.step", "hr", "/adhesion/{draft}/coordonnees"),
    "adhesion-comptes": ("enrolment_steps.step", "hr", "/adhesion/{draft}/comptes"),
    "adhesion-conjoint": ("enrolment_steps.step", "hr", "/adhesion/{draft}/conjoint"),
    "adhesion-enfants": ("enrolment_steps.step", "hr", "/adhesion/{draft}/enfants"),
    "adhesion-verification": ("enrolment_steps.last_look", "hr", "/adhesion/{draft}/verification"),
    "adhesion-envoyee": ("enrolments.show", "hr", "/adhesion/{sent}"),
    "adhesion-abandonnee": ("enrolments.show", "hr", "/adhesion/{discarded}"),
    "compte": ("profile.show", "hr", "/compte"),
    "compte-double-authentification": ("profile.show", "hr", "/compte{factor}"),
    "compte-application": ("factors.edit", "hr", "/compte/double-authentification/{begun_factor}"),
    "compte-application-nom": ("factors.name", "hr", "/compte/double-authentification/{factor_id}/nom"),
    "compte-cle-acces": ("passkeys.new", "hr", "/compte/cles-acces{factor}"),
    "deconnexion": ("session.leave", "hr", "/deconnexion"),
    "actualites": ("notices.index", "hr", "/actualites"),
    "gestion-actualites": ("staff_notices.index", "staff", "/gestion/actualites"),
    "gestion-actualite-nouvelle": ("staff_notices.new", "staff", "/gestion/actualites/nouvelle"),
    "gestion-actualite": ("staff_notices.edit", "staff", "/gestion/actualites/{notice}"),
    "dispenses": ("waivers.index", "hr", "/dispenses"),
    "dispenses-toutes": ("waivers.index", "hr", "/dispenses?etat=toutes&cas=OP_DEPENDENT"),
    "dispenses-vides": ("waivers.index", "hr", "/dispenses?q=introuvable"),
    "dispense-a-decider": ("waivers.show", "hr", "/dispenses/{asked_waiver}"),
    "dispense": ("waivers.show", "hr", "/dispenses/{waiver}"),
    "dispense-cas": ("waiver_records.new", "hr", "/dispenses/nouvelle"),
    "dispense-nouvelle": ("waiver_records.new", "hr", "/dispenses/nouvelle?cas=OP_DEPENDENT"),
    "dispense-piece": ("waiver_records.proof", "hr", "/dispenses/{waiver}/piece"),
    "adhesion-a-confier": ("entrusting.new", "hr", "/adhesion/confier"),
    "adhesion-a-confier-saisie": ("entrusting.edit", "hr", "/adhesion/{draft}/confier"),
    "adhesion-confiee": ("enrolments.show", "hr", "/adhesion/{entrusted}"),
    "justificatifs": ("supporting_documents.index", "hr", "/justificatifs"),
    "justificatifs-vide": ("supporting_documents.index", "hr", "/justificatifs?q=introuvable&echeance=retard"),
    "justificatif": ("deposits.show", "hr", "/justificatifs/{proof}"),
    "justificatif-recu": ("deposits.show", "hr", "/justificatifs/{received}"),
    "relance": ("reminding.show", "hr", "/justificatifs/relances/{batch}"),
    "relance-envoyee": ("reminding.show", "hr", "/justificatifs/relances/{sent_batch}"),
    "justificatifs-recus": ("staff_proofs.index", "desk", "/gestion/justificatifs"),
    "justificatif-a-examiner": ("staff_proofs.show", "desk", "/gestion/justificatifs/{received}"),
    "documents": ("sendings.index", "hr", "/documents"),
    "documents-105-comptes": ("sendings.index", "manager", "/documents?perimetre=tous"),
    "documents-vides": ("sendings.index", "hr", "/documents?etat=refuses"),
    "document-envoye": ("deposited.show", "hr", "/documents/{deposited}"),
    "document-rib": ("deposited.show", "hr", "/documents/{bank_asked}"),
    "documents-entreprises": ("company_facts.index", "hr", "/documents/entreprises{bank_known}"),
    "documents-entreprises-105-comptes": ("company_facts.index", "manager", "/documents/entreprises?perimetre=tous"),
    "document-rib-a-decider": ("staff_sendings.show", "desk", "/gestion/documents/{bank_taken}"),
    "espace-documentaire": ("library.index", "hr", "/espace-documentaire{published}"),
    "espace-documentaire-rien": ("library.index", "hr", "/espace-documentaire?q=introuvable"),
    "espace-documentaire-105-comptes": ("library.index", "manager", "/espace-documentaire?perimetre=tous"),
    "publication": ("library.show", "hr", "/espace-documentaire/{publication}"),
    "publications": ("staff_publications.index", "desk", "/gestion/publications{published}"),
    "publications-rien": ("staff_publications.index", "desk", "/gestion/publications?q=introuvable"),
    "publier": ("staff_publications.new", "desk", "/gestion/publications/nouvelle"),
    "publication-mutuelle": ("staff_publication.show", "desk", "/gestion/publications/{guide}"),
    "publication-retiree": ("staff_publication.show", "desk", "/gestion/publications/{publication}"),
    "documents-recus": ("staff_sendings.index", "desk", "/gestion/documents"),
    "document-a-lire": ("staff_sendings.show", "desk", "/gestion/documents/{deposited}"),
    "document-a-decider": ("staff_sendings.show", "desk", "/gestion/documents/{read}"),
    "salarie-adhesion": ("guest_enrolment.show", "employee", "/salarie/{link}/adhesion"),
    "salarie-etape": ("guest_enrolment.step", "employee", "/salarie/{link}/adhesion/salarie?revoir=oui"),
    "salarie-comptes": ("guest_enrolment.step", "employee", "/salarie/{link}/adhesion/comptes"),
    "salarie-enfants": ("guest_enrolment.step", "employee", "/salarie/{link}/adhesion/enfants"),
    "salarie-verification": ("guest_enrolment.last_look", "employee", "/salarie/{link}/adhesion/verification"),
    "salarie-signature": ("guest_signature.show", "employee", "/salarie/{signing}/signature"),
    "salarie-dispense": ("guest_waiver.show", "employee", "/salarie/{link}/dispense"),
    "salarie-dispense-cas": ("guest_waiver.show", "employee", "/salarie/{link}/dispense?cas=OP_CSS"),
    "salarie-copie": ("guest_copy.show", "employee", "/salarie/{copy}/copie"),
    "salarie-pieces": ("guest_deposit.show", "employee", "/salarie/{deposit}/pieces"),
    "salarie-piece": ("guest_deposit.edit", "employee", "/salarie/{deposit}/pieces/{proof}"),
    "demandes": ("threads.index", "hr", "/demandes"),
    "demandes-rien": ("threads.index", "hr", "/demandes?q=zzzz"),
    "demande": ("threads.show", "hr", "/demandes/{thread}"),
    "demande-nouvelle": ("asking.new", "hr", "/demandes/nouvelle"),
    "reclamations-vide": ("threads.index", "hr", "/reclamations"),
    "reclamation": ("threads.show", "hr", "/reclamations/{complaint}"),
    "reclamation-nouvelle": ("asking.new", "hr", "/reclamations/nouvelle"),
    "demandes-recues": ("staff_threads.index", "desk", "/gestion/demandes"),
    "reponses-preparees": ("prepared_answers.index", "desk", "/gestion/reponses-preparees"),
    "reponse-preparee": ("prepared_answers.edit", "desk", "/gestion/reponses-preparees/{prepared}"),
    "reclamation-recue": ("staff_threads.show", "desk", "/gestion/reclamations/{complaint}"),
    "cotisations": ("contributions.index", "hr", "/cotisations{money}"),
    "cotisations-vides": ("contributions.index", "hr", "/cotisations"),
    "cotisations-105-comptes": ("contributions.index", "manager", "/cotisations?perimetre=tous"),
    "mandats": ("mandates.index", "hr", "/cotisations/mandats{mandates}"),
    "mandats-sans-compte": ("mandates.index", "hr", "/cotisations/mandats"),
    "mandat-nouveau": ("mandates.new", "hr", "/cotisations/mandats/nouveau{mandates}"),
    "mandat-a-signer": ("mandates.show", "hr", "/cotisations/mandats/{unsigned}"),
    "mandat-signe": ("mandates.show", "hr", "/cotisations/mandats/{mandate}"),
    "prelevements": ("staff_debits.index", "staff", "/gestion/prelevements{debits}"),
    "configuration": ("configuration.index", "staff", "/gestion/configuration"),
    "configuration-identite": ("configuration.edit", "staff", "/gestion/configuration/identite"),
    "configuration-contacts": ("configuration.edit", "staff", "/gestion/configuration/contacts"),
    "configuration-natures": ("configuration.edit", "staff", "/gestion/configuration/natures"),
    "configuration-documents": ("configuration.edit", "staff", "/gestion/configuration/documents"),
    "configuration-messages": ("wording.index", "staff", "/gestion/configuration/messages"),
    "configuration-message": ("wording.edit", "staff", "/gestion/configuration/messages/thread_answered.txt"),
    "configuration-garanties": ("guarantees.index", "staff", "/gestion/configuration/garanties"),
    "configuration-garantie": ("guarantees.edit_plan", "desk", "/gestion/configuration/garanties/plan/{plan}"),
    "configuration-contrat": ("guarantees.edit", "desk", "/gestion/configuration/garanties/contrat/{contract}"),
    "recherche": ("staff_search.index", "desk", "/gestion/dossiers?q=a{history}"),
    "recherche-groupe": ("staff_search.index", "desk", "/gestion/dossiers?q=a&groupe=personnes"),
    "recherche-vide": ("staff_search.index", "staff", "/gestion/dossiers"),
    "dossier-personne": ("staff_dossiers.person", "desk", "/gestion/personnes/{person}{history}"),
    "dossier-personne-donnees": ("staff_dossiers.ask_export", "desk", "/gestion/personnes/{person}/donnees"),
    "dossier-compte": ("staff_dossiers.account", "desk", "/gestion/comptes/{account_code}{history}"),
    "dossier-entreprise": ("staff_dossiers.company", "desk", "/gestion/entreprises/{company_code}"),
    "journal": ("staff_trail.index", "desk", "/gestion/journal{history}"),
    "journal-evenement": ("staff_trail.show", "desk", "/gestion/journal/{event}"),
    "donnees-consultees": ("staff_seen.index", "desk", "/gestion/journal/donnees-consultees{seen_by}"),
    "chiffres": ("staff_figures.index", "desk", "/gestion/chiffres{history}"),
    "chiffres-vides": ("staff_figures.index", "staff", "/gestion/chiffres"),
    "utilisateurs": ("staff_users.index", "desk", "/gestion/utilisateurs"),
    "utilisateurs-vides": ("staff_users.index", "staff", "/gestion/utilisateurs?q=personne"),
    "utilisateur-nouveau": ("staff_users.new", "staff", "/gestion/utilisateurs/nouveau"),
    "utilisateur": ("staff_users.show", "desk", "/gestion/utilisateurs/{company_user}"),
    "utilisateur-mutuelle": ("staff_users.show", "staff", "/gestion/utilisateurs/{colleague}"),
    "aide-utilisateurs": ("help.show", "visitor", "/aide/utilisateurs"),
    "campagnes": ("staff_campaigns.index", "desk", "/gestion/campagnes{campaigns}"),
    "campagnes-vides": ("staff_campaigns.index", "staff", "/gestion/campagnes"),
    "campagne-nouvelle": ("staff_campaigns.new", "desk", "/gestion/campagnes/nouvelle"),
    "campagne": ("staff_campaigns.edit", "desk", "/gestion/campagnes/{campaign}"),
    "chargements": ("staff_loads.index", "desk", "/gestion/chargements{loaded}"),
    "chargements-vides": ("staff_loads.index", "staff", "/gestion/chargements"),
    "chargement": ("staff_loads.show", "desk", "/gestion/chargements/{loading}"),
    "chargement-refuse": ("staff_loads.show", "desk", "/gestion/chargements/{refused_load}"),
    "chargement-a-confirmer": ("staff_loads.show", "desk", "/gestion/chargements/{load_to_confirm}"),
    "transmissions": ("staff_hand_overs.index", "desk", "/gestion/transmissions{handed}"),
    "transmissions-vides": ("staff_hand_overs.index", "staff", "/gestion/transmissions"),
    "aide-chargements": ("help.show", "visitor", "/aide/chargements"),
    "aide-dossiers": ("help.show", "visitor", "/aide/dossiers"),
    "aide-configuration": ("help.show", "visitor", "/aide/configuration"),
    "impayes": ("staff_arrears.index", "desk", "/gestion/impayes{arrears}"),
    "impayes-vides": ("staff_arrears.index", "staff", "/gestion/impayes?page=2"),
    "prelevements-vides": ("staff_debits.index", "staff", "/gestion/prelevements"),
    "mandat-mutuelle": ("mandates.show", "staff", "/cotisations/mandats/{mandate}?perimetre=tous"),
    "echeancier": ("schedule.index", "hr", "/echeancier{money}"),
    "bordereau": ("statements.show", "hr", "/echeancier/{statement}"),
    "bordereau-sans-detail": ("statements.show", "hr", "/echeancier/{bare_statement}"),
    "echeancier-vide": ("schedule.index", "hr", "/echeancier"),
    "simulation": ("hiring.index", "hr", "/simulation{priced}&conjoint=oui&enfants=2"),
    "simulation-sans-tarif": ("hiring.index", "hr", "/simulation?contrat=HJ-INCONNU&date=31/06/2026"),
    "simulation-105-comptes": ("hiring.index", "manager", "/simulation?perimetre=tous"),
    "contrat-tarif": ("contracts.show", "hr", "/contrats/{tariff}"),
    "agenda": ("calendars.index", "hr", "/calendrier{calendar}"),
    "agenda-105-comptes": ("calendars.index", "manager", "/calendrier?perimetre=tous"),
}
NOT_PAGES = {
    "health.show": "one line of text",
    "affiliations.template": "a workbook",
    "staff_loads.progress": "the region of a page; without htmx, a way back to it",
    "imports.progress": "the region of a page; without htmx, a way back to it",
    "threads.news": "the region of a page; without htmx, a way back to it",
    "staff_threads.news": "the region of a page; without htmx, a way back to it",
    "answering.preview": "an image or a PDF",
    "library.preview": "an image or a PDF",
    "staff_publication.preview": "an image or a PDF",
    "document_files.preview": "an image or a PDF",
    "staff_answering.preview": "an image or a PDF",
    "staff_proofs.preview": "an image or a PDF",
    "deposited.preview": "an image or a PDF",
    "staff_sendings.preview": "an image or a PDF",
    "statements.progress": "the region of a page; without htmx, a way back to it",
    "calendars.feed": "a calendar",
    "brand.style": "a style sheet",
    "brand.logo": "a picture",
    "staff_registrations.preview": "an image or a PDF",
    "registration.details": "of a browser that used a link: test_registration.py looks at it",
    "registration.after": "of a browser that used a link: test_registration.py looks at it",
    "guests.again": "the page of guests.show, in a session that is over",
}
REFUSED = {"introuvable": 404, "lien-use": 410, "inscription-lien-use": 410, "salarie-lien-mort": 404}


def test_the_walk_forgets_no_page(app):
    read = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in rule.methods}
    walked = {endpoint for endpoint, _, _ in PAGES.values() if endpoint}
    assert read - walked == set(NOT_PAGES), "a new page is walked too: give it a line in PAGES"


def user_for(who):
    if who == "hr":
        user = scenery.roster()
        fill_home(user)
        return user
    if who == "manager":
        return scenery.portfolio()
    if who in ("desk", "employee"):
        return scenery.roster()
    if who in ("half", "bare"):  # of a sign-in: the code is to be shown, or its application to be added
        user = factories.user()
        factories.second_factor(user) if who == "half" else factors.begin(user, clock.now())
        return user
    if who == "staff":
        factories.messages()
    return factories.user(role={"staff": UserRole.STAFF, "doctor": UserRole.HEALTH_PROFESSIONAL}[who])


def fill_home(user):
    """Something of each kind in « Accueil », and documents in a contract."""
    account, contract = user.accounts().get(), user.contracts().get()
    with db.atomic():
        for state, unread in (("IN_PROGRESS", False), ("TREATED", True)):
            factories.thread(user, state=state, unread=unread)
        Movement.create(category=contract.category, kind="AFFILIATION")
        scenery.moves(user)
        day = scenery.day()
        Document.create(account=account, contract=contract, title="Avenant", document_type="PDF", published_on=day)
        leaving = Beneficiary.get(Beneficiary.birth_name == "Reffay")
        leaving.terminated_on = scenery.day(days=12)
        leaving.save()


def example(address, user):
    """The address, with rows of that user's."""
    words = {name: EXAMPLES[name](user) for name in re.findall(r"{(\w+)}", address)}
    return address.format(**words)


def used(user):
    """A selection that was used, with somebody who could not leave."""
    people = list(Beneficiary.select().where(Beneficiary.birth_name.in_(["Parti", "O’Neill"])))
    kept = user.select_people([one.public_id for one in people])
    kept.use(clock.now())
    staying = [[str(people[0].public_id), "Déjà radié."]]
    kept.conclude({"done": 1, "words": "1 personne radiée", "staying": staying})
    return kept.public_id


def told_of(user):
    """Somebody who looked at a person's NIR, of whom a movement was asked too."""
    author, person = asker(user), Beneficiary.get(Beneficiary.member_number == "00638246")
    AuditEvent.write("nir.reveal", on=person, account=person.account_id, by=author, origin=("192.0.2.7", "r1"))
    Movement.create(category=person.category, beneficiary=person, kind="NAME", label=person.full_name)
    return author


def asker(user):
    """Who may open a thread: the reader, or HR where the reader is of the mutual."""
    return User.select().where(User.role == UserRole.COMPANY).order_by(User.id).first() if user.is_staff else user


def thread(user):
    """A request that was treated, to be rated."""
    return factories.thread(asker(user), state="TREATED").public_id


def complaint(user):
    return factories.thread(asker(user), kind="COMPLAINT", complainant="MEMBER").public_id


def guest(_):
    """The link of an employee."""
    employee = Beneficiary.get(Beneficiary.category.in_(factories.hr_user().category_ids()))
    return guests.draw("DEPOSIT", clock.now(), guests.Wanted("LETTER", beneficiary=employee))[1]


BORN_ON = {}  # public id of an employee’s link → its token, the birth date that opens it


def link_of(purpose, born, **about):
    link, token = guests.draw(purpose, clock.now(), guests.Wanted("EMAIL", "ines@example.com", **about))
    BORN_ON[str(link.public_id)] = token, born
    return link


def entrusted(user):
    """An enrolment that its employee has in hand, whole."""
    row = Enrolment.get(Enrolment.public_id == draft(user))
    row.state = EnrolmentState.WITH_EMPLOYEE
    row.save()
    return row


def enrol_link(user):
    return link_of("ENROL", enrolling.EMPLOYEE["datedenaissance"], enrolment=entrusted(user))


def signing_link(user):
    """A code has just gone."""
    link = enrol_link(user)
    signing.prepare(link, "ENROL", "Inès Lacroix", 1)
    signing.send_code(link, "EMAIL", "ines@example.com", "Inès", clock.now())
    return link.public_id


def copy_link(user):
    row = Enrolment.get(Enrolment.public_id == sent(user))
    return link_of("COPY", enrolling.EMPLOYEE["datedenaissance"], enrolment=row).public_id


def awaited(user, proof=rules.SCHOOL_CERTIFICATE):
    """A document that is awaited of somebody of the roster."""
    person = Beneficiary.get(Beneficiary.member_number == "00638246")
    Beneficiary.update(mobile="+33639980102").where(Beneficiary.id == person.id).execute()
    return proofs.ask(person, proof, None, proofs.INSURER, clock.now(), scenery.day(days=-3))


def registering():
    registrations.ask("nouvelle@example.com", UserRole.COMPANY, clock.now())
    text = OutboxMessage.get().unseal()["text"]
    return re.search(r"/inscription/lien/(\S+)", text)[1]


def registered(email="inscription@example.com"):
    """Somebody who waits for the mutual, with a proof."""
    said = {"number_kind": "ORIAS", "number": "07001234", "asked_for": "Scierie Vidal\nHJ-404"}
    row = factories.registration(email=email, **said)
    file = storage.file_away(io.BytesIO(files.pdf()), "kbis.pdf", "application/pdf", account=None)
    file.attach()
    RegistrationFile.create(registration=row, file=file)
    return row.public_id


def accepted(user):
    """The same, once the mutual opened an account."""
    row = Registration.get(Registration.public_id == registered("acceptee@example.com"))
    registrations.accept(row, [user.accounts().first()], factories.user(role=UserRole.STAFF), clock.now(), row.version)
    return row.public_id


def deposit_link(user):
    person = Beneficiary.get(Beneficiary.id == awaited(user).beneficiary_id)
    return link_of("DEPOSIT", f"{person.birth_date:%d/%m/%Y}", beneficiary=person).public_id


def received(user):
    """A document that came, and is to be looked at."""
    row = awaited(user, rules.BANK_DETAILS)
    file = storage.file_away(io.BytesIO(files.pdf()), "rib.pdf", "application/pdf", account=None)
    proofs.receive(row, [file], user, clock.now())
    return row.public_id


def deposited(user):
    """A Kbis that a company sent."""
    company = user.companies().first()
    file = storage.file_away(io.BytesIO(files.pdf()), "kbis.pdf", "application/pdf", account=company.account_id)
    draft = Sending(account=company.account_id, company=company, document_type="KBIS", note="Notre nouveau siège")
    draft.siret, draft.issued_on = "44306184100047", scenery.day(days=-9)
    return sendings.send(draft, [file], user, clock.now())[0]


def taken(user):
    """The same, that the mutual has in hand."""
    row = deposited(user)
    sendings.read(row, user, clock.now())
    return row.public_id


def bank_asked(user):
    """A RIB that a company sent, with the account that it asks for."""
    company = user.companies().first()
    file = storage.file_away(io.BytesIO(files.image()), "rib.png", "image/png", account=company.account_id)
    draft = Sending(account=company.account_id, company=company, document_type="BANK_DETAILS")
    (row,) = sendings.send(draft, [file], user, clock.now())
    sendings.propose(row, company.label, scenery.IBAN, "", clock.now())
    return row


def bank_taken(user):
    row = bank_asked(user)
    sendings.read(row, user, clock.now())
    return row.public_id


def bank_known(user):
    """An account in force and an old Kbis; another account is asked for. Nothing of it in the address."""
    row = bank_asked(user)
    row.proposed().confirm(clock.now())
    Company.update(kbis_on=scenery.day(days=-200)).execute()
    Sending.update(state="ACCEPTED").execute()
    bank_asked(user)
    return ""


def batch(user):
    """Documents to be reminded of: one that can be, one whose household has no contact."""
    alone = Beneficiary.get(Beneficiary.birth_name == "Écuyer")
    lonely = proofs.ask(alone, rules.BANK_DETAILS, None, proofs.INSURER, clock.now(), scenery.day(days=5))
    return ReminderBatch.begin(user, [awaited(user).id, lonely.id])


def sent_batch(user):
    row = batch(user)
    reminders.send(row, DocumentRequest.whole(user.document_requests()), clock.now(), 7, user)
    return row.public_id


def draft(user, **others):
    """An enrolment that can be sent."""
    household = enrolling.STEPS | {"enfants": enrolling.children(enrolling.years_ago(3), enrolling.years_ago(22))}
    household["enfants"] |= {"enfants-1-situation": "Étudiant"}
    return factories.enrolment(user, household | others).public_id


def sent(user):
    """An enrolment that was sent, with a spouse to be added."""
    who = enrolling.EMPLOYEE | {"nssociale": "2 94 06 39 478 032 44"}  # somebody of the roster has the other one
    others = {"salarie": who, "conjoint": {"presence": "attendu"}}
    whole = Enrolment.get(Enrolment.public_id == draft(user, **others)).read_whole()
    assert enrolments.submit(whole, user, clock.now()).done
    return whole.public_id


def published(user):
    """Publications of every sort, in folders within folders. Nothing of it in the address."""
    factories.publication("Tableau des garanties", folder="GARANTIES/2026", toolbox="garantie", nature="COVER")
    factories.publication(
        "Modèle", folder="BOÎTE", name="modele.csv", content=files.CSV, published_on=scenery.day(days=-90)
    )
    publication(user)
    return ""


def publication(user):
    """Of which there are two versions, and that will be withdrawn."""
    first = factories.publication("Notice d’information", folder="CONTRAT ET NOTICE", nature="NOTICE")
    file = storage.file_away(io.BytesIO(files.image()), "notice.png", "image/png", account=None)
    row, _ = publishing.replace(first, file, "Nouveaux forfaits", user, clock.now())
    publishing.withdraw(row, scenery.day(days=70), "Contrat résilié.", clock.now())
    return row.public_id


def statement(user, count=8):
    """One with lines, after another of which some came, left and changed."""
    people = list(user.beneficiaries().order_by(Beneficiary.id).limit(count))
    contract = user.contracts().get()
    before = factories.lines(factories.statement(contract, months_ago=2), people[1:])
    factories.lines(before, people[:1], 7_000)
    now = factories.lines(factories.statement(contract, months_ago=1), people[:-1])
    factories.payment(contract, now.total // 2, reference=now.number)
    return now.public_id


def money(user):
    """Statements and payments of every state; nothing in the address."""
    for contract in user.contracts():
        factories.money(contract)
    return ""


def priced(user):
    contract = user.contracts().get()
    factories.tariff(contract)
    return f"?contrat={contract.number}"


def tariff(user):
    contract = user.contracts().get()
    factories.tariff(contract)
    factories.tariff(contract, scenery.day(days=40))
    return contract.public_id


def mandates_of(user):
    """An account on file, a mandate to sign and one that is signed; nothing in the address."""
    company = user.companies().order_by(Company.id).first() or Company.get()
    factories.mandate(company, user)
    factories.mandate(company, user, signed=False, scheme="B2B")
    return ""


PAYEE = SimpleNamespace(
    payee=("Mutuelle du Haut-Jura", "FR7699999000010000000000115", ""), creditor_identifier="FR72ZZZ123456"
)


def debits(user):
    """A file that is ready, and another day to collect; nothing in the address."""
    owner = factories.hr_user()
    contract = owner.contracts().first()
    factories.mandate(contract.category.company, owner)
    for days in (20, 40):
        factories.statement(contract, issued_on=clock.today(), due_on=clock.today() + datetime.timedelta(days=days))
    first, _ = collecting.by_file(collecting.waiting(user.statements(), clock.today()))
    collecting.prepare(first[0], first[1], PAYEE, user, clock.now())
    return ""


def mandate(user, **values):
    company = Company.select().order_by(Company.id).first() or factories.hr_user().companies().first()
    return factories.mandate(company, user, scheme="B2B", **values).public_id


def calendar(user):
    """An address that exists; nothing in the address of the page."""
    CalendarFeed.draw(user, user.accounts().get(), clock.now())
    return ""


# Word of an address → a row of that user's.
def given(user, **values):
    """Somebody else's habilitation on the reader's account."""
    there = user.accounts().get()
    return PermissionGrant.create(user=factories.user(), account=there, valid_from="2020-01-01", name="Tom", **values)


def to_confirm(user):
    given(user, confirmed_at=clock.now() - datetime.timedelta(days=400), search_key="tom")
    return "tom"


def late(_):
    """A contract that owes, one that was given notice, one of a branch."""
    for notice, branch in ((False, False), (True, False), (False, True)):
        contract = factories.hr_user().contracts().first()
        day = clock.today() - datetime.timedelta(days=40)
        factories.statement(contract, issued_on=day, due_on=day)
        arrears.set_branch(contract, branch)
        if notice:
            FormalNotice.create(
                contract=contract,
                oldest_due_on=day,
                amount=100_000,
                given_on=clock.today(),
                author=factories.user(role=UserRole.STAFF),
                created_at=clock.now(),
            )
    return ""


def loaded(user):
    """One in each state."""
    given = {"author": user, "kind": "beneficiaries"}
    FileLoad.create(**given, file_name="beneficiaires.csv", state=LoadState.DONE, created=1_204, ended_at=clock.now())
    faults = ["Ligne 3, colonne «\u202fcontract_number\u202f»\u00a0: Ce contrat est inconnu. Chargez-le d’abord."]
    failed = FileLoad.create(
        **given, file_name="beneficiaires-2.csv", state=LoadState.FAILED, faults=faults, ended_at=clock.now()
    )
    FileLoad.create(**given, file_name="beneficiaires-4.csv", state=LoadState.ABANDONED, ended_at=clock.now())
    waits = FileLoad.create(**given, file_name="beneficiaires-5.csv", state=LoadState.TO_CONFIRM)
    return failed, FileLoad.create(**given, file_name="beneficiaires-3.csv", total=200, done=90), waits


def handed(user):
    """One that was delivered, one to download, and what waits."""
    HandOver.create(number=1, created_at=clock.now(), written_at=clock.now())
    HandOver.create(number=2, created_at=clock.now())
    person = user.beneficiaries().first()
    person.modify(MovementKind.CONTACT, {"phone": "+33199001001"}, clock.today(), user, clock.now(), 1)
    return ""


def factor(user):
    """An application, browsers that are trusted. Nothing of it in the address."""
    factories.second_factor(user)
    Passkey.add(user, "Ordinateur du bureau", "x", b"x", 0, clock.now())
    for label in ("Firefox, Linux", "Safari, iPhone"):
        TrustedDevice.trust(user, label, clock.now())
    return ""


def campaign(user):
    """One of the employees, in every state."""
    wanted = campaigns.Wanted(rules.HEALTH_RIGHTS, (0,), clock.today() + datetime.timedelta(days=20))
    opened = campaigns.open_campaign("Attestations de droits", wanted, user.beneficiaries(), user, clock.now())
    asked = DocumentRequest.select().where(DocumentRequest.campaign == opened.label).order_by(DocumentRequest.id)
    for row, state in zip(asked, ("RECEIVED", "ACCEPTED", "EXPIRED", "REFUSED"), strict=False):
        DocumentRequest.update(state=state).where(DocumentRequest.id == row.id).execute()
    return opened.public_id


EXAMPLES = {
    "company_user": lambda user: user.public_id,
    "colleague": lambda user: factories.user(role=UserRole.STAFF).public_id,
    "campaign": campaign,
    "campaigns": lambda user: campaign(user) and "",
    "loaded": lambda user: loaded(user) and "",
    "loading": lambda user: loaded(user)[1].public_id,
    "refused_load": lambda user: loaded(user)[0].public_id,
    "load_to_confirm": lambda user: loaded(user)[2].public_id,
    "handed": handed,
    "factor": factor,
    "factor_id": lambda user: factories.second_factor(user)[0].public_id,
    "begun_factor": lambda user: factors.begin(user, clock.now()).public_id,
    "arrears": late,
    "registering": lambda _: registering(),
    "registered": lambda _: registered(),
    "accepted": accepted,
    "grant": lambda user: given(user, actions=9).public_id,
    "to_confirm": to_confirm,
    "statement": statement,
    "bare_statement": lambda user: factories.statement(user.contracts().get()).public_id,
    "money": money,
    "mandates": mandates_of,
    "debits": debits,
    "mandate": mandate,
    "unsigned": lambda user: mandate(user, signed=False),
    "calendar": calendar,
    "priced": priced,
    "tariff": tariff,
    "prepared": lambda _: PreparedAnswer.add("Carte", "La carte part demain.", clock.now()).public_id,
    "thread": thread,
    "complaint": complaint,
    "person": lambda user: Beneficiary.get(Beneficiary.member_number == "00638246").public_id,
    "gone": lambda user: Beneficiary.get(Beneficiary.birth_name == "Parti").public_id,
    "history": lambda user: told_of(user) and "",
    "seen_by": lambda user: f"?qui={told_of(user).identifier}",
    "event": lambda user: told_of(user) and AuditEvent.select(fn.MAX(AuditEvent.number)).scalar(),
    "account_code": lambda user: user.contracts().get().category.account.code,
    "company_code": lambda user: user.contracts().get().category.company.code,
    "plan": lambda user: user.contracts().get().plan.code,
    "contract": lambda user: user.contracts().get().public_id,
    "token": lambda user: OneTimeLink.draw(factories.user(), clock.now()),
    "guest": guest,
    "draft": draft,
    "published": published,
    "publication": publication,
    "guide": lambda user: factories.publication("Tableau des garanties", nature="COVER", toolbox="garantie").public_id,
    "sent": sent,
    "entrusted": lambda user: entrusted(user).public_id,
    "link": lambda user: enrol_link(user).public_id,
    "signing": signing_link,
    "copy": copy_link,
    "deposit": deposit_link,
    "proof": lambda user: awaited(user).public_id,
    "received": received,
    "bank_asked": lambda user: bank_asked(user).public_id,
    "bank_taken": bank_taken,
    "bank_known": bank_known,
    "deposited": lambda user: deposited(user).public_id,
    "read": taken,
    "batch": lambda user: batch(user).public_id,
    "sent_batch": sent_batch,
    "discarded": lambda user: factories.enrolment(user, state=EnrolmentState.DISCARDED).public_id,
    "notice": lambda user: factories.notice(user).public_id,
    "waiver": lambda user: factories.waiver(user.categories().first()).public_id,
    "asked_waiver": lambda user: factories.waiver(user.categories().first(), state="REQUESTED").public_id,
    "soon": lambda user: f"{scenery.day(days=20):%d/%m/%Y}",
    "ticked": lambda user: user.select_people([one.public_id for one in user.beneficiaries().limit(5)]).public_id,
    "used": used,
    "waiting": lambda user: scenery.sent(user, *scenery.mixed_rows(user)).public_id,
    "checked": lambda user: scenery.checked(user).public_id,
    "done": lambda user: scenery.done(user).public_id,
    "failed": lambda user: scenery.failed(user).public_id,
}


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("name", PAGES)
def test_every_page_can_be_read_by_everybody(open_browser, name, figure):
    _, who, address = PAGES[name]
    page = open_browser()
    user = user_for(who) if who != "visitor" else None
    address = example(address, user)
    if who == "employee":
        open_link(page, address)
    elif user:
        half = who in ("half", "bare")
        sign_in(page, factories.user(role=UserRole.STAFF) if who == "desk" else user, factor_due=half)
    page.complaints.expects(REFUSED.get(name))
    page.goto(address)
    faults = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            faults += look(page, f"{name} {width} {theme}", ["color-contrast"] if theme == "dark" else None)
            figure("OUT-2", 1, "looks at a page, no violation")
    assert not faults, "\n".join(faults)


def open_link(page, address):
    token, born = BORN_ON[address.split("/")[2]]
    page.goto(f"/salarie/{token}")
    page.get_by_label("Votre date de naissance").fill(born)
    page.get_by_role("button", name="Continuer").click()
    page.wait_for_url(re.compile(r"/salarie/[0-9a-f-]{36}/"))


def look(page, name, only):
    """Faults of one width and theme; what is dark has other colours, and the same everything else."""
    keep_picture(page, name)
    overflow = page.evaluate(OVERFLOW)
    if overflow > 0:
        yield f"{name}: {overflow} px wider than the screen"
    yield from (f"{name}: {fault}" for fault in page.evaluate(MENUS_OFF_SCREEN))
    try:
        axe(page, only)
    except AssertionError as found:
        yield f"{name}: {found}"


def keep_picture(page, name):
    if PICTURES and not {"683", "320"} & set(name.split()):
        page.screenshot(path=Path(PICTURES) / f"{name.replace(' ', '-')}.png", full_page=True)
