"""How long what is written down is kept, and why: the table that the daily purge follows, and that a DPO reads.

Sources: RGPD art. 5.1.e (no longer than the purpose needs); CNIL 2021-122 (traces: six months to a year); Code de la
mutualité art. L.221-11 (two years to bring an action); Code de commerce art. L.123-22 (accounts: ten years).
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Term:
    """Kept so many days from an event; `days` 0: it goes with the event itself."""

    what: str
    days: int
    since: str
    reason: str

    @property
    def time(self) -> timedelta:
        return timedelta(days=self.days)


TERMS = {
    "throttle": Term("Essais de connexion", 0, "la fin de l’attente", "l’attente est passée"),
    "user_session": Term("Sessions", 365, "leur début (ou dès leur fin)", "traces : un an au plus (CNIL 2021-122)"),
    "one_time_link": Term("Liens de mot de passe", 1, "leur expiration", "ils n’ouvrent plus rien"),
    "second_factor": Term("Codes d’application jamais confirmés", 1, "leur préparation", "rien n’en est venu"),
    "proposal": Term("Accords attendus d’une seconde personne", 7, "la proposition", "personne n’a donné suite"),
    "trusted_device": Term("Navigateurs de confiance", 0, "leur terme", "le code leur est de nouveau demandé"),
    "outbox_words": Term("Texte des e-mails et SMS en échec", 90, "leur abandon", "le temps de les reprendre"),
    "outbox_message": Term("Trace des e-mails et SMS", 400, "leur départ", "traces : un an, et le temps d’y répondre"),
    "unsent_words": Term("Ce qui était tapé à la fin d’une session", 1, "la fin de la session", "le temps d’y revenir"),
    "reminder_batch": Term("Relances préparées et jamais envoyées", 1, "leur préparation", "rien n’en est venu"),
    "answer_draft": Term("Brouillons de réponses", 90, "leur dernier mot", "le temps de répondre"),
    "calendar_feed": Term("Calendriers d’échéances", 0, "la fin du droit", "une autre habilitation n’en rouvre aucun"),
    "registration_unfinished": Term("Inscriptions inachevées", 30, "leur dernier pas", "personne n’a donné suite"),
    "registration_incomplete": Term("Inscriptions à compléter", 90, "la demande", "personne n’a donné suite"),
    "registration": Term("Inscriptions décidées, et leurs pièces", 365, "la décision", "le temps d’une contestation"),
    "guest_link": Term("Liens des salariés", 90, "leur expiration", "ce qu’ils ont permis est ailleurs"),
    "selection": Term("Salariés cochés dans une liste", 30, "le choix", "l’action est faite, ou abandonnée"),
    "affiliation_import": Term("Fichiers d’affiliations terminés", 365, "l’envoi", "le temps d’une contestation"),
    "file_load_unconfirmed": Term("Fichiers de gestion à confirmer", 1, "leur envoi", "personne n’a donné suite"),
    "file_load": Term("Fichiers de gestion chargés", 365, "leur chargement", "le temps d’une contestation"),
    "enrolment": Term("Brouillons d’adhésion", 90, "le dernier mot (annoncé avant)", "personne n’a donné suite"),
    "enrolment_answers": Term("Réponses d’adhésion", 90, "le traitement", "les personnes sont ailleurs"),
    "stored_file": Term("Fichiers rattachés à rien", 1, "l’envoi", "le formulaire a été abandonné"),
    "reading": Term("Pages ouvertes par la mutuelle", 365, "le jour", "traces : un an au plus (CNIL 2021-122)"),
}

# What who answers for the data ends, by « person erase »: not before, but on order.
PERSON = Term("Dossier d’une personne", 731, "la fin de sa couverture", "délai pour agir (C. mut. art. L.221-11)")
ACCOUNT_LINES = Term("Lignes de bordereaux", 3_653, "la fin de la période", "comptes : dix ans (C. com. art. L.123-22)")

# What no day ends by itself, and why. « People »: they leave with the mutual's management system, which decides.
ACCOUNTS = "des comptes reposent dessus : dix ans (C. com. art. L.123-22), puis sur ordre de la mutuelle"
PEOPLE = "suit la couverture, puis les délais d’action (C. mut. art. L.221-11) : la mutuelle en décide"
CONTRACT = "dure autant que le contrat de l’entreprise"
PROOF = "prouve qui a fait quoi, sans NIR ni IBAN : gardé par la mutuelle, justifié à part (CNIL 2021-122)"
SETTLED = "réglages et textes de la mutuelle, jusqu’à ce qu’elle les change"
PUBLISHED = "publié par la mutuelle, sans donnée personnelle"
USER = "dure autant que l’accès de l’utilisateur"
WITHOUT_TERM = {
    **dict.fromkeys(("contribution_statement", "statement_line", "payment", "payment_allocation"), ACCOUNTS),
    **dict.fromkeys(("sepa_mandate", "debit_batch", "direct_debit", "formal_notice", "bank_details"), ACCOUNTS),
    **dict.fromkeys(("beneficiary", "individual_product", "movement", "waiver", "document"), PEOPLE),
    **dict.fromkeys(("document_request", "supporting_document", "reminder", "hand_over"), PEOPLE),
    **dict.fromkeys(("message_thread", "thread_message", "thread_file", "thread_follower", "thread_round"), PEOPLE),
    **dict.fromkeys(("managed_account", "company", "employee_category", "plan", "group_contract"), CONTRACT),
    **dict.fromkeys(("contribution_tariff", "sending", "sent_file", "document_campaign"), CONTRACT),
    **dict.fromkeys(("audit_event", "audit_head"), PROOF),
    **dict.fromkeys(("library_folder", "publication", "notice", "prepared_answer"), PUBLISHED),
    "configured_value": SETTLED,
    **dict.fromkeys(("user", "permission_grant", "favourite", "notification_choice"), USER),
    **dict.fromkeys(("library_visit", "notice_reading", "recovery_code", "passkey"), USER),
    # They go with the row that they are of.
    **dict.fromkeys(("import_row", "registration_file"), "part avec ce dont il fait partie"),
}
