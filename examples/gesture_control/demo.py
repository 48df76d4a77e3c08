"""The whole way, as ``make demo``: train, convert, deploy to a virtual board, run 40 windows there, compare.

Exit code 1 when the board names fewer than 95 of 100 windows rightly, or when any byte that it computes
differs from TensorFlow Lite Micro's.
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

LEAST_ACCURACY = 0.95

# Runs on the board, prints for each window: the int8 input that predict() makes, the output, the label, us.
# The input's memory is used again during a run, so predict() is watched at the moment when it calls run().
ON_BOARD = """
import time, whit
from array import array
from binascii import hexlify
m = whit.load("gesture.whit")
run = m.run
def watched():
    global made, us
    made = hexlify(m.input).decode()
    start = time.ticks_us()
    run()
    us = time.ticks_diff(time.ticks_us(), start)
m.run = watched
x = array("f", bytes(4 * len(m.input)))
with open("test.bin", "rb") as file:
    while file.readinto(x) == 4 * len(x):
        label = m.predict(x)
        print(made, hexlify(m.output).decode(), label, us)
"""


@dataclass
class Runs:
    """What one machine computed for each test window."""

    inputs: np.ndarray  # int8 (n, 600)
    outputs: np.ndarray  # int8 (n, 4)
    labels: list[str]
    ms: np.ndarray  # for one window


def reference(tflite: Path, inputs: np.ndarray) -> np.ndarray:
    """The outputs of TensorFlow Lite Micro's reference kernels, int8 (n, 4), for int8 inputs."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_file(str(tflite))
    shape = tuple(interpreter.get_input_details(0)["shape"])
    outputs = []
    for window in inputs:
        interpreter.set_input(window.reshape(shape), 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).ravel().copy())
    return np.array(outputs)


def on_board(port: str, x: np.ndarray) -> Runs:
    """Run every window of x, in the unit of training, on the board at this port."""
    import whit

    with whit.Board(port) as board:
        board.put(x.astype("<f4").tobytes(), "/test.bin")
        rows = [line.split() for line in board.exec(ON_BOARD, timeout_s=120).splitlines()]
        board.remove("/test.bin")
    made, given, labels, us = zip(*rows, strict=True)
    return Runs(_int8(made), _int8(given), list(labels), np.array(us, float) / 1000)


def _int8(rows: tuple[str, ...]) -> np.ndarray:
    return np.array([np.frombuffer(bytes.fromhex(row), np.int8) for row in rows])


def differing(board: Runs, inputs: np.ndarray, outputs: np.ndarray) -> int:
    """Windows of which any byte, of the quantised input or of the output, is not the reference's."""
    return int(((board.inputs != inputs).any(axis=1) | (board.outputs != outputs).any(axis=1)).sum())


def table(rows: list[tuple[str, str]]) -> Table:
    """Two columns: what, how much."""
    made = Table(title="40 windows that the model never saw", show_header=False)
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
    blob = blobs.read(folder / "gesture.whit")
    inputs = blob.inputs[0].quantise(trained.x_test).reshape(len(trained.x_test), -1)
    outputs = reference(folder / "gesture.tflite", inputs)
    print("deploying to a virtual board ...", flush=True)
    with whit.VirtualBoard() as virtual:
        whit.deploy(folder / "gesture.whit", port=virtual.port)
        print(f"running {len(inputs)} windows on {virtual.port} ...", flush=True)
        board = on_board(virtual.port, trained.x_test)
    accuracy_int8 = float(np.mean(outputs.argmax(axis=1) == trained.y_test))
    accuracy = float(np.mean(np.array(board.labels) == np.array(train.LABELS)[trained.y_test]))
    differ = differing(board, inputs, outputs)
    if accuracy < LEAST_ACCURACY:
        print(f"demo: accuracy on the board is {accuracy:.3f}; it must be {LEAST_ACCURACY}", file=sys.stderr)
    if differ:
        print(f"demo: the board differs from the reference in {differ} windows", file=sys.stderr)
    rows = [
        ("accuracy, float (Keras)", f"{trained.accuracy:.3f}"),
        (
            "accuracy, int8 (TensorFlow Lite Micro)",
            f"{accuracy_int8:.3f}",
        ),
        ("accuracy on the board", f"{accuracy:.3f}"),
        ("windows where any byte differs", f"{differ}"),
        ("time per window on the board", f"{np.median(board.ms):.2f} ms"),
        ("blob", f"{blob.blob_bytes} bytes"),
        ("arena", f"{blob.arena_bytes} bytes"),
    ]
    Console().print(table(rows))
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
