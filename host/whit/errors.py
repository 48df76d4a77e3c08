"""The one error class of the host side: what is wrong, and one hint."""

from __future__ import annotations


class WhitError(Exception):
    """An error that a user can act on.

    ``str(error)`` is one line that says what is wrong, with the two numbers or names that disagree;
    ``hint`` is one line that names a way out (a command that exists, where there is one). The command
    line prints both and exits with 1; it never shows a traceback for this class.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
