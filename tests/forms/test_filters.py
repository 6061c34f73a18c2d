"""What filters keep of the boxes that they wrote: nothing that somebody typed, nor what belongs to another form."""

from werkzeug.datastructures import MultiDict
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from portal.forms import boxes
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


class OwnKinds(Filter):
    """A list of what one user may choose among."""

    mots = StringField("Mots")
    nature = SelectField("Nature")

    def __init__(self, typed, *words):
        super().__init__(typed)
        self.nature.choices = [SelectChoice(word, word.title()) for word in words]


def field(form_field, hint="", **given):
    """A macro, as the template of boxes gives them."""
    return f"<label>{form_field.label.text}</label>{form_field(**given)}"


field.name = "field"


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


def test_a_list_of_one_s_own_choices_is_not_kept():
    boxes.WRITTEN.clear()
    form, draw = OwnKinds(typed(mots="Vuillermoz", nature="scierie"), "scierie", "menuiserie"), boxes.sparing(field)
    assert "Scierie" in draw(form.nature)
    assert not boxes.WRITTEN
    assert 'value="Vuillermoz"' in draw(form.mots)
    assert boxes.WRITTEN
    assert "Vuillermoz" not in "".join(boxes.WRITTEN.values())


def test_a_box_with_its_label_tells_what_is_chosen_and_typed_now():
    draw = boxes.sparing(field)
    first, other = draw(Kinds(typed(nature="b"), "a", "b").nature), draw(Kinds(typed(nature="a"), "a", "b").nature)
    assert '<option selected value="b">' in first
    assert '<option selected value="a">' in other
    assert 'value="<"' not in draw(Words(typed(q="<")).q)
    assert "maxlength" not in draw(Words(typed()).q)
    assert 'maxlength="40"' in draw(LongWords(typed()).q)
