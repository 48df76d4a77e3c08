# Runs inside MicroPython: loads and runs the blobs that target.py sends, and answers each with one line.
#
# Blob and arena lie between pages that nobody may touch: a kernel that reads or writes outside of them, before their
# start or behind their end by turns, ends the process. Where the system calls for that are not to be had (they are on
# Linux with an x86-64 processor), they lie among bytes that are compared after each blob, which finds writes alone.
import gc
import struct
import sys
import time
from array import array
from binascii import crc32

import uctypes
import whit
from micropython import const

_SIZES = tuple(4096 << i for i in range(7)) + (1 << 20,)  # of rooms in guarded memory
_GAP = const(1 << 33)  # bytes from one to the next; all but the room may not be touched
_AROUND = const(4096)  # bytes that are compared, before and behind
_LARGEST = const(150_000)  # a larger arena must find its place in the heap, as on a board

# what the host asks for; blobs are loaded as bytes and run by viper kernels, and then:
_START = const(1)  # they lie at the start of what may be touched, not at its end
_PLAIN = const(2)  # again, by nothing but the runtime as it is
_STREAM = const(4)  # again, from a file that stays one; what comes out must be the same
_BYTECODE = const(8)  # again, by bytecode kernels
_LOOK = const(16)  # everything that shows META or converts numbers is called as well
_TRACE = const(32)  # a refusal says which of a check's questions it was


def system_calls():
    "A function that makes a system call, or None."
    if "linux" not in sys.implementation._machine or getattr(sys.implementation, "_mpy", 0) >> 10 & 15 != 2:
        return None
    names = {}
    # a viper function of some length: its machine code is what the call below replaces
    exec(
        "import micropython\n@micropython.viper\ndef f(p: int) -> int:\n" + " p = p * 3 + (p >> 1)\n" * 9 + " return p",
        names,
    )
    f = names["f"]
    code = (
        b"\x48\x8b\x01\x48\xd1\xe8\x50"  # the one argument is a small int: the address of eight words
        b"\x48\x8b\x78\x08\x48\x8b\x70\x10\x48\x8b\x50\x18\x4c\x8b\x50\x20\x4c\x8b\x40\x28\x4c\x8b\x48\x30"
        b"\x48\x8b\x00\x0f\x05\x5f\x48\x89\x07\xb8\x01\x00\x00\x00\xc3"  # the first one becomes the answer
    )
    uctypes.bytearray_at(struct.unpack("<Q", uctypes.bytes_at(id(f) + 24, 8))[0], len(code))[:] = code

    def call(*words):
        block = array("Q", words + (0,) * (7 - len(words)))
        f(uctypes.addressof(block))
        return struct.unpack("<q", block)[0]

    return call


class Region:
    "Memory in which one buffer lies with nothing beside it."

    def __init__(self, call):
        self.guarded = bool(call)
        self.rooms = []  # (start, bytes that may be touched)
        if call:
            # mmap: private, anonymous, without reserve; mprotect: read and write
            start = call(9, 0, _GAP * (len(_SIZES) + 1), 0, 0x4022, (1 << 64) - 1, 0)
            for size in _SIZES:
                start += _GAP
                if start < _GAP or call(10, start, size, 3):
                    raise OSError("no guarded memory")
                self.rooms.append((start, size))
        else:
            self.kept = bytearray(3 * _AROUND + _LARGEST)
            self.rooms.append((uctypes.addressof(self.kept) + _AROUND, _AROUND + _LARGEST))
        self.place(0, 1)

    def place(self, n, at_start):
        "n bytes of any content, in the smallest room."
        i = 0
        while self.rooms[i][1] < n:
            i += 1
        self.start, size = self.rooms[i]
        self.end = self.start + size
        self.n = n
        self.at = self.start if at_start or not self.guarded else (self.end - n) & -4
        return uctypes.bytearray_at(self.at, n)

    def _around(self):
        low = max(self.at - _AROUND, self.start if self.guarded else 0)
        high = min(self.at + self.n + _AROUND, self.end)
        return (low, self.at - low), (self.at + self.n, high - self.at - self.n)

    def mark(self):
        for at, n in self._around():
            uctypes.bytearray_at(at, n)[:] = memoryview(MARKS)[:n]

    def intact(self):
        return all(uctypes.bytearray_at(at, n) == memoryview(MARKS)[:n] for at, n in self._around())


def allocate(name, n, kind):
    "What build.allocate does, but in a guarded region."
    region = BLOB if kind is bytearray else ARENA
    if n > _LARGEST or not n:
        return originals[0](name, n, kind)
    gc.collect()
    buffer = region.place(n, mode & _START)
    at = 0
    while at < n:
        k = min(n - at, len(ZEROS))
        uctypes.bytearray_at(region.at + at, k)[:] = memoryview(ZEROS)[:k]
        at += k
    region.mark()
    if kind is bytearray:
        return buffer
    buffer = memoryview(buffer)
    uctypes.bytearray_at(id(buffer) + 8, 1)[0] = 0x80 | ord("b")  # its bytes are signed ones
    return buffer


def takes(record, n):
    global steps
    steps += n
    originals[1](record, n)


def keep():
    "Brings in once what `load` drops after each blob, and what watches it."
    import whit.build
    import whit.loader
    import whit.verify

    for i in range(1, 19):
        whit.build.module("checks", whit.build.operator(i))
    whit.build.module("checks", "viper")
    modules.update((name, module) for name, module in sys.modules.items() if name.startswith("whit."))
    originals.extend((whit.build.allocate, whit.verify._Record.takes))
    watch(True)


