"""The board's part of examples/gesture_control, inside MicroPython: what needs no trained model."""

from __future__ import annotations

import ast
import json
import re
from functools import partial
from pathlib import Path

import pytest
from whit.profiles import everything

from tests import inside

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "gesture_control"

# Sensors as their data sheets describe them: registers behind an address, asleep until woken, a full scale that is
# set, counts for a movement in g and degrees per second. A bus has one of them; the rest of it does not answer.
CHIPS = """
import struct
class Chip:
    def __init__(self, address, **registers):
        self.address, self.failures = address, 0
        self.who = registers
        self.power_on()
        self.move((0, 0, 1), (0, 0, 0))
    def power_on(self):
        self.registers = bytearray(128)
        self.wake_up()
    def move(self, g, dps):
        self.g, self.dps = g, dps
    def counts(self, values, per_unit):
        return [max(-32768, min(32767, round(v * per_unit))) for v in values]
    def readfrom_mem(self, address, register, n):
        if address != self.address or self.failures:
            self.failures = max(0, self.failures - 1)
            raise OSError(5)
        self.measure()
        return bytes(self.registers[register : register + n])
    def readfrom_mem_into(self, address, register, into):
        into[:] = self.readfrom_mem(address, register, len(into))
    def writeto_mem(self, address, register, data):
        if address != self.address:
            raise OSError(5)
        for i, byte in enumerate(data):
            self.registers[register + i] = byte
            self.written(register + i)
    def written(self, register):
        pass

class MPU6050(Chip):
    def wake_up(self):
        self.registers[0x75], self.registers[0x6B] = self.who.get("who", 0x68), 0x40  # SLEEP
    def measure(self):
        r = self.registers
        if r[0x6B] & 0x40:
            return
        g = self.counts(self.g, 16384 >> (r[0x1C] >> 3 & 3))
        dps = self.counts(self.dps, (131, 65.5, 32.8, 16.4)[r[0x1B] >> 3 & 3])
        r[0x3B:0x49] = struct.pack(">7h", *g, -521, *dps)

class LSM6DS3(Chip):
    def wake_up(self):
        self.registers[0x0F], self.registers[0x12] = self.who.get("who", 0x69), 0x04
    def written(self, register):
        if register == 0x12 and self.registers[0x12] & 1:  # SW_RESET
            self.power_on()
    def measure(self):
        r = self.registers
        if r[0x11] >> 4:
            r[0x22:0x28] = struct.pack("<3h", *self.counts(self.dps, 1000 / (8.75, 17.5, 35, 70)[r[0x11] >> 2 & 3]))
        if r[0x10] >> 4:
            mg = (0.061, 0.488, 0.122, 0.244)[r[0x10] >> 2 & 3]
            r[0x28:0x2E] = struct.pack("<3h", *self.counts(self.g, 1000 / mg))

class ADXL345(Chip):
    def wake_up(self):
        self.registers[0x00], self.registers[0x2C] = self.who.get("who", 0xE5), 0x0A
    def measure(self):
        r = self.registers
        if not r[0x2D] & 8:
            return
        reach = 2 << (r[0x31] & 3)
        per_g = 256 if r[0x31] & 8 else 512 // reach
        inside = [max(-reach, min(reach - 1 / per_g, v)) for v in self.g]
        r[0x32:0x38] = struct.pack("<3h", *self.counts(inside, per_g))
"""
DRIVERS = {"mpu6050": (0x68, 0x69), "lsm6ds3": (0x6A, 0x6B), "adxl345": (0x53, 0x1D)}
STEP_G = {"mpu6050": 1 / 4096, "lsm6ds3": 0.244e-3, "adxl345": 1 / 256}  # one count
STEP_DPS = {"mpu6050": 1 / 16.4, "lsm6ds3": 0.07}

# What main.py imports from machine on a board, in memory.
MACHINE = """
import sys
class Pin:
    OUT, OPEN_DRAIN = 1, 2
    made = {}
    def __init__(self, number, mode=None, value=None):
        if not 0 <= number < 40:
            raise ValueError("invalid pin")
        self.number, self.mode, self.level = number, mode, value
        Pin.made[number] = self
    def value(self, level):
        self.level = level
class PWM:
    made = {}
    def __init__(self, pin, freq, duty_ns):
        self.freq, self.ns = freq, duty_ns
        PWM.made[pin.number] = self
    def duty_ns(self, ns):
        self.ns = ns
machine = type("machine", (), {"Pin": Pin, "PWM": PWM})
sys.modules["machine"] = machine
"""


micropython = partial(inside.micropython, EXAMPLE)


