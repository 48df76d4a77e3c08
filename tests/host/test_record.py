"""whit record: real drivers and loops in the MicroPython of a virtual board, what is kept, and what is said of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from whit import takes
from whit.cli.sparklines import PLAIN, ranges, spark
from whit.errors import WhitError
from whit.recording import Recorder
from whit.virtual import VirtualBoard

from tests.conftest import Tell
from tests.faults.cable import Cable, Fault
from tests.host.conftest import environment, whit

ROOT = Path(__file__).resolve().parents[2]
REPLAY = ROOT / "examples/gesture_control/replay.py"
ROWS = np.random.default_rng(1).normal(0, 5, (120, 2)).astype(np.float32)

# A driver of one channel; what read() does is filled in.
DRIVER = """
import time
class Sensor:
    names, units = ("n",), ("",)
    count = 0
    def __init__(self, i2c):
        assert i2c is None
    def read(self, buffer):
        self.count += 1
        buffer[0] = self.count
        {read}
"""

# boot.py: an I2C bus with an ADXL345 at its second address, at rest and upside down, and something else at 0x68.
BUS = """
import machine
class I2C:
    def __init__(self, bus, sda, scl, freq):
        if (bus, sda, scl) != (1, 6, "SCL"):
            raise ValueError
    def readfrom_mem(self, address, register, n):
        if address == 0x68:
            return bytes(n)
        if address == 0x1D and register == 0:
            return bytes((0xE5,))
        raise OSError(5)
    def readfrom_mem_into(self, address, register, into):
        into[:] = bytes((0, 0, 0, 0, 0, 0xFF))
    def writeto_mem(self, address, register, data):
        pass
    def scan(self):
        return [0x1D, 0x68]
