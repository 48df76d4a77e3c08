"""What a board is: chip, MicroPython, memory, and whether the runtime is on it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from whit.errors import WhitError, damaged

# sys.implementation._mpy holds the number of the architecture of native code; py/persistentcode.h has the list
_ARCHITECTURES = (
    "none",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)


@dataclass(frozen=True)
class BoardInfo:
    """A board as it described itself."""

    port: str
    machine: str  # "Raspberry Pi Pico with RP2040"
    platform: str  # sys.platform: "rp2", "esp32", "linux" (a virtual board)
    version: tuple[int, ...]  # of MicroPython: (1, 24, 1)
    version_string: str  # with what follows the numbers: "1.29.0-preview"
    arch: str  # of native code: "armv6m", "xtensawin", ...; "none" when the firmware loads no native code
    mpy_version: int  # of the .mpy files that it loads; 0: none
    mpy_abi: int  # of the native code in them
    free_ram: int  # bytes, after a garbage collection
    free_flash: int  # bytes of the file system at /; 0: unknown
    native: bool  # the firmware compiles @micropython.viper
    dsp: bool  # a Cortex-M with the DSP instructions; a Cortex-M3 calls itself armv7em as well
    runtime: str | None  # version of whit on it

    @property
    def virtual(self) -> bool:
        return self.platform in ("linux", "darwin")

    @property
    def name(self) -> str:
        """What it is called in an answer."""
        return "virtual board" if self.virtual else self.machine

    @property
    def loads_native(self) -> bool:
        """It loads .mpy files with machine code of the ABI of MicroPython 1.23 and later."""
        return self.arch in _ARCHITECTURES[1:] and (self.mpy_version, self.mpy_abi) == (6, 3)


def read_info(port: str, printed: str) -> BoardInfo:
    """BoardInfo from what snippets.PROBE printed."""
    said, _, check = printed.strip().partition("\n")
    if check and check != str(_check(said)):
        raise damaged(port, "in its description")
    try:
        machine, platform, version, mpy, free_ram, free_flash, native, dsp, runtime = ast.literal_eval(said)
        numbers = tuple(part for part in version if isinstance(part, int))
        words = [part for part in version if isinstance(part, str) and part]
    except (ValueError, SyntaxError, TypeError) as error:
        raise WhitError(
            f"the board on {port} describes itself in an unknown way: {printed.strip()[:60]!r}",
            "install MicroPython 1.20 or later from micropython.org/download",
        ) from error
    index = mpy >> 10 & 0xF
    info = BoardInfo(
        port=port,
        machine=machine,
        platform=platform,
        version=numbers,
        version_string="-".join([".".join(map(str, numbers)), *words]),
        arch=_ARCHITECTURES[index] if index < len(_ARCHITECTURES) else f"unknown ({index})",
        mpy_version=mpy & 0xFF,
        mpy_abi=mpy >> 8 & 3,
        free_ram=free_ram,
        free_flash=free_flash,
        native=native,
        dsp=dsp,
        runtime=runtime,
    )
    return info


def _check(said: str) -> int:
    """The number that a board adds to its description."""
    check = 0
    for c in said:
        check = (check * 31 + ord(c)) & 0xFFFFFF
    return check
