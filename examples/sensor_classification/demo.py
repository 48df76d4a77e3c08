"""The whole way: train, convert, deploy to a virtual board, recognise 100 recordings there, compare.

Exit code 1 when the board names fewer than 85 of 100 recordings rightly, or when any byte that it computes, of
the signature that main.py counts or of the model's answer, differs from the reference.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent))
import train

LEAST_ACCURACY = 0.85

# Runs on the board, with main.py beside it: counts each recording of test.bin as it comes from a meter, and prints
# the int8 input that predict() makes, the output, the label, and the microseconds of a reading and of a run.
# The input's memory is used again during a run, so predict() is watched at the moment when it calls run().
ON_BOARD = """
import time, whit
from binascii import hexlify
from main import Signature, replay
m = whit.load("appliance.whit")
run = m.run
def watched():
    global made, us
    made = hexlify(m.input).decode()
    start = time.ticks_us()
    run()
    us = time.ticks_diff(time.ticks_us(), start)
m.run = watched
signature = Signature()
def tell():
    label = m.predict(signature.shares())
    print(made, hexlify(m.output).decode(), us, counting // total, label)
total = 0
for reading in replay("test.bin"):
    if reading is None:
        if total:
            tell()
        signature.clear()
        total = counting = 0
        continue
    start = time.ticks_us()
    signature.add(*reading)
    counting += time.ticks_diff(time.ticks_us(), start)
    total += 1
tell()
"""


@dataclass
class Runs:
    """What the board computed for each test recording."""

    inputs: np.ndarray  # int8 (n, 47)
    outputs: np.ndarray  # int8 (n, 10)
    run_us: np.ndarray
    reading_us: np.ndarray
    guesses: np.ndarray  # indices of labels


def reference(tflite: Path, inputs: np.ndarray) -> np.ndarray:
    """The outputs of TensorFlow Lite Micro's reference kernels, int8 (n, 10), for int8 inputs."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_file(str(tflite))
    outputs = []
    for row in inputs:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).ravel().copy())
    return np.array(outputs)


def on_board(port: str, readings: np.ndarray) -> Runs:
    """Send the readings of all recordings through main.py's counting and the model on the board at this port."""
    import whit

    frames = b"".join(len(r).to_bytes(2, "little") + r.astype("<i2").tobytes() for r in readings)
    with whit.Board(port) as board:
        board.put((train.HERE / "main.py").read_bytes(), "/main.py")
        board.put(frames, "/test.bin")
        rows = [line.split(maxsplit=4) for line in board.exec(ON_BOARD, timeout_s=120).splitlines()]
    made, given, run_us, reading_us, labels = zip(*rows, strict=True)
    guesses = np.array([train.LABELS.index(label) for label in labels])
    return Runs(_int8(made), _int8(given), np.array(run_us, int), np.array(reading_us, int), guesses)


def _int8(rows: tuple[str, ...]) -> np.ndarray:
    return np.array([np.frombuffer(bytes.fromhex(row), np.int8) for row in rows])


def confusion(y: np.ndarray, guesses: np.ndarray) -> Table:
    """A row for each kind of appliance: how many of its recordings got which name."""
    made = Table(title="ten recordings of each row, named as", title_justify="left", box=None, pad_edge=False)
    made.add_column("")
    for index in range(len(train.LABELS)):
        made.add_column(str(index), justify="right")
    for index, label in enumerate(train.LABELS):
        counts = np.bincount(guesses[y == index], minlength=len(train.LABELS))
        made.add_row(f"{index} {label}", *(str(count) if count else "." for count in counts))
    return made


def table(rows: list[tuple[str, str]]) -> Table:
    """Two columns: what, how much."""
    made = Table(title="100 recordings that the model never saw", show_header=False)
    made.add_column()
    made.add_column(justify="right")
    for row in rows:
        made.add_row(*row)
    return made


def demo(folder: Path = train.BUILD) -> int:
    """Returns the exit code: 0 when the board is as good as it must be, else 1."""
    import whit
    from whit import blob as blobs

    trained = train.build(folder)
    blob = blobs.read(folder / "appliance.whit")
    inputs = blob.inputs[0].quantise(trained.x_test).reshape(len(trained.x_test), -1)
    outputs = reference(folder / "appliance.tflite", inputs)
    print("deploying to a virtual board ...", flush=True)
    with whit.VirtualBoard() as virtual:
        whit.deploy(folder / "appliance.whit", port=virtual.port)
        print(f"running {len(inputs)} recordings on {virtual.port} ...", flush=True)
        board = on_board(virtual.port, trained.readings[:, : 6 * train.MINUTES[-1]])
    y = trained.y_test
    accuracy = float(np.mean(board.guesses == y))
    differ = int(((board.inputs != inputs).any(axis=1) | (board.outputs != outputs).any(axis=1)).sum())
    if accuracy < LEAST_ACCURACY:
        print(f"demo: accuracy on the board is {accuracy:.2f}; it must be {LEAST_ACCURACY}", file=sys.stderr)
    if differ:
        print(f"demo: the board differs from the reference in {differ} recordings", file=sys.stderr)
    console = Console()
    console.print(confusion(y, board.guesses))
    rows = [
        ("accuracy, float (Keras)", f"{trained.right[:, -1].mean():.2f}"),
        ("accuracy, int8 (TensorFlow Lite Micro)", f"{np.mean(outputs.argmax(axis=1) == y):.2f}"),
        ("accuracy on the board", f"{accuracy:.2f}"),
        ("recordings where any byte differs", f"{differ}"),
        ("time to count a reading on the board", f"{np.median(board.reading_us):.0f} us"),
        ("time of a run on the board", f"{np.median(board.run_us):.0f} us"),
        ("blob", f"{blob.blob_bytes} bytes"),
        ("arena", f"{blob.arena_bytes} bytes"),
    ]
    console.print(table(rows))
    return 1 if differ or accuracy < LEAST_ACCURACY else 0


if __name__ == "__main__":
    from whit import WhitError
    from whit.cli import report

    try:
        sys.exit(demo())
    except WhitError as error:
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit("demo: stopped")
