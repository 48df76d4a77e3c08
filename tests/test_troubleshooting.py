"""docs/troubleshooting.md has every message that commands and the runtime give, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.test_docs import ROOT

COMPOSED = {"... operators cannot run: ..."}  # of pieces that no call holds together
LEAST = 8  # letters: a message that is little but names and numbers has no entry


def literal(node: ast.expr | None) -> str:
    """The text of an expression, with ``...`` for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%(\.\d)?[a-z]", "...", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return literal(node.left) + literal(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return literal(node.left)
    return "..."


def plain(text: str) -> str:
    """With one space after what is filled in, and without it at the end."""
    return re.sub(r"(\.\.\.[\s.]*)+", "... ", text).strip().removesuffix("...").rstrip()


def calls(folder: str) -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id, node


def messages() -> set[str]:
    """Every message of the host, and, with the name of the exception, of the runtime."""
    found = {literal(call.args[0]) for name, call in calls("host/whit") if name == "WhitError" and call.args}
    for name, call in calls("device/whit"):
        if name in ("BlobError", "OSError", "ValueError", "MemoryError") and call.args:
            found.add(f"{name}: {literal(call.args[0])}")
        elif name == "refuse":
            found.add(f"BlobError: ...: {literal(call.args[1])}")
    worded = {plain(text) for text in found | COMPOSED}
    return {text for text in worded if len(re.sub(r"[^a-z]", "", text.partition("Error: ")[2] or text)) >= LEAST}


def entries() -> list[str]:
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    return [plain(text) for text in re.findall(r"^### `(.*)`$", page, re.MULTILINE)]


def test_every_message_has_an_entry() -> None:
    missing = sorted(messages() - set(entries()))
    assert not missing, "docs/troubleshooting.md lacks\n" + "\n".join(missing)


def test_every_entry_is_a_message() -> None:
    gone = sorted(set(entries()) - messages())
    assert not gone, "no message any more:\n" + "\n".join(gone)


def test_no_entry_twice() -> None:
    found = entries()
    assert len(found) == len(set(found)) > 80
