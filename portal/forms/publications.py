"""What the mutual publishes: what it is, for whom, in which folder, from when; its new versions; its withdrawal."""

from datetime import timedelta
from itertools import starmap

from wtforms import Form, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal import documents, library
from portal.exchange import uploads
from portal.formats import date_fr, sort_key
from portal.forms.accounts import ACCOUNT, OfAnAccount
from portal.forms.changes import SentOnce, text
from portal.forms.checks import day_of, is_secret, no_secret
from portal.forms.uploads import UploadField
from portal.models import Audience, Publication, publication_words
from portal.rules import Refused, publishing

EVERYONE, PLAN = "tous", "garantie"
AUDIENCES = {
    EVERYONE: "Toutes les entreprises",
    ACCOUNT: "Un compte, une de ses entreprises ou un de ses collèges",
    PLAN: "Les entreprises qui ont une garantie",
}
WHOLE = "tout"  # in the place of a company: the whole account
AHEAD = timedelta(days=366)
STATES = {"publiees": "Publiées", "a-venir": "À venir", "retraits": "Retrait annoncé", "retirees": "Retirées"}


class PublicationFilter(Form):
    """Narrows the mutual's list; an unknown value narrows nothing."""

    q = StringField("Rechercher dans les noms et les textes")
    etat = SelectField("État", choices=[SelectChoice("", "Tous"), *starmap(SelectChoice, STATES.items())])

    def secrets(self):
        """The boxes that hold a NIR or an IBAN: it must not stay in an address."""
        return ["q"] if is_secret(self.q.data or "") else []

    def narrow(self, publications, today):
        words = " ".join(library.meant(self.q.data or ""))
        if words:
            publications = publications.where(library.holding(Publication, publication_words, words))
        gone, to_come = Publication.withdrawn_on <= today, Publication.published_on > today
        narrowed = {
            "publiees": Publication.shown(today),
            "a-venir": to_come,
            "retraits": Publication.withdrawn_on > today,
            "retirees": gone,
        }.get(self.etat.data)
        return publications if narrowed is None else publications.where(narrowed)


class PublicationForm(OfAnAccount, SentOnce):
    """`find(typed)` gives accounts, `colleges(account)` its colleges, `plans` products: through the door.

    `folders`: {public id: (LibraryFolder, its path)}.
    """

    fichier = UploadField("Fichier à publier", kinds=uploads.ALL, missing="Choisissez le fichier à publier.")
    titre = text("Titre", "Donnez un titre : c’est lui que les entreprises liront.", 200)
    nature = SelectField("Nature", validate_choice=False)
    boite = SelectField("Boîte à outils", validate_choice=False)
    dossier = SelectField("Dossier", validate_choice=False)
    nouveau = text("Nouveau dossier")
    pour = RadioField("Pour qui ?", choices=list(starmap(SelectChoice, AUDIENCES.items())), validate_choice=False)
    lieu = SelectField("Tout le compte, ou une partie", validate_choice=False)
    garantie = SelectField("Garantie", validate_choice=False)
    publie = StringField("Publié le")

    def __init__(self, typed, today, find, colleges, plans, folders):
        super().__init__(typed, publie=date_fr(today))
        self.today, self.folders, self.plans = today, folders, {plan.code: plan for plan in plans}
        self.nature.choices = choices({key: one.label for key, one in publishing.NATURES.items()})
        self.boite.choices = choices(library.TOOLBOXES, "Aucune")
        self.dossier.choices = choices({key: path for key, (_, path) in folders.items()}, library.ROOT)
        self.garantie.choices = choices({code: f"{plan.label}, {code}" for code, plan in self.plans.items()})
        self.look_up(find)
        self.places = places(self.account, colleges(self.account)) if self.account else {}
        self.lieu.choices = list(starmap(SelectChoice, ((key, label) for key, (label, _) in self.places.items())))
        for box in (self.nature, self.pour, self.publie):
            box.flags.required = True

    def validate_titre(self, field):
        no_secret(self, field)

    def validate_nature(self, field):
        if field.data not in publishing.NATURES:
            raise ValidationError("Choisissez la nature : elle dit combien de temps le document doit rester.")

    def validate_dossier(self, field):
        if field.data and field.data not in self.folders:
            raise ValidationError("Choisissez un dossier.")
        if not field.data and not self.nouveau.data:
            raise ValidationError("Choisissez un dossier, ou nommez-en un nouveau.")

    def validate_nouveau(self, field):
        if set(field.data or "") & set('/\\<>:"|?*') or (field.data or "").startswith("."):
            raise ValidationError('Un nom de dossier ne contient ni point au début, ni / \\ < > : " | ? *')
        if not self.dossier.data and sort_key(field.data or "") in {
            sort_key(one.name) for one in documents.FOLDERS.values()
        }:
            raise ValidationError(
                "Le portail range déjà ce qu’il établit dans un dossier de ce nom. Choisissez-en un autre."
            )

    def validate_pour(self, field):
        if field.data not in AUDIENCES:
            raise ValidationError("Dites à qui ce document s’adresse.")

    def validate_lieu(self, field):
        if self.account and field.data not in self.places:
            raise ValidationError("Choisissez tout le compte, une entreprise ou un collège.")

    def validate_garantie(self, field):
        if self.pour.data == PLAN and field.data not in self.plans:
            raise ValidationError("Choisissez la garantie.")

    def validate_publie(self, field):
        self.published_on = day_of(field, self.today)
        if self.published_on > self.today + AHEAD:
            raise ValidationError("Au plus un an à l’avance.")

    @property
    def folder(self):
        """(the folder that was chosen or None, the name of a new one within or "")"""
        return self.folders.get(self.dossier.data, (None,))[0], self.nouveau.data or ""

    def columns(self):
        """What the form says, by column of the publication; its folder apart."""
        return {
            "title": self.titre.data,
            "nature": self.nature.data,
            "toolbox": self.boite.data if self.boite.data in library.TOOLBOXES else "",
            "published_on": self.published_on,
            **self.audience(),
        }

    def audience(self):
        if self.pour.data == ACCOUNT:
            return self.places[self.lieu.data][1]
        if self.pour.data == PLAN:
            return {"audience": Audience.PLAN, "plan": self.plans[self.garantie.data]}
        return {"audience": Audience.EVERYONE}


