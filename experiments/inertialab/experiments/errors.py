"""Errors that people cause, and whose text tells them what to do."""


class WrongInputError(Exception):
    """Something the user asked for that cannot be done; the sentence says what to do instead."""
