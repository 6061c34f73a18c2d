"""Signing in, and choosing a password."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.forms.checks import by_rule
from portal.rules import identifiers, passwords


class SignIn(FlaskForm):
    identifiant = StringField(
        "Identifiant",
        [InputRequired("Indiquez votre identifiant."), Length(max=254, message="Cet identifiant est trop long.")],
    )
    mot_de_passe = PasswordField(
        "Mot de passe",
        [InputRequired("Indiquez votre mot de passe."), Length(max=1000, message="Ce mot de passe est trop long.")],
    )


class ForgottenPassword(FlaskForm):
    courriel = StringField("Courriel", [InputRequired("Indiquez votre courriel."), by_rule(identifiers.email)])


class NewPassword(FlaskForm):
    """A password chosen twice; `about`: words of the person and company that it may not hold."""

    mot_de_passe = PasswordField("Nouveau mot de passe", [InputRequired("Choisissez un mot de passe.")])
    confirmation = PasswordField("Le même, une seconde fois", [InputRequired("Écrivez-le une seconde fois.")])

    def __init__(self, user, **kwargs):
        super().__init__(**kwargs)
        self.user = user

    def validate_mot_de_passe(self, field):
        about = [self.user.first_name, self.user.last_name, self.user.organisation, self.user.identifier.split("@")[0]]
        sentence = passwords.refusal(field.data, about=about, staff=self.user.is_staff)
        if sentence:
            raise ValidationError(sentence)

    def validate_confirmation(self, field):
        if field.data != self.mot_de_passe.data:
            raise ValidationError("Les deux mots de passe ne sont pas les mêmes.")


class ChangedPassword(NewPassword):
    """By someone who is signed in: the present password first."""

    actuel = PasswordField("Mot de passe actuel", [InputRequired("Indiquez votre mot de passe actuel.")])
    preuve = StringField("Code à six chiffres", [Length(max=60, message="Ce code est trop long.")])
    preuve_cle = HiddenField()  # what a passkey answers in the place of the code
