"""The memory of an emulated board: buffers that are exact to the byte, code, objects, a stack.

A buffer has pages of its own and ends with the last of them, up to three bytes of padding aside; the
pages around it are not mapped. Hooks on the padding and on the unused start of the first page watch
just these addresses, so that an access that is right costs nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

import unicorn as uc

PAGE = 0x1000
CODE, CODE_SIZE = 0x10000000, 0x100000
BUFFERS, BUFFERS_END = 0x20000000, 0x2F000000
OBJECTS, OBJECTS_SIZE = 0x30000000, 0x100000  # read-only for the code: function and array objects, tables
STACK, STACK_SIZE = 0x32000000, 0x2000
FILL = 0xA5  # what lies around a buffer, so what a read into its slack gives


class Unsupported(Exception):
    """The code asks for something that the emulated runtime does not do; str() says what."""


class Buffer:
    """A piece of the machine's memory: `size` bytes at `addr`, a multiple of 4; made by Memory.buffer."""

    def __init__(self, memory: Memory, addr: int, size: int, slack: int, name: str) -> None:
        self.memory, self.addr, self.size, self.slack, self.name = memory, addr, size, slack, name
        self.object = 0  # address of its array object
        self.item_bytes = 1  # what an index of that object counts in
        self.hooks: list[int] = []

    def __repr__(self) -> str:
        return f"{self.name} (0x{self.addr:08x}, {self.size} bytes)"

    def read(self) -> bytes:
        """The bytes that are in it now."""
        return bytes(self.memory.uc.mem_read(self.addr, self.size))

    def write(self, data: bytes, offset: int = 0) -> None:
        """Put bytes at an offset; ValueError when they do not fit."""
        if offset < 0 or offset + len(data) > self.size:
            raise ValueError(f"{len(data)} bytes at {offset} of {self!r}")
        self.memory.uc.mem_write(self.addr + offset, bytes(data))

    def words(self) -> list[int]:
        """Its content as 32-bit words without sign."""
        return list(struct.unpack_from(f"<{self.size // 4}I", self.read()))

    def free(self) -> None:
        """Give the memory back; every later access to it is an error."""
        self.memory.release(self)

    def allows(self, address: int, size: int, writes: bool) -> bool:
        """Whether an access lies inside, or for a read in the slack behind."""
        end = self.addr + self.size + (0 if writes else self.slack)
        return self.addr <= address and address + size <= end


