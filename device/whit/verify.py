# Proves, before anything runs, that a blob is whole and that no kernel can leave the arena or DATA.
# Kernels trust what stands here; FORMAT.md says the same in words. The module is dropped from RAM after `load`.
from . import BlobError, __version__
from .model import word

# words of the record of each operator; 0: no such operator
_WORDS = (0, 8, 8, 29, 20, 21, 33, 30, 8, 7, 21, 20, 10, 9, 25, 8, 41, 21)

# steps of the innermost loops that one run may take: minutes on a board, and more than any model that suits one
_STEPS = 1 << 30


def crc32(data, crc):
    try:
        from binascii import crc32

        return crc32(data, crc) & 0xFFFFFFFF
    except ImportError:
        crc ^= 0xFFFFFFFF
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
        return crc ^ 0xFFFFFFFF


def header(name, b, size):
    "Checks the first 36 bytes b of a blob of `size` bytes. -> bytes of the arena"
    if len(b) < 36 or bytes(b[:4]) != b"WHIT":
        raise BlobError("%s: not a whit file" % name)
    form = b[4] | b[5] << 8
    if form != 1:
        raise BlobError("%s: format %d; this whit reads 1" % (name, form))
    mine = __version__.split(".")
    if (b[7], b[6]) > (int(mine[0]), int(mine[1])):
        raise BlobError("%s: needs whit %d.%d; this is %s" % (name, b[7], b[6], __version__))
    want = word(b, 12)
    if want != size:
        raise BlobError("%s: %d B; its header says %d" % (name, size, want))
    if 36 + sum(word(b, i) for i in range(20, 36, 4)) != size or any(word(b, i) & 3 for i in range(20, 32, 4)):
        raise BlobError("%s: sections do not fit the file" % name)
    return word(b, 16)


def whole(name, head, pieces):
    "Checks the CRC-32, which covers all but its own four bytes; pieces: what follows byte 12."
    crc = crc32(head[:8], 0)
    for piece in pieces:
        crc = crc32(piece, crc)
    if crc != word(head, 8):
        raise BlobError("%s: checksum does not match; copy it again" % name)


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

    def need(self, condition):
        if not condition:
            self.ok = False

    def inside(self, offset, size):  # in the arena
        self.need(size > 0 and offset + size <= self.arena)

    def stored(self, offset, size):  # in this record's part of DATA
        self.need(size > 0 and offset + size <= self.data)

    def takes(self, steps):  # a record that loops for hours is as bad as one that crashes
        self.steps += steps

    def fine(self):
        return self.ok and self.steps <= _STEPS

    def small(self, first, last, least=0):  # fields that a kernel multiplies
        for i in range(first, last + 1):
            self.need(least <= self[i] < 32768)

    def bytes(self, first, last):  # zero points and bounds, all plus 128
        for i in range(first, last + 1):
            self.need(self[i] < 256)

    def scale(self, i):  # multiplier in [0, 2**31), right shift | left shift << 8
        self.need(self[i] >> 31 == 0 and self[i + 1] & 255 < 32 and self[i + 1] >> 8 < 32)

    def strided(self, ref, dims, strides, data=True):  # ref: offset << 1 | in DATA
        span = 1
        for i in range(4):
            span += (self[dims + i] - 1) * self[strides + i]
        self.need(span < 1 << 24)
        (self.stored if data and ref & 1 else self.inside)(ref >> 1, span)

    def count(self, dims):
        n = 1
        for i in range(4):
            self.need(0 < self[dims + i] < 1 << 24)
            n *= self[dims + i]
        return n


def _edge(r):
    r.inside(r[4], r[5])
    r.need(r[7] < 256 and 0 < r[6] < 0x7F800000)
    r.takes(300 * r[5])


def _conv(r):
    r.small(8, 20, 1)
    r.small(21, 22)
    r.bytes(23, 26)
    k = r[15] * r[16] * r[11]
    k4 = (k + 3) & -4
    channels = r[10] * r[14]
    r.inside(r[4], r[8] * r[9] * r[10] * r[11])
    r.need(r[27] < 1 << 24 and r[28] < 1 << 24 and r[12] * r[13] * channels <= r.arena)
    r.inside(r[5], (r[12] - 1) * r[27] + (r[13] - 1) * r[28] + channels)
    r.inside(r[6], r[10] * k4)
    r.stored(0, channels * k + k4 - k)
    r.stored(r[7], 12 * channels)
    r.need(not r[7] & 3)
    r.takes(r[12] * r[13] * r[10] * (k4 * (r[14] + 4) + 8 * r[14]))
    r.takes(1000 * channels)  # the check of the table, which is bytecode
    if r.fine():
        at = 36 + word(r.b, 20) + word(r.b, 24) + r.start + r[7]
        for i in range(channels):
            m = word(r.b, at + 12 * i + 4)
            s = word(r.b, at + 12 * i + 8)
            r.need(m >> 31 == 0 and s & 255 < 32 and s >> 8 < 32)


