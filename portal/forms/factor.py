"""The second factor: a code to show, an application to add, its name."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, Optional

LONG = "Ce code est trop long."
WRONG = "Ce code n’est pas le bon, ou a déjà servi. Attendez le suivant, puis écrivez-le."
WRONG_RECOVERY = "Ce code de secours n’est pas le bon, ou a déjà servi. Prenez-en un autre de votre liste."
NO_ANSWER = "Aucune clé d’accès n’a répondu comme il faut. Réessayez, ou utilisez un code."
NO_SCRIPT = "Une clé d’accès a besoin de JavaScript, absent ou pas encore prêt\u00a0: réessayez, ou utilisez un code."
NAME = Length(max=60, message="Ce nom est trop long\u00a0: 60 caractères au plus.")


def trimmed(typed):
    return " ".join((typed or "").split())


class CodeForm(FlaskForm):
    """A code of an application; `recovery`: one of recovery may stand in its place, it is read alike."""

    recovery, wrong = False, WRONG
    code = StringField("Code à six chiffres", [InputRequired("Écrivez le code de l’application."), Length(0, 60, LONG)])
    confiance = BooleanField("Faire confiance à cet appareil 30\u00a0jours")


class RecoveryForm(CodeForm):
    recovery, wrong = True, WRONG_RECOVERY
    code = StringField("Code de secours", [InputRequired("Écrivez un de vos codes de secours."), Length(0, 60, LONG)])


class AddedFactor(FlaskForm):
    """An application is added by its first code."""

    code = StringField("Code à six chiffres", [InputRequired("Écrivez le code de l’application."), Length(0, 60, LONG)])
    nom = StringField("Nom de cet appareil", [Optional(), NAME], filters=[trimmed])


class AddedPasskey(FlaskForm):
    """`credential`: what the browser answered, written by its script."""

    nom = StringField("Nom de cette clé", [Optional(), NAME], filters=[trimmed])
    credential = HiddenField()


class FactorName(FlaskForm):
    nom = StringField("Nom", [InputRequired("Donnez-lui un nom."), NAME], filters=[trimmed])


class ProofForm(FlaskForm):
    """What one signs in with, once more; names that no other form has, for the boxes of another come with them."""

    WRONG_CODE = WRONG
    preuve_mot_de_passe = PasswordField(
        "Votre mot de passe",
        [InputRequired("Indiquez votre mot de passe."), Length(max=1000, message="Ce mot de passe est trop long.")],
    )
    preuve_code = StringField(
        "Code à six chiffres", [InputRequired("Écrivez le code de l’application."), Length(0, 60, LONG)]
    )

    def __init__(self, with_code, **given):
        super().__init__(**given)
        if not with_code:
            del self.preuve_code
