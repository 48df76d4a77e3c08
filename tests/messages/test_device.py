"""What the runtime says inside MicroPython when something is wrong: every word of it, as device.txt has it."""

from __future__ import annotations

import re
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from whit.blob import HEADER, Blob
from whit.paths import device_root
from whit.version import __version__

from tests.device import models
from tests.device.session import Session
from tests.hostile.mutate import parts, seal

from .golden import Golden

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="MicroPython needs Linux or macOS")

# name -> what is typed; an exception is expected
CASES = {
    "no such file": "whit.load('nope.whit')",
    "not a whit file": "whit.load('text.whit')",
    "damaged": "whit.load('bad.whit')",
    "cut short": "whit.load('short.whit')",
    "sections that do not fit": "whit.load('sections.whit')",
    "version skew: format": "whit.load('new.whit')",
    "version skew: runtime": "whit.load('later.whit')",
    "version skew: operator": "whit.load('op.whit')",
    "does not fit": "whit.load('big.whit')",
    "outside its memory": "whit.load('hostile.whit')",
    "kernels that do not run here": "whit.load('ok.whit', kernels='thumb')",
    "wrong input": "whit.load('ok.whit').predict([1, 2, 3])",
    "a number that is none": "whit.load('ok.whit').predict([1, 2, float('nan'), 4])",
    "too many inputs": "whit.load('ok.whit').predict([1, 2, 3, 4], [5])",
    "a description that is damaged": "whit.load('meta.whit').summary()",
    "labels that are no names": "whit.load('labels.whit').labels",
}
EMITTER = "no native emitter"


def changed(good: Blob, head: dict[int, int]) -> bytes:
    """With other words in the header: 1 format, 2 and 3 runtime, 6 arena, 7 bytes of META."""
    made = parts(good)
    made.head = head
    return made.pack()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blobs that are wrong in one way each."""
    made = tmp_path_factory.mktemp("blobs")
    good = models.tiny(["a", "b", "c"])
    content = good.content
    unknown, hostile, meta, labels = parts(good), parts(good), parts(good), parts(good)
    kernel = next(i for i, r in enumerate(good.records) if r[0] > 2)
    unknown.records[kernel][0] = 99
    hostile.records[kernel][4] = good.arena_bytes - 1  # where its input is
    meta.meta = b"?" + meta.meta[1:]
    labels.meta = labels.meta.replace(b'["a","b","c"]', b'["a","b",100]')
    files = {
        "ok": content,
        "text": b"MZ" + bytes(100),
        "bad": content[:-1] + b"?",
        "short": content[:-1],
        "sections": changed(good, {7: len(parts(good).meta) + 4}),
        "new": seal(content[:4] + struct.pack("<H", 2) + content[6:]),
        "later": changed(good, {2: 9, 3: 1}),
        "op": unknown.pack(),
        "big": changed(good, {6: 5_000_000}),
        "hostile": hostile.pack(),
        "meta": meta.pack(),
        "labels": labels.pack(),
    }
    assert HEADER.unpack_from(files["big"])[6] == 5_000_000
    for name, data in files.items():
        (made / f"{name}.whit").write_bytes(data)
    return made


@pytest.fixture(scope="module")
def session(folder: Path) -> Iterator[Session]:
    opened = Session()
    opened.run(f"import os, whit\nos.chdir({str(folder)!r})")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def golden() -> Iterator[Golden]:
    found = Golden(Path(__file__).with_name("device.txt"))
    yield found
    found.close([*CASES, EMITTER])


@pytest.mark.parametrize("name", list(CASES))
def test_message(name: str, session: Session, golden: Golden) -> None:
    error = re.sub(r"\d+ B free", "... B free", session.error(CASES[name])).replace(__version__, "VERSION")
    golden.check(name, f">>> {CASES[name]}\n{error}")


def test_no_native_emitter(golden: Golden, folder: Path) -> None:
    """Said once, by a firmware that has none."""
    pytest.importorskip("wasmtime")
    from tests.device import wasm

    shutil.copytree(device_root() / "whit", folder / "whit", ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
    typed = "m = whit.load('ok.whit'); n = whit.load('ok.whit'); print(m.kernels)"
    golden.check(EMITTER, f">>> {typed}\n{wasm.run('import whit' + chr(10) + typed, folder)}")


def test_every_text_is_of_a_case(golden: Golden) -> None:
    assert sorted(golden.sections) == sorted([*CASES, EMITTER])
