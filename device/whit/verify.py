# Proves, before anything runs, that a blob is whole and that no kernel can leave the arena or DATA.
# Kernels trust what stands here and in checks/; FORMAT.md says the same in words. All of it leaves RAM after `load`.
from struct import unpack_from

from micropython import const

from . import BlobError, __version__
from .build import module, operator
from .model import word

# words of the record of each operator; 0: no such operator
_WORDS = const((0, 8, 8, 32, 20, 21, 33, 30, 8, 7, 21, 20, 10, 9, 25, 8, 41, 21, 32))


def refuse(name, text, *args):
    raise BlobError(name + ": " + text % args)


def header(name, b, n):
    "Checks the first 36 bytes b of a blob of n bytes. -> bytes of the arena"
    if len(b) < 36 or bytes(b[:4]) != b"WHIT":
        refuse(name, "not a whit file")
    form = b[4] | b[5] << 8
    if form != 1:
        refuse(name, "format %d; this whit reads 1", form)
    mine = __version__.split(".")
    if (b[7], b[6]) > (int(mine[0]), int(mine[1])):
        refuse(name, "needs whit %d.%d; this is %s", b[7], b[6], __version__)
    want = word(b, 12)
    if want != n:
        refuse(name, "%d B; its header says %d", n, want)
    meta, plan, data, test = unpack_from("<4I", b, 20)
    if 36 + meta + plan + data + test != n or (meta | plan | data) & 3:
        refuse(name, "sections do not fit the file")
    return word(b, 16)


def whole(name, b, file):
    "Checks the CRC-32, which covers all but its own four bytes; b: header, file: pieces of what follows byte 12."
    try:
        from binascii import crc32
    except ImportError:
        from .crc32 import crc32

    crc = crc32(b[:8], 0)
    for piece in file:
        crc = crc32(piece, crc)
    if crc & 0xFFFFFFFF != word(b, 8):
        refuse(name, "checksum does not match; copy it again")


class _Record:
    # one record of PLAN, with the questions that its check asks
    def __init__(self, b, at, arena, data, steps):
        self.b = b
        self.steps = steps  # of all records up to this one
        self.at = at
        self.arena = arena
        self.start = word(b, at + 8)
        self.data = word(b, at + 12)
        self.ok = self.start + self.data <= data and not self.start & 3 and not self.data & 3

    def __getitem__(self, i):
        return word(self.b, self.at + 4 * i)

    def need(self, ok):
        if not ok:
            self.ok = False

    def inside(self, i, n):  # n bytes of the arena, from i
        self.need(n > 0 and i + n <= self.arena)

    def stored(self, i, n):  # of this record's part of DATA
        self.need(n > 0 and i + n <= self.data)

    def takes(self, n):  # steps; a record that loops for hours is as bad as one that crashes
        self.steps += n

    def fine(self):
        return self.ok and self.steps <= 1 << 30  # minutes on a board, and more than any model that suits one

    def small(self, i, n, start=0, stop=32768):  # fields i to n, which a kernel multiplies
        while i <= n:
            self.need(start <= self[i] < stop)
            i += 1

    def bytes(self, i, n):  # zero points and bounds, all plus 128
        self.small(i, n, 0, 256)

    def scale(self, i):  # multiplier in [0, 2**31), right shift | left shift << 8
        self.need(self[i] >> 31 == 0 and self[i + 1] & 255 < 32 and self[i + 1] >> 8 < 32)

    def image(self, scratch):  # input, output, geometry, table and scratch of a convolution. -> its output channels
        self.small(8, 20, 1)
        self.small(21, 22)
        self.bytes(23, 26)
        channels = self[10] * self[14]
        self.inside(self[4], self[8] * self[9] * self[10] * self[11])
        self.need(self[27] < 1 << 24 and self[28] < 1 << 24 and self[12] * self[13] * channels <= self.arena)
        size = (self[12] - 1) * self[27] + (self[13] - 1) * self[28] + channels
        self.inside(self[5], size)
        # kernels keep offsets in scratch: no output may fall on them
        self.inside(self[6], scratch)
        self.need(not self[6] & 3 and (self[6] + scratch <= self[5] or self[5] + size <= self[6]))
        self.stored(self[7], 16 * channels)
        self.need(not self[7] & 3)
        self.takes(1000 * channels)  # the check of the table, which is bytecode
        if self.fine():
            at = 36 + word(self.b, 20) + word(self.b, 24) + self.start + self[7]
            for i in range(channels):
                m = word(self.b, at + 16 * i + 4)
                s = word(self.b, at + 16 * i + 8)
                self.need(m >> 31 == 0 and s & 255 < 32 and s >> 8 & 0x7FFFFF < 32)
        return channels


def plan(name, b):
    "Checks every record."
    arena = word(b, 16)
    at = 36 + word(b, 20)
    end = at + word(b, 24)
    data = word(b, 28)
    edges = [0, 0, 0]
    steps = 0
    while at < end:
        op = word(b, at)
        if not 0 < op < len(_WORDS):
            refuse(name, "op %d is unknown to whit %s", op, __version__)
        words = _WORDS[op]
        if at + 4 * words > end or word(b, at + 4) != words:
            refuse(name, "op %d has a record of the wrong size", op)
        r = _Record(b, at, arena, data, steps)
        module("checks", operator(op)).check(r)
        steps = r.steps
        if not r.ok:
            refuse(name, "op %d at byte %d reaches outside its memory", op, at)
        if not r.fine():
            refuse(name, "op %d at byte %d would run for minutes", op, at)
        if op < 3:
            if op == 1 and edges[2]:
                refuse(name, "an input after the outputs")
            edges[0] += r[5]
            edges[op] += 1
        at += 4 * words
    if not edges[1] or not edges[2]:
        refuse(name, "%d inputs and %d outputs; it needs one of each", edges[1], edges[2])
    if word(b, 32) not in (0, edges[0]):
        refuse(name, "its self-test has the wrong size")
