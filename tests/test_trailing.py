"""What writes is written down: every form comes to an event, and in every test of the suite it left one."""

import pytest

from portal.models import Favourite, ManagedAccount, User, db
from tests.trailing import SAYS_NOTHING, SOMETIMES, silent_forms


def test_every_form_comes_to_an_event_but_a_few_that_say_why(app):
    forms, silent = silent_forms(app)
    print(f"{len(forms) - len(silent)} forms of {len(forms)} write in the trail, {len(silent)} have a reason not to")
    assert silent == SAYS_NOTHING.keys()
    assert forms >= SOMETIMES.keys() and not SOMETIMES.keys() & silent
    assert len(forms) > 150


@pytest.fixture
def planted(app, database):
    """Views that say nothing: one keeps a row, one changes none, one undoes what it did."""

    @app.post("/plantee/<how>")
    def plant(how):
        if how == "rien":
            Favourite.delete().execute()
            return "rien"
        with db.atomic() as transaction:
            Favourite.create(user=User.get(), account=ManagedAccount.get())
            if how == "defait":
                transaction.rollback()
        return "fait"

    return app


def test_a_form_that_writes_and_says_nothing_is_found(planted, signed_in, trailing):
    assert "plant" in silent_forms(planted)[1]
    assert signed_in.post("/plantee/garde").status_code == 200
    assert trailing.silent == [("plant", ["favourite"])]
    trailing.silent.clear()


@pytest.mark.parametrize("how", ["rien", "defait"])
def test_what_changed_no_row_needs_no_event(planted, signed_in, trailing, how):
    assert signed_in.post(f"/plantee/{how}").status_code == 200
    assert trailing.silent == []
