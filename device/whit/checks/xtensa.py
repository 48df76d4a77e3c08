# Which records of CONV run in the kernel for dense layers: one position and tap inside the image, no groups.
from ..build import module
from ..model import word


def dense(b, at):
    return word(b, at) == 3 and [word(b, at + 4 * n) for n in (10, 12, 13, 15, 16, 21, 22, 29)] == [
        1,
        1,
        1,
        1,
        1,
        0,
        0,
        0,
    ]


def kernel(b, at, kind):
    "Its function, or None: where weights are kept, conv makes it."
    if dense(b, at) and not (hasattr(kind, "kept") and kind.kept(b, at)):
        try:
            return module("xtensa", "dense").run
        except (ImportError, MemoryError):
            pass