def _pool(r):
    r.small(6, 14, 1)
    r.small(15, 16)
    r.bytes(17, 19)
    r.inside(r[4], r[6] * r[7] * r[8])
    r.inside(r[5], r[9] * r[10] * r[8])
    # no window without a pixel: it would divide by zero
    r.need(r[15] < r[11] and (r[9] - 1) * r[13] < r[6] + r[15])
    r.need(r[16] < r[12] and (r[10] - 1) * r[14] < r[7] + r[16])
    r.takes(r[9] * r[10] * r[8] * (min(r[6], r[11]) * (min(r[7], r[12]) + 8) + 8))


def _reduce(r):
    r.need(all(r[i] < 1 << 24 for i in range(6, 14)) and all(r[i] for i in range(6, 14, 2)))
    r.need(r[10] * r[12] <= r.arena)
    r.inside(r[4], 1 + sum((r[i] - 1) * r[i + 1] for i in range(6, 14, 2)))
    r.inside(r[5], r[6] * r[8])
    r.takes(r[6] * r[8] * (r[10] * (r[12] + 4) + 8))
    r.scale(15)
    r.bytes(17, 19)
    r.need(r[20] < 3)


def _binary(r):
    n = r.count(8)
    r.inside(r[6], n)
    r.takes(8 * n)
    r.strided(r[4], 8, 12)
    r.strided(r[5], 8, 16)


def _add(r):
    _binary(r)
    r.inside(r[7], 2048)
    r.need(not r[7] & 3)
    r.bytes(20, 20)
    r.scale(21)
    r.bytes(23, 23)
    r.scale(24)
    r.bytes(26, 26)
    r.scale(27)
    r.bytes(29, 30)
    r.need(r[31] < 21 and r[32] < 4)


def _mul(r):
    _binary(r)
    r.bytes(20, 21)
    r.scale(22)
    r.bytes(24, 27)
    r.scale(28)


def _minmax(r):
    _binary(r)


def _table(r, at, n, step):
    # the largest of n words of DATA, `step` words apart
    at += 36 + word(r.b, 20) + word(r.b, 24) + r.start
    return max(word(r.b, at + 4 * step * i) for i in range(n))


def _gather(r):
    r.small(6, 7, 1)
    r.need(not r[9] & 3)
    r.stored(r[9], 4 * (r[6] + r[7]))
    r.inside(r[5], r[6] * r[7] * r[8])
    r.takes(r[6] * r[7] * (r[8] + 8) + 1000 * (r[6] + r[7]))
    if r.fine():
        span = _table(r, r[9], r[6], 1) + _table(r, r[9] + 4 * r[6], r[7], 1) + r[8]
        (r.stored if r[4] & 1 else r.inside)(r[4] >> 1, span)


def _bilinear(r):
    r.small(6, 8, 1)
    r.stored(0, 12 * (r[7] + r[8]))
    r.inside(r[5], r[6] * r[7] * r[8])
    r.takes(16 * r[6] * r[7] * r[8] + 3000 * (r[7] + r[8]))
    if r.fine():
        rows = max(_table(r, 0, r[7], 3), _table(r, 4, r[7], 3))
        columns = max(_table(r, 12 * r[7], r[8], 3), _table(r, 12 * r[7] + 4, r[8], 3))
        r.inside(r[4], rows + columns + r[6])
        r.need(_table(r, 8, r[7] + r[8], 3) < 4096)


def _matmul(r):
    r.small(7, 11, 1)
    r.need(all(r[i] < 1 << 24 for i in range(12, 20)))
    r.inside(r[6], r[7] * r[8] * r[9] * r[10])
    for ref, column, n in ((4, 12, 9), (5, 16, 10)):
        sizes = (r[7], r[8], r[n], r[11])
        span = 1 + sum((sizes[i] - 1) * r[column + i] for i in range(4))
        r.need(span < 1 << 24)
        (r.stored if r[ref] & 1 else r.inside)(r[ref] >> 1, span)
    r.takes(r[7] * r[8] * r[9] * r[10] * (r[11] + 16))
    r.bytes(20, 21)
    r.scale(22)
    r.bytes(24, 24)


