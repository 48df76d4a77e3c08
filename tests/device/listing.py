"""The files of the device runtime, and tables of them that are kept in the project.

``WHIT_UPDATE=1`` lets the tests write these tables anew; the difference is then for you to read and to commit.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from whit.paths import device_root, mpy_root

# the inline assembler in these folders is for one architecture, here as mpy-cross names it
ASSEMBLED = {"thumb": "armv6m", "dsp": "armv7em", "rv32": "rv32imc"}
# machine code that comes as .mpy only, in folders of device/mpy: there is no inline assembler for it
MACHINE_CODE = ("xtensa", "xtensa-s2", "pie")
UPDATE = "set WHIT_UPDATE=1 and run this test again to write it anew"


def files() -> list[Path]:
    """Every .py file of the runtime, relative to the folder that holds ``whit``."""
    root = device_root()
    return sorted(path.relative_to(root) for path in (root / "whit").rglob("*.py"))


def machine_code() -> list[Path]:
    """Every .mpy file of MACHINE_CODE, relative to ``device/mpy``."""
    return sorted(
        path.relative_to(mpy_root()) for family in MACHINE_CODE for path in (mpy_root() / family).glob("*.mpy")
    )


def march(path: Path) -> str | None:
    """The only architecture that a file of the runtime is for, if it is not for all."""
    return None if path.name == "__init__.py" else ASSEMBLED.get(path.parent.name)


def kept(path: Path, found: dict[str, Any]) -> Any:
    """The table at ``path``; with WHIT_UPDATE=1 it is first made to say what was found."""
    if os.environ.get("WHIT_UPDATE") == "1":
        path.write_text(json.dumps(found, indent=1) + "\n")
    return json.loads(path.read_text())
