"""What is typed in the six steps of an enrolment, right by default; and a browser that types it."""

import datetime
import re

from portal import clock
from portal.models import Enrolment, GroupContract

NIR = "2 94 06 39 478 031 45"
IBAN = "FR76 3000 6000 0112 3456 7890 189"


def day(**ahead):
    return clock.today() + datetime.timedelta(**ahead)


def years_ago(years):
    return day().replace(year=day().year - years, month=6, day=15)


def typed(date):
    return f"{date:%d/%m/%Y}"


def contract_words(user, **words):
    number = user.contracts().order_by(GroupContract.id).get().number
    return {"contrat": number, "datedeffet": typed(day(days=20)), **words}


EMPLOYEE = {
    "civilite": "Mme",
    "nom": "Lacroix",
    "nomdusage": "Courbet",
    "prenom": "Inès",
    "datedenaissance": "30/06/1994",
    "nssociale": NIR,
    "sexe": "F",
    "typedassure": "MSA",
    "autreregime": "Non",
}
ADDRESS = {"portable": "06 12 34 56 78", "n": "3", "rue": "rue du Pré", "codepostal": "39200", "ville": "Saint-Claude"}
ACCOUNTS = {"ibanprestation": IBAN}
NO_SPOUSE, NO_CHILD = {"presence": "aucun"}, {"presence": "aucun"}
SPOUSE = {
    "presence": "present",
    "lien": "PACS",
    "nom": "Roux",
    "prenom": "Paul",
    "datedenaissance": "01/02/1990",
    "sexe": "M",
}


def children(*born, **words):
    """Children of the name Roux, born these days."""
    found = {"presence": "present", **words}
    for number, date in enumerate(born):
        who = {"nom": "Roux", "prenom": f"Léo{'abcdefg'[number]}", "datedenaissance": typed(date), "sexe": "M"}
        found |= {f"enfants-{number}-{name}": text for name, text in who.items()}
    return found


STEPS = {
    "salarie": EMPLOYEE,
    "coordonnees": ADDRESS,
    "comptes": ACCOUNTS,
    "conjoint": NO_SPOUSE,
    "enfants": NO_CHILD,
}


def begin(client, user, **words):
    """The draft that the first step makes."""
    answer = client.post("/adhesion/nouvelle", contract_words(user, **words))
    assert passes(answer), answer.get_data(as_text=True)[-3000:]
    return Enrolment.get(Enrolment.public_id == answer.headers["Location"].split("/")[2])


def fill(client, draft, until="verification", **steps):
    """Go through the steps, as a browser does, up to one; `steps`: other words for some of them."""
    for step, words in STEPS.items():
        if step == until:
            break
        answer = send(client, draft, step, steps.get(step, words))
        assert passes(answer), (step, said(answer))
    return draft


def send(client, draft, step, words, action="suivant", **page):
    """Send the form of a step, from a page that was drawn now (or with this `version` and `form_key`)."""
    if not page:
        page = page_of(client, draft, step)
    return client.post(f"/adhesion/{draft.public_id}/{step}", {**page, **words, "action": action})


def passes(answer):
    """Whether a step that was sent leads further, and not back to itself."""
    return answer.status_code == 303 and "revoir=" not in answer.headers["Location"]


def told(client, answer):
    """The page that tells what is wrong in the step that was sent, or doubtful: the browser is sent to it."""
    where = answer.headers.get("Location", "")
    assert answer.status_code == 303 and "revoir=" in where, (answer.status_code, where, said(answer))
    page = client.get(where)
    assert page.status_code == 200, page.headers.get("Location")
    return page


def page_of(client, draft, step):
    """What the page of a step hides: the version, the key, what was told."""
    html = client.get(f"/adhesion/{draft.public_id}/{step}").get_data(as_text=True)
    return {name: value for name, value in hidden(html).items() if name in ("version", "form_key", "averti", "autre")}


def hidden(html):
    return dict(re.findall(r'<input id="\w+" name="(\w+)" type="hidden" value="([^"]*)">', html))


def said(answer):
    """What an answer says in alerts and above its boxes."""
    html = answer.get_data(as_text=True)
    found = re.findall(r'class="(?:alert|invalid-feedback)[^>]*>(.*?)</(?:div|p)>', html, flags=re.S)
    return [" ".join(re.sub(r"<[^>]*>", " ", text).split()) for text in found]
