# Models whose weights stay in RAM in the form in which kernels multiply them: 2 bytes each, besides the blob's one.
from array import array

from . import model
from .model import word


def kept(b, at):
    # bytes for the weights of a record of PLAN
    if word(b, at) == 3 and word(b, at + 40) == 1 and word(b, at + 120):
        k4 = (word(b, at + 60) * word(b, at + 64) * word(b, at + 44) + 3) & -4
        return (2 * k4 + 24) * ((word(b, at + 56) + 3) & -4) + 2 * k4  # and one window
    return 0


def block(m, plan, data):
    from uctypes import addressof

    from . import build

    sizes = [kept(m._blob, plan + at) for at in m._offsets]
    words = build.block(m, plan, data)
    m._pairs = build.allocate(m.name, sum(sizes), bytearray)
    at = addressof(m._pairs)
    m._kept = array("I")  # where the weights of each layer are: low and high word
    for n in sizes:
        m._kept.append(at & 0xFFFFFFFF if n else 0)
        m._kept.append(at >> 32 if n else 0)
        at += n
    return words


class Model(model.Model):
    where = ", expanded"

    def _ready(self, i):
        block = self._block
        block[0] = self._offsets[i]
        block[7] = self._kept[2 * i]
        block[8] = self._kept[2 * i + 1]

    def run(self):
        "Runs the model on `input`, into `output`; the first run expands the weights. Allocates nothing."
        model.Model.run(self)
        self._block[9] = 1
