"""Everything that is done with esptool: checking images for ESP32s, and the command that writes them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whit.content import Content, another_chip, cut_off, damaged
from whit.errors import WhitError
from whit.profiles import Profile, everything

MAGIC = b"\xe9"
BAUD = 460800
_TABLE = 0x8000  # where MicroPython's boot loader looks for the table of partitions
_ENTRY = struct.Struct("<HBBII16sI")
_ENTRY_MAGIC, _MD5_MAGIC = 0x50AA, 0xEBEB
_APP, _FILES = 0, "vfs"
_HEADER_BYTES = 24
_PERCENT = re.compile(r"(\d+)(?:\.\d+)?\s?%")


@dataclass(frozen=True)
class _Partition:
    name: str
    kind: int
    offset: int
    size: int


def check(data: bytes, name: str, board: Profile, hint: str) -> Content:
    """An image of boot loader, partitions and application. WhitError where it is damaged, cut off, or for another chip.

    esptool parses boot loader and application and computes their checksums.
    """
    assert board.esp_offset is not None
    chip = _chip(data, name, hint)
    if chip != board.esp_chip:
        right = next((other for other in everything() if other.esp_chip == chip), None)
        raise another_chip(name, right.chip if right else chip, board, right, hint)
    _whole(data, 0, "boot loader", chip, name, hint)
    partitions = _partitions(data[_TABLE - board.esp_offset :], name, hint)
    apps = [part for part in partitions if part.kind == _APP and part.offset - board.esp_offset < len(data)]
    if not apps:
        first = min((part.offset for part in partitions if part.kind == _APP), default=_TABLE) - board.esp_offset
        raise cut_off(name, f"its application begins at byte {first:,}", len(data), hint)
    for part in apps:
        at = part.offset - board.esp_offset
        if any(byte != 0xFF for byte in data[at : at + 16]):
            _whole(data, at, "application", chip, name, hint)
    end = board.esp_offset + len(data)
    hit = [part for part in partitions if part.offset < end]
    return Content(
        chip=board.chip,
        data=data,
        offset=board.esp_offset,
        writes=["boot loader", "partition table", *[part.name for part in hit]],
        keeps_files=not any(part.name == _FILES for part in hit),
    )


def _esptool() -> Any:
    try:
        import esptool.bin_image
        import esptool.targets
    except ImportError as error:
        raise WhitError("ESP32 boards need esptool, which is not installed", "pip install 'whit[flash]'") from error
    return esptool


def _chip(data: bytes, name: str, hint: str) -> str:
    """The chip in the image's header, as esptool names it."""
    if len(data) < _HEADER_BYTES:
        raise cut_off(name, f"it needs {_HEADER_BYTES} bytes", len(data), hint)
    (number,) = struct.unpack_from("<H", data, 12)
    for chip, kind in _esptool().targets.CHIP_DEFS.items():
        if getattr(kind, "IMAGE_CHIP_ID", None) == number:
            return str(chip)
    raise WhitError(f"{name} is for a chip that esptool does not know (id {number})", hint)


def _whole(data: bytes, at: int, what: str, chip: str, name: str, hint: str) -> None:
    """Are all segments there, and do checksum and SHA-256 match?"""
    if not data.startswith(MAGIC, at):
        raise damaged(name, f"no {what} at byte {at:,}", hint)
    end = at + _HEADER_BYTES
    for _ in range(data[at + 1]):
        end += 8
        if end <= len(data):
            end += int(struct.unpack_from("<I", data, end - 4)[0])
        if end > len(data):
            raise cut_off(name, f"its {what} needs at least {end:,} bytes", len(data), hint)
    end = (end + 16) // 16 * 16 + 32 * data[at + 23]  # a checksum in the last of 16 bytes, then perhaps a SHA-256
    if end > len(data):
        raise cut_off(name, f"its {what} needs {end:,} bytes", len(data), hint)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            image = _esptool().bin_image.LoadFirmwareImage(chip, bytes(data[at:end]))
    except (_esptool().util.FatalError, RuntimeError, struct.error, TypeError) as error:
        raise damaged(name, f"{what}: {error}", hint) from error
    if image.append_digest and image.stored_digest != image.calc_digest:
        raise damaged(name, f"the SHA-256 of its {what} does not match", hint)
    if image.checksum != image.calculate_checksum():
        raise damaged(name, f"the checksum of its {what} does not match", hint)


def _partitions(table: bytes, name: str, hint: str) -> list[_Partition]:
    """The partitions of an image, whose table carries its own MD5."""
    found = []
    for at in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, _, offset, size, label, _ = _ENTRY.unpack_from(table, at)
        if magic == _MD5_MAGIC:
            if hashlib.md5(table[:at], usedforsecurity=False).digest() != table[at + 16 : at + 32]:
                raise damaged(name, "the MD5 of its partition table does not match", hint)
            break
        if magic != _ENTRY_MAGIC:
            break
        found.append(_Partition(label.rstrip(b"\0").decode(errors="replace"), kind, offset, size))
    if not found:
        raise WhitError(f"{name} has no partition table: it is an application alone, or cut off", hint)
    return found


def command(board: Profile, port: str, path: str, erase: bool) -> list[str]:
    """What esptool is called with. It compares MD5 sums with the chip after writing."""
    line = ["esptool", "--chip", str(board.esp_chip), "--port", port, "--baud", str(BAUD), "write-flash"]
    return [*line, *(["--erase-all"] if erase else []), f"{board.esp_offset:#x}", path]


def write(board: Profile, port: str, path: str, erase: bool, progress: Callable[[int, int], None]) -> None:
    """Run that command. WhitError tells which of the ways to fail it was."""
    _esptool()
    line = command(board, port, path, erase)
    said = ""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", *line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    try:
        with process:
            assert process.stdout is not None
            while part := os.read(process.stdout.fileno(), 4096):
                said += part.decode(errors="replace")
                done = _PERCENT.findall(said[said.rfind("Writing at") :]) if "Writing at" in said else []
                if done:
                    progress(int(done[-1]), 100)
    finally:
        process.kill()  # nobody writes on after a Ctrl-C
    if process.returncode:
        raise _failure(said, board, port, " ".join(line))


def _failure(said: str, board: Profile, port: str, line: str) -> WhitError:
    """esptool's last words as a message."""
    wrong = re.search(r"[Tt]his chip is (ESP[\w-]+)", said)
    if wrong:
        chip = wrong.group(1)
        right = next((other for other in everything() if other.esp_chip and other.chip == chip), None)
        hint = f"whit flash {right.name}" if right else "'whit boards --all' lists the boards that whit knows"
        return WhitError(f"{port} has an {chip}; {board.name} has an {board.chip}", hint)
    if re.search(r"Failed to connect|No serial data|Invalid head of packet|Wrong boot mode", said):
        return WhitError(f"no boot loader answers on {port}", f"{board.bootloader} Then try again")
    told = [text.strip() for text in said.splitlines() if text.strip()]
    error = next((text for text in reversed(told) if "rror" in text), told[-1] if told else "it said nothing")
    return WhitError(f"esptool could not write to {port}: {error}", f"check the cable and try again: {line}")
