"""The actions of the audit trail in French, by family; what stands in `before` and `after`, without what is secret."""

from portal.formats import sort_key

# What an event is about (the table that it names), and how one of them is called.
OBJECTS = {
    "affiliation_import": "Fichier d’affiliations",
    "bank_details": "Coordonnées bancaires",
    "beneficiary": "Personne",
    "calendar_feed": "Agenda",
    "company": "Entreprise",
    "debit_batch": "Fichier de prélèvements",
    "document": "Document",
    "document_request": "Pièce justificative",
    "enrolment": "Adhésion",
    "file_load": "Fichier de gestion",
    "group_contract": "Contrat",
    "contribution_statement": "Bordereau",
    "guest_link": "Lien de salarié",
    "hand_over": "Transmission",
    "managed_account": "Compte",
    "message_thread": "Demande ou réclamation",
    "movement": "Mouvement",
    "notice": "Actualité",
    "outbox_message": "Courriel ou SMS",
    "permission_grant": "Habilitation",
    "plan": "Garantie",
    "prepared_answer": "Réponse préparée",
    "publication": "Publication",
    "registration": "Inscription",
    "reminder_batch": "Relances",
    "selection": "Sélection de personnes",
    "sending": "Document d’entreprise",
    "sepa_mandate": "Mandat SEPA",
    "supporting_document": "Justificatif",
    "thread_file": "Pièce d’une demande",
    "user": "Utilisateur",
    "user_session": "Session",
    "waiver": "Dispense",
}

