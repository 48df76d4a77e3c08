"""The board's part of examples/sensor_classification, inside MicroPython: what needs no trained model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.inside import ROOT, micropython

EXAMPLE = ROOT / "examples" / "sensor_classification"

# The meter at the other end of the line, as its protocol document describes it: input registers that hold big-endian
# floats, frames that end in a CRC, silence after a damaged request or one for another address.
METER = """
import struct
def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            carry, crc = crc & 1, crc >> 1
            if carry:
                crc ^= 0xA001
    return struct.pack("<H", crc)
class Meter:
    def __init__(self, address=1):
        self.address, self.registers, self.sent, self.echo, self.spoil, self.dead = address, {}, b"", False, -1, False
        self.set(0x0000, 230.0)
        self.set(0x0006, 0.5)
        self.power(100.0, -20.0)
    def set(self, register, value):
        self.registers[register], self.registers[register + 1] = struct.unpack(">HH", struct.pack(">f", value))
    def power(self, active, reactive):
        self.set(0x000C, active)
        self.set(0x0018, reactive)
    def write(self, frame):
        if self.dead:
            return
        if self.echo:
            self.sent += frame
        if len(frame) != 8 or frame[-2:] != crc16(frame[:-2]) or frame[0] != self.address:
            return
        function, start, count = struct.unpack(">BHH", frame[1:6])
        if function != 4:
            reply = bytes((self.address, function | 0x80, 1))
        elif count > 80 or start + count > 0x0180:
            reply = bytes((self.address, function | 0x80, 2))
        else:
            words = [self.registers.get(start + i, 0) for i in range(count)]
            reply = bytes((self.address, 4, 2 * count)) + struct.pack(">%dH" % count, *words)
        reply = bytearray(reply + crc16(reply))
        if self.spoil >= 0:
            reply[self.spoil] ^= 0x10
        self.sent += bytes(reply)
    def read(self, n):
        n = min(n, 7)  # the line is slow: some bytes at a time
        got, self.sent = self.sent[:n], self.sent[n:]
        return got or None
def attempt(meter):
    try:
        print(meter.read())
    except OSError as error:
        print(error)
"""


def board(code: str) -> list[str]:
    return micropython(EXAMPLE, code).splitlines()


@pytest.fixture(scope="module")
def main() -> ModuleType:
    """main.py, imported on the host as train.py does."""
    spec = importlib.util.spec_from_file_location("appliance_main", EXAMPLE / "main.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_crc_is_that_of_modbus() -> None:
    # a request that Modbus documents print, and the check value of CRC-16/MODBUS
    out = board(
        "from main import SDM120 as s; print(s.crc(bytes((1, 4, 0, 0, 0, 2))).hex(), s.crc(b'123456789').hex())"
    )
    assert out == ["71cb 374b"]


def test_meter_is_read() -> None:
    out = board(
        METER
        + """
from main import SDM120
line = Meter()
meter = SDM120(line)
print(meter.request[:6].hex())
attempt(meter)
line.power(1234.56, 0.04)
attempt(meter)
line.echo = True  # a module that hears itself
attempt(meter)
attempt(meter)
"""
    )
    assert out == ["0104000c000e", "(1000, -200)", "(12346, 0)", "(12346, 0)", "(12346, 0)"]


def test_what_goes_wrong_on_the_line_is_told() -> None:
    out = board(
        METER
        + """
import main
main.SDM120.WAIT_MS = 30
try:
    main.SDM120(Meter(address=2))
except OSError as error:
    print(error)
line = Meter()
meter = main.SDM120(line)
for line.spoil in (0, 1, 2, 10, 30, 32):
    attempt(meter)
line.spoil = -1
line.sent = b"from before"
attempt(meter)
line.power(float("nan"), 1.0)
attempt(meter)
meter.request = meter.request[:4] + b"\\x01\\x7f" + b"\\0\\0"
meter.request = meter.request[:6] + meter.crc(meter.request[:6])
attempt(meter)
line.dead = True
attempt(meter)
"""
    )
    silent, damaged = "the meter does not answer", "the meter's answer is damaged"
    assert out == [silent] + 6 * [damaged] + ["(1000, -200)", damaged, "the meter refuses: Modbus exception 2", silent]


def test_live_readings_survive_a_loose_wire() -> None:
    out = board(
        METER
        + """
import main
main.SDM120.WAIT_MS, main.PERIOD_MS = 10, 30
line = Meter()
source = main.live(main.SDM120(line), lambda: False)
print(next(source))
hear, lost = line.write, [0, 0]
line.write = lambda frame: lost.pop() if lost else hear(frame)
print(next(source), lost)
"""
    )
    assert out == ["(1000, -200)", "the meter does not answer", "(1000, -200) []"]


def test_the_button_says_that_another_appliance_is_plugged_in() -> None:
    out = board(
        METER
        + """
