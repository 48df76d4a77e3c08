"""What a deployment brings: the runtime, the model, the application; and what of it the board has already."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from whit.blob import Blob
from whit.errors import WhitError
from whit.probe import BoardInfo
from whit.switching import STAGE

RUNTIME = "/lib/whit"
APP = "/main.py"


@dataclass(frozen=True)
class Item:
    """A file: where it belongs on the board, and its content."""

    path: str
    content: bytes

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def is_runtime(self) -> bool:
        return self.path.startswith(RUNTIME + "/")

    @property
    def staged(self) -> str:
        """Where it waits until everything is there."""
        return STAGE + (self.path.removeprefix("/lib") if self.is_runtime else self.path)


@dataclass(frozen=True)
class Plan:
    """What will be sent, what is there already, and which files of an older runtime go."""

    send: list[Item]
    keep: list[Item]
    remove: list[str]

    @property
    def bytes_to_send(self) -> int:
        return sum(len(item.content) for item in self.send)

    @property
    def new_runtime(self) -> bool:
        """The runtime is replaced as a whole, if but one file of it changes: it never is half of each."""
        return bool(self.remove) or any(item.is_runtime for item in self.send)

    @property
    def copied(self) -> list[Item]:
        """Files that the new runtime takes over from the old one, copied by the board itself."""
        return [item for item in self.keep if item.is_runtime] if self.new_runtime else []


def application(path: Path) -> list[Item]:
    """The program that starts with the board, and the modules beside it that it imports, each with its own."""
    try:
        program = path.read_bytes()
    except OSError as error:
        raise WhitError(
            f"{path}: {(error.strerror or 'cannot be read').lower()}", "--app takes the path of a program, main.py"
        ) from error
    found = {path.resolve(): Item(APP, program)}
    waiting = [(program, "")]
    while waiting:
        source, package = waiting.pop()
        for module in _imported(source, package):
            for name in (module + ".py", module + "/__init__.py"):
                file = (path.parent / name).resolve()
                if file not in found and file.is_file():
                    found[file] = Item("/" + name, file.read_bytes())
                    waiting.append((found[file].content, name.rpartition("/")[0]))
    return list(found.values())


def _imported(source: bytes, package: str) -> Iterator[str]:
    """What Python code imports, as paths below its root without suffix; packages above a module as well."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # the board will say so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package.split("/")[: len(package.split("/")) - node.level + 1] if node.level else []
            base = ".".join([*start, *(node.module or "").split(".")]).strip(".")
            names = [base, *(f"{base}.{alias.name}".strip(".") for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] != "whit":  # a folder of that name would hide the runtime
                yield from ("/".join(parts[:end]) for end in range(1, len(parts) + 1) if name)


def check_syntax(program: bytes, name: str) -> None:
    """WhitError for a program that is no Python: it would end before its first line, where nobody sees it."""
    try:
        ast.parse(program)
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise WhitError(f"{name}{where}: {what}", "correct it; --force sends it as it is") from error


def make_plan(items: list[Item], on_board: Mapping[str, str]) -> Plan:
    """Compare ``items`` with the board's files ({path: SHA-256})."""
    send = [item for item in items if on_board.get(item.path) != item.sha256]
    keep = [item for item in items if on_board.get(item.path) == item.sha256]
    known = {item.path for item in items}
    remove = [path for path in sorted(on_board) if path.startswith(RUNTIME + "/") and path not in known]
    return Plan(send, keep, remove)


def check_fit(blob: Blob, file: str, plan: Plan, info: BoardInfo) -> None:
    """WhitError where the board has too little RAM for the model, or too little flash for the files."""
    # weights that do not fit stay in the file: then only the largest layer's must, one at a time
    if min(blob.blob_bytes, blob.window_bytes) + blob.arena_bytes > info.free_ram:
        raise too_large(file, blob.blob_bytes, blob.arena_bytes, info)
    flash = plan.bytes_to_send + sum(len(item.content) for item in plan.copied)
    if flash > info.free_flash > 0:
        raise WhitError(
            f"{file} and the runtime need {flash / 1024:.1f} KB of flash; "
            f"{title(info)} has {info.free_flash / 1024:.1f} KB free",
            f"'mpremote connect {info.port} fs ls' lists what could go",
        )


def too_large(file: str, weight_bytes: int, arena_bytes: int, info: BoardInfo) -> WhitError:
    """What is said of a model that the RAM cannot hold."""
    need, weights, arena = (f"{n / 1024:.1f}" for n in (weight_bytes + arena_bytes, weight_bytes, arena_bytes))
    return WhitError(
        f"{file} needs {need} KB (weights {weights}, arena {arena}); "
        f"{title(info)} has {info.free_ram / 1024:.1f} KB free",
        f"'whit inspect {file}' shows which layers are large",
    )


def title(info: BoardInfo) -> str:
    """The board's name in a message."""
    return "the virtual board" if info.virtual else info.machine.split(" with ")[0]
