"""Damaged and hostile .whit files: BlobError, or a run that stays inside its memory; the interpreter lives on.

What the check at load lets through is run by the real MicroPython, and by the emulated 32-bit boards, where every
byte outside of PLAN, arena and DATA is guarded. WHIT_CASES=N makes N random cases instead of the usual number,
and from 10000 on every word of PLAN gets every hostile value.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whit import blob as blob_file
from whit import program
from whit.blob import Blob
from whit.compile import compile_graph
from whit.importers import tflite
from whit.simulate import Simulator

from tests.agreement.shared import SHARED, need
from tests.device import models
from tests.device.session import Raised, Session
from tests.emulated import runtime
from tests.emulated.machine import EmulationError
from tests.emulated.runtime import Runtime
from tests.hostile import target
from tests.hostile.mutate import Parts, hostile, parts, seal, words

RUN_S = 5.0  # what a run of an accepted blob may take, in time of the processor
INSTRUCTIONS = 20_000_000  # what the emulator does of one kernel: an access outside is among the first ones
CASES = int(os.environ.get("WHIT_CASES", "400"))

# Inside MicroPython: loads and runs, says how it ended. Anything but these three ends is a failure.
CASE = """
import gc, sys, whit
def case(source, kernels=None, look=False, stream=None):
    try:
        m = whit.load(source, kernels, stream)
        m.run()
        m.selftest()
        if look:
            m.labels, repr(m), m.predict([0] * len(m.input))
        return "ran"
    except whit.BlobError as e:
        text = str(e)
        name = source.rsplit("/", 1)[-1] if isinstance(source, str) else "blob"
        if not text.startswith(name + ": ") or any("verify" in n or "checks" in n for n in sys.modules):
            raise RuntimeError(text)
        return text
    except MemoryError as e:
        return "MemoryError: " + str(e)
"""


class Victim:
    """A MicroPython that gets hostile blobs, and must still run a good one after them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.good = models.tiny().content

    def give(self, content: bytes, more: str = "") -> str:
        """How it ended: "ran", the words of a BlobError, or "MemoryError: ..."."""
        return self.session.run(f"print(case(data{more}))", content, 4 * RUN_S).strip()

    def refuses(self, content: bytes, words: str) -> None:
        """The blob must raise a BlobError with these words in it."""
        end = self.give(content)
        assert words in end and end != "ran", end

    def lives(self) -> None:
        """It still loads a good blob and passes its self-test."""
        # a collection that runs in the middle of what failed may find its garbage on the stack
        self.session.run("gc.collect()")
        assert self.session.run("print(whit.load(data).selftest())", self.good) == "0\n"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime with its plain modules as .mpy: each load brings the check in anew, and this is quicker."""
    return target.compiled(tmp_path_factory.mktemp("lib"))


@pytest.fixture(scope="module")
def victim(compiled: Path) -> Iterator[Victim]:
    with Session(paths=(compiled,)) as session:
        session.run(CASE)
        one = Victim(session)
        yield one
        one.lives()


@pytest.fixture(scope="module")
def boards() -> list[Runtime]:
    return runtime.boards()


@cache
def everything() -> Blob:
    return models.everything()


@cache
def recurrent() -> Blob:
    return models.recurrent()


OURS = ["everything", "recurrent"]
SMALL = ["hello_world_int8", "wine_mlp", "gesture_basicmotions_cnn1d"]


@cache
def shared(name: str) -> Blob:
    """A shared model, converted."""
    need(name if (SHARED / "models" / f"{name}.tflite").exists() else "")
    return compile_graph(tflite.read(SHARED / "models" / f"{name}.tflite"))


def blob_named(name: str) -> Blob:
    return {"everything": everything, "recurrent": recurrent}[name]() if name in OURS else shared(name)


def emulate(board: Runtime, content: bytes) -> None:
    """Runs a blob in the emulator; fails on an access outside. It need not come to its end."""
    blob = blob_file.parse(content)
    inputs = [r for r in blob.records if r[0] == program.INPUT]
    x = np.resize(np.arange(-128, 128, 3), inputs[0][5]).astype(np.int8)
    try:
        board.run(blob, [x], limit=INSTRUCTIONS)
    except EmulationError as error:
        if "more than" not in str(error):
            raise


def test_every_operator_is_attacked() -> None:
    assert {r[0] for name in OURS for r in blob_named(name).records} == numbers()


def numbers() -> set[int]:
    """The operator numbers of PLAN."""
    return {v for k, v in vars(program).items() if k.isupper() and isinstance(v, int)}


@pytest.mark.parametrize("name", [*OURS, *SMALL])
def test_truncated_at_every_length(victim: Victim, name: str) -> None:
    content = blob_named(name).content
    text = "print(sum(case(data[:n]) == 'ran' for n in range(0, len(data), STEP)))"
    step = 1 if name in OURS else max(1, len(content) // 1000)
    assert victim.session.run(text.replace("STEP", str(step)), content, 60) == "0\n"
    victim.lives()


def test_truncated_files(victim: Victim, tmp_path: Path) -> None:
    content = everything().content
    path = tmp_path / "cut.whit"
    for n in [*range(80), *range(80, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:n])
        end = victim.session.run(f"print(case({str(path)!r}))").strip()
        assert end.startswith("cut.whit: "), end
    path.write_bytes(content)
    assert victim.session.run(f"print(case({str(path)!r}))") == "ran\n"
    path.write_bytes(content + b"\0")
    assert "its header says" in victim.session.run(f"print(case({str(path)!r}))")


def test_every_bit_of_the_header(victim: Victim) -> None:
    flip = """