class Memory:
    """Maps and guards the memory of one emulator; `fault` is called with what a wrong access was."""

    def __init__(self, emulator: Any, fault: Callable[[str], None]) -> None:
        self.uc = emulator
        self.fault = fault
        self.buffers: list[Buffer] = []
        self.objects: dict[int, Buffer] = {}  # address of the array object -> its buffer
        self._ends = {CODE: CODE, OBJECTS: OBJECTS, BUFFERS: BUFFERS + PAGE}  # how far a region is in use
        self.uc.mem_map(CODE, CODE_SIZE, uc.UC_PROT_READ | uc.UC_PROT_EXEC)
        self.uc.mem_map(OBJECTS, OBJECTS_SIZE, uc.UC_PROT_READ)
        self.uc.mem_map(STACK, STACK_SIZE, uc.UC_PROT_READ | uc.UC_PROT_WRITE)
        self.uc.hook_add(uc.UC_HOOK_MEM_INVALID, self._on_unmapped)
        # a first one now: code that is translated while no such hook exists misses those of later buffers
        self._watch(BUFFERS, BUFFERS + PAGE - 1, None)

    def buffer(self, content: bytes | int, *, slack: int = 0, name: str = "") -> Buffer:
        """Memory with these bytes, or with so many zeros; reads may go `slack` bytes past its end."""
        data = bytes(content)
        span = max(-(-(len(data) + slack) // 4), 1) * 4
        start = self._ends[BUFFERS]
        end = start + -(-span // PAGE) * PAGE
        if end > BUFFERS_END:
            raise MemoryError(f"no room for {len(data)} bytes in the machine")
        self._ends[BUFFERS] = end + PAGE
        buffer = Buffer(self, end - span, len(data), slack, name or f"buffer {len(self.buffers)}")
        self.uc.mem_map(start, end - start, uc.UC_PROT_READ | uc.UC_PROT_WRITE)
        self.uc.mem_write(start, bytes([FILL]) * (end - start))
        buffer.write(data)
        if start < buffer.addr:
            buffer.hooks.append(self._watch(start, buffer.addr - 1, buffer))
        # the widest access is 8 bytes: one that starts before the last 7 cannot reach past the end
        buffer.hooks.append(self._watch(max(buffer.addr, buffer.addr + len(data) - 7), end - 1, buffer))
        # as mp_obj_array_t: type, type code, length, address; code looks at nothing but the address
        buffer.object = self.place([0, 0, len(data), buffer.addr])
        self.objects[buffer.object] = buffer
        self.buffers.append(buffer)
        return buffer

    def array(self, words: Iterable[int], name: str = "") -> Buffer:
        """A buffer that is an array('I') of these words, each taken modulo 2**32."""
        buffer = self.buffer(pack(words), name=name)
        buffer.item_bytes = 4
        return buffer

    def release(self, buffer: Buffer) -> None:
        """Unmap a buffer; its address is not used again."""
        self.buffers.remove(buffer)
        del self.objects[buffer.object]
        for hook in buffer.hooks:
            self.uc.hook_del(hook)
        start = buffer.addr & -PAGE
        end = -(-(buffer.addr + buffer.size + buffer.slack) // PAGE) * PAGE
        self.uc.mem_unmap(start, end - start)

    def place(self, content: Iterable[int] | bytes, region: int = OBJECTS) -> int:
        """Put words or bytes for good behind what the region (OBJECTS or CODE) has; returns the address."""
        data = content if isinstance(content, bytes) else pack(content)
        addr = self._ends[region]
        self._ends[region] = addr + len(data) + -len(data) % 16
        if self._ends[region] > region + (OBJECTS_SIZE if region == OBJECTS else CODE_SIZE):
            raise MemoryError(f"no room for {len(data)} bytes of code or objects in the machine")
        self.uc.mem_write(addr, data)
        return addr

    def fetch(self, address: int, size: int) -> bytes:
        """What the runtime reads for the code; raises Unsupported outside of buffers and stack."""
        self._allow(address, size, False)
        return bytes(self.uc.mem_read(address, size))

    def store(self, address: int, data: bytes) -> None:
        """What the runtime writes for the code; raises Unsupported outside of buffers and stack."""
        self._allow(address, len(data), True)
        self.uc.mem_write(address, data)

    def _allow(self, address: int, size: int, writes: bool) -> None:
        stack = address >= STACK and address + size <= STACK + STACK_SIZE
        if size and not stack and not any(b.allows(address, size, writes) for b in self.buffers):
            raise Unsupported(self._describe(address, size, writes))

    def _describe(self, address: int, size: int, writes: bool) -> str:
        text = f"{'write' if writes else 'read'} of {size} bytes at 0x{address:08x}"
        if not self.buffers:
            return text + ", there is no buffer"

        def distance(buffer: Buffer) -> int:
            return max(buffer.addr - address, address + size - buffer.addr - buffer.size, 0)

        near = min(self.buffers, key=distance)
        side = "before the start" if address < near.addr else "past the end"
        return f"{text}, {distance(near)} bytes {side} of {near!r}"

    def _watch(self, begin: int, end: int, buffer: Buffer | None) -> int:
        kinds = uc.UC_HOOK_MEM_READ | uc.UC_HOOK_MEM_WRITE
        return int(self.uc.hook_add(kinds, self._on_watched, buffer, begin=begin, end=end))

    def _on_watched(self, _: Any, access: int, address: int, size: int, __: int, buffer: Any) -> None:
        writes = access == uc.UC_MEM_WRITE
        if buffer is None or not buffer.allows(address, size, writes):
            self.fault(self._describe(address, size, writes))

    def _on_unmapped(self, _: Any, access: int, address: int, size: int, __: int, ___: Any) -> bool:
        if access in (uc.UC_MEM_FETCH_UNMAPPED, uc.UC_MEM_FETCH_PROT):
            self.fault(f"jump to 0x{address:08x}, which is not code")
        else:
            writes = access in (uc.UC_MEM_WRITE_UNMAPPED, uc.UC_MEM_WRITE_PROT)
            self.fault(self._describe(address, size, writes))
        return False


def pack(words: Iterable[int]) -> bytes:
    """Words as a board has them in memory, each taken modulo 2**32."""
    return b"".join(struct.pack("<I", word & 0xFFFFFFFF) for word in words)
