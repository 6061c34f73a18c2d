"""The demonstration of requests and complaints: in each of their states, read or not, rated, late; answers prepared."""

import datetime

from portal import clock, statements
from portal.demonstration.draw import days_ago
from portal.models import (
    Company,
    ContributionStatement,
    EmployeeCategory,
    GroupContract,
    MessageThread,
    PreparedAnswer,
    StatementLine,
    ThreadFollower,
    ThreadMessage,
    ThreadState,
    User,
    db,
    message_words,
)
from portal.rules import deadlines, threads

FIRST, STEP = 638_246, 211  # the number of the latest request, and how far it is from the one before
OMBUDSMAN = (
    "Médiateur de la Mutualité Française, FNMF, 255 rue de Vaugirard, 75719 Paris cedex 15, mediateur-mutualite.fr"
)
# Nature, subject, what was asked, state, days ago, rating, what the mutual answered.
REQUESTS = (
    (
        *(
            "PORTABILITY",
            "Départ d’un salarié, quelles démarches ?",
            "Un salarié quitte l’entreprise à la fin du mois. Quelles",
        ),
        *(
            "TREATED",
            4,
            None,
            "Radiez-le dans le portail : la portabilité commence d’elle-même, et le salarié",
        ),
    ),
    ("CARD", "Carte non reçue", "La carte d’une salariée et celle de son enfant", "IN_PROGRESS", 8, None, None),
    (
        *("CONTRIBUTIONS", "Écart sur le bordereau du 3e trimestre", "Le bordereau demande 42,10 € de plus que"),
        *("IN_PROGRESS", 13, None, "Nous comparons le bordereau avec les entrées du trimestre. Vous aurez le détail"),
    ),
    (
        *("CONTRACT", "Ajout d’un collège", "Nous ouvrons un établissement : comment ajouter"),
        *("AWAITING_ANSWER", 22, None, "Indiquez-nous le SIRET de cet établissement et la date de son ouverture, et"),
    ),
    ("OTHER", "Notice en grands caractères", "Un salarié malvoyant demande", "TREATED", 31, 5, "La notice part"),
    (
        "TERMINATION",
        "Radiation saisie trop tard",
        "Une personne partie le mois dernier",
        "TREATED",
        40,
        4,
        "C’est corrigé",
    ),
    (
        "ENROLMENT",
        "Bulletin signé illisible",
        "Le bulletin que nous avons reçu",
        "CLOSED",
        49,
        3,
        "Un nouveau bulletin",
    ),
)
ENDS = {
    "PORTABILITY": " démarches devons-nous faire pour sa mutuelle ?",
    "CARD": " ne sont pas arrivées. Pouvez-vous les renvoyer à leur adresse ?",
    "CONTRIBUTIONS": " ce que nous avions calculé. D’où vient cet écart ?",
    "CONTRACT": " un collège au contrat, et à partir de quand ?",
    "OTHER": " la notice d’information en grands caractères.",
    "TERMINATION": " apparaît encore parmi les couverts.",
    "ENROLMENT": " est illisible à la dernière page.",
}
ANSWER_ENDS = {
    "PORTABILITY": " reçoit son attestation. Ses droits sont maintenus douze mois au plus.",
    "CONTRIBUTIONS": " dans la semaine.",
    "CONTRACT": " joignez le Kbis : l’avenant vous sera envoyé.",
    "OTHER": " au courrier aujourd’hui, à l’adresse du salarié.",
    "TERMINATION": " : la personne n’est plus couverte depuis son départ.",
    "ENROLMENT": " est dans « Espace documentaire ».",
}
DISPUTE = 2  # which of the requests is about a line of a statement of the guide’s account
DISPUTED = "nous avons déclaré cette personne à temps. Pourquoi cette régularisation\u00a0?"
# Of the guide's account: nature, subject, who complains, days ago, state, outcome.
COMPLAINTS = (
    ("DELAY", "Remboursement attendu depuis cinq semaines", threads.MEMBER, 3, "RECEIVED", ""),
    ("CONTRIBUTIONS_FAULT", "Prélèvement fait deux fois", threads.COMPANY, 30, "IN_PROGRESS", ""),
    ("CARD_FAULT", "Carte refusée en pharmacie", threads.MEMBER, 75, "TREATED", threads.REFUSED),
)
PREPARED = (
    ("Carte de tiers payant renvoyée", "Bonjour,\n\nLa carte est renvoyée aujourd’hui à l’adresse du salarié."),
    ("Portabilité : démarches", "Bonjour,\n\nRadiez le salarié dans le portail : la portabilité commence d’elle-même."),
    (
        "Pièce manquante",
        "Bonjour,\n\nIl nous manque une pièce pour traiter cette demande : joignez-la à votre réponse.",
    ),
)


