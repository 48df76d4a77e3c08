# Which kernels this firmware runs: machine code must give a known answer before it is trusted.
import sys
from array import array

from . import model


def best(force):
    # families of kernels, the best first; what one lacks, the next one has
    if force == "bytecode":
        return [force]
    found = model.working
    if not found:
        arch = getattr(sys.implementation, "_mpy", 0) >> 10 & 15
        found = ["viper", "bytecode"]
        for family, first, last in (("rv32", 11, 11), ("thumb", 4, 8), ("dsp", 6, 8)):
            if first <= arch <= last:
                found.insert(0, family)
        while not _works(found[0]):
            found.pop(0)
        if found[0] == "bytecode" and not force:
            print("whit: no native emitter here; its bytecode kernels are much slower")
        model.working = found
    if not force:
        return found
    if force not in found:
        raise ValueError("%s kernels do not run here; %s do" % (force, ", ".join(found)))
    return found[found.index(force) :]


def _works(family):
    try:
        if family == "viper":
            return model.module("whit.viper").works()
        return family == "bytecode" or right(model.module("whit.%s.lut" % family).run)
    except (ImportError, SyntaxError, ValueError, MemoryError):
        return False


def right(lut):
    # does this kernel of LUT give the known answer?
    from uctypes import addressof

    data = b"kernels"
    arena = bytearray(range(7))
    plan = array("I", (0, 0, 0, 0, 0, 0, 7))
    lut(array("I", (0, addressof(plan), 0, addressof(arena), 0, addressof(data), 0, 0, 0, 0)))
    return arena == data
