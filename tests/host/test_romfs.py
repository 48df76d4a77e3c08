"""whit deploy --romfs. The virtual board's firmware has no partition: a boot.py gives it one, kept in a file, that
answers vfs.rom_ioctl as firmware does. What mounts and reads it is MicroPython's own VfsRom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from whit import blob as blobs
from whit.board import Board
from whit.deployment import deploy
from whit.errors import WhitError
from whit.romfs import rom_image
from whit.virtual import VirtualBoard

from tests.device.models import everything, tiny
from tests.host.conftest import mpremote, whit
from tests.host.test_deploy import ANSWER, answers, failing

SIZE = 256 * 1024
BLOCK = 4096
BOOT = f"""\
import sys, vfs
SIZE, BLOCK = {SIZE}, {BLOCK}
try:
    with open("/rom.img", "rb") as f:
        rom = bytearray(f.read())
except OSError:
    rom = bytearray(b"\\xff" * SIZE)
def save():
    with open("/rom.img", "wb") as f:
        f.write(rom)
def rom_ioctl(op, *args):
    if op == 1:
        return 1
    if op == 2:
        return rom
    if op == 3:
        _, at, n = args
        assert at % BLOCK == n % BLOCK == 0
        rom[at:at + n] = b"\\xff" * n
        save()
        return 16
    if op == 4:
        _, at, b = args
        assert at % 256 == len(b) % 256 == 0 and not [c for c in rom[at:at + len(b)] if c != 255], "not erased"
        rom[at:at + len(b)] = b
        return 0
    if op == 5:
        save()
        return 0
    return BLOCK if op == 6 else -22
d = {{n: getattr(vfs, n) for n in dir(vfs) if n[0] != "_"}}
d["rom_ioctl"] = rom_ioctl
sys.modules["vfs"] = type("vfs", (), d)
try:
    vfs.mount(vfs.VfsRom(rom), "/rom")
    sys.path[2:2] = ["/rom", "/rom/lib"]
except OSError:
    pass