def _softmax(r):
    n = r[6] * r[7]
    r.need(r[7] <= 512)  # a longer sum needs a shift by more than 31 bits
    r.inside(r[4], n)
    r.inside(r[5], n)
    # in place, or apart: an output that lands on values still to be read makes them exceed their maximum,
    # which is the table's index 0
    r.need(r[5] <= r[4] or r[5] >= r[4] + n)
    r.takes(16 * n)
    r.stored(0, 1024)
    if r.fine():  # exp(0) is 1 and no entry is negative: else the sum could be 0, and its inverse never found
        at = 36 + word(r.b, 20) + word(r.b, 24) + r.start
        r.takes(256000)
        r.need(word(r.b, at) == 0x7FFFFFFF and all(word(r.b, at + i) >> 31 == 0 for i in range(4, 1024, 4)))


def _lut(r):
    r.inside(r[4], r[6])
    r.inside(r[5], r[6])
    r.takes(r[6])
    r.stored(0, 256)


def _copy(r):
    r.need(r[7] == 0 or r[6] + r[7] <= r.arena)
    r.bytes(8, 8)
    n = r.count(9)
    r.need(n <= r.arena)
    r.takes(r[7] + 8 * n)
    r.strided(r[4], 9, 13)
    r.strided(r[5] << 1, 9, 17, False)


def _state(r):
    r.inside(r[4], r[5])
    r.bytes(6, 6)
    r.takes(300 * r[5])  # it is filled by bytecode
    if r.data:
        r.stored(0, r[5])


def _lstm(r):
    r.small(10, 12, 1)
    r.need(r[13] < 1 << 24 and r[14] < 1 << 24)
    n = r[11]
    units = r[12]
    padded = ((n + 3) & -4) + ((units + 3) & -4)
    r.inside(r[4], (r[10] - 1) * r[13] + n)
    r.inside(r[5], (r[10] - 1) * r[14] + units)
    r.inside(r[6], units)
    r.inside(r[7], 2 * units)
    r.inside(r[8], 12 + padded)
    r.need(not r[7] & 1 and not r[8] & 3 and not r[9] & 3)
    # after the table; a row is read up to three bytes beyond its end
    r.stored(512, 4 * units * (n + units) + 3)
    r.stored(r[9], 32 * units)
    r.takes(r[10] * units * (4 * padded + 256))
    r.bytes(15, 15)
    # the cell, times this, still fits 31 bits
    r.need(r[16] <= 32768 and r[17] <= 12288 and r[18] < 30)
    for i in range(19, 41, 2):
        r.scale(i)


def _svdf(r):
    r.small(10, 13, 1)
    filters = r[11] * r[12]
    span = filters * r[13] * r[14]
    r.need(0 < r[14] < 3 and span < 1 << 24)
    r.inside(r[4], r[10])
    r.inside(r[5], r[11])
    r.inside(r[6], span)
    r.inside(r[7], (r[10] + 3) & -4)
    r.need(not (r[8] | r[9]) & 3 and not r[6] & (r[14] - 1))
    r.stored(0, filters * r[10] + 3)
    r.stored(r[8], 4 * (r[11] + filters))
    r.stored(r[9], span)
    r.takes(filters * (r[10] + 2 * r[13] + 64) + 64 * r[11])
    r.bytes(15, 15)
    r.scale(16)
    r.scale(18)
    r.bytes(20, 20)


_CHECKS = [None, _edge, _edge, _conv, _pool, _reduce, _add, _mul, _softmax, _lut, _copy]
_CHECKS += [_minmax, _gather, _bilinear, _matmul, _state, _lstm, _svdf]


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
            raise BlobError("%s: op %d is unknown to whit %s" % (name, op, __version__))
        words = _WORDS[op]
        if at + 4 * words > end or word(b, at + 4) != words:
            raise BlobError("%s: op %d has a record of the wrong size" % (name, op))
        r = _Record(b, at, arena, data, steps)
        _CHECKS[op](r)
        steps = r.steps
        if not r.ok:
            raise BlobError("%s: op %d at byte %d reaches outside its memory" % (name, op, at))
        if not r.fine():
            raise BlobError("%s: op %d at byte %d would run for minutes" % (name, op, at))
        if op < 3:
            if op == 1 and edges[2]:
                raise BlobError("%s: an input after the outputs" % name)
            edges[0] += r[5]
            edges[op] += 1
        at += 4 * words
    if not edges[1] or not edges[2]:
        raise BlobError("%s: %d inputs and %d outputs; it needs one of each" % (name, edges[1], edges[2]))
    if word(b, 32) not in (0, edges[0]):
        raise BlobError("%s: its self-test has the wrong size" % name)
