# Which kernels this firmware runs: machine code must give a known answer before it is trusted.
import sys
from array import array

from . import model


def best(name):
    # families of kernels, the best first; what one lacks, the next one has
    if name == "bytecode":
        return [name]
    found = model.working
    if not found:
        arch = getattr(sys.implementation, "_mpy", 0) >> 10 & 15
        found = ["viper", "bytecode"]
        for family, first, last in (("rv32", 11, 11), ("thumb", 4, 8), ("dsp", 6, 8)):
            if first <= arch <= last:
                found.insert(0, family)
        while not _works(found[0]):
            found.pop(0)
        if found[0] == "bytecode" and not name:
            print("whit: no native emitter here; its bytecode kernels are much slower")
        model.working = found
    if not name:
        return found
    if name not in found:
        raise ValueError("%s kernels do not run here; %s do" % (name, ", ".join(found)))
    return found[found.index(name) :]


def _works(name):
    try:
        if name == "viper":
            return model.module(name).works()
        return name == "bytecode" or _right(name)
    except (ImportError, SyntaxError, ValueError, MemoryError):
        return False


def _right(name):
    # does the family's kernel of LUT give the known answer?
    from uctypes import addressof

    run = model.module(name, "lut").run
    # it need not stay in RAM
    name = "whit." + name
    del sys.modules[name + ".lut"], sys.modules[name].lut
    data = b"kernels"
    arena = bytearray(range(7))
    plan = array("I", (0, 0, 0, 0, 0, 0, 7))
    run(array("I", (0, addressof(plan), 0, addressof(arena), 0, addressof(data), 0, 0, 0, 0)))
    return arena == data
