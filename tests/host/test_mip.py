"""`mpremote mip install` of the runtime from device/package.json, served over HTTP, and a model run with it."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator

import pytest
from whit.deployment import deploy
from whit.paths import device_root
from whit.virtual import VirtualBoard

from tests.device.listing import files, machine_code
from tests.device.models import everything, tiny
from tests.host.conftest import mpremote


@pytest.fixture
def server() -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(device_root()))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_mip_install(server: str, fresh_board: VirtualBoard) -> None:
    mpremote(fresh_board, "mip", "install", f"{server}/package.json")
    lib = fresh_board.root / "lib"
    there = {path.relative_to(lib).as_posix() for path in lib.rglob("*") if path.is_file()}
    assert there == {path.as_posix() for path in files()} | {f"whit/{path.as_posix()}" for path in machine_code()}
    (fresh_board.root / "all.whit").write_bytes(everything().content)
    said = mpremote(fresh_board, "exec", "import whit; m = whit.load('all.whit'); print(m.selftest(), m.kernels)")
    assert said.split() == ["0", "viper"]
    result = deploy(tiny(["a", "b", "c"]), port=fresh_board.port)  # takes over what is there
    modules = [path.relative_to(lib).with_suffix("") for path in (lib / "whit").rglob("*.*")]
    assert len(modules) == len(set(modules)) and "/lib/whit/model.mpy" in result.sent
    assert "/lib/whit/model.py" in result.removed
    assert mpremote(fresh_board, "exec", "import whit; print(whit.load('all.whit').selftest())").split() == ["0"]