def choices(labels, none="Choisissez"):
    return [SelectChoice("", none), *starmap(SelectChoice, labels.items())]


def places(account, colleges):
    """What a publication may be addressed to within an account: key → (label, columns)."""
    found = {WHOLE: ("Tout le compte", {"audience": Audience.ACCOUNT, "account": account})}
    for one in colleges:
        company = {"account": account, "company": one.company}
        found[one.company.code] = (f"Entreprise {one.company.label}", company | {"audience": Audience.COMPANY})
        label = f"Collège {one.code} {one.label}, {one.company.label}"
        found[one.key] = (label, company | {"audience": Audience.CATEGORY, "category": one})
    return found


class VersionForm(SentOnce):
    """A new version, which takes the place of the last."""

    fichier = UploadField(
        "Nouvelle version", kinds=uploads.ALL, missing="Choisissez le fichier de la nouvelle version."
    )
    note = text("Ce qui change", "Dites en une phrase ce qui change.", 200)

    def validate_note(self, field):
        no_secret(self, field)


class WithdrawalForm(SentOnce):
    """The day from which nobody sees it any more, as early as the law lets it be."""

    retrait = StringField("Retiré à partir du")
    fin = StringField("Fin de l’adhésion")
    raison = text("Raison", "Donnez la raison : les entreprises la liront.", 200)

    def __init__(self, typed, today, contractual):
        super().__init__(typed)
        self.today, self.contractual, self.on = today, contractual, None
        self.retrait.flags.required = self.fin.flags.required = True

    def validate_fin(self, field):
        self.ended_on = day_of(field, self.today) if self.contractual else None

    def validate_retrait(self, field):
        self.on = day_of(field, self.today)

    def validate_raison(self, field):
        no_secret(self, field)

    def validate(self, extra_validators=None):
        """The law last: it needs both days."""
        if not super().validate(extra_validators):
            return False
        try:
            publishing.check_withdrawal(self.on, self.contractual, self.today, self.ended_on)
        except Refused as refused:
            self.retrait.errors = [str(refused)]
        return not self.errors


class MistakeForm(SentOnce):
    """It should never have been published to these readers."""

    erreur = text("Ce qui s’est passé", "Dites ce qui s’est passé : c’est inscrit au journal.", 200)

    def validate_erreur(self, field):
        no_secret(self, field)
