"""UF2 images: blocks of 512 bytes, each with its place in flash and the chip that it is for.

The format is https://github.com/microsoft/uf2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from whit.content import Content, another_chip, cut_off, damaged
from whit.errors import WhitError
from whit.profiles import Profile, everything

MAGIC = b"UF2\n"
_BLOCK = 512
_SECOND_MAGIC = 0x9E5D5157
_LAST_MAGIC = 0x0AB16F30
_NOT_FOR_FLASH = 0x00000001
_HAS_FAMILY = 0x00002000
_LARGEST_PAYLOAD = 476
_RP2_FLASH = 0x10000000
_ABSOLUTE = 0xE48BFF57  # one block before the image of an RP2350, there for an erratum of its boot ROM


@dataclass(frozen=True)
class _Block:
    address: int
    number: int
    count: int
    family: int | None
    payload: bytes


def check(data: bytes, name: str, board: Profile, hint: str) -> Content:
    """The image in ``data``. WhitError where it is damaged, cut off or for another chip."""
    blocks = [_block(data, at, name, hint) for at in range(0, len(data) - _BLOCK + 1, _BLOCK)]
    whole = [block for block in blocks if block is not None]
    for family in dict.fromkeys(block.family for block in whole):
        if family != board.uf2_family:
            right = next((other for other in everything() if other.uf2_family == family and family), None)
            raise another_chip(name, _chip(family, right), board, right, hint)
    if whole:
        need = max(block.count for block in whole) + sum(block is None for block in blocks)
    if not whole or need * _BLOCK != len(data):
        need_bytes = need * _BLOCK if whole else _BLOCK
        raise cut_off(name, f"it needs {need_bytes:,} bytes", len(data), hint)
    for number, block in enumerate(whole):
        if (block.number, block.count) != (number, len(whole)):
            told = f"block {number} of {len(whole)} calls itself {block.number} of {block.count}"
            raise damaged(name, told, hint)
    return _laid_out(whole, name, board, hint)


def _block(data: bytes, at: int, name: str, hint: str) -> _Block | None:
    """The block at ``at``; None for one that is no part of the image."""
    head = struct.unpack_from("<8I", data, at)
    (last,) = struct.unpack_from("<I", data, at + _BLOCK - 4)
    first, second, flags, address, size, number, count, family = head
    if (first, second, last) != (int.from_bytes(MAGIC, "little"), _SECOND_MAGIC, _LAST_MAGIC):
        raise damaged(name, f"no UF2 block at byte {at:,}", hint)
    if size > _LARGEST_PAYLOAD:
        raise damaged(name, f"block at byte {at:,} has {size:,} bytes of {_LARGEST_PAYLOAD}", hint)
    known = family if flags & _HAS_FAMILY else None
    if flags & _NOT_FOR_FLASH or (known == _ABSOLUTE and at == 0):
        return None
    return _Block(address, number, count, known, data[at + 32 : at + 32 + size])


def _laid_out(blocks: list[_Block], name: str, board: Profile, hint: str) -> Content:
    start = min(block.address for block in blocks)
    end = max(block.address + len(block.payload) for block in blocks)
    flash = board.flash_kb * 1024
    if start < _RP2_FLASH or end > _RP2_FLASH + flash:
        raise WhitError(f"{name} writes {start:#x} to {end:#x}; {board.name} has {flash:,} bytes of flash", hint)
    content = bytearray(b"\xff" * (end - start))
    for block in blocks:
        content[block.address - start : block.address - start + len(block.payload)] = block.payload
    files = _RP2_FLASH + (board.flash_kb - board.files_kb) * 1024
    return Content(board.chip, bytes(content), start - _RP2_FLASH, ["firmware"], end <= files)


def _chip(family: int | None, known: Profile | None) -> str:
    """A family id in words."""
    if known is not None:
        return known.chip
    return "chip that no family id names" if family is None else f"chip of family {family:#010x}"
