"""How boxes are written: WTForms takes long over their attributes, which are the same each time, but for the value."""

from markupsafe import Markup, escape
from wtforms import StringField

MOST = 2_000  # boxes: their names come from browsers
MARK = "\0value\0"  # stands for what is typed, which is not kept
WRITTEN: dict[tuple, str] = {}  # what has been written, for the attributes that the templates asked for


class Sparing:
    """`Meta` of a form whose boxes are written once for each way in which the templates ask for them."""

    def render_field(self, field, given):
        as_text = isinstance(field, StringField)
        if not as_text and not hasattr(field, "checked"):  # neither a box for words nor one of the buttons
            return super().render_field(field, given)
        said = None if as_text else (field.data, field.checked)
        kind = type(field), field.id, field.name, field.flags.required, said
        written = (*kind, *sorted(given.items()))
        if written not in WRITTEN:
            if len(WRITTEN) >= MOST:
                WRITTEN.clear()
            typed, field.data = field.data, MARK if as_text else field.data
            WRITTEN[written] = str(super().render_field(field, given))
            field.data = typed
        return Markup(WRITTEN[written].replace(MARK, escape(field.data or ""), 1))  # nosec B704: written by WTForms
