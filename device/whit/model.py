# Model: a loaded .whit file that runs; build.py makes it.
from struct import unpack_from

from . import BlobError

working = None  # families of kernels, once build.py knows which work


def word(b, i):
    try:
        return unpack_from("<I", b, i)[0]
    except TypeError:
        return b.word(i)  # a file that is streamed


class Model:
    where = ""
    _labels = None
    _scores = None

    def _ready(self, i):
        # the block is for layer i
        self._block[0] = self._offsets[i]

    def run(self):
        "Runs the model on `input`, into `output`. Allocates nothing."
        for i in range(len(self._ops)):
            self._ready(i)
            self._ops[i](self._block)

    def reset(self):
        "Forgets what the model keeps between runs."
        from .state import reset

        reset(self)

    def predict(self, *x):
        "Label, index of the largest output, or value, for x (one per input) in the unit of training."
        from .edges import answer, quantise

        quantise(self, x)
        self.run()
        return answer(self)

    @property
    def labels(self):
        "Names of the outputs, or []."
        if self._labels is None:
            labels = self.meta().get("labels") or []
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise BlobError("%s: its labels are no list of names" % self.name)
            self._labels = labels
        return self._labels

    @property
    def scores(self):
        "The outputs of the last run in the unit of training; one array, filled anew."
        from .edges import dequantise

        return dequantise(self)

    def meta(self):
        "What the converter wrote about the model: a new dict."
        import json

        try:
            meta = json.loads(bytes(self._blob[36 : 36 + word(self._blob, 20)]))
        except ValueError:
            meta = None
        if not isinstance(meta, dict):
            raise BlobError("%s: its description (META) is damaged" % self.name)
        return meta

    def selftest(self):
        "Runs the stored test. -> number of output bytes that differ (0: it passes)"
        from .report import selftest

        return selftest(self)

    def summary(self):
        "Prints a line per layer."
        from .report import summary

        summary(self)

    def profile(self, runs=1):
        "Prints and returns the time of each layer: [(name, us, macs)]."
        from .report import profile

        return profile(self, runs)

    def __repr__(self):
        from .report import line

        return line(self)
