# Runs inside MicroPython: one line of standard input per blob (kernels, blob, inputs, outputs, by tabs), one line back.
import gc
import sys

import micropython

sys.path.insert(0, sys.argv[1])
import whit


def run(kernels, blob, inputs, outputs):
    m = whit.load(blob, kernels)
    with open(inputs, "rb") as source, open(outputs, "wb") as target:
        while source.readinto(m.input) == len(m.input):
            micropython.heap_lock()
            try:
                m.run()
            finally:
                micropython.heap_unlock()
            target.write(m.output)
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