@pytest.mark.parametrize("name", DRIVERS)
def test_driver_wakes_scales_and_finds_its_sensor(name: str) -> None:
    """At both addresses: in range, at the ends of it, with the sign that the data sheet gives."""
    g, dps = [[1, -2, 7.9], [-7.9, 0, 0.5]], [[10, -500, 1990], [-1990, 90, 0]]
    out = micropython(
        CHIPS
        + f"""
import json
from array import array
from drivers import {name}
for address in {DRIVERS[name]}:
    chip = {name.upper()}(address)
    sensor = {name}.Sensor(chip)
    sample = array("f", bytes(4 * len(sensor.names)))
    for g, dps in zip({g}, {dps}):
        chip.move(g, dps)
        sensor.read(sample)
        print(json.dumps([sensor.address, list(sensor.names), list(sensor.units), list(sample)]))
"""
    )
    found = [json.loads(line) for line in out.splitlines()]
    assert [row[0] for row in found] == [address for address in DRIVERS[name] for _ in g]
    for (_, names, units, sample), pushed, turned in zip(found, g * 2, dps * 2, strict=True):
        assert names[:3] == ["ax", "ay", "az"] and units[:3] == ["m/s2"] * 3
        assert [v / 9.80665 for v in sample[:3]] == pytest.approx(pushed, abs=STEP_G[name])
        if name in STEP_DPS:
            assert names[3:] == ["gx", "gy", "gz"] and units[3:] == ["rad/s"] * 3
            assert [v * 180 / 3.14159265 for v in sample[3:]] == pytest.approx(turned, abs=STEP_DPS[name])


@pytest.mark.parametrize("name", DRIVERS)
def test_driver_refuses_another_chip_and_survives_its_power(name: str) -> None:
    out = micropython(
        CHIPS
        + f"""
from array import array
from drivers import {name}
for chip in ({name.upper()}({DRIVERS[name][0]}, who=0x00), {name.upper()}(0x11)):
    try:
        {name}.Sensor(chip)
    except OSError as error:
        print(error)
chip = {name.upper()}({DRIVERS[name][0]})
sensor = {name}.Sensor(chip)
sample = array("f", bytes(4 * len(sensor.names)))
chip.power_on()
sensor.read(sample)
asleep = sample[2]
sensor.start()
sensor.read(sample)
print(int(asleep * 10), int(sample[2] * 10))
chip.failures = 1
try:
    sensor.read(sample)
except OSError as error:
    print(error.errno)
"""
    )
    refused = f"no {name.upper()} answers"
    assert out.splitlines() == [refused, refused, "0 98", "5"]


def test_main_finds_the_sensor_on_the_bus() -> None:
    out = micropython(
        MACHINE
        + CHIPS
        + """
import main
for chip in (MPU6050(0x69), LSM6DS3(0x6A), LSM6DS3(0x6B, who=0x6A), ADXL345(0x53), ADXL345(0x3C)):
    def I2C(bus, sda, scl, freq):
        assert (bus, sda.number, scl.number) == (0, 4, 5)
        return chip
    machine.I2C = I2C
    if main.find_sensor(4, 5) is None:
        print("none")
print(main.find_sensor(4, 99))
"""
    )
    assert out.splitlines() == [
        "drivers.mpu6050 at address 0x69",
        "drivers.lsm6ds3 at address 0x6a",
        "drivers.lsm6ds3 at address 0x6b",
        "drivers.adxl345 at address 0x53",
        "none",
        "no sensor: invalid pin",
        "None",
    ]


