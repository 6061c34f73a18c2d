"""How boxes are written: WTForms takes long over their attributes, which are the same each time, but for the value."""

from markupsafe import Markup, escape
from wtforms import StringField
from wtforms.fields.choices import SelectChoice, SelectFieldBase

MOST = 2_000  # boxes: their names come from browsers
MARK = "\0value\0"  # stands for what is typed, which is not kept
WRITTEN: dict[tuple, str] = {}  # what has been written, for the attributes that the templates asked for


class Sparing:
    """`Meta` of a form whose boxes are written once for each way in which the templates ask for them."""

    def spares(self, field):
        """Whether the box of this field is one of those."""
        return True

    def render_field(self, field, given):
        if not self.spares(field):
            return super().render_field(field, given)
        if isinstance(field, StringField):
            said = None
        elif hasattr(field, "checked"):  # one of the buttons
            said = field.data, field.checked
        else:
            return super().render_field(field, given)
        asked = (*drawn_from(field), said, *sorted(given.items()))
        return written(asked, field, lambda: super(Sparing, self).render_field(field, given))


def sparing(macro):
    """The macro of a box, with its label and its hint, which does the same.

    What is wrong is written each time, as are answers that have each a hint.
    """

    def once(field, hint="", **given):
        meta = getattr(field, "meta", None)
        if field.errors or given.get("hints") or not (isinstance(meta, Sparing) and meta.spares(field)):
            return macro(field, hint, **given)
        asked = macro.name, field.label.text, hint, *drawn_from(field), answers(field), *given.items()
        return written(asked, field, lambda: macro(field, hint, **given))

    return once


def drawn_from(field):
    """What its HTML is made of, but for what is in it and what the template asks."""
    own = field.render_kw.items() if field.render_kw else ()
    return type(field), type(field.widget), field.id, field.name, *vars(field.flags).items(), *own


def answers(field):
    """The answers to choose among, which may be those of one user, and the one that is chosen; None of words."""
    if not isinstance(field, SelectFieldBase):
        return None
    among = tuple((one.value, one.label) if isinstance(one, SelectChoice) else tuple(one[:2]) for one in field.choices)
    return field.type, among, field.data if any(field.data == value for value, _ in among) else None


def written(asked, field, write):
    """What `write` makes of a field; the same is asked for the same HTML, but for the words in a box."""
    as_text = isinstance(field, StringField)
    if asked not in WRITTEN:
        if len(WRITTEN) >= MOST:
            WRITTEN.clear()
        typed, field.data = field.data, MARK if as_text else field.data
        WRITTEN[asked] = str(write())
        field.data = typed
    html = WRITTEN[asked]
    return Markup(html.replace(MARK, escape(field.data or ""), 1) if as_text else html)  # nosec B704: by WTForms
