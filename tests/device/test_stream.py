"""Models whose weights stay in the file, or in memory that the file system maps."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mpremote.romfs import make_romfs
from whit.blob import Blob
from whit.compile import compile_graph
from whit.importers import tflite
from whit.simulate import Simulator

from tests.agreement.shared import SHARED, golden, need
from tests.device import models
from tests.device.session import Session

KERNELS = ("viper", "bytecode")


def write(blob: Blob, folder: Path) -> Path:
    path = folder / f"{blob.name}.whit"
    path.write_bytes(blob.content)
    return path


@pytest.mark.parametrize("make", [models.everything, models.recurrent])
@pytest.mark.parametrize("kernels", KERNELS)
def test_every_operator_gives_the_same_bytes_from_the_file(
    kernels: str, make: Callable[[], Blob], tmp_path: Path
) -> None:
    blob = make()
    path = write(blob, tmp_path)
    inputs = np.random.default_rng(5).integers(-128, 128, (4, blob.inputs[0].size)).astype(np.int8)
    simulator = Simulator(blob)
    with Session() as mp:
        mp.run(f"import micropython, whit\nm = whit.load({str(path)!r}, kernels={kernels!r}, stream=True)")
        assert mp.value("m.selftest()") == 0
        assert mp.value("repr(m)").endswith(f"{kernels} kernels, streamed>")
        for x in inputs:
            mp.run(
                "for i in range(len(data)):\n m.input[i] = data[i] - 256 if data[i] > 127 else data[i]\n"
                "micropython.heap_lock()\ntry:\n m.run()\nfinally:\n micropython.heap_unlock()",
                x.tobytes(),
            )
            assert mp.value("bytes(m.output)") == simulator.run(x).tobytes()


def test_it_is_chosen_where_the_file_does_not_fit_and_only_there(tmp_path: Path) -> None:
    blob = models.tiny(name="big")
    large = models.Builder("large", (1, 64))
    x = large.x
    for _ in range(4):
        x = large.add("FULLY_CONNECTED", [x, large.weights(800, x.size), large.bias(800)], large.tensor((1, 800)))
        x = large.add("FULLY_CONNECTED", [x, large.weights(64, 800), large.bias(64)], large.tensor((1, 64)))
    heavy = large.blob(x)
    assert heavy.blob_bytes > 300_000
    with Session() as mp:
        mp.run(f"import gc, whit\nm = whit.load({str(write(blob, tmp_path))!r})")
        assert not mp.value("repr(m)").endswith("streamed>")
        mp.run(f"m = None\ngc.collect()\nm = whit.load({str(write(heavy, tmp_path))!r})")
        assert mp.value("repr(m)").endswith("streamed>")
        assert mp.value("m.selftest()") == 0


def test_ad01_runs_on_a_heap_smaller_than_its_weights(tmp_path: Path) -> None:
    need("ad01_int8" if (SHARED / "models/ad01_int8.tflite").exists() else "")
    blob = compile_graph(tflite.read(SHARED / "models/ad01_int8.tflite"))
    inputs, outputs = golden("models", "ad01_int8")
    path = write(blob, tmp_path)
    with Session() as mp:
        mp.run(f"import whit\nm = whit.load({str(path)!r})")
        for x, y in zip(inputs, outputs, strict=True):
            mp.run("for i in range(640):\n m.input[i] = data[i] - 256 if data[i] > 127 else data[i]", x.tobytes())
            mp.run("m.run()")
            assert mp.value("bytes(m.output)") == y.tobytes()


@pytest.mark.parametrize("kernels", KERNELS)
def test_a_mapped_file_runs_in_place(kernels: str, tmp_path: Path) -> None:
    blob = models.everything()
    (tmp_path / "m.whit").write_bytes(blob.content)
    with contextlib.redirect_stdout(io.StringIO()):
        image = make_romfs(str(tmp_path), mpy_cross=False)
    at = image.index(b"WHIT")
    with Session(heap="400k") as mp:
        for shift, where in ((-at % 4, "in place>"), ((1 - at) % 4, "kernels>")):
            # in place where the file's words are aligned; else a copy
            mp.run("import gc, vfs, whit\nrom = data", bytes(shift) + image)
            mp.run(f"vfs.mount(vfs.VfsRom(memoryview(rom)[{shift}:]), '/rom')")
            mp.run(f"m = whit.load('/rom/m.whit', kernels={kernels!r})")
            assert mp.value("repr(m)").endswith(where)
            assert mp.value("m.selftest()") == 0
            mp.run("m = None\nvfs.umount('/rom')\ngc.collect()")