# Family → action → words. A family is what the filter offers.
FAMILIES = {
    "Données affichées": {
        "nir.reveal": "N° de sécurité sociale affiché",
        "nir.search": "Recherche par n° de sécurité sociale",
        "reimbursement_iban.reveal": "IBAN des prestations affiché",
        "contribution_iban.reveal": "IBAN des cotisations affiché",
        "bank_details.reveal": "IBAN d’une entreprise affiché",
        "cover.check": "Couverture vérifiée",
    },
    "Téléchargements": {
        "arrears.export": "Impayés téléchargés",
        "beneficiaries.export": "Liste de bénéficiaires téléchargée",
        "calendar.export": "Échéances téléchargées",
        "debit.download": "Fichier de prélèvements téléchargé",
        "document.download": "Document téléchargé",
        "document_requests.export": "Suivi des pièces téléchargé",
        "figures.export": "Chiffres téléchargés",
        "hand_over.download": "Transmission téléchargée",
        "import.export": "Lignes d’un fichier téléchargées",
        "library.download": "Documents téléchargés ensemble",
        "mandate.download": "Mandat téléchargé",
        "movements.export": "Mouvements téléchargés",
        "payments.export": "Règlements téléchargés",
        "portfolio.export": "Portefeuille téléchargé",
        "proof.download": "Justificatif téléchargé",
        "publication.download": "Publication téléchargée",
        "registration.download": "Pièce d’une inscription téléchargée",
        "reminders.letters_download": "Lettres de relance téléchargées",
        "sending.download": "Document d’entreprise téléchargé",
        "statement.export": "Détail d’un bordereau téléchargé",
        "statement.print": "Bordereau imprimé",
        "statements.export": "Échéancier téléchargé",
        "thread.copy": "Copie d’une réclamation demandée",
        "thread.download": "Pièce d’une demande téléchargée",
        "threads.export": "Registre des demandes téléchargé",
        "trail.export": "Journal téléchargé",
        "waivers.export": "Registre des dispenses téléchargé",
    },
    "Mouvements": {
        "affiliation.recognise": "Personne reconnue à l’affiliation",
        "movement.address": "Adresse changée",
        "movement.affiliation": "Affiliation",
        "movement.college": "Collège changé",
        "movement.contact": "Coordonnées changées",
        "movement.name": "Nom changé",
        "movement.rehire": "Réembauche",
        "movement.take_back": "Mouvement repris",
        "movement.terminate": "Radiation",
    },
    "Fichiers d’affiliations": {
        "file.infected": "Fichier infecté refusé",
        "import.confirm": "Fichier confirmé",
        "import.drop": "Fichier abandonné",
        "import.mend": "Ligne d’un fichier corrigée",
        "import.send": "Fichier envoyé",
    },
    "Adhésions": {
        "enrolment.begin": "Adhésion commencée",
        "enrolment.call_off": "Lien du salarié retiré",
        "enrolment.complete": "Adhésion dite complète",
        "enrolment.discard": "Saisie abandonnée",
        "enrolment.entrust": "Adhésion confiée au salarié",
        "enrolment.forget": "Saisie effacée après son délai",
        "enrolment.letter": "Lettre au salarié imprimée",
        "enrolment.remind_on": "Rappel d’une adhésion prévu",
        "enrolment.reopen": "Adhésion refusée reprise",
        "enrolment.restore": "Saisie rétablie",
        "enrolment.submit": "Adhésion envoyée",
        "enrolment.take_over": "Adhésion reprise au salarié",
        "guest.code": "Code de signature envoyé au salarié",
        "guest.left": "Page quittée par le salarié",
        "guest.opened": "Lien ouvert par le salarié",
        "guest.refused": "Lien refusé : date de naissance fausse",
        "guest.signature": "Code de signature saisi par le salarié",
        "guest.signed": "Adhésion signée par le salarié",
    },
    "Dispenses": {
        "waiver.accept": "Dispense acceptée",
        "waiver.end": "Dispense terminée",
        "waiver.prove": "Justificatif d’une dispense déposé",
        "waiver.record": "Dispense enregistrée",
        "waiver.refuse": "Dispense refusée",
        "waiver.renew": "Dispense renouvelée",
        "waiver.request": "Dispense demandée",
    },
    "Pièces et documents": {
        "certificate.affiliation": "Attestation d’affiliation émise",
        "certificate.affiliations": "Attestations émises ensemble",
        "certificate.dsn_setup_sheet": "Fiche DSN émise",
        "certificate.termination": "Certificat de radiation émis",
        "proof.accept": "Justificatif accepté",
        "proof.deposit": "Justificatif déposé",
        "proof.refuse": "Justificatif refusé",
        "reminders.letters": "Lettres de relance faites",
        "reminders.send": "Relances envoyées",
        "reminders.take_back": "Relances reprises",
        "sending.accept": "Document d’entreprise accepté",
        "sending.read": "Document d’entreprise ouvert par la mutuelle",
        "sending.refuse": "Document d’entreprise refusé",
        "sending.send": "Document d’entreprise envoyé",
        "sending.withdraw": "Document d’entreprise retiré",
    },
    "Demandes et réclamations": {
        "prepared_answer.add": "Réponse préparée ajoutée",
        "prepared_answer.change": "Réponse préparée changée",
        "prepared_answer.remove": "Réponse préparée retirée",
        "thread.acknowledge": "Accusé de réception d’une réclamation",
        "thread.answer": "Message de l’entreprise",
        "thread.begin": "Demande ou réclamation envoyée",
        "thread.close": "Demande close",
        "thread.note": "Note interne écrite",
        "thread.pass": "Demande confiée à un collègue",
        "thread.rate": "Satisfaction évaluée",
        "thread.reopen": "Demande rouverte",
        "thread.reply": "Réponse de la mutuelle",
        "thread.take": "Demande prise en charge",
    },
    "Cotisations": {
        "arrears.notice": "Mise en demeure",
        "calendar.close": "Agenda fermé",
        "calendar.open": "Agenda ouvert",
        "contract.branch": "Régime de branche noté",
        "contract.rules": "Règles d’un contrat changées",
        "debit.prepare": "Fichier de prélèvements préparé",
        "debit.reject": "Prélèvement rejeté par la banque",
        "debit.rejects": "Fichier de rejets enregistré",
        "mandate.begin": "Mandat commencé",
        "mandate.code": "Code de signature d’un mandat envoyé",
        "mandate.code_refused": "Code de signature d’un mandat faux",
        "mandate.revoke": "Mandat révoqué",
        "mandate.sign": "Mandat signé",
        "statement.issue": "Bordereau émis",
    },
    "Portail": {
        "backup.make": "Sauvegarde faite",
        "backup.restore": "Sauvegarde restaurée",
        "configuration.change": "Réglage changé",
        "configuration.message": "Texte d’un message changé",
        "plan.change": "Garantie changée",
    },
    "Accès et droits": {
        "grant.change": "Habilitation changée",
        "grant.confirm": "Habilitations confirmées",
        "grant.end": "Habilitation retirée",
        "grant.give": "Habilitation donnée",
        "grant.invite_again": "Invitation renvoyée",
        "notifications.choose": "Notifications choisies",
        "password.asked": "Nouveau mot de passe demandé",
        "password.change": "Mot de passe changé",
        "password.reset": "Mot de passe choisi par un lien",
        "registration.accept": "Inscription acceptée",
        "registration.ask": "Inscription demandée",
        "registration.ask_more": "Complément d’inscription demandé",
        "registration.confirm": "Adresse d’inscription confirmée",
        "registration.open": "Accès ouvert au contact du contrat",
        "registration.refuse": "Inscription refusée",
        "registration.send": "Inscription envoyée",
        "session.end": "Déconnexion",
        "session.refused": "Connexion refusée",
        "session.revoke": "Session fermée à distance",
        "session.revoke_others": "Autres sessions fermées",
        "session.start": "Connexion",
        "user.create": "Utilisateur créé",
    },
    "Publications et messages": {
        "message.send_again": "Message renvoyé",
        "message.send_all_again": "Messages en échec renvoyés",
        "notice.change": "Actualité changée",
        "notice.publish": "Actualité publiée",
        "notice.withdraw": "Actualité retirée",
        "publication.keep": "Retrait d’une publication annulé",
        "publication.publish": "Publication",
        "publication.replace": "Publication remplacée",
        "publication.take_off": "Publication enlevée",
        "publication.withdraw": "Retrait d’une publication prévu",
    },
    "Échanges et exploitation": {
        "audit.verify": "Journal vérifié de bout en bout",
        "demo.load": "Démonstration chargée",
        "hand_over.open": "Transmission préparée",
        "load.send": "Fichier de gestion reçu",
        "hand_over": "Livraison au logiciel de gestion",
        "load": "Chargement du logiciel de gestion",
        "vault.rotate": "Clé du chiffrement renouvelée",
    },
}
WORDS = {action: words for actions in FAMILIES.values() for action, words in actions.items()}
KEYS = {sort_key(family).replace(" ", "-").replace("'", "-"): family for family in FAMILIES}

SECRET = ("nir", "iban", "password", "code", "token", "secret", "hash")  # parts of a name whose value is never shown
SHOWN = 300  # signs of one value


def words(action):
    """What an action is called; one that is not known yet, by its own name."""
    return WORDS.get(action, action)


def values(told):
    """(name, text) of what an event keeps beside its action: what a name says to be secret stays hidden."""
    return [(name, value_of(name, value)) for name, value in sorted((told or {}).items())]


def value_of(name, value):
    if isinstance(value, str | dict | list) and set(name.lower().split("_")) & set(SECRET):
        return "masqué"
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, dict):
        return ", ".join(f"{key} : {text}" for key, text in values(value)) or "—"
    if isinstance(value, list):
        return ", ".join(map(str, value))[:SHOWN] or "—"
    return str(value if value not in (None, "") else "—")[:SHOWN]
