"""Every block of every README is run, and must print what the README says.

How a block is marked, and what is done with it, in order, in one folder and with one virtual board:

- ``sh``: lines that begin with ``$ `` are commands, the lines after each are what it prints, stderr included.
- ``sh setup``: the same, but commands that set a checkout up are only looked at: make's targets exist (``make -n``),
  what makes an environment is one of ENVIRONMENT (tests/test_newcomer.py runs those of the first page).
- ``python``: a program for the host. A ``text`` block right after it is what it prints.
- ``python file NAME``: saved as that file. ``python from PATH``: stands so in that file of the project.
- ``python board``: typed at the virtual board's REPL, ``>>> `` and ``... `` as a person would see them.
- ``text`` after anything else, and ``json``: only shown.

In what is printed three dots (or more, to keep a column) stand for any text, alone on a line for any lines. Where a
document says /dev/ttyACM0, it is the port of a virtual board that is meant, with the runtime and iris.whit deployed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from whit.board import Board
from whit.ops import LOWER
from whit.virtual import VirtualBoard

ROOT = Path(__file__).resolve().parents[1]
PORT = "/dev/ttyACM0"
FIRST = "README.md"  # it makes the model that the others use
DOCUMENTS = [FIRST, "host/README.md", "device/README.md", "examples/README.md", "bench/README.md"]
DOCUMENTS += ["device/asm/README.md", "boards/README.md"]
DOCUMENTS += [f"docs/{name}.md" for name in ("your-model", "fit", "kernel", "troubleshooting")]
ALONE = ["docs/first-model.md", "examples/first_lesson/README.md"]  # read with an empty board, in an empty folder
ENVIRONMENT = {"python3 -m venv .venv", ". .venv/bin/activate", "pip install .", "pip install '.[examples]'"}
DEMO = "examples/gesture_control/demo.py"
EXAMPLES = ["examples/gesture_control/README.md", "examples/sensor_classification/README.md"]  # read in the checkout
SHOWN = {"text", "json"}


@dataclass
class Block:
    kind: str
    text: str
    line: int


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a document, each with the number of its first line."""
    found, kind, start, lines = [], None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if kind is None and line.startswith("```"):
            kind, start, lines = line[3:].strip(), number + 1, []
        elif kind is not None and line.startswith("```"):
            found.append(Block(kind, "\n".join(lines), start))
            kind = None
        elif kind is not None:
            lines.append(line)
    assert kind is None, f"a block that begins at line {start} has no end"
    return found


def matches(want: str, got: str) -> bool:
    """Is `got` what a document promises? Spaces at the end of lines and empty lines around it do not count."""
    parts = []
    for line in want.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(r".*?".join(re.escape(part) for part in re.split(r"\.{3,}", line.rstrip())) + r"\n")
    tidy = "\n".join(line.rstrip() for line in got.splitlines()).strip("\n")
    return re.fullmatch("".join(parts), tidy and tidy + "\n") is not None


def prompts(text: str, prompt: str, more: str = "") -> Iterator[tuple[str, str]]:
    """(what is typed, what it prints) for each prompt of a block."""
    typed: list[str] = []
    printed: list[str] = []
    for line in text.splitlines():
        if line.startswith(prompt):
            if typed:
                yield "\n".join(typed), "\n".join(printed)
            typed, printed = [line[len(prompt) :]], []
        elif more and not printed and line.startswith(more):
            typed.append(line[len(more) :])
        else:
            assert typed, f"a line before the first prompt {prompt!r}: {line}"
            printed.append(line)
    if typed:
        yield "\n".join(typed), "\n".join(printed)


