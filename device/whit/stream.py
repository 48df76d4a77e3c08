# Models larger than RAM: weights stay in the file, and each layer's part is read before the layer runs.
from array import array

from . import model
from .model import word

_PAGE = 256


class Paged:
    # A file that is read like bytes, through one small page: what `load` checks, and META.
    def __init__(self, file, size):
        self.file = file
        self.size = size
        self.page = bytearray(_PAGE)
        self.start = -_PAGE

    def __len__(self):
        return self.size

    def _at(self, i):
        start = i & -_PAGE
        if start != self.start:
            self.file.seek(start)
            self.file.readinto(self.page)
            self.start = start
        return i - start

    def word(self, i):
        return word(self.page, self._at(i))

    def __getitem__(self, i):
        if isinstance(i, slice):
            self.file.seek(i.start)
            return self.file.read(i.stop - i.start)
        return self.page[self._at(i)]


def open(name, file, size):
    # with the window for the largest part of DATA, which is allocated before anything else takes the room
    blob = Paged(file, size)
    at = 36 + blob.word(20)
    end = at + blob.word(24)
    largest = 0
    while at < end and blob.word(at + 4):
        largest = max(largest, blob.word(at + 12))
        at += 4 * blob.word(at + 4)
    from .build import allocate

    # a record that claims more than DATA has is refused later
    blob.window = allocate(name, min(largest, blob.word(28)), bytearray)
    return blob


def block(m, plan, data):
    from .build import words

    blob = m._blob
    m._plan = plan = bytearray(blob[plan:data])
    m._sources = array("I")  # byte of the file at which each layer's part of DATA begins
    sizes = array("I")
    for at in m._offsets:
        m._sources.append(data + word(plan, at + 8))
        sizes.append(word(plan, at + 12))
        # in RAM it lies at the start of the window
        plan[at + 8 : at + 12] = b"\0\0\0\0"
    window = blob.window
    m._views = [memoryview(window)[:n] for n in sizes]
    if m.kernels == "bytecode":
        return [0, memoryview(plan), m._arena, window, 0]
    return words(plan, m._arena, window)


class Model(model.Model):
    where = ", streamed"

    def _ready(self, i):
        view = self._views[i]
        if len(view):
            self._blob.file.seek(self._sources[i])
            self._blob.file.readinto(view)
        self._block[0] = self._offsets[i]

    def run(self):
        "Runs the model on `input`, into `output`; reads every weight once. Allocates nothing."
        model.Model.run(self)
        self._blob.start = -_PAGE