def watch(on):
    if on:
        sys.modules.update(modules)
    for name in ("build", "loader"):
        modules["whit." + name].allocate = allocate if on else originals[0]
    modules["whit.verify"]._Record.takes = takes if on else originals[1]


def fill(m):
    i = 0
    for x in m.inputs:
        for k in range(len(x)):
            x[k] = (i * 37 + (i >> 3)) % 251 - 125
            i += 1


def outputs(m):
    return [bytes(y) for y in m.outputs]


def look(m):
    repr(m)
    assert len(m.labels) >= 0
    m.predict(*[[0.5] * len(x) for x in m.inputs])
    sum(m.scores)
    report = modules["whit.build"].module("report")
    report.print = lambda *words: None
    m.summary()
    m.profile()


def once(source, kernels, stream, limit):
    "Loads and runs. -> (answer, outputs)"
    global steps
    steps = 0
    m = None
    t = time.clock()
    try:
        m = whit.load(source, kernels, stream)
        if steps > limit:
            return "skipped", None
        fill(m)
        m.run()
        y = outputs(m)
        m.selftest()
        if mode & _LOOK:
            look(m)
        return "ran", y
    except whit.BlobError as e:
        text = str(e)
        if not text.startswith("blob: "):
            text = "?" + text
        return text, None
    except MemoryError:
        gc.collect()
        return "MemoryError", None
    except Exception as e:
        return "?%s: %s" % (type(e).__name__, e), None
    finally:
        global seconds
        seconds = max(seconds, time.clock() - t)
        if m and stream:
            m._blob.file.close()


def question(blob, answer):
    "Which of its check's questions a record has failed."
    record = modules["whit.verify"]._Record

    class Traced(record):
        asked = failed = 0

        def need(self, ok):
            self.asked += 1
            if not ok:
                self.failed = self.failed or self.asked
                self.ok = False

    at = int(answer.split()[5])
    word = whit.model.word
    r = Traced(blob, at, word(blob, 16), word(blob, 28), 0)
    if not r.ok:
        return "part"
    build = modules["whit.build"]
    build.module("checks", build.operator(r[0])).check(r)
    return r.failed


def case(blob, limit):
    "The answer to one blob: how it ended, steps, milliseconds; words that begin with ? are a failure."
    global mode, seconds
    seconds = 0
    answer, y = once(blob, None, None, limit)
    told = steps
    if mode & _TRACE and "reaches outside" in answer:
        watch(True)
        answer += " #%s" % question(blob, answer)
    if answer == "ran":
        if crc32(memoryview(blob)[12:], crc32(memoryview(blob)[:8])) != whit.model.word(blob, 8):
            return "?the blob has changed"
        if not (ARENA.intact() and BLOB.intact()):
            return "?memory beside arena or blob has changed"
    if mode & (_PLAIN | _STREAM | _BYTECODE) and answer != "skipped":
        sys.modules.update(modules)
        other = again(blob, limit, y, answer.split(" #")[0])
        if other:
            return other
    return "%s|%d|%d" % (answer, told, seconds * 1000)


def again(blob, limit, y, answer):
    "Loads a blob another way; what is wrong about its answer, or None."
    copy = bytes(blob)
    if mode & _STREAM:
        with open(PATH, "wb") as file:
            file.write(copy)
        other, z = once(PATH, None, True, limit)
        if not (ARENA.intact() and BLOB.intact()):
            return "?memory beside arena or window has changed"
    elif mode & _BYTECODE:
        other, z = once(blob, "bytecode", None, limit)
        z = y
    else:
        watch(False)
        once_only = ("verify", "loader", "build", "checks")
        for name in modules:
            if name.split(".")[1] in once_only:
                sys.modules.pop(name, None)
        for name in once_only:
            sys.modules["whit"].__dict__.pop(name, None)
        other, z = once(copy, None, None, limit)
        left = [name for name in sys.modules if name[:5] == "whit." and name.split(".")[1] in once_only]
        watch(True)
        if left:
            return "?stays in RAM: " + " ".join(left)
    if "MemoryError" in (answer, other):
        return None
    if answer != other:
        return "?%s; the other way: %s" % (answer, other)
    return "?other values than as bytes" if y != z else None


def serve():
    global mode
    stdin = sys.stdin.buffer
    head = bytearray(12)
    while stdin.readinto(head) == 12:
        n, mode, limit = struct.unpack("<III", head)
        if not n:
            gc.collect()
            sys.modules.update(modules)
            sys.stdout.write("%d\n" % gc.mem_alloc())
            continue
        blob = BLOB.place(n, mode & _START)
        BLOB.mark()
        stdin.readinto(blob)
        sys.modules.update(modules)
        sys.stdout.write(case(blob, limit).replace("\n", " ") + "\n")


modules = {}
originals = []
steps = mode = seconds = 0
MARKS = bytes([0xA5]) * _AROUND
ZEROS = bytes(_AROUND)
try:
    call = system_calls()
    BLOB, ARENA = Region(call), Region(call)
except OSError:
    BLOB, ARENA = Region(None), Region(None)
keep()
sys.stdout.write("%s\n" % ("guarded" if BLOB.guarded else "compared"))