@dataclass
class Reader:
    """Someone who types what the documents say, in a folder of their own."""

    folder: Path
    port: str
    tools: Path  # a folder for the command whit, that of this checkout
    done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        command = self.tools / "whit"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m whit "$@"\n')
        command.chmod(0o755)
        if self.folder != ROOT:
            (self.folder / "examples").symlink_to(ROOT / "examples")  # as in the folder of a checkout

    def read(self, document: str) -> None:
        if document in self.done:
            return
        if document in DOCUMENTS[1:]:
            self.read(FIRST)
        self.done.add(document)
        text = (ROOT / document).read_text().replace(PORT, self.port)
        found = blocks(text)
        for index, block in enumerate(found):
            after = found[index + 1] if index + 1 < len(found) else Block("", "", 0)
            where = f"{document}, line {block.line}"
            if block.kind == "sh":
                self.shell(block.text, where)
            elif block.kind == "sh setup":
                self.shell(block.text, where, setup=True)
            elif block.kind.startswith("python file "):
                (self.folder / block.kind.split()[2]).write_text(block.text + "\n")
            elif block.kind.startswith("python from "):
                assert block.text in (ROOT / block.kind.split()[2]).read_text(), f"{where}: not so in that file"
            elif block.kind == "python":
                want = after.text if after.kind == "text" else ""
                self.program(block.text, want, where)
            elif block.kind == "python board":
                self.repl(block.text, where)
            else:
                assert block.kind in SHOWN, f"{where}: a block of kind {block.kind!r} is run by nobody"

    def program(self, text: str, want: str, where: str) -> None:
        # TensorFlow talks on stderr, differently on each machine; only an exit code says that it went wrong.
        script = self.tools / "block.py"
        script.write_text(text)
        done = self.run(["sh", "-c", f'"{sys.executable}" "{script}" 2> "{self.tools}/stderr"'])
        said = (self.tools / "stderr").read_text() if done[0] else ""
        self.expect(where, want, (done[0], done[1] + said))

    def expect(self, where: str, want: str, done: tuple[int, str], code: int = 0) -> None:
        assert done[0] == code, f"{where}: exit code {done[0]}\n{done[1]}"
        assert matches(want, done[1]), f"{where} promises\n{want}\n\nand this came:\n{done[1]}"

    def run(self, command: list[str]) -> tuple[int, str]:
        env = {
            **os.environ,
            "PATH": os.pathsep.join([str(self.tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT / "host"),
            "PYTHONUTF8": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "COLUMNS": "110",
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout

    def shell(self, text: str, where: str, setup: bool = False) -> None:
        for command, want in prompts(text, "$ "):
            if setup and command in ENVIRONMENT:
                continue
            if setup and command.startswith("make "):
                subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, check=True, capture_output=True)
                continue
            code = 1 if want.startswith("whit: ") else 0  # a document may show an error
            self.expect(f"{where}: {command}", want, self.run(["sh", "-c", within_make(command)]), code)

    def repl(self, text: str, where: str) -> None:
        with Board(self.port) as board:
            for typed, want in prompts(text, ">>> ", "... "):
                got = board.exec(echoing(typed))
                self.expect(f"{where}: {typed}", want, (0, got))


def within_make(command: str) -> str:
    """`make demo` as this Python runs it, so that a test never installs anything; other commands as they are."""
    if command != "make demo":
        return command
    planned = subprocess.run(
        ["make", "--no-print-directory", "-n", "demo"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert planned.splitlines()[-1].endswith(DEMO)
    return f'"{sys.executable}" {DEMO}'


def echoing(typed: str) -> str:
    """The code that prints the value of an expression, as a REPL does."""
    tree = ast.parse(typed)
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        return f"_ = ({typed}\n)\nif _ is not None: print(repr(_))"
    return typed


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        # virtual boards that others run on this machine are not seen from here
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        patch.setattr(tempfile, "tempdir", None)
        with VirtualBoard() as virtual:
            yield virtual.port


@pytest.fixture(scope="module")
def reader(port: str, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(tmp_path_factory.mktemp("reader"), port, tmp_path_factory.mktemp("tools"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_document(reader: Reader, document: str) -> None:
    reader.read(document)


@pytest.mark.parametrize("document", ALONE)
def test_document_that_begins_with_nothing(document: str, port: str, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "reader").mkdir()
    with VirtualBoard() as board:
        Reader(tmp_path / "reader", board.port, tmp_path / "tools").read(document)


@pytest.mark.parametrize("document", EXAMPLES)
def test_example(document: str, port: str, tmp_path: Path) -> None:
    Reader(ROOT, port, tmp_path).read(document)


def test_every_readme_is_read() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("README.md")
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    }
    assert found <= {*DOCUMENTS, *ALONE, *EXAMPLES}
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= {*DOCUMENTS, *ALONE}


def test_first_page_lists_every_operator() -> None:
    text = (ROOT / FIRST).read_text()
    ours = {"FLOAT", "READ_COPY"}  # the converter's own, of no file
    assert [kind for kind in LOWER if kind not in ours and not re.search(rf"\b{kind}\b", text)] == []


@pytest.mark.parametrize(
    ("want", "got", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a", "a\nb\n", False),
        ("a\n...", "a\nb\nc\n", True),
        ("...\nc", "a\nb\nc\n", True),
        ("took ... ms", "took 1.5 ms\n", True),
        ("took ... ms", "took 1.5 s\n", False),
        ("| .... ms |", "| 12.5 ms |\n", True),
        ("", "", True),
        ("", "a\n", False),
    ],
)
def test_matches(want: str, got: str, same: bool) -> None:
    assert matches(want, got) is same
