# Which records of CONV run in pie's kernel: windows of one pixel, with scratch for rows that begin at multiples of 16.
from ..build import module
from ..model import word


def kernel(b, at, kind):
    "Its function, that of xtensa's kernel for dense layers, or None."
    r = [word(b, at + 4 * i) for i in range(30)]
    if (
        r[10] == r[15] == r[16] == 1
        and r[21] == r[22] == 0
        and (r[12] - 1) * r[17] < r[8]
        and (r[13] - 1) * r[18] < r[9]
        and r[11] > (4 if r[29] else 24)
    ):
        return module("pie", "pixels").run
    return module("checks", "xtensa").kernel(b, at, kind)