def make_threads(draw, accounts):
    staff = User.known("gestion@demo.example")
    for number in range(13):
        account = accounts[0 if number == DISPUTE else number % 5]
        author = User.known("rh@demo.example" if account is accounts[0] else "multi@demo.example")
        row = REQUESTS[number % 7]
        days = 4 + 9 * number
        line = disputed_line(account["id"], days_ago(days)) if number == DISPUTE else None
        about = (FIRST - number * STEP, days, number >= 7, line)
        thread = request(draw, row, account["id"], author, staff, *about)
        reader = User.known("multi@demo.example")
        ThreadFollower.create(thread=thread, user=reader, unread=1 if number in (2, 3) else 0)
        if author != reader:
            ThreadFollower.create(thread=thread, user=author, unread=1 if number == 0 else 0)
    for place, row in enumerate(COMPLAINTS):
        complaint(draw, row, accounts[0]["id"], staff, FIRST - 10 - place * STEP)
    for title, body in PREPARED:
        PreparedAnswer.create(public_id=draw.uuid(), title=title, body=body, updated_at=days_ago(60))


def disputed_line(account, at):
    """Of the last statement that was issued before: the line that mends another statement, if any."""
    lines = StatementLine.select(StatementLine, ContributionStatement, GroupContract, EmployeeCategory, Company)
    lines = lines.join(ContributionStatement).join(GroupContract).join(EmployeeCategory).join(Company)
    mine = lines.where(EmployeeCategory.account == account, ContributionStatement.issued_on <= clock.day_of(at))
    mended = StatementLine.is_correction.desc()
    return mine.order_by(mended, ContributionStatement.issued_on.desc(), StatementLine.member_number).first()


def request(draw, row, account, author, staff, number, days, over, line):
    """`line`: of a statement, which the request disputes, or None."""
    nature, subject, asked, state, _, rating, answered = row
    told = statements.disputed(line) if line else {"detail": subject, "message": asked}
    subject, asked = told["detail"], told["message"] + (DISPUTED if line else ENDS[nature])
    state = ThreadState.TREATED if over and state != "CLOSED" else ThreadState(state)
    at, then = days_ago(days), days_ago(max(days - 3, 1))
    thread = MessageThread(public_id=draw.uuid(), number=number, kind=threads.REQUEST, nature=nature, subject=subject)
    thread.account, thread.author, thread.state, thread.created_at, thread.written_at = account, author, state, at, at
    if line:
        thread.company, thread.category = line.statement.contract.category.company, line.statement.contract.category
        thread.beneficiary = line.beneficiary_id
    if state in thread.WITH_MUTUAL:
        thread.due_on = deadlines.working_days_after(clock.day_of(at), threads.ALL[nature].days)
    thread.assignee = staff if answered else None
    if state in thread.OVER:
        thread.treated_at, thread.rating, thread.rated_at = then, rating, then if rating else None
    thread.save(force_insert=True)
    say(draw, thread, author, asked, at)
    if answered:
        say(draw, thread, staff, "", then - datetime.timedelta(hours=1), event="TAKEN")
        say(draw, thread, staff, answered + ANSWER_ENDS[nature], then)
        if state != ThreadState.IN_PROGRESS:
            say(draw, thread, staff, "", then, event=state)
    thread.save()
    return thread


def complaint(draw, row, account, staff, number):
    nature, subject, complainant, days, state, outcome = row
    author, at = User.known("rh@demo.example"), days_ago(days)
    clocks = deadlines.of_complaint(clock.day_of(at))
    thread = MessageThread(public_id=draw.uuid(), number=number, kind=threads.COMPLAINT, nature=nature, subject=subject)
    thread.account, thread.author, thread.state, thread.created_at, thread.written_at = account, author, state, at, at
    thread.company = Company.select().where(Company.account == account).order_by(Company.id).first()
    thread.complainant, thread.outcome = complainant, outcome
    thread.acknowledge_by, thread.answer_by = clocks
    thread.due_on = clocks.acknowledge_by if state == "RECEIVED" else clocks.answer_by
    thread.save(force_insert=True)
    say(draw, thread, author, f"{subject}. Merci de nous dire ce qui s’est passé, et de le corriger.", at)
    if state != "RECEIVED":
        thread.assignee, thread.acknowledged_at = staff, days_ago(days - 2)
        received = "Votre réclamation est bien arrivée. Nous l’étudions, et vous répondrons dans les délais annoncés."
        say(draw, thread, staff, received, days_ago(days - 2), event="ACKNOWLEDGED")
    if outcome:
        thread.answered_at = thread.treated_at = days_ago(days - 20)
        thread.due_on, thread.cause = None, "UNFOUNDED"
        refused = "La carte était valable ce jour-là : le refus vient du lecteur de la pharmacie."
        recourse = threads.recourse(complainant, OMBUDSMAN)
        say(draw, thread, staff, f"{refused}\n\n{recourse}", thread.answered_at)
        say(draw, thread, staff, "", thread.answered_at, event=ThreadState.TREATED)
    thread.save()
    ThreadFollower.create(thread=thread, user=author)


def say(draw, thread, by, body, at, event=""):
    message = ThreadMessage.create(
        public_id=draw.uuid(), thread=thread, author=by, by_staff=by.is_staff, event=event, body=body, created_at=at
    )
    heading = "" if thread.last_message else f"{thread.number} {threads.ALL[thread.nature].label} {thread.subject} "
    thread.last_message = thread.last_said = message.id
    thread.written_at = at
    message_words.put(db, {message.id: heading + body})