for i in range(36 * 8):
    b = bytearray(data)
    b[i // 8] ^= 1 << i % 8
    end = case(b)
    if end == "ran":
        print(i)
"""
    assert victim.session.run(flip, everything().content, 60) == ""


def test_bytes_of_every_section(victim: Victim) -> None:
    flip = """
b = bytearray(data)
for i in range(36, len(data), 3):
    b[i] ^= 1 << i % 8
    if case(b) != "blob: checksum does not match; copy it again":
        print(i)
    b[i] ^= 1 << i % 8
"""
    assert victim.session.run(flip, everything().content, 60) == ""
    victim.lives()


def attack(victim: Victim, boards: list[Runtime], files: Iterable[bytes]) -> tuple[int, int]:
    """(refused, run): gives every file to MicroPython; what runs there is run by an emulated board as well."""
    refused = ran = 0
    for content in files:
        if victim.give(content) == "ran":
            ran += 1
            emulate(boards[ran % len(boards)], content)
        else:
            refused += 1
    victim.lives()
    return refused, ran


def plans(blob: Blob) -> Iterator[bytes]:
    """Every word of PLAN with every hostile value; its record is then the only one besides the edges."""
    for i, j in words(blob):
        record = blob.records[i]
        for value in hostile(record[j], blob):
            changed = [*record[:j], value, *record[j + 1 :]]
            records = [changed if r is record else r for r in blob.records[:2]] if i < 2 else blob.records[:2]
            yield replace(parts(blob), records=[*records, changed] if i >= 2 else records).pack()


@pytest.mark.parametrize("name", OURS)
def test_every_word_of_every_record(victim: Victim, boards: list[Runtime], name: str) -> None:
    step = 3 if CASES < 10_000 else 1
    refused, ran = attack(victim, boards, islice(plans(blob_named(name)), 0, None, step))
    assert refused > 300 and ran > 200  # most values are wrong, and many are not: sizes, zero points, bounds


@pytest.mark.parametrize("name", SMALL)
def test_words_of_shared_models(victim: Victim, boards: list[Runtime], name: str) -> None:
    files = [*plans(shared(name))]
    refused, _ = attack(victim, boards, files[:: max(1, len(files) // 150)])
    assert refused > 50


@pytest.mark.parametrize("name", OURS)
def test_words_of_data(victim: Victim, boards: list[Runtime], name: str) -> None:
    blob = blob_named(name)
    values = (0, 0x20, 0x1F1F, 0x2000, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

    def files() -> Iterator[bytes]:
        for at in range(0, len(blob.data), 4):
            p = parts(blob)
            value = values[at // 4 % len(values)], values[at // 32 % len(values)]
            users = [r for r in blob.records if r[0] > 2 and r[2] <= at < r[2] + r[3]]
            for one in {*value, 0xFFFFFFFF}:
                p.records = [*blob.records[:2], *users]
                p.data = blob.data[:at] + struct.pack("<I", one) + blob.data[at + 4 :]
                yield p.pack()

    refused, ran = attack(victim, boards, files())
    assert ran > 300 and (refused > 50 or name == "recurrent")  # whose DATA holds no number that is checked


def test_multipliers_shifts_and_the_softmax_table(victim: Victim) -> None:
    blob = everything()
    conv = next(r for r in blob.records if r[0] == program.CONV)
    table = conv[2] + conv[7]
    softmax = next(r for r in blob.records if r[0] == program.SOFTMAX)[2]
    for at, value in [
        (table + 4, 1 << 31),
        (table + 8, 32),
        (table + 8, 32 << 8),
        (table + 8, 255),
        (table + 8, 1 << 30),
        (softmax, 0),
        (softmax, 0x7FFFFFFE),
        (softmax + 4 * 255, 1 << 31),
    ]:
        p = parts(blob)
        p.data = p.data[:at] + struct.pack("<I", value) + p.data[at + 4 :]
        victim.refuses(p.pack(), "reaches outside its memory")
    p = parts(blob)
    p.data = p.data[:softmax] + bytes(1024) + p.data[softmax + 1024 :]
    victim.refuses(p.pack(), "reaches outside its memory")


def test_records_dropped_doubled_and_in_another_order(victim: Victim, boards: list[Runtime]) -> None:
    blob = everything()
    n = len(blob.records)
    orders = [[k for k in range(n) if k != i] for i in range(n)]
    orders += [[*range(n), i] for i in range(n)] + [[*range(i), i, *range(i, n)] for i in range(n)]
    orders += [[*range(i, n), *range(i)] for i in range(1, n)] + [[*reversed(range(n))], []]
    files = [replace(parts(blob), records=[blob.records[i] for i in order]).pack() for order in orders]
    refused, ran = attack(victim, boards, files)
    assert refused >= 6 and ran > n
    for i in (0, 1):
        p = replace(parts(blob), records=[r for k, r in enumerate(blob.records) if k != i])
        victim.refuses(p.pack(), f"{i} inputs and {1 - i} outputs; it needs one of each")
        p.records = [*blob.records, blob.records[i]]
        victim.refuses(p.pack(), "self-test has the wrong size" if i else "an input after the outputs")
        assert victim.give(replace(p, records=p.records[i:], test=b"").pack()) != "ran"


def test_unknown_operators_and_wrong_lengths(victim: Victim) -> None:
    blob = everything()
    for i in range(len(blob.records)):
        for number in (0, max(numbers()) + 1, 12345, 0xFFFFFFFF):
            p = parts(blob)
            p.records[i][0] = number
            victim.refuses(p.pack(), f"op {number} is unknown to whit 0.1.0")
        for length in (0, 1, len(p.records[i]) - 1, len(p.records[i]) + 1, 0x40000000, 0xFFFFFFFF):
            p = parts(blob)
            p.records[i][1] = length
            victim.refuses(p.pack(), "has a record of the wrong size")
    p = parts(blob)
    p.records[-1] = p.records[-1][:-1]  # the last one ends with PLAN
    victim.refuses(p.pack(), "has a record of the wrong size")


def test_sections_that_disagree(victim: Victim) -> None:
    blob = everything()
    size = len(blob.content)
    for field in range(7, 11):
        for value in (0, 1, 4, size, size + 4, 1 << 31, 0xFFFFFFFC, 0xFFFFFFFF):
            p = parts(blob)
            p.head[field] = value
            victim.refuses(p.pack(), "sections do not fit")
    # sizes that make up for each other: what was PLAN is read as META or DATA
    at = blob_file.HEADER.unpack_from(blob.content)[7:]
    for a, b in [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]:
        for move in (1, 4, 32):
            sizes = list(at)
            sizes[a] -= move
            sizes[b] += move
            p = parts(blob)
            p.head = {7 + k: v for k, v in enumerate(sizes)}
            assert victim.give(p.pack()) != "ran"
    # a sum of sizes that wraps around 32 bits
    p = parts(blob)
    p.head = {7: at[0] + 0x80000000, 8: at[1] + 0x80000000}
    victim.refuses(p.pack(), "sections do not fit")
    victim.lives()


def test_the_size_of_the_arena(victim: Victim) -> None:
    blob = everything()
    for arena in (0, 4, blob.arena_bytes - 4, blob.arena_bytes - 1):
        victim.refuses(replace(parts(blob), arena_bytes=arena).pack(), "reaches outside its memory")
    for more in (1, 4):
        assert victim.give(replace(parts(blob), arena_bytes=blob.arena_bytes + more).pack()) == "ran"
    for arena in (200_000, 1 << 30, 0x7FFFFFFC, 0x80000000, 0xFFFFFFFC):
        end = victim.give(replace(parts(blob), arena_bytes=arena).pack())
        assert end.startswith(f"MemoryError: blob needs {arena} B in one piece; "), end
        assert end.endswith(" B free")
        victim.lives()


def test_versions(victim: Victim) -> None:
    blob = everything()
    for index, value, text in [
        (1, 2, "blob: format 2; this whit reads 1"),
        (1, 0, "blob: format 0; this whit reads 1"),
        (2, 2, "blob: needs whit 0.2; this is 0.1.0"),
        (3, 1, "blob: needs whit 1.1; this is 0.1.0"),
        (0, b"whit", "blob: not a whit file"),
    ]:
        p = parts(blob)
        p.head[index] = value  # type: ignore[assignment]
        assert victim.give(p.pack()) == text


def test_the_test_section(victim: Victim) -> None:
    blob = everything()
    assert victim.give(replace(parts(blob), test=b"").pack()) == "ran"
    for test in (b"\0", blob.test[:-1], blob.test + b"\0", blob.test * 2):
        victim.refuses(replace(parts(blob), test=test).pack(), "self-test has the wrong size")


META = json.loads(parts(models.tiny()).meta)
METAS = {
    "empty": b"",
    "spaces": b"    ",
    "no JSON": b"{{{{",
    "cut": b'{"labels": ["a", "b"',
    "a list": b"[1, 2]  ",
    "a number": b"12345678",
    "null": b"null",
    "not UTF-8": b'{"labels":["\xff\xfe\xc0"]}  ',
    "NUL": b"\0" * 8,
    "deep": b"[" * 4000,
    "huge number": b'{"labels": ' + b"9" * 3997 + b"}",
}
for _key in META:
    METAS[f"without {_key}"] = json.dumps({k: v for k, v in META.items() if k != _key}).encode()
    for _value in (None, 7, "x", [], {}, [None], [[1, 2]], [["a", None, "b"]], [{"shape": 3}], {"0": 1}):
        METAS[f"{_key}: {_value}"] = json.dumps({**META, _key: _value}).encode()


@pytest.mark.parametrize("label", METAS)
def test_meta_of_any_kind(victim: Victim, label: str) -> None:
    meta = METAS[label] + b" " * (-len(METAS[label]) % 4)
    content = replace(parts(models.tiny()), meta=meta).pack()
    assert victim.give(content) == "ran"  # nothing that computes depends on META
    assert "checksum" not in victim.give(content, ", look=True")  # BlobError, or an answer
    victim.lives()


def test_a_softmax_that_would_read_before_its_table(victim: Victim, boards: list[Runtime]) -> None:
    blob = everything()
    p = parts(blob)
    record = next(r for r in p.records if r[0] == program.SOFTMAX)
    p.arena_bytes += 64
    for step in range(-4, 8):
        record[4], record[5] = blob.arena_bytes, blob.arena_bytes + step
        if 0 < step < record[7]:
            victim.refuses(p.pack(), "reaches outside its memory")
        else:
            assert victim.give(p.pack()) == "ran"
            for board in boards:
                emulate(board, p.pack())


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_reduction_that_repeats_its_outputs(victim: Victim, boards: list[Runtime], kind: int) -> None:
    """Five outputs from the same values, at the arena's end: no kernel may take four neighbours for them."""
    p = parts(everything())
    reduce = next(r for r in p.records if r[0] == program.REDUCE)
    edges = [[program.INPUT, 8, 0, 0, 5, 6, 0x3D4CCCCD, 128], [program.OUTPUT, 8, 0, 0, 0, 5, 0x3D4CCCCD, 128]]
    record = [*reduce[:4], 5, 0, 1, 0, 5, 0, 1, 0, 6, 1, *reduce[14:20], kind]
    content = replace(p, records=[*edges, record], arena_bytes=11, test=b"").pack()
    assert victim.give(content) == "ran"
    x = np.array([3, -7, 100, -128, 127, 5], np.int8)
    blob = blob_file.parse(content)
    expected = Simulator(blob).run(x).tobytes()
    assert len(set(expected)) == 1
    for board in boards:
        assert board.run(blob, [x]) == [expected], board.name


def test_rows_of_softmax_end_at_512(victim: Victim) -> None:
    p = parts(everything())
    record = next(r for r in p.records if r[0] == program.SOFTMAX)
    record[4:8] = [0, 0, 1, 512]
    assert victim.give(p.pack()) == "ran"
    record[7] = 513
    victim.refuses(p.pack(), "reaches outside its memory")


ARENA = 130_000


def work(kind: int, changes: dict[int, int]) -> bytes:
    """The blob with one record changed, and a larger arena, so that its geometry is right but its work is not."""
    p = replace(parts(everything()), arena_bytes=ARENA)
    record = next(r for r in p.records if r[0] == kind)
    for at, value in changes.items():
        record[at] = value
    return p.pack()


@pytest.fixture(scope="module")
def roomy() -> Iterator[Victim]:
    """A MicroPython with room for a large arena among what the other tests leave."""
    with Session("2m") as session:
        session.run(CASE)
        yield Victim(session)


def test_work_without_end(roomy: Victim) -> None:
    n = 32_000
    endless = {
        program.REDUCE: {4: 0, 5: 0, 6: n, 7: 0, 8: 1, 9: 0, 10: n, 11: 0, 12: 1, 13: 0},
        program.POOL: {
            **{4: 0, 5: 0, 6: 240, 7: 240, 8: 1, 9: 240, 10: 240},
            **{11: n, 12: n, 13: 1, 14: 1, 15: 100, 16: 100},
        },
        program.CONV: {
            **{2: 0, 3: len(everything().data), 4: 0, 5: 4240, 6: 0, 7: 2116, 8: 1, 9: 1, 10: 1, 11: 1},
            **{
                12: 340,
                13: 340,
                14: 1,
                15: 46,
                16: 46,
                17: 1,
                18: 1,
                19: 1,
                20: 1,
                21: 0,
                22: 0,
                27: 340,
                28: 1,
                29: 0,
                31: 0,
            },
        },
        program.MATMUL: {
            **{4: 0, 5: 0, 6: 0, 7: 1, 8: 1, 9: 300, 10: 300, 11: n},
            **dict.fromkeys(range(12, 20), 0),
        },
    }
    for kind, changes in endless.items():
        roomy.refuses(work(kind, changes), "would run for minutes")
    p = replace(parts(everything()), arena_bytes=ARENA)
    state = next(r for r in p.records if r[0] == program.STATE)
    state[3:6] = [0, 0, ARENA]
    roomy.refuses(replace(p, records=p.records + [state] * 40).pack(), "would run for minutes")
    roomy.lives()


def test_as_much_work_as_is_allowed(roomy: Victim) -> None:
    # about 2**30 steps: the slowest run that the check lets through
    content = work(program.REDUCE, {4: 0, 5: 0, 6: 32_000, 7: 0, 8: 1, 9: 0, 10: 1, 11: 0, 12: 33_000, 13: 0})
    text = "import time; m = whit.load(data); t = time.clock(); m.run(); print(time.clock() - t); m = None"
    assert float(roomy.session.run(text, content, 60)) < RUN_S


def test_bytecode_kernels_run_what_is_let_through(victim: Victim) -> None:
    files = [*plans(everything())][::60] + [*plans(recurrent())][::20]
    ends = [victim.give(content, ", 'bytecode'") for content in files]
    assert ends.count("ran") > 40
    victim.lives()


def test_streamed_files_are_checked_alike(victim: Victim, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    files = [everything().content, recurrent().content]
    files += [*plans(everything())][::40] + [*plans(recurrent())][::20]
    ends = []
    for content in files:
        path.write_bytes(content)
        ends.append(victim.session.run(f"print(case({str(path)!r}, stream=True))", b"", 4 * RUN_S).strip())
        assert ends[-1] == victim.give(content)
    assert ends[:2] == ["ran", "ran"] and len({*ends}) > 5
    victim.lives()


def test_a_view_of_signed_bytes_is_no_way_around_the_check(victim: Victim) -> None:
    text = "from array import array\nprint(case(memoryview(array('b', data))), case(array('b', data)))"
    content = everything().content
    assert victim.session.run(text, content) == "ran ran\n"
    p = parts(everything())
    p.records[-1][4] = 0xFFFFFFF0
    assert "ran" not in victim.session.run(text, p.pack())
    assert "not a whit file" in victim.session.run("print(case(memoryview(array('I', data))))", content)
    for odd in ("5", "[1, 2, 3]", "b''", "array('H', data)", "range(40)"):
        assert "ran" not in victim.session.run(f"print(case({odd}))", content)
    with pytest.raises(Raised, match="TypeError"):
        victim.session.run("case(None)")


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A blob with a few changes that know the format, under a right checksum."""
    blob = blob_named(draw(st.sampled_from(OURS)))
    p = parts(blob)
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, p, blob)
    return p.pack()


def _change(draw: st.DrawFn, p: Parts, blob: Blob) -> None:
    kind = draw(st.sampled_from(["word", "word", "word", "word", "record", "data", "arena", "head"]))
    record = draw(st.integers(0, max(0, len(p.records) - 1)))
    if kind == "word" and p.records:
        word = draw(st.integers(2, len(p.records[record]) - 1))
        old = p.records[record][word]
        near = st.integers(0, 40).map(lambda step: (old + step - 20) & 0xFFFFFFFF)
        p.records[record][word] = draw(near | st.sampled_from(hostile(old, blob)) | st.integers(0, 2**32 - 1))
    elif kind == "record" and p.records:
        moved = p.records.pop(record)
        if draw(st.booleans()):
            p.records.insert(draw(st.integers(0, len(p.records))), moved)
    elif kind == "data":
        at = draw(st.integers(0, len(p.data) // 4 - 1)) * 4
        p.data = p.data[:at] + struct.pack("<I", draw(st.integers(0, 2**32 - 1))) + p.data[at + 4 :]
    elif kind == "arena":
        p.arena_bytes = draw(st.integers(0, 4000)) * 4
    elif draw(st.booleans()):
        p.data = p.data[: draw(st.integers(0, len(p.data) // 4)) * 4]
    else:
        p.head[draw(st.integers(1, 10))] = draw(st.integers(0, 255))


@settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=mutants())
def test_random_changes(victim: Victim, boards: list[Runtime], content: bytes) -> None:
    if victim.give(content) == "ran":
        emulate(boards[len(content) % len(boards)], content)


def test_random_bytes(victim: Victim) -> None:
    random = np.random.default_rng(1)
    for n in (0, 1, 35, 36, 37, 100, 5000):
        content = random.bytes(n)
        assert victim.give(content) == "blob: not a whit file"
        assert victim.give(seal(everything().content[:12] + content)) != "ran"
