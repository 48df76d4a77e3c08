# What a person reads about a model: one line, a table, times, the self-test.
import time

from . import BlobError
from .model import word


def _shape(shape):
    return "x".join(str(n) for n in (shape[1:] if len(shape) > 1 else shape))


def _described(m):
    # shapes of input and output, and the layers; META is the one part of a blob that `load` has not proven
    try:
        meta = m.meta()
        layers = [(str(name), _shape(shape), int(macs)) for name, shape, macs in meta["layers"]]
        edges = [" + ".join(_shape(t["shape"]) for t in meta[edge]) for edge in ("inputs", "outputs")]
        if len(layers) == len(m._ops):
            return edges, layers
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        pass
    raise BlobError("%s: its description (META) is damaged" % m.name)


def line(m):
    edges, _ = _described(m)
    out = "%d classes" % len(m.labels) if m.labels else edges[1]
    return "<%s: %s -> %s, %d layers, %.1f KB, arena %.1f KB, %s kernels%s>" % (
        m.name,
        edges[0],
        out,
        len(m._ops),
        len(m._blob) / 1024,
        len(m._arena) / 1024,
        m.kernels,
        m.where,
    )


def summary(m):
    print(line(m))
    for i, (name, shape, macs) in enumerate(_described(m)[1]):
        print("%3d %-20s %-12s %9d MACs" % (i, name, shape, macs))


def profile(m, runs):
    layers = _described(m)[1]
    block = m._block
    rows = []
    m.run()  # weights that are expanded once are not measured
    for i, op in enumerate(m._ops):
        us = 0
        for _ in range(runs):
            t = time.ticks_us()
            m._ready(i)
            op(block)
            us += time.ticks_diff(time.ticks_us(), t)
        rows.append((layers[i][0], us / runs, layers[i][2]))
    total = sum(r[1] for r in rows) or 1
    for name, us, macs in rows:
        print("%-20s %9.3f ms %5.1f %% %12d MAC/s" % (name, us / 1000, 100 * us / total, macs * 1e6 / (us or 1)))
    print("%-20s %9.3f ms" % ("total", total / 1000))
    return rows


def selftest(m):
    b = m._blob
    n = word(b, 32)
    if not n:
        return 0
    m.reset()
    at = len(b) - n
    for x in m.inputs:
        for i in range(len(x)):
            q = b[at]
            x[i] = q - 256 if q > 127 else q
            at += 1
    m.run()
    wrong = 0
    for out in m.outputs:
        for q in out:
            if q & 255 != b[at]:
                wrong += 1
            at += 1
    m.reset()
    return wrong
