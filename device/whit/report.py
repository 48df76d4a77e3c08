# What a person reads about a model: one line, a table, times, the self-test.
import time

from .model import word


def _shape(shape):
    return "x".join(str(n) for n in (shape[1:] if len(shape) > 1 else shape))


def line(m):
    meta = m.meta()
    labels = meta.get("labels")
    out = "%d classes" % len(labels) if labels else _shape(meta["outputs"][0]["shape"])
    return "<%s: %s -> %s, %d layers, %.1f KB, arena %.1f KB, %s kernels>" % (
        m.name,
        _shape(meta["inputs"][0]["shape"]),
        out,
        len(m._ops),
        len(m._blob) / 1024,
        len(m._arena) / 1024,
        m.kernels,
    )


def summary(m):
    print(line(m))
    for i, (name, shape, macs) in enumerate(m.meta()["layers"]):
        print("%3d %-20s %-12s %9d MACs" % (i, name, _shape(shape), macs))


def profile(m, runs):
    layers = m.meta()["layers"]
    block = m._block
    rows = []
    for i, op in enumerate(m._ops):
        us = 0
        for _ in range(runs):
            block[0] = m._offsets[i]
            t = time.ticks_us()
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
    at = len(b) - n
    x = m.input
    for i in range(len(x)):
        q = b[at + i]
        x[i] = q - 256 if q > 127 else q
    m.run()
    at += len(x)
    wrong = 0
    for i, q in enumerate(m.output):
        if q & 255 != b[at + i]:
            wrong += 1
    return wrong
