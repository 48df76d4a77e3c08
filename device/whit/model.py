# Model: a loaded .whit file that runs.
import gc
import sys
from array import array
from struct import unpack_from

from . import BlobError

working = None  # families of kernels, once families.py knows which work


def operator(i):
    # its module in a family and in checks; edges and state are no kernels. One string: each name would stay in RAM
    names = (
        "edge edge conv pool reduce add mul softmax lut copy minmax gather bilinear matmul state lstm svdf depthwise"
    )
    return names.split()[i - 1]


def word(b, i):
    try:
        return unpack_from("<I", b, i)[0]
    except TypeError:
        return b.word(i)  # a file that is streamed


def allocate(name, n, type):
    gc.collect()
    try:
        return type(n)
    except (MemoryError, OverflowError):  # 2 GB are no int of a 32-bit board
        pass
    gc.collect()
    raise MemoryError("%s needs %d B in one piece; %d B free" % (name, n, gc.mem_free()))


def module(*path):
    path = ".".join(("whit",) + path)
    __import__(path)
    return sys.modules[path]


def _kernel(name, families):
    # imported when the first model needs it
    for family in families:
        try:
            return module(family, name).run
        except (ImportError, SyntaxError, ValueError, MemoryError):
            if family in ("viper", "bytecode"):
                raise


class Model:
    where = ""

    def __init__(self, name, blob, arena, families):
        self.name = name
        self.kernels = families[0]
        self._blob = blob
        self._arena = arena
        plan = 36 + word(blob, 20)
        end = plan + word(blob, 24)
        view = memoryview(arena)
        ops = []
        offsets = array("I")
        self.inputs = []
        self.outputs = []
        self._edges = array("I")  # PLAN's records of the inputs, then of the outputs
        state = False
        at = plan
        while at < end:
            op = word(blob, at)
            if op < 3:
                i = word(blob, at + 16)
                (self.inputs if op == 1 else self.outputs).append(view[i : i + word(blob, at + 20)])
                self._edges.append(at)
            elif op == 15:
                state = True
            else:
                kernel = None
                if op == 3 and families[0] == "viper":
                    kernel = module("checks", "pairs").kernel(blob, at)
                ops.append(kernel or _kernel(operator(op), families))
                offsets.append(at - plan)
            at += 4 * word(blob, at + 4)
        self.input = self.inputs[0]
        self.output = self.outputs[0]
        self._ops = ops
        self._offsets = offsets
        self._block = self._parameters(plan, end)
        self._labels = None
        self._scores = None
        if state:
            self.reset()

    def _parameters(self, plan, data):
        if self.kernels == "bytecode":
            return [0, memoryview(self._blob)[plan:data], self._arena, self._blob, data]
        from uctypes import addressof

        if addressof(self._blob) & 3:
            # a view that starts anywhere: its words must be aligned
            self._blob = allocate(self.name, len(self._blob), lambda n: bytearray(self._blob))
        view = memoryview(self._blob)
        return self._addresses(view[plan:], view[data:])

    def _addresses(self, plan, data):
        from uctypes import addressof

        block = array("I", [0])
        for buffer in (plan, self._arena, data):
            address = addressof(buffer)
            block.append(address & 0xFFFFFFFF)
            block.append(address >> 32)
        block.extend(array("I", (0, 0, 0)))  # weights that are expanded once: none
        return block

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