machine.I2C = machine.SoftI2C = I2C
machine.Pin = lambda pin: pin
"""


@pytest.fixture
def board(virtual_board: VirtualBoard) -> VirtualBoard:
    lines = [f"{20 * i}.000,{a},{b}\n" for i, (a, b) in enumerate(ROWS)]
    (virtual_board.root / "replay.csv").write_text("time (ms),ax (m/s2),turn\n" + "".join(lines))
    for name in ("boot.py", "main.py"):
        (virtual_board.root / name).unlink(missing_ok=True)
    return virtual_board


def driver(folder: Path, read: str) -> str:
    (folder / "odd.py").write_text(DRIVER.format(read=read))
    return str(folder / "odd.py")


def options(board: VirtualBoard, out: Path, sensor: str = str(REPLAY)) -> list[str]:
    return ["record", "--port", board.port, "--out", str(out), "--sensor", sensor, "--countdown", "0"]


def test_takes_hold_what_the_sensor_said(board: VirtualBoard, tmp_path: Path) -> None:
    (board.root / "main.py").write_text("open('/started', 'a').write('s')\nwhile True:\n    pass\n")
    out, talk = whit(*options(board, tmp_path), "--label", "wave", "--rate", "50", "--seconds", "1.2", "--takes", "2")
    first, second = out.splitlines()
    assert first.startswith(f"{tmp_path}/wave/wave-001.csv: 1.2 s, ") and first.endswith(" lost")
    assert "wave-002.csv" in second
    assert talk.startswith("replay on virtual board: ax (m/s2), turn\nwave, take 1 of 2: 1 s  ax ")
    found = takes.read(tmp_path)
    assert [(take.label, take.names, take.units) for take in found] == [("wave", ("ax", "turn"), ("m/s2", ""))] * 2
    x = np.concatenate([take.x for take in found])
    assert len(x) > 60 and (x == ROWS[: len(x)]).all()  # to the last bit; a busy computer may lose some
    for take in found:
        assert take.rate_hz == pytest.approx(50, rel=0.05) and take.seconds == pytest.approx(1.2, rel=0.05)
    end = time.monotonic() + 5
    while not (board.root / "started").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert (board.root / "started").exists()
    assert sorted(path.name for path in (tmp_path / "wave").iterdir()) == ["wave-001.csv", "wave-002.csv"]


def test_stats_and_json(board: VirtualBoard, tmp_path: Path) -> None:
    for label, seconds in (("wave", "0.4"), ("rest", "0.2")):
        more = ("--rate", "200", "--seconds", seconds, "--label", label, "--json")
        told = json.loads(whit(*options(board, tmp_path), *more)[0])
        assert told["sensor"] == "replay" and told["channels"][0] == {"name": "ax", "unit": "m/s2"}
        (take,) = told["takes"]
        assert take["path"] == f"{tmp_path}/{label}/{label}-001.csv"
        assert take["late"] + take["samples"] == 200 * float(seconds)
    table = whit("record", "--stats", str(tmp_path))[0].splitlines()
    assert table[0].split() == ["label", "takes", "seconds", "samples", "Hz", "channel", "mean", "std", "min", "max"]
    assert [line.split()[0] for line in table[1:]] == ["rest", "turn", "wave", "turn"]
    told = json.loads(whit("record", "--stats", str(tmp_path), "--json")[0])
    assert [label["label"] for label in told["labels"]] == ["rest", "wave"]
    x = takes.load(tmp_path / "wave/wave-001.csv").x
    told_ax = told["labels"][1]["channels"][0]
    assert told_ax["min"] == x[:, 0].min() and told_ax["mean"] == pytest.approx(x[:, 0].mean(), abs=1e-5)
    assert json.loads(whit("record", "--json", "--out", str(tmp_path), "--stats")[0]) == told


def test_ctrl_c_keeps_what_came(board: VirtualBoard, tmp_path: Path) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "whit", *options(board, tmp_path), "--label", "wave", "--seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert command.stderr is not None
    while not command.stderr.readline().startswith("wave: 1 s"):
        assert command.poll() is None
    command.send_signal(signal.SIGINT)
    out, talk = command.communicate(timeout=10)
    (take,) = takes.read(tmp_path)
    assert command.returncode == 130 and out == "" and talk.endswith(f": {take.path}\n\nwhit: stopped\n"), talk
    assert len(take.x) >= 50 and (take.x == np.concatenate([ROWS] * 9)[: len(take.x)]).all()


def test_loose_wire_keeps_what_came(board: VirtualBoard, tmp_path: Path) -> None:
    loose = driver(tmp_path, "if self.count > 30: raise OSError(5)")
    out, talk = whit(*options(board, tmp_path, loose), "--label", "w", "--rate", "100", code=1)
    assert re.search(r"whit: the odd stopped answering after \d\.\d s: OSError: \[Errno 5\] EIO\n\nhint: ", talk)
    (take,) = takes.read(tmp_path)
    assert f" of 5.0 s: {take.path}\n" in talk and out == ""
    assert (take.x[:, 0] == np.arange(1, len(take.x) + 1)).all() and len(take.x) >= 22


def test_late_and_damaged_samples_are_counted(board: VirtualBoard, tmp_path: Path) -> None:
    slow = driver(tmp_path, "if self.count % 10 == 0: time.sleep_ms(35)")
    with Recorder(board.port, slow) as recorder:
        taking = recorder.take("w", 100, 0.5)
        assert sum(len(rows) for rows in taking) == len(taking.take.x) == 50 - taking.quality.late
    assert taking.quality.late >= 8 and taking.quality.broken == 0
    assert taking.take.ms[10] - taking.take.ms[9] > 34
    noisy = driver(tmp_path, "if self.count % 10 == 3: print('A', end='')")  # damages the line that comes next
    with Recorder(board.port, noisy) as recorder:
        taking = recorder.take("w", 100, 0.5)
        read = np.concatenate([*taking])[:, 0]
    assert taking.quality.broken == 50 - taking.quality.late - len(read) >= 5 * 9 - 9
    slow = driver(tmp_path, "time.sleep_ms(15)")
    out, talk = whit(*options(board, tmp_path, slow), "--label", "w", "--rate", "100", "--seconds", "0.3")
    assert "hint: the board was late for " in talk and " lost" in out


class Serial(Cable):
    """115200 baud, as the USB bridge of an ESP32 board has it."""

    def _pass(self, data: bytes, target: int) -> None:
        for start in range(0, len(data), 16):
            piece = data[start : start + 16]
            time.sleep(len(piece) / 11520)
            super()._pass(piece, target)


def test_rate_that_a_serial_line_holds(board: VirtualBoard, tmp_path: Path, tell: Tell) -> None:
    text = DRIVER.replace('("n",), ("",)', '("n", "a", "b", "c", "d", "e"), ("",) * 6')
    (tmp_path / "six.py").write_text(text.format(read="for i in range(1, 6): buffer[i] = self.count * 1.37 + i"))
    with Serial(board.port) as cable, Recorder(cable.port, str(tmp_path / "six.py")) as recorder:
        taking = recorder.take("w", 250, 2)
        read = np.concatenate([*taking])
    quality = taking.quality
    assert quality.broken == 0 and (read[:, 0] == np.arange(1, len(read) + 1)).all()
    assert len(read) > 250  # all 500 where nothing else runs
    tell(f"250 Hz, 6 channels, 115200 baud: {len(read)} of 500 samples, jitter {quality.jitter_ms:.2f} ms")


def test_cable_of_ill_will(board: VirtualBoard, tmp_path: Path) -> None:
    count = driver(tmp_path, "pass")
    with Cable(board.port) as cable, Recorder(cable.port, count) as recorder:
        taking = recorder.take("w", 100, 1)
        cable.fault = Fault("drop", cable.passed + 700, size=3)  # the command takes 150 bytes, the readings 1200
        x = np.concatenate([*taking])[:, 0]
        assert cable.struck and 0 < taking.quality.broken <= 18 and len(x) == 100 - taking.quality.lost
        assert (np.diff(x) >= 1).all() and x[-1] == 100 - taking.quality.late  # what came is right
        taking = recorder.take("w", 100, 5)
        with pytest.raises(WhitError, match="went away in the middle"):
            for part in taking:
                cable.fault, cable.struck = Fault("cut", cable.passed + len(part)), False
        assert len(taking.take.x) >= 1 and taking.quality.broken == 0


def test_sensor_is_found_on_the_bus(board: VirtualBoard, tmp_path: Path) -> None:
    (board.root / "boot.py").write_text(BUS)
    bus = ("--sda", "6", "--scl", "SCL")
    more = ("--rate", "50", "--seconds", "0.2", "--countdown", "0", "--out", str(tmp_path), "--label", "flat")
    out, talk = whit("record", "--port", board.port, *bus, *more)
    assert talk.startswith("adxl345 on virtual board: ax (m/s2), ay (m/s2), az (m/s2)\n")
    (take,) = takes.read(tmp_path)
    assert np.allclose(take.x, [0, 0, -9.80665])
    talk = whit("record", "--port", board.port, *bus, *more, "--sensor", "mpu6050", code=1)[1]
    assert talk.startswith("whit: no MPU6050 answers on SDA 6, SCL SCL; 0x1d, 0x68 does\n\nhint: check its wires")


def test_errors_of_the_command(board: VirtualBoard, tmp_path: Path) -> None:
    for message, *arguments in (
        ("the label '../w' cannot be the name of a folder", "--label", "../w"),
        ("the virtual board has no I2C bus", "--label", "w", "--port", board.port),
        (f"{tmp_path}: no takes in it", "--stats", str(tmp_path)),
    ):
        out, talk = whit("record", *arguments, code=1)
        assert out == "" and talk.startswith(f"whit: {message}\n\nhint: ")
    assert "--label is missing" in whit("record", code=2)[1]


def test_errors_of_sensors(board: VirtualBoard, tmp_path: Path) -> None:
    def fails(**options: str) -> str:
        with pytest.raises(WhitError) as caught:
            Recorder(board.port, **options)
        assert caught.value.hint
        return str(caught.value)

    file = tmp_path / "not.py"
    assert fails(sda="1") == "--scl is missing"
    assert fails(sensor="mpu6051") == "there is no driver 'mpu6051'"
    file.write_text("class Sensor(:")
    assert fails(sensor=str(file)) == "SyntaxError: invalid syntax"
    file.write_text("class Sensor:\n  def __init__(self, i2c): self.names, self.units = ('a',), ()")
    assert fails(sensor=str(file)) == f"{file}: its Sensor has no names, or not as many units"
    (board.root / "replay.csv").unlink()
    assert fails(sensor=str(REPLAY)) == "OSError: there is no replay.csv"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", ": its first line is not 'time (ms),...'"),
        ("a,b\n1,2\n", ": its first line is not 'time (ms),...'"),
        ("time (ms),a\n", ": no samples in it"),
        ("time (ms),a\n1,2\n3\n", ", line 3: 1 numbers; the first line names 2"),
        ("time (ms),a\n1,2\n3,four\n", ", line 3: '3,four' is no row of numbers"),
        ("time (ms),a\n1,2\n1,3\n", ": its times do not rise, or a number is not finite"),
        ("time (ms),a\n1,nan\n", ": its times do not rise, or a number is not finite"),
    ],
)
def test_damaged_takes(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/w-001.csv").write_text(content)
    with pytest.raises(WhitError) as caught:
        takes.read(tmp_path)
    assert str(caught.value) == f"{tmp_path}/w/w-001.csv{why}" and caught.value.hint


def test_save_takes_the_next_number(tmp_path: Path) -> None:
    take = takes.Take("a b", ("x",), ("",), np.array([0.0, 20.0]), np.array([[0.1], [1e-9]], np.float32))
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/old-007.csv").write_text("")
    path = takes.save(take, tmp_path)
    assert path.name == "a b-008.csv" and path.read_text() == "time (ms),x\n0.000,0.1\n20.000,1e-09\n"
    again = takes.load(path)
    assert (again.x == take.x).all() and again.rate_hz == 50 and again.seconds == 0.04
    path.write_text("\ufefftime (ms) , x(m/s2)\n0,1\n10,2\n")  # as a spreadsheet may save it
    assert (takes.load(path).names, takes.load(path).units) == (("x",), ("m/s2",))
    (tmp_path / "file").write_text("")
    with pytest.raises(WhitError, match="file/a b: "):
        takes.save(take, tmp_path / "file")


def test_plot() -> None:
    ramp = np.arange(90, dtype=np.float32)
    assert spark(ramp, 0, 89, 9, per=10) == "▁▂▃▄▄▅▆▇█"
    assert spark(ramp[:4], 0, 89, 3, levels=PLAIN) == "..."
    assert spark(ramp[:0], 0, 0, 3) == "   " and spark(ramp[:1], 0, 0, 3) == "  ▁"
    # a column keeps its samples when others come: the lines scroll, and do not flicker
    later = spark(ramp[3:], 0, 89, 9, per=10, first=3)
    assert later[1:] == "▂▃▄▄▅▆▇█"
    x = np.array([[0, 5, 100], [1, -5, 300]], np.float32)
    assert ranges(x, ["m/s2", "m/s2", "Pa"]) == [(-5, 5), (-5, 5), (100, 300)]


def test_plot_on_a_terminal(board: VirtualBoard, tmp_path: Path) -> None:
    import pty

    arguments = [*options(board, tmp_path), "--label", "wave", "--seconds", "1"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment(), TERM="xterm", COLUMNS="80", LINES="24", PYTHONUTF8="1")
        os.execv(sys.executable, [sys.executable, "-m", "whit", *arguments])
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # its other end is closed
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    text = shown.decode()
    assert re.search(r"(1.0|0.9) of 1.0 s", text) and "▅" in text and "m/s2" in text and "wave-001.csv: 1.0 s, " in text
