"""What filters keep of the boxes that they wrote: nothing that somebody typed, nor what belongs to another form."""

from werkzeug.datastructures import MultiDict
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from portal.forms.filters import Filter, SharedSelect


class Words(Filter):
    q = StringField("Mots")


class LongWords(Filter):
    q = StringField("Mots", [InputRequired(), Length(max=40)])


class Kinds(Filter):
    nature = SelectField("Nature", widget=SharedSelect())

    def __init__(self, typed, *words):
        super().__init__(typed)
        self.nature.choices = [SelectChoice(word, word.title()) for word in words]


def typed(**words):
    return MultiDict(words)


def test_what_is_typed_is_in_nobody_else_s_box():
    assert 'value="Vuillermoz"' in Words(typed(q="Vuillermoz")).q()
    assert 'value=""' in Words(typed()).q()
    assert Words(typed()).q() == Words(typed(q="")).q()


def test_a_box_that_wants_something_else_is_written_apart():
    plain, limited = Words(typed()).q(), LongWords(typed()).q()
    assert ("maxlength" in plain, "required" in plain) == (False, False)
    assert 'maxlength="40"' in limited
    assert 'class="x"' in Words(typed()).q(**{"class": "x"})
    assert 'class="x"' not in Words(typed()).q()


def test_an_empty_box_in_error_is_not_kept():
    form = Words(typed())
    form.q.errors = ["Indiquez un mot."]
    assert 'aria-invalid="true"' in form.q(**{"aria-invalid": "true"})
    assert "aria-invalid" not in Words(typed()).q()


def test_a_list_shows_its_own_choices_and_what_is_chosen():
    first, other = Kinds(typed(nature="b"), "a", "b"), Kinds(typed(nature="b"), "b", "c")
    assert '<option selected value="b">B</option>' in first.nature()
    assert ('value="a"' in first.nature(), 'value="a"' in other.nature()) == (True, False)
    assert "selected" not in Kinds(typed(nature="z"), "a", "b").nature().replace('<option selected value="a">', "")
