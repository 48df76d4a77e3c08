# Between numbers in the unit of training and int8.
import struct
from array import array


def _scale(m, at):
    return struct.unpack_from("<fI", m._blob, at + 24)


def _fill(out, x, i, scale, zero):
    for v in x:
        if isinstance(v, (int, float)):
            q = v / scale
            # round half away from zero, as the reference does; nan and inf find no integer
            q = int(q + 0.5 if q > 0 else q - 0.5) + zero
            if i < len(out):
                out[i] = -128 if q < -128 else 127 if q > 127 else q
            i += 1
        else:
            i = _fill(out, v, i, scale, zero)
    return i


def quantise(m, inputs):
    if len(inputs) != len(m.inputs):
        raise ValueError("%d inputs; %s wants %d" % (len(inputs), m.name, len(m.inputs)))
    for i, x in enumerate(inputs):
        scale, zero = _scale(m, m._edges[i])
        if isinstance(x, (int, float)):
            x = (x,)
        n = _fill(m.inputs[i], x, 0, scale, zero - 128)
        if n != len(m.inputs[i]):
            raise ValueError("input has %d values; %s wants %d" % (n, m.name, len(m.inputs[i])))


def dequantise(m):
    # all outputs, one after another
    s = m._scores
    if s is None:
        s = m._scores = array("f", (0 for out in m.outputs for _ in out))
    k = 0
    for i, out in enumerate(m.outputs):
        scale, zero = _scale(m, m._edges[len(m.inputs) + i])
        zero -= 128
        for q in out:
            s[k] = (q - zero) * scale
            k += 1
    return s


def answer(m):
    out = m.output
    if len(out) == 1 and not m.labels:
        return dequantise(m)[0]
    best = 0
    i = 1
    while i < len(out):
        if out[i] > out[best]:
            best = i
        i += 1
    return m.labels[best] if best < len(m.labels) else best
