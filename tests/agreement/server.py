# Runs inside MicroPython: one line of standard input per blob (kernels, blob, inputs, outputs, by tabs), one line back.
import gc
import sys

import micropython

sys.path.insert(0, sys.argv[1])
import whit


def filled(m, source):
    n = 0
    for x in m.inputs:
        n += source.readinto(x)
    return n == sum(len(x) for x in m.inputs)


def run(kernels, blob, inputs, outputs):
    m = whit.load(blob, kernels)
    with open(inputs, "rb") as source, open(outputs, "wb") as target:
        while filled(m, source):
            micropython.heap_lock()
            try:
                m.run()
            finally:
                micropython.heap_unlock()
            for y in m.outputs:
                target.write(y)
    return m.selftest()


while True:
    line = sys.stdin.readline()
    if not line:
        break
    try:
        print("ok", run(*line.rstrip("\n").split("\t")))
    except Exception as e:
        print("error", type(e).__name__, str(e))
    gc.collect()
