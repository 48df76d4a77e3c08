# load: from a file or bytes to a Model. It leaves RAM when it is done.
import gc
import sys
from array import array

from micropython import const

from . import BlobError
from . import model as models
from .build import allocate, best, build

_SPARE = const(24 * 1024)  # heap that must stay beside blob and arena: kernels are compiled there


class _Zeros:
    # array('b', _Zeros(n)) allocates its n bytes at once, with no second copy
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        return (0 for _ in range(self.n))


def load(source, kernels=None, stream=None, expand=False):
    name = "blob"
    file = None
    if isinstance(source, str):
        name = source.rsplit("/", 1)[-1]
        try:
            file = open(source, "rb")
        except OSError as e:
            from errno import ENOENT

            if e.errno != ENOENT:
                raise
            raise OSError("%s: no such file" % name)
    elif not isinstance(source, (bytes, bytearray, memoryview)):
        source = bytearray(source)
    from . import verify

    kind = models
    try:
        if file:
            # the checksum comes first: no size of a damaged file is believed
            head = file.read(36)
            size = file.seek(0, 2)
            arena = verify.header(name, head, size)
            verify.whole(name, head, _pieces(file))
        else:
            blob = source
            arena = verify.header(name, blob, len(blob))
            verify.whole(name, blob, (memoryview(blob)[12:],))
        arena = allocate(name, arena, lambda n: array("b", _Zeros(n)))
        if file:
            blob = None if stream else _mapped(file) or _read(name, file, head, size, stream)
            if blob is None:
                # names of modules and of what is in them stay in RAM for ever: few will do
                from . import stream as kind

                blob = kind.open(name, file, size)
        verify.plan(name, blob)
        families = best(kernels, blob, expand)
        model = None
        if expand and kind is models and families[0] not in ("viper", "bytecode"):
            from . import expand as other

            try:
                model = build(other, name, blob, arena, families)
            except MemoryError:
                gc.collect()
        model = model or build(kind, name, blob, arena, families)
    except BaseException:
        if file:
            file.close()
        raise
    finally:
        # each blob is loaded and checked once; the code for it need not stay in RAM
        once = ("verify", "loader", "build", "checks")
        for path in list(sys.modules):
            if path[:5] == "whit." and path.split(".")[1] in once:
                del sys.modules[path]
        for name in once:
            sys.modules["whit"].__dict__.pop(name, None)
    if file and isinstance(blob, memoryview):
        model.where = ", in place"
    elif file and kind is models:
        file.close()
    return model


def _mapped(file):
    # the file's own memory, where the file system is mapped (ROMFS) and its words are aligned
    try:
        from uctypes import addressof

        blob = memoryview(file)
        return None if addressof(blob) & 3 else blob
    except (ImportError, TypeError):
        return None


def _read(name, file, b, n, stream):
    # the whole file; None where it leaves too little RAM, unless it must (stream is False)
    try:
        blob = allocate(name, n, bytearray)
    except MemoryError:
        if stream is False:
            raise
        return None
    if stream is None and gc.mem_free() < _SPARE:
        return None
    file.seek(0)
    if file.readinto(blob) != n or blob[:36] != b:
        raise BlobError("%s: changes while it is read" % name)
    return blob


def _pieces(file):
    # all of the file from byte 12 on, through one small buffer
    buffer = memoryview(bytearray(512))
    file.seek(12)
    n = file.readinto(buffer)
    while n:
        yield buffer[:n]
        n = file.readinto(buffer)