import main
main.PERIOD_MS = 50
presses = [False, True]
source = main.live(main.SDM120(Meter()), lambda: bool(presses) and presses.pop())
print(next(source), next(source), next(source), next(source))
"""
    )
    assert out == ["(1000, -200) None (1000, -200) (1000, -200)"]


def test_counts_are_those_of_the_latest_readings(main: ModuleType) -> None:
    rng = np.random.default_rng(3)
    readings = np.rint(rng.normal(0, 1, (300, 2)) * 10 ** rng.uniform(0, 4, (300, 2))).astype(int)
    readings[:, 0] = abs(readings[:, 0])
    window = main.Signature(50)
    for step, (active, reactive) in enumerate(readings.tolist()):
        window.add(active, reactive)
        if step % 37 == 0 or step == len(readings) - 1:
            latest = readings[max(0, step - 49) : step + 1]
            assert list(window.counts) == counts(main.Signature, latest, readings[max(0, step - 50)]), step


def counts(signature: type, readings: np.ndarray, before: np.ndarray) -> list[int]:
    """The four histograms, computed with numpy from all readings of a window at once."""
    active, reactive = readings.T
    levels = np.searchsorted(signature.ACTIVE, active, "right")
    signed = np.sign(reactive) * np.searchsorted(signature.REACTIVE, abs(reactive), "right")
    made = [np.bincount(levels, minlength=16), np.bincount(signed + 9, minlength=19)]
    for now, first in zip((active, reactive), before, strict=True):
        then = np.concatenate([[first], now[:-1]])
        change = 100 * abs(now - then) // (10 + np.maximum(abs(now), abs(then)))
        made.append(np.bincount(np.searchsorted(signature.CHANGE, change, "right"), minlength=6))
    return np.concatenate(made).tolist()


def test_board_and_host_count_alike(main: ModuleType) -> None:
    readings = [(n * n * 7 % 20011, (n * 131 % 6007) - 3000) for n in range(500)]
    window = main.Signature()
    for reading in readings:
        window.add(*reading)
    code = f"from main import Signature\ns = Signature()\nfor r in {readings}: s.add(*r)\n"
    out = board(code + "print(list(s.counts)); print(s.count, bytes(s.shares()).hex())")
    assert out == [str(list(window.counts)), f"360 {bytes(window.shares()).hex()}"]


def test_shares_are_roots_that_sum_to_four(main: ModuleType) -> None:
    window = main.Signature()
    for n in range(100):
        window.add(n, -n)
    assert abs(sum(share * share for share in window.shares()) - 4) < 1e-5
    window.clear()
    window.add(0, 0)
    assert sorted(set(window.shares())) == [0, 1]


# A model that says what it is told to, and records what it was asked.
WATCH = """
import main
class Model:
    scores = (0.75, 0.25)
    def __init__(self, answers):
        self.answers, self.asked = iter(answers), 0
    def predict(self, x):
        self.asked += 1
        return next(self.answers)
class Led:
    def value(self, on):
        self.on = on
leds = {"fridge": Led(), "lamp": Led()}
"""


def test_an_answer_is_told_when_three_in_a_row_agree() -> None:
    out = board(
        WATCH
        + """
model = Model(["lamp", "fridge", "fridge", "lamp", "fridge", "fridge", "fridge", "lamp"])
print(main.watch(model, ((100, 0) for _ in range(60 + 7 * 6 + 5)), leds), model.asked)
print([(name, leds[name].on) for name in sorted(leds)])
"""
    )
    assert out == [" 16 min  fridge, 75 %", "107 8", "[('fridge', True), ('lamp', False)]"]


def test_another_appliance_needs_its_own_ten_minutes() -> None:
    out = board(
        WATCH
        + """
model = Model(["lamp"] * 9)
def source():
    for _ in range(70):
        yield 100, 0
    yield None
    for _ in range(59):
        yield 5, 5
main.watch(model, source(), leds)
print(model.asked, [leds[name].on for name in sorted(leds)])
"""
    )
    assert out == ["another appliance: starting anew", "2 [0, 0]"]


def test_replay_reads_what_train_writes_and_stops_where_it_is_cut(tmp_path: Path) -> None:
    first, second = np.array([[1, -2], [30000, 4]]), np.array([[5, 6], [7, 8]])
    frames = b"".join(len(r).to_bytes(2, "little") + r.astype("<i2").tobytes() for r in (first, second))
    path = tmp_path / "appliances.bin"
    path.write_bytes(frames)
    assert board(f"import main; print(list(main.replay('{path}')))") == [
        "[None, (1, -2), (30000, 4), None, (5, 6), (7, 8)]"
    ]
    path.write_bytes(frames[:-1])
    assert board(f"import main; print(list(main.replay('{path}')))") == ["[None, (1, -2), (30000, 4), None, (5, 6)]"]
