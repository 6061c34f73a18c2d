"""To which account something is addressed, as the mutual's staff type it: by its code, or by its name."""

from wtforms import Form, StringField
from wtforms.validators import ValidationError

ACCOUNT = "compte"  # the answer to « Pour qui ? » that asks for one
MOST_FOUND = 6


class OfAnAccount(Form):
    """Forms whose box `pour` may say ACCOUNT: `account`, or None; `found`, those that the words may mean."""

    compte = StringField("Compte", filters=[lambda typed: " ".join((typed or "").split())])

    account, found = None, ()

    def look_up(self, find):
        """The account that is meant: of this very code, or the only one of this name. `find(typed)`: of the door."""
        typed = self.compte.data or ""
        if self.pour.data != ACCOUNT or not typed:
            return
        self.found = list(find(typed).limit(MOST_FOUND))
        same = [one for one in self.found if one.code.casefold() == typed.casefold()] or self.found
        if len(same) == 1:
            (self.account,) = same

    def validate_compte(self, field):
        if self.pour.data != ACCOUNT or self.account:
            return
        if not field.data:
            raise ValidationError("Indiquez le code ou le nom du compte.")
        if not self.found:
            raise ValidationError("Aucun compte ne correspond. Vérifiez le code ou le nom.")
        several = ", ".join(f"{one.code} ({one.name})" for one in self.found)
        raise ValidationError(f"Plusieurs comptes correspondent\u00a0: {several}. Indiquez le code de l’un d’eux.")
