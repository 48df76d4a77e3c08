# Makes the Model of a proven blob: the kernels that run here, and where everything is. It leaves RAM after `load`.
# Machine code must give a known answer before it is trusted.
import gc
import sys
from array import array

from . import model
from .model import word


def operator(i):
    # its module in a family and in checks; edges and state are no kernels. One string: each name would stay in RAM
    names = (
        "edge edge conv pool reduce add mul softmax lut copy minmax gather bilinear matmul state lstm svdf depthwise"
    )
    return names.split()[i - 1]


def allocate(name, n, type):
    gc.collect()
    try:
        return type(n)
    except (MemoryError, OverflowError):  # 2 GB are no int of a 32-bit board
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
        except Exception:
            if family in families[-2:]:  # viper, bytecode
                raise


def best(name, blob=None, expand=False):
    # families of kernels, the best first; what one lacks, the next one has
    if name == "bytecode":
        return [name]
    found = model.working
    if not found:
        arch = getattr(sys.implementation, "_mpy", 0) >> 10 & 15
        # by the number of the architecture. One string: each name would stay in RAM
        found = "||||thumb|thumb|dsp thumb|dsp thumb|dsp thumb||xtensa-s2 xtensa|rv32||||"
        found = (found.split("|")[arch] + " viper bytecode").split()
        while not _works(found[0]):
            found.pop(0)
        if found[0] == "bytecode" and not name:
            print("whit: no native emitter here; its bytecode kernels are much slower")
        model.working = found
    if name:
        found = module("checks", "choice").chosen(name, found)
    if blob and found[0][0] in "xp":  # no chip has run them yet
        found = module("checks", "known").proven(found, blob, expand)
    return found


def _works(name):
    try:
        if name == "viper":
            return module(name).works()
        return name == "bytecode" or _right(name)
    except Exception:
        return False


def _right(name):
    # does the family's kernel of LUT give the known answer?
    from uctypes import addressof

    run = module(name, "lut").run
    # it need not stay in RAM
    name = "whit." + name
    del sys.modules[name + ".lut"], sys.modules[name].lut
    data = b"kernels"
    arena = bytearray(range(7))
    plan = array("I", (0, 0, 0, 0, 0, 0, 7))
    run(array("I", (0, addressof(plan), 0, addressof(arena), 0, addressof(data), 0, 0, 0, 0)))
    return arena == data


def build(kind, name, blob, arena, families):
    # kind: the module whose Model it becomes
    m = kind.Model()
    m.name = name
    m.kernels = families[0]
    m._blob = blob
    m._arena = arena
    plan = 36 + word(blob, 20)
    end = plan + word(blob, 24)
    view = memoryview(arena)
    m._ops = []
    m._offsets = array("I")
    m.inputs = []
    m.outputs = []
    m._edges = array("I")  # PLAN's records of the inputs, then of the outputs
    state = False
    at = plan
    while at < end:
        op = word(blob, at)
        if op < 3:
            i = word(blob, at + 16)
            (m.inputs if op == 1 else m.outputs).append(view[i : i + word(blob, at + 20)])
            m._edges.append(at)
        elif op == 15:
            state = True
        else:
            kernel = None
            if op == 3 and families[0] in "viper xtensa pie":  # another kernel for some records
                kernel = module("checks", families[0]).kernel(blob, at, kind)
            m._ops.append(kernel or _kernel(operator(op), families))
            m._offsets.append(at - plan)
        at += 4 * word(blob, at + 4)
    m.input = m.inputs[0]
    m.output = m.outputs[0]
    m._block = getattr(kind, "block", block)(m, plan, end)
    if state:
        m.reset()
    return m


def block(m, plan, data):
    # the parameters of every kernel, for PLAN and DATA at these places of the blob
    if m.kernels == "bytecode":
        return [0, memoryview(m._blob)[plan:data], m._arena, m._blob, data]
    from uctypes import addressof

    if addressof(m._blob) & 3:
        # a view that starts anywhere: its words must be aligned
        m._blob = allocate(m.name, len(m._blob), lambda n: bytearray(m._blob))
    view = memoryview(m._blob)
    return words(view[plan:], m._arena, view[data:])


def words(*buffers):
    from uctypes import addressof

    block = array("I", [0])
    for buffer in buffers:
        address = addressof(buffer)
        block.append(address & 0xFFFFFFFF)
        block.append(address >> 32)
    block.extend(array("I", (0, 0, 0)))  # weights that are expanded once: none
    return block
