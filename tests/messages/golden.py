"""Texts that are kept in the project: a file of sections, each with a heading ``## name``.

``WHIT_UPDATE=1`` lets the tests write it anew; the difference is then for you to read and to commit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

UPDATE = os.environ.get("WHIT_UPDATE") == "1"


class Golden:
    """The sections of ``path``, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
        self.heading = parts[0]
        self.sections = {name: body.strip("\n") for name, body in zip(parts[1::2], parts[2::2], strict=True)}

    def check(self, name: str, found: str) -> None:
        """``found`` must be the section of that name; with WHIT_UPDATE=1 it becomes that."""
        if UPDATE:
            self.sections[name] = found.strip("\n")
        assert self.sections.get(name) == found.strip("\n"), (
            f"{self.path.name}, ## {name}: another text; set WHIT_UPDATE=1 and run this test again to write it anew"
        )

    def close(self, names: Iterable[str]) -> None:
        """After the last test: write what is new, in the order of ``names``, and drop what is no case any more."""
        if UPDATE:
            kept = [f"## {name}\n{self.sections[name]}\n" for name in names if name in self.sections]
            self.path.write_text("\n".join([self.heading.strip("\n") + "\n", *kept]), encoding="utf-8")