def test_pins_are_those_of_the_profiles() -> None:
    """For each board with a profile that whit knows by its chip; and the README's table says the same."""
    machines = {board.name: board.machine[0].replace("*", "A board ") for board in everything() if board.machine}
    out = micropython(f"import main\nfor name, machine in {machines!r}.items(): print(name, main.pins(machine))")
    found = dict(line.split(" ", 1) for line in out.splitlines())
    lines = (EXAMPLE / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    for board in everything():
        pins = ast.literal_eval(found[board.name])
        if not isinstance(board.sda, int):  # virtual, and what has no numbers
            assert pins is None
            continue
        assert pins[:2] == (board.sda, board.scl) and len(set(pins)) == 6
        (row,) = [row for row in rows if board.title in row[0].split(", ")]
        numbers = [re.sub(r"^(GP|GPIO )(\d+).*", r"\2", cell) for cell in row[1:]]
        assert numbers == [str(pin) for pin in pins], board.title
    assert len({name for name in found if found[name] != "None"}) >= 9


def test_outputs() -> None:
    out = micropython(
        MACHINE
        + """
import main
numbers = (16, 17, 18, 99)
outputs = main.Outputs({
    "wave": ("Led", 0), "clap": ("Button", 1), "left": ("Servo", 2, 0), "right": ("Servo", 2, 180),
    "no pin": ("Led", 3), "no number": ("Led", 4), "no kind": ("Horn", 0),
}, numbers)
def state():
    print(Pin.made[16].level, Pin.made[17].level, PWM.made[18].ns)
state()
for gesture in ("wave", "clap", "left", "right", "unknown", "wave"):
    outputs.switch(gesture)
    state()
print(Pin.made[17].mode == Pin.OPEN_DRAIN, PWM.made[18].freq)
"""
    )
    said, shown = out.splitlines()[:3], out.splitlines()[3:]
    assert sorted(said) == [
        "no output for no kind here: module 'outputs' has no attribute 'Horn'",
        "no output for no number here: tuple index out of range",
        "no output for no pin here: invalid pin",
    ]
    assert shown == [
        "0 1 0",
        "1 1 0",
        "0 0 0",
        "0 1 600000",
        "0 1 2400000",
        "0 1 2400000",
        "1 1 2400000",
        "True 50",
    ]


def test_gravity_is_followed_when_the_wrist_turns() -> None:
    about = {"rate_hz": 10, "channels": ["ax", "ay", "az", "gx"], "mean": [0] * 4, "std": [1] * 4, "gravity": False}
    out = micropython(
        CHIPS
        + f"""
from drivers.mpu6050 import Sensor
from samples import Channels
chip = MPU6050(0x68)
channels = Channels(Sensor(chip), {about!r}, True)
print(max(abs(v) for v in channels.read()) < 0.01)
chip.move((1, 0, 1), (90, 0, 0))
x = channels.read()
print([round(v, 1) for v in x])  # 2 % of a new push go into gravity at once
chip.move((1, 0, 0), (0, 0, 0))
for _ in range(300):
    x = channels.read()
print(max(abs(v) for v in x) < 0.05)
"""
    )
    assert out.splitlines() == ["True", "[9.6, 0.0, 0.0, 1.6]", "True"]


def test_channels_are_picked_and_scaled_as_in_training() -> None:
    about = {"rate_hz": 50, "channels": ["b", "a"], "mean": [1, 20], "std": [2, 0.5], "gravity": True}
    out = micropython(
        f"""
from samples import Channels
class Sensor:
    names = ("a", "b", "c")
    def read(self, sample):
        sample[0], sample[1], sample[2] = 21, 5, 7
print(list(Channels(Sensor(), {about!r}, True).read()))
Sensor.names = ("a", "c", "d")
try:
    Channels(Sensor(), {about!r}, True)
except ValueError as error:
    print(error)
"""
    )
    assert out.splitlines() == ["[2.0, 2.0]", "the model wants b; the sensor has a c d"]


def test_window_holds_the_latest_samples_in_order() -> None:
    out = micropython(
        """
from samples import Window
w = Window(5, 2)
for n in range(23):
    view = w.add((n, -n))
    if n >= 4:
        want = []
        for k in range(n - 4, n + 1):
            want += [k, -k]
        assert list(view) == want, (n, list(view))
print(len(view))
"""
    )
    assert out == "10\n"


def test_debounce_waits_for_agreement() -> None:
    out = micropython(
        """
from samples import Debounce
d = Debounce(2)
print("".join("x" if d.switched(v) else "." for v in "aababbaabbb"), d.steady)
"""
    )
    assert out == ".x...x.x.x. b\n"


def test_live_survives_a_loose_wire() -> None:
    about = {"rate_hz": 50, "channels": ["az"], "mean": [0], "std": [1], "gravity": True}
    out = micropython(
        CHIPS
        + f"""
from drivers.lsm6ds3 import Sensor
from samples import Channels, live
chip = LSM6DS3(0x6A)
source = live(Channels(Sensor(chip), {about!r}, True), 20)
next(source)
chip.failures = 2
chip.power_on()  # it lost its power: asleep again
print(int(next(source)[0] * 10))
"""
    )
    assert out.splitlines() == ["the sensor does not answer: check its wires", "98"]


def test_replay_gives_the_lines_of_a_take(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("time (ms),ax (m/s2),turn rate (rad/s),n\n0,1.5,-2,3\n20,4,5e-1,6\n")
    out = micropython(
        f"""
from replay import Sensor
for again in (True, False):
    sensor = Sensor(path={str(tmp_path / "r.csv")!r}, again=again)
    sample = [0] * 3
    try:
        for _ in range(3):
            sensor.read(sample)
            print(sample)
    except EOFError:
        print("end")
print(sensor.names, sensor.units)
"""
    )
    first, second = "[1.5, -2.0, 3.0]", "[4.0, 0.5, 6.0]"
    assert out.splitlines()[:-1] == [first, second, first, first, second, "end"]
    assert out.splitlines()[-1] == "('ax', 'turn rate', 'n') ('m/s2', 'rad/s', '')"
