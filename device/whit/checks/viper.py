# Which records of CONV run in the kernel for pairs: those whose scratch is as it needs it.
import sys

from ..build import module
from ..model import word


def kernel(b, at, *others):
    "Its function, or None: the record suits no 32-bit firmware, or there is too little RAM for the kernel."
    r = [word(b, at + 4 * i) for i in range(32)]
    form = r[31]
    block = r[29]
    if not form or not block or sys.maxsize >> 32:
        return None
    n = form >> 2 & 63  # pairs at a time
    positions = form >> 22
    column = r[15] * r[11]
    column += column & r[18] & 1
    parts = ((r[16] * column + 1 >> 1) + n - 1) // (n or 1)
    columns = max(2 * column * ((positions - 1) * r[18] + r[16]), 4 * parts * n) + 15 & -16
    first = r[6]
    last = first + columns + block * parts * (4 * n + 20) + 12
    # scratch will hold addresses: no output may lie there
    end = r[5] + (r[12] - 1) * r[27] + (r[13] - 1) * r[28] + r[14]
    if not (
        n in (5, 6, 9, 14, 16, 20, 27, 32, 36)
        and 0 < positions <= (r[13] if r[20] == 1 else 1)
        and last <= word(b, 16)
        and (end <= first or last <= r[5])
    ):
        return None
    try:
        return module("viper", "pairs").run
    except (ImportError, MemoryError):
        return None
