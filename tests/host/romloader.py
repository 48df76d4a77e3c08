"""A chip's boot loader on a TCP port, as far as esptool needs it to write an image: socket://127.0.0.1:PORT.

It speaks the serial protocol of Espressif's documentation: packets in SLIP frames. What is written comes to lie in
``flash``; a stub that esptool uploads is acknowledged and never run.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import struct
import threading
import zlib
from collections.abc import Callable

END, ESCAPE = b"\xc0", b"\xdb"
MEM_END, SYNC, READ_REG, SECURITY_INFO = 0x06, 0x08, 0x0A, 0x14
DEFLATE_BEGIN, DEFLATE_DATA, DEFLATE_END, MD5, ERASE = 0x10, 0x11, 0x12, 0x13, 0xD0
CHIP_REGISTER, SPI_DATA_REGISTER, CLOCK_REGISTER = 0x40001000, 0x3FF42080, 0x3FF40014
ESP32, ESP32_S2, FLASH_4_MB = 0x00F01D83, 0x000007C6, 0x001640C8


class RomLoader(threading.Thread):
    """``damage``: a bit of what is written arrives wrong. ``silent``: nobody answers. ``finished`` is called once."""

    def __init__(
        self, chip: int = ESP32, damage: bool = False, silent: bool = False, finished: Callable[[], None] | None = None
    ) -> None:
        super().__init__(daemon=True)
        self.chip, self.damage, self.silent, self.finished = chip, damage, silent, finished
        self.flash = bytearray(b"\x00" * (4 << 20))
        self.erased = False
        self._at, self._stub, self._inflate = 0, False, zlib.decompressobj()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._server.accept()
                with peer, contextlib.suppress(ConnectionError):
                    self._serve(peer)

    def close(self) -> None:
        self._server.close()
        with contextlib.suppress(OSError):  # wakes accept
            socket.create_connection(self._server.getsockname(), 0.1).close()

    def _serve(self, peer: socket.socket) -> None:
        waiting = b""
        while part := peer.recv(65536):
            waiting += part
            while waiting.count(END) >= 2:
                _, packet, waiting = waiting.split(END, 2)
                if packet and not self.silent:
                    packet = packet.replace(ESCAPE + b"\xdc", END).replace(ESCAPE + b"\xdd", ESCAPE)
                    for answer in self._answers(packet):
                        peer.sendall(
                            END + answer.replace(ESCAPE, ESCAPE + b"\xdd").replace(END, ESCAPE + b"\xdc") + END
                        )
                elif not packet:
                    waiting = END + waiting  # that END began a packet

    def _answers(self, packet: bytes) -> list[bytes]:
        command, size = struct.unpack_from("<xBH", packet)
        body = packet[8 : 8 + size]
        value, data, status = 0, b"", 0
        if command == READ_REG:
            known = {CHIP_REGISTER: self.chip, SPI_DATA_REGISTER: FLASH_4_MB, CLOCK_REGISTER: 40_000_000 // 115_200}
            value = known.get(struct.unpack("<I", body)[0], 0)
        elif command == SECURITY_INFO:
            status = 1  # the first chips have no such command
        elif command == ERASE:
            self.flash[:] = b"\xff" * len(self.flash)
            self.erased = True
        elif command == DEFLATE_BEGIN:
            self._at = struct.unpack_from("<12xI", body)[0]
            self._inflate = zlib.decompressobj()
        elif command == DEFLATE_DATA:
            written = self._inflate.decompress(body[16:])
            self.flash[self._at : self._at + len(written)] = written
            self._at += len(written)
            if self.damage:
                self.flash[self._at - 1] ^= 1
        elif command == MD5:
            at, length = struct.unpack_from("<II", body)
            data = hashlib.md5(self.flash[at : at + length], usedforsecurity=False).digest()
            data = data if self._stub else data.hex().encode()
        elif command == SYNC:
            self._stub, value = False, 1  # a stub that still runs answers with 0
        data += bytes([status, 5 if status else 0]) + (b"" if self._stub else bytes(2))
        answer = struct.pack("<BBHI", 1, command, len(data), value) + data
        if command == SYNC:
            return [answer] * 8
        if command == MEM_END:
            self._stub = True
            return [answer, b"OHAI"]
        if command == MD5 and self.finished is not None:
            self.finished()
            self.finished = None
        return [answer]
