"""« Actualité »: its words, to whom, from a day to a day."""

from itertools import starmap

from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional, ValidationError

from portal.forms.accounts import ACCOUNT, OfAnAccount
from portal.forms.changes import SentOnce, text
from portal.forms.checks import day_of, no_secret
from portal.forms.threads import long_text

EVERYONE = "tous"
AUDIENCES = {EVERYONE: "Toutes les entreprises", ACCOUNT: "Un compte, ou un de ses collèges"}


class NoticeForm(OfAnAccount, SentOnce):
    """`find(typed)` gives accounts, `colleges(account)` its colleges: of the door."""

    titre = text("Titre", "Donnez un titre.", 120)
    texte = long_text("Texte", "Écrivez le texte.", 2_000)
    important = BooleanField("Importante\u00a0: en tête de l’accueil, et mise en valeur")
    pour = RadioField("Pour qui\u202f?", choices=list(starmap(SelectChoice, AUDIENCES.items())), validate_choice=False)
    college = SelectField("Collège", validate_choice=False)
    du = StringField("Affichée du")
    au = StringField("Jusqu’au", [Optional()])
    anew = BooleanField("La montrer de nouveau à ceux qui l’ont déjà lue")

    def __init__(self, typed, today, find, colleges, notice=None):
        super().__init__(typed, **(self.given(notice) if notice else {"du": f"{today:%d/%m/%Y}", "pour": EVERYONE}))
        self.today, self.starts_on, self.ends_on = today, None, None
        self.du.flags.required = self.compte.flags.required = True
        self.look_up(find)
        self.colleges = {str(one.id): one for one in colleges(self.account)} if self.account else {}
        whole = SelectChoice("", "Tous les collèges du compte")
        self.college.choices = [whole, *(SelectChoice(key, label_of(one)) for key, one in self.colleges.items())]

    @staticmethod
    def given(notice):
        """What the boxes hold of one that was published."""
        return {
            "titre": notice.title,
            "texte": notice.body,
            "important": notice.is_important,
            "pour": ACCOUNT if notice.account_id else EVERYONE,
            "compte": notice.account.code if notice.account_id else "",
            "college": str(notice.category_id or ""),
            "du": f"{notice.starts_on:%d/%m/%Y}",
            "au": f"{notice.ends_on:%d/%m/%Y}" if notice.ends_on else "",
            "version": str(notice.version),
        }

    def validate_titre(self, field):
        no_secret(self, field)

    def validate_pour(self, field):
        if field.data not in AUDIENCES:
            raise ValidationError("Dites à qui cette actualité s’adresse.")

    def validate_college(self, field):
        if self.account and field.data and field.data not in self.colleges:
            raise ValidationError("Choisissez un collège de ce compte.")

    def validate_du(self, field):
        if not (field.data or "").strip():
            raise ValidationError("Indiquez à partir de quel jour l’afficher.")
        self.starts_on = day_of(field, self.today)

    def validate_au(self, field):
        self.ends_on = day_of(field, self.today)
        if self.ends_on and self.starts_on and self.ends_on < self.starts_on:
            raise ValidationError("Ce jour vient avant le premier. Corrigez l’un des deux.")
        if self.ends_on and self.ends_on < self.today:
            raise ValidationError("Ce jour est passé\u00a0: personne ne la verrait.")

    def columns(self):
        """What the form says, by column of the notice."""
        return {
            "title": self.titre.data,
            "body": self.texte.data,
            "is_important": self.important.data,
            "account": self.account,
            "category": self.colleges.get(self.college.data or ""),
            "starts_on": self.starts_on,
            "ends_on": self.ends_on,
        }


def label_of(college):
    return f"{college.company.label} · {college.code} {college.label}"