"""


@pytest.fixture
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard(heap_bytes=1024 * 1024) as board:
        (board.root / "boot.py").write_text(BOOT)
        yield board


def test_image_is_read_by_micropython(fresh_board: VirtualBoard) -> None:
    blob = everything().content
    files = [("m.whit", blob), ("lib/a/b.py", b"x = 5\n"), ("lib/a/__init__.py", b""), ("n.txt", b"hello")]
    for rest in range(4):
        image = rom_image([("m" * rest + ".whit", blob), *files[1:]])
        assert image.index(blob) % 4 == 0
    image = rom_image(files)
    with Board(fresh_board.port) as b:
        b.put(image, "/image")
        b.exec("import vfs, sys\nrom = open('/image', 'rb').read()\nvfs.mount(vfs.VfsRom(rom), '/rom')")
        assert b.exec("print(open('/rom/n.txt').read())") == "hello\n"
        assert b.exec("sys.path.append('/rom/lib')\nimport a.b\nprint(a.b.x)") == "5\n"
        assert b.exec("import hashlib\nh = hashlib.sha256(open('/rom/m.whit', 'rb').read())\nprint('ok')") == "ok\n"


def test_model_runs_in_place(board: VirtualBoard, tmp_path: Path) -> None:
    everything().save(tmp_path / "all.whit")
    first = deploy(tmp_path / "all.whit", port=board.port, romfs=True)
    assert first.file == "/rom/all.whit" and "/rom/lib/whit/__init__.py" in first.sent and first.sent_bytes < SIZE
    assert not (board.root / "lib/whit").exists() and not (board.root / "whit.new").exists()
    said = mpremote(board, "exec", "import whit; m = whit.load('/rom/all.whit'); print(m, m.selftest(), whit.__path__)")
    assert "in place>" in said and said.split()[-2:] == ["0", "/rom/lib/whit"]
    second = deploy(tmp_path / "all.whit", port=board.port, romfs=True)
    assert second.sent == [] and len(second.kept) == len(first.sent)


def test_program_beside_the_image(board: VirtualBoard, tmp_path: Path) -> None:
    tiny(["a", "b", "c"]).save(tmp_path / "tiny.whit")
    (tmp_path / "app.py").write_text(ANSWER.replace("tiny.whit", "/rom/tiny.whit"))
    result = deploy(tmp_path / "tiny.whit", port=board.port, romfs=True, app=tmp_path / "app.py")
    assert "/main.py" in result.sent and answers(board, "abc")
    tiny(["x", "y", "z"]).save(tmp_path / "tiny.whit")
    told: list[tuple[int, int]] = []
    deploy(tmp_path / "tiny.whit", port=board.port, romfs=True, progress=lambda *now: told.append(now))
    assert answers(board, "xyz") and told[-1][0] == told[-1][1] > 20_000


def test_image_that_fails_is_taken_back(board: VirtualBoard, tmp_path: Path) -> None:
    tiny(["a", "b", "c"]).save(tmp_path / "tiny.whit")
    deploy(tmp_path / "tiny.whit", port=board.port, romfs=True)
    before = (board.root / "rom.img").read_bytes()
    (tmp_path / "tiny.whit").write_bytes(failing(tmp_path / "tiny.whit"))
    with pytest.raises(WhitError, match="fails its self-test on the board"):
        deploy(tmp_path / "tiny.whit", port=board.port, romfs=True)
    assert (board.root / "rom.img").read_bytes()[: 20 * 1024] == before[: 20 * 1024]
    assert mpremote(board, "exec", "import whit; print(whit.load('/rom/tiny.whit').selftest())").strip() == "0"
    with pytest.raises(WhitError, match="finds /rom/lib/whit, not the runtime in /lib/whit") as caught:
        deploy(tiny(["a", "b", "c"]), port=board.port)
    assert caught.value.hint == "'whit deploy --romfs' replaces it"


def test_cable_pulled_half_way(board: VirtualBoard, tmp_path: Path) -> None:
    """Half an image is no image: the board starts with what its file system has."""
    tiny(["a", "b", "c"]).save(tmp_path / "tiny.whit")
    deploy(tmp_path / "tiny.whit", port=board.port)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whit.board.Board.soft_reset", lambda self: self.close())

        def cut(done: int, total: int) -> None:
            if done > total / 2:
                patch.setattr("whit.board.Board.clear", lambda self: self.exec("cable pulled"))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            deploy(tmp_path / "tiny.whit", port=board.port, romfs=True, progress=cut)
    assert mpremote(board, "exec", "import whit; print(whit.load('/tiny.whit').selftest())").strip() == "0"
    deploy(tmp_path / "tiny.whit", port=board.port, romfs=True)
    assert "in place" in mpremote(board, "exec", "import whit; print(whit.load('/rom/tiny.whit'))")


def test_what_does_not_go(board: VirtualBoard, fresh_board: VirtualBoard, tmp_path: Path) -> None:
    model = tmp_path / "tiny.whit"
    tiny(["a", "b", "c"]).save(model)
    talk = whit("deploy", str(model), "--romfs", "--port", fresh_board.port, code=1)[1]
    assert talk.startswith("whit: the firmware of the virtual board has no ROMFS partition\n\nhint: 'whit deploy' wi")
    image = rom_image([("photo.jpg", bytes(500))])
    (board.root / "rom.img").write_bytes(image + bytes(SIZE - len(image)))
    with pytest.raises(WhitError, match="^the ROMFS of the virtual board holds other files: /rom/photo.jpg$"):
        deploy(model, port=board.port, romfs=True)
    assert deploy(model, port=board.port, romfs=True, force=True).sent
    large = blobs.read(model)
    meta = large.meta | {"note": "x" * SIZE}
    big = blobs.write(meta, large.plan, large.data, large.test, large.arena_bytes)
    (tmp_path / "big.whit").write_bytes(big)
    with pytest.raises(
        WhitError, match=r"^big.whit and the runtime need \d+\.\d KB of ROMFS; the virtual board has 256"
    ):
        deploy(tmp_path / "big.whit", port=board.port, romfs=True)
