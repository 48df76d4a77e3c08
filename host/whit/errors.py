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


class BoardError(WhitError):
    """Code on the board raised: ``str(error)`` is the last line of ``traceback``."""

    def __init__(self, traceback: str, hint: str = "") -> None:
        lines = traceback.strip().splitlines()
        super().__init__(lines[-1].removeprefix("whit: ") if lines else "the board failed without a word", hint)
        self.traceback = traceback


def damaged(port: str, why: object) -> WhitError:
    """What is to be said when the bytes between computer and board are not the ones that were sent."""
    return WhitError(
        f"bytes between here and the board on {port} were lost or changed ({why})",
        "try another cable or USB port, without a hub, then again; the board keeps what it had",
    )
