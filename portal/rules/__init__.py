"""What the trade knows, as pure functions: no database, no web, no clock but an argument."""


class Refused(ValueError):
    """A value that the trade refuses; str() is the French sentence to show, and never holds the value itself."""
