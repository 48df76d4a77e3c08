"""whit deploy: what is sent, that nothing is switched before it is proven, that a cut at any byte does no harm."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import whit as library
from whit import blob as blobs
from whit import switching
from whit.board import Board, BoardError
from whit.cargo import Item, check_fit, make_plan
from whit.deployment import deploy
from whit.errors import WhitError
from whit.paths import device_root
from whit.probe import BoardInfo, read_info
from whit.runtime import families, runtime, untried
from whit.switching import sealed
from whit.transport import VIA
from whit.virtual import VirtualBoard, running

from tests.device.models import tiny
from tests.host.conftest import HOST, PICO, VIRTUAL, environment, mpremote, whit

# what a virtual board gets for tiny(): path below lib -> content
RUNTIME = {item.path.removeprefix("/lib/"): item.content for item in runtime(VIRTUAL, tiny())}
PREDICT = "import whit; print(whit.load('/tiny.whit').predict([1, 2, 3, 4]))"
needs_ampy = pytest.mark.skipif(find_spec("ampy") is None, reason="an extra: pip install adafruit-ampy")
# an application that never ends and tells which model it runs
ANSWER = """\
import whit
m = whit.load("tiny.whit")
while True:
    label = m.predict([1, 2, 3, 4])
    with open("/answer", "w") as f:
        f.write(label)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny.whit, other.whit (of the same name on the board) and an application."""
    made = tmp_path_factory.mktemp("models")
    tiny(["a", "b", "c"]).save(made / "tiny.whit")
    (made / "other").mkdir()
    tiny(["x", "y", "z"]).save(made / "other/tiny.whit")
    (made / "app.py").write_text("open('/started', 'a').write('s')\nwhile True:\n    pass\n")
    (made / "answer.py").write_text(ANSWER)
    return made


@pytest.fixture
def deployed(fresh_board: VirtualBoard, folder: Path) -> Iterator[VirtualBoard]:
    deploy(folder / "tiny.whit", port=fresh_board.port)
    yield fresh_board


def files(board: VirtualBoard) -> dict[str, bytes]:
    return {str(path.relative_to(board.root)): path.read_bytes() for path in board.root.rglob("*") if path.is_file()}


def failing(path: Path) -> bytes:
    """The model with a self-test that it does not pass."""
    good = blobs.read(path)
    return blobs.write(good.meta, good.plan, good.data, bytes(byte ^ 1 for byte in good.test), good.arena_bytes)


def predicts(board: VirtualBoard) -> str:
    return mpremote(board, "exec", PREDICT).strip()


def test_first_deployment_brings_everything(fresh_board: VirtualBoard, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    result = deploy(folder / "tiny.whit", port=fresh_board.port, progress=lambda *now: told.append(now))
    assert sorted(files(fresh_board)) == sorted([*("lib/" + name for name in RUNTIME), "tiny.whit"])
    assert files(fresh_board)["tiny.whit"] == (folder / "tiny.whit").read_bytes()
    assert len(result.sent) == len(RUNTIME) + 1 and result.kept == [] and result.removed == []
    assert result.sent_bytes == sum(map(len, files(fresh_board).values())) and result.seconds > 0
    assert told[-1] == (result.sent_bytes, result.sent_bytes) and told == sorted(told)
    assert predicts(fresh_board) in "abc"


def test_second_deployment_sends_nothing(deployed: VirtualBoard, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in deployed.root.rglob("*.*")}
    started = time.monotonic()
    result = deploy(folder / "tiny.whit", port=deployed.port)
    assert time.monotonic() - started < 2
    assert result.sent == [] and result.sent_bytes == 0 and len(result.kept) == len(RUNTIME) + 1
    assert before == {path: path.stat().st_mtime_ns for path in deployed.root.rglob("*.*")}


def test_only_what_changed_is_sent(deployed: VirtualBoard, folder: Path) -> None:
    result = deploy(folder / "other/tiny.whit", port=deployed.port)
    assert result.sent == ["/tiny.whit"]
    assert predicts(deployed) in "xyz"
    (deployed.root / "lib/whit/model.mpy").write_text("broken(")
    result = deploy(folder / "other/tiny.whit", port=deployed.port)
    assert result.sent == ["/lib/whit/model.mpy"]
    assert predicts(deployed) in "xyz"


def test_other_runtime_is_replaced(deployed: VirtualBoard, folder: Path) -> None:
    old = deployed.root / "lib/whit"
    (old / "__init__.py").write_text("__version__ = '0.0.1'\n")
    (old / "model.py").write_bytes(b"an old twin")
    (old / "gone").mkdir()
    (old / "gone/kernel.py").write_text("")
    result = deploy(folder / "tiny.whit", port=deployed.port)
    assert result.sent == ["/lib/whit/__init__.py"]
    assert result.removed == ["/lib/whit/gone/kernel.py", "/lib/whit/model.py"]
    assert sorted(files(deployed)) == sorted([*("lib/" + name for name in RUNTIME), "tiny.whit"])
    assert not (old / "gone").exists()
    assert predicts(deployed) in "abc"


def test_other_files_of_the_board_stay(fresh_board: VirtualBoard, folder: Path) -> None:
    (fresh_board.root / "lib/other.py").write_text("x = 1")
    (fresh_board.root / "boot.py").write_text("import os")
    deploy(folder / "tiny.whit", port=fresh_board.port)
    assert files(fresh_board)["lib/other.py"] == b"x = 1" and files(fresh_board)["boot.py"] == b"import os"


def test_application_starts(fresh_board: VirtualBoard, folder: Path) -> None:
    result = deploy(folder / "tiny.whit", port=fresh_board.port, app=folder / "app.py")
    assert "/main.py" in result.sent
    started = fresh_board.root / "started"
    for count in (1, 2):  # the second deployment interrupts it, and starts it again
        end = time.monotonic() + 5
        while not (started.exists() and started.read_text() == "s" * count) and time.monotonic() < end:
            time.sleep(0.02)
        assert started.read_text() == "s" * count
        if count == 1:
            deploy(folder / "tiny.whit", port=fresh_board.port)


def test_application_brings_the_modules_that_it_imports(fresh_board: VirtualBoard, tmp_path: Path) -> None:
    tiny(["a", "b", "c"]).save(tmp_path / "tiny.whit")
    for name, content in {
        "app.py": "import whit\nimport json, sound\nfrom drivers import b\n"
        "def later():\n    import drivers.c\nopen('/said', 'w').write(sound.NAME + b.NAME)\n",
        "sound.py": "from deep.er.sea import NAME\n",
        "drivers/b.py": "from .d import NAME\n",
        "drivers/c.py": "def wrong(:\n",
        "drivers/d.py": "NAME = 'd'\n",
        "deep/__init__.py": "from . import own\n",
        "deep/own.py": "",
        "deep/er/sea.py": "NAME = 'sea'\n",
        "drivers/e.py": "nobody imports it",
        "json/__init__.pyc": "no source",
        "whit/__init__.py": "would hide the runtime",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    result = deploy(tmp_path / "tiny.whit", port=fresh_board.port, app=tmp_path / "app.py")
    modules = ["/deep/__init__.py", "/deep/er/sea.py", "/deep/own.py"]
    modules += ["/drivers/b.py", "/drivers/c.py", "/drivers/d.py", "/sound.py"]
    assert sorted(path for path in result.sent if not path.startswith("/lib/whit/")) == sorted(
        [*modules, "/main.py", "/tiny.whit"]
    )
    assert wait_for(fresh_board.root / "said") == "sead"
    (tmp_path / "drivers/d.py").write_text("NAME = 'dd'\n")
    (fresh_board.root / "said").unlink()
    assert deploy(tmp_path / "tiny.whit", port=fresh_board.port, app=tmp_path / "app.py").sent == ["/drivers/d.py"]
    assert wait_for(fresh_board.root / "said") == "seadd"
    assert not (fresh_board.root / "whit.new").exists() and not (fresh_board.root / "whit").exists()


def wait_for(path: Path) -> str:
    """What is in a file, once there is something."""
    end = time.monotonic() + 5
    while not (path.exists() and path.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    return path.read_text()


def answers(board: VirtualBoard, labels: str) -> bool:
    """The application comes to one of these answers."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if (answer := (board.root / "answer").read_text()) and answer in labels:
                return True
        time.sleep(0.02)
    return False


def test_model_switched_under_a_running_program(fresh_board: VirtualBoard, folder: Path) -> None:
    first = deploy(folder / "tiny.whit", port=fresh_board.port, app=folder / "answer.py")
    assert first.sent[-2:] == ["/tiny.whit", "/main.py"] and answers(fresh_board, "abc")
    second = deploy(folder / "other/tiny.whit", port=fresh_board.port, app=folder / "answer.py")
    assert second.sent == ["/tiny.whit"] and answers(fresh_board, "xyz")
    assert not (fresh_board.root / "whit").exists() and not (fresh_board.root / "whit.new").exists()
    third = deploy(folder / "tiny.whit", port=fresh_board.port, app=folder / "app.py")
    assert third.sent == ["/tiny.whit", "/main.py"]
    assert (fresh_board.root / "main.py").read_bytes() == (folder / "app.py").read_bytes()


def test_runtime_that_another_hides_is_restored(deployed: VirtualBoard, folder: Path) -> None:
    """It passes where it is staged and fails in its place: only a start as the board's own shows that."""
    (deployed.root / "lib/whit/model.mpy").write_text("an older one")
    before = files(deployed)
    hiding = {"boot.py": b"import sys; sys.path.insert(0, '/app')\n", "app/whit.py": b"x = 1\n"}
    for name, content in hiding.items():
        (deployed.root / name).parent.mkdir(exist_ok=True)
        (deployed.root / name).write_bytes(content)
    with pytest.raises(WhitError, match="'import whit' on the board finds another whit, not the runtime in /lib/whit"):
        deploy(folder / "other/tiny.whit", port=deployed.port)
    assert files(deployed) == before | hiding


def test_answer_lost_in_the_switch(deployed: VirtualBoard, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board has done it, the computer does not know: the two must not end up with halves of both."""
    run = Board.exec

    def exec_once(self: Board, code: str, *rest: float) -> str:
        answer = run(self, code, *rest)
        if lost in code:
            raise WhitError("the board says nothing any more")
        return answer

    monkeypatch.setattr(Board, "exec", exec_once)
    for lost, labels in (("_whit_install()", "abc"), ("_whit_finish()", "xyz")):  # noqa: B007
        (deployed.root / "lib/whit/model.mpy").write_bytes(RUNTIME["whit/model.mpy"] + b"#")
        with pytest.raises(WhitError, match="says nothing any more"):
            deploy(folder / "other/tiny.whit", port=deployed.port)
        assert predicts(deployed) in labels


def test_code_that_was_damaged_on_its_way(fresh_board: VirtualBoard) -> None:
    (fresh_board.root / "m.whit").write_text("model")
    code = sealed("import os\nos.remove('/m.whit')\n")
    with Board(fresh_board.port) as board:
        with pytest.raises(BoardError, match="code was damaged on its way to the board"):
            board.exec(code.replace("/m.whit", "/n.whit"))
        assert (fresh_board.root / "m.whit").exists()
        board.exec(code)
        assert not (fresh_board.root / "m.whit").exists()


@pytest.mark.parametrize("via", ["mpremote", pytest.param("ampy", marks=needs_ampy)])
def test_each_library_that_talks_to_boards(fresh_board: VirtualBoard, folder: Path, via: str, tmp_path: Path) -> None:
    """First and second deployment, a change, a program that runs for ever, a model that fails, a cut."""
    blob, other, port = folder / "tiny.whit", folder / "other/tiny.whit", fresh_board.port
    first = deploy(blob, port=port, app=folder / "answer.py", via=via)
    assert len(first.sent) == len(RUNTIME) + 2 and answers(fresh_board, "abc")
    assert deploy(blob, port=port, via=via).sent == []
    assert deploy(other, port=port, via=via).sent == ["/tiny.whit"] and answers(fresh_board, "xyz")
    before = (fresh_board.root / "tiny.whit").read_bytes()
    (tmp_path / "tiny.whit").write_bytes(failing(folder / "tiny.whit"))
    with pytest.raises(WhitError, match=r"^tiny.whit fails its self-test on the board: \d+ output bytes? differ"):
        deploy(tmp_path / "tiny.whit", port=port, via=via)
    assert (fresh_board.root / "tiny.whit").read_bytes() == before and answers(fresh_board, "xyz")
    (fresh_board.root / "lib/whit/model.mpy").write_bytes(b"old")
    assert cut_off(fresh_board, blob, 0.6, "--via", via) or via == "mpremote"
    deploy(blob, port=port, via=via)
    assert predicts(fresh_board) in "abc"


@needs_ampy
def test_ampy_and_mpremote_do_not_share_a_port(fresh_board: VirtualBoard, folder: Path) -> None:
    for first, second in (VIA, VIA[::-1]):
        with Board(fresh_board.port, first), pytest.raises(WhitError, match="is in use by another program"):
            Board(fresh_board.port, second)
    with pytest.raises(WhitError, match="there is no transport 'rshell'"):
        Board(fresh_board.port, "rshell")


def test_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ampy", None)
    monkeypatch.delitem(sys.modules, "whit.via_ampy", raising=False)
    with pytest.raises(WhitError, match="^ampy is not installed$") as caught:
        Board("/dev/none", "ampy")
    assert caught.value.hint == "pip install 'whit[ampy]'"


def test_newer_runtime_is_not_replaced_unasked(deployed: VirtualBoard, folder: Path) -> None:
    init = deployed.root / "lib/whit/__init__.py"
    init.write_text("__version__ = '0.10.0'\n")
    before = files(deployed)
    with pytest.raises(WhitError, match=r"has whit 0\.10\.0; this is whit 0\.1\.0$") as caught:
        deploy(folder / "tiny.whit", port=deployed.port)
    assert caught.value.hint.startswith("pip install --upgrade whit; --force") and files(deployed) == before
    assert deploy(folder / "tiny.whit", port=deployed.port, force=True).sent == ["/lib/whit/__init__.py"]


def test_old_firmware(fresh_board: VirtualBoard, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "whit.deployment.read_info",
        lambda *said: replace(read_info(*said), version=(1, 20, 0), version_string="1.20.0"),
    )
    with pytest.raises(WhitError, match=r"runs MicroPython 1\.20\.0; whit needs 1\.24$"):
        deploy(folder / "tiny.whit", port=fresh_board.port)
    assert files(fresh_board) == {}
    deploy(folder / "tiny.whit", port=fresh_board.port, force=True)


def test_watch(fresh_board: VirtualBoard, folder: Path, tmp_path: Path) -> None:
    blob, app = tmp_path / "tiny.whit", tmp_path / "main.py"
    shutil.copy(folder / "tiny.whit", blob)
    shutil.copy(folder / "answer.py", app)
    command = [sys.executable, "-m", "whit", "deploy", str(blob), "--app", str(app), "--watch", "--port"]
    watch = subprocess.Popen(
        [*command, fresh_board.port], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert watch.stdout and watch.stderr
    try:
        assert f"sent {len(RUNTIME) + 2} files" in watch.stdout.readline() and answers(fresh_board, "abc")
        shutil.copy(folder / "other/tiny.whit", blob)
        assert ": sent 1 file, " in watch.stdout.readline() and answers(fresh_board, "xyz")
        blob.write_bytes(b"half of a model")
        assert watch.stderr.readline() == "whit: tiny.whit: not a whit file\n"
        shutil.copy(folder / "tiny.whit", blob)
        assert ": sent 1 file, " in watch.stdout.readline() and answers(fresh_board, "abc")
        watch.send_signal(signal.SIGINT)
        out, talk = watch.communicate(timeout=10)
    finally:
        watch.kill()
    assert (watch.returncode, out) == (0, "") and "Traceback" not in talk


def test_dry_run_changes_nothing(deployed: VirtualBoard, folder: Path) -> None:
    (deployed.root / "lib/whit/old.py").write_text("")
    before = files(deployed)
    result = deploy(folder / "other/tiny.whit", port=deployed.port, app=folder / "app.py", dry_run=True)
    assert files(deployed) == before
    assert result.sent == ["/tiny.whit", "/main.py"] and result.removed == ["/lib/whit/old.py"] and result.dry_run


def test_library_takes_a_blob_without_a_file(fresh_board: VirtualBoard) -> None:
    result = library.deploy(tiny(["a", "b", "c"]), port=fresh_board.port)
    assert result.file == "/tiny.whit" and predicts(fresh_board) in "abc"


def test_failed_selftest_switches_nothing(deployed: VirtualBoard, folder: Path, tmp_path: Path) -> None:
    before = files(deployed)
    (tmp_path / "tiny.whit").write_bytes(failing(folder / "other/tiny.whit"))
    with pytest.raises(WhitError, match=r"^tiny.whit fails its self-test on the board: \d+ output bytes? differ"):
        deploy(tmp_path / "tiny.whit", port=deployed.port)
    assert files(deployed) == before
    assert predicts(deployed) in "abc"


def test_runtime_that_does_not_work_is_not_switched_to(
    deployed: VirtualBoard, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(deployed)
    shutil.copytree(device_root() / "whit", tmp_path / "whit")
    (tmp_path / "whit/model.py").write_text("import nothing_of_that_name\n")
    monkeypatch.setattr("whit.runtime.device_root", lambda: tmp_path)
    with pytest.raises(WhitError, match="fails its self-test on the board: ImportError: no module named"):
        deploy(folder / "other/tiny.whit", port=deployed.port)
    assert files(deployed) == before
    assert predicts(deployed) in "abc"


def test_file_that_changed_on_its_way(deployed: VirtualBoard, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(deployed)
    put = Board.put
    monkeypatch.setattr(Board, "put", lambda self, data, *rest: put(self, data[:-1] + b"?", *rest))
    with pytest.raises(WhitError, match=r"^tiny.whit on the board differs from the local file$"):
        deploy(folder / "other/tiny.whit", port=deployed.port)
    assert files(deployed) == before


def cut_off(board: VirtualBoard, blob: Path, seconds: float, *options: str) -> bool:
    """`whit deploy`, killed after some time; False when it was done by then."""
    command = subprocess.Popen(
        [sys.executable, "-m", "whit", "deploy", str(blob), "--port", board.port, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    try:
        command.wait(seconds)
    except subprocess.TimeoutExpired:
        command.kill()
        command.wait()
        return True
    return False


def test_cable_pulled_at_any_time(deployed: VirtualBoard, folder: Path) -> None:
    """The computer's end is cut; each time the board runs a whole model with a whole runtime."""
    cuts = 0
    for step in range(6):
        for path in (deployed.root / "lib/whit").rglob("*.*py"):
            path.write_bytes(path.read_bytes() + b"# old\n")  # so that it is sent again
        cuts += cut_off(deployed, folder / "other/tiny.whit", 0.25 + step * 0.1)
        assert predicts(deployed) in "abcxyz"
    assert cuts >= 2
    deploy(folder / "other/tiny.whit", port=deployed.port)
    assert sorted(files(deployed)) == sorted([*("lib/" + name for name in RUNTIME), "tiny.whit"])
    assert predicts(deployed) in "xyz"


@pytest.mark.parametrize("step", ["staged", "both", "moved"])
def test_power_lost_in_the_switch(deployed: VirtualBoard, folder: Path, step: str) -> None:
    """The states between the renames: each has a runtime, and the next deployment tidies up."""
    root = deployed.root
    for name, content in RUNTIME.items():
        path = root / "whit.new" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if step != "staged":
        (root / "whit.new/whit").rename(root / "whit")
    if step == "moved":
        (root / "lib/whit").rename(root / "whit.new/old")
    assert predicts(deployed) in "abc"
    result = deploy(folder / "tiny.whit", port=deployed.port)
    assert result.sent == []
    assert sorted(files(deployed)) == sorted([*("lib/" + name for name in RUNTIME), "tiny.whit"])
    assert not (root / "whit").exists() and not (root / "whit.new").exists()
    assert predicts(deployed) in "abc"


@pytest.mark.parametrize("started", [True, False])
def test_power_lost_between_program_and_model(deployed: VirtualBoard, folder: Path, started: bool) -> None:
    """The board itself ends what it began; or the next deployment does."""
    root = deployed.root
    (root / "whit.new").mkdir()
    (root / "whit.new/tiny.whit").write_bytes((folder / "other/tiny.whit").read_bytes())
    code = switching.switch_files(["/tiny.whit", "/main.py"], "/main.py", "/lib/whit").rpartition("if 'main.py':")[0]
    mpremote(deployed, "exec", switching.TOOLS + code)
    (root / "main.py").write_bytes((folder / "answer.py").read_bytes())
    if started:
        with Board(deployed.port) as board:
            board.soft_reset()
        assert answers(deployed, "xyz")
    result = deploy(folder / "other/tiny.whit", port=deployed.port)
    assert result.sent == [] and answers(deployed, "xyz")
    assert not (root / "whit").exists() and not (root / "whit.new").exists()


def test_file_that_hides_the_runtime(fresh_board: VirtualBoard, folder: Path) -> None:
    (fresh_board.root / "whit.py").write_text("x = 1")
    with pytest.raises(WhitError, match="/whit.py on the board hides the runtime in /lib/whit") as caught:
        deploy(folder / "tiny.whit", port=fresh_board.port)
    assert "fs rm" in caught.value.hint
    assert list(files(fresh_board)) == ["whit.py"]


FLASH = """\
import os, sys, vfs
class Disk:  # a real FAT, kept in a file from one reset to the next
    def __init__(self):
        try:
            self.file = open("/disk.img", "r+b")
        except OSError:
            with open("/disk.img", "wb") as f:
                for _ in range(512):
                    f.write(bytes(1024))
            self.file = open("/disk.img", "r+b")
            vfs.VfsFat.mkfs(self)
    def readblocks(self, n, buf):
        self.file.seek(n * 512)
        self.file.readinto(buf)
    def writeblocks(self, n, buf):
        self.file.seek(n * 512)
        self.file.write(buf)
        self.file.flush()
    def ioctl(self, op, arg):
        return 1024 if op == 4 else 512 if op == 5 else 0
disk = Disk()
vfs.umount("/")
vfs.mount(vfs.VfsFat(disk), "/flash")
os.chdir("/flash")
sys.path[:] = ["", ".frozen", "/flash", "/flash/lib"]
"""


def test_board_that_mounts_its_flash_below_the_root(fresh_board: VirtualBoard, folder: Path) -> None:
    """STM32, i.MX RT, SAMD: /flash, with a FAT in it."""
    (fresh_board.root / "boot.py").write_text(FLASH)
    first = deploy(folder / "tiny.whit", port=fresh_board.port, app=folder / "answer.py")
    assert sorted(files(fresh_board)) == ["boot.py", "disk.img"] and len(first.sent) == len(RUNTIME) + 2
    assert first.file == "/flash/tiny.whit"
    assert deploy(folder / "tiny.whit", port=fresh_board.port, app=folder / "answer.py").sent == []
    other = deploy(folder / "other/tiny.whit", port=fresh_board.port, app=folder / "app.py")
    assert other.sent == ["/tiny.whit", "/main.py"]
    with Board(fresh_board.port) as board:
        board.clear()
        assert board.info.runtime == library.__version__ and board.info.free_flash > 300_000
        assert board.exec("import os\nprint(sorted(os.listdir('/flash')))") == "['lib', 'main.py', 'tiny.whit']\n"
        assert board.exec(PREDICT.replace("/tiny.whit", other.file)).strip() in "xyz"


def test_does_not_fit(fresh_board: VirtualBoard, folder: Path) -> None:
    with Board(fresh_board.port) as board:
        info = board.info
    blob = blobs.read(folder / "tiny.whit")
    large = blobs.Blob(**{**vars(blob), "arena_bytes": 400_000})
    plan = make_plan(runtime(info, blob), {})
    with pytest.raises(WhitError, match=r"^big.whit needs 39\d\.\d KB \(weights 0\.\d, arena 390\.6\); ") as caught:
        check_fit(large, "big.whit", plan, info)
    assert str(caught.value).endswith(f"the virtual board has {info.free_ram / 1024:.1f} KB free")
    full = type(info)(
        **{**vars(info), "free_flash": 3000, "platform": "rp2", "machine": "Raspberry Pi Pico with RP2040"}
    )
    with pytest.raises(WhitError, match=r"need \d+\.\d KB of flash; Raspberry Pi Pico has 2\.9 KB free$"):
        check_fit(blob, "tiny.whit", plan, full)


def test_plan() -> None:
    old, same, model = Item("/lib/whit/a.py", b"new"), Item("/lib/whit/b.py", b"same"), Item("/m.whit", b"m")
    plan = make_plan(
        [old, same, model], {"/lib/whit/a.py": "0", "/lib/whit/b.py": same.sha256, "/m.whit": model.sha256}
    )
    assert (plan.send, plan.keep, plan.remove, plan.copied) == ([old], [same, model], [], [same])
    assert make_plan([same, model], {"/lib/whit/b.py": same.sha256}).copied == []  # the runtime stays as it is
    assert make_plan([same], {"/lib/whit/b.py": same.sha256, "/lib/whit/c.py": "1"}).copied == [same]
    assert (same.staged, model.staged) == ("/whit.new/whit/b.py", "/whit.new/m.whit")


def test_command(fresh_board: VirtualBoard, folder: Path) -> None:
    blob, port = str(folder / "tiny.whit"), fresh_board.port
    out, talk = whit("deploy", blob, "--dry-run", "--port", port)
    assert "send   /tiny.whit" in out and out.endswith("nothing was changed\n") and files(fresh_board) == {}
    out, talk = whit("deploy", blob, "--port", port)
    assert f"tiny.whit runs on {port} (virtual board): sent {len(RUNTIME) + 1} files, " in out
    assert " KB/s), 0 unchanged; self-test passed" in out
    out, talk = whit("deploy", blob)
    assert f": sent nothing, {len(RUNTIME) + 1} unchanged; self-test passed" in out
    told = json.loads(whit("deploy", blob, "--json")[0])
    assert told["port"] == port and told["sent"] == [] and len(told["kept"]) == len(RUNTIME) + 1
    with VirtualBoard() as second:
        out, talk = whit("deploy", blob, code=1)
        assert out == "" and "whit: 2 boards are connected: " in talk and port in talk and second.port in talk
        assert f"\n\nhint: choose one, as with --port {port}\n" in talk


def test_command_on_a_board_of_its_own(folder: Path) -> None:
    out, _ = whit("deploy", str(folder / "tiny.whit"), "--virtual", "--json")
    told = json.loads(out)
    assert told["machine"] == "virtual board" and "/tiny.whit" in told["sent"]
    assert told["port"] not in [board.port for board in running()]


def test_command_errors(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.whit").write_text("hello")
    assert "text.whit" in whit("deploy", str(tmp_path / "text.whit"), "--virtual", code=1)[1]
    assert "no.whit" in whit("deploy", str(tmp_path / "no.whit"), code=1)[1]
    blob = str(folder / "tiny.whit")
    assert "exclude each other" in whit("deploy", blob, "--virtual", "--port", "x", code=2)[1]
    assert "there is no port /dev/none" in whit("deploy", blob, "--port", "/dev/none", code=1)[1]
    assert "no board is connected" in whit("deploy", blob, code=1)[1]
    assert "nothing.py: no such file" in whit("deploy", blob, "--virtual", "--app", "nothing.py", code=1)[1]
    assert whit("deploy", "--help")[0].rstrip().splitlines()[-1].strip() == "whit deploy gesture.whit --app main.py"


def test_ctrl_c_leaves_nothing_broken(deployed: VirtualBoard, folder: Path) -> None:
    before = files(deployed)
    (deployed.root / "lib/whit/model.mpy").write_bytes(before["lib/whit/model.mpy"] + b"#")
    (deployed.root / "lib/whit/verify.mpy").write_bytes(before["lib/whit/verify.mpy"] + b"#")
    command = subprocess.Popen(
        [sys.executable, "-m", "whit", "deploy", str(folder / "tiny.whit"), "--port", deployed.port],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    staged = deployed.root / "whit.new"
    end = time.monotonic() + 10
    while not staged.exists():
        assert time.monotonic() < end and command.poll() is None
        time.sleep(0.001)
    command.send_signal(signal.SIGINT)
    out, talk = command.communicate(timeout=10)
    assert (command.returncode, out) == (130, "") and "whit: stopped" in talk and "Traceback" not in talk
    assert not staged.exists()
    assert predicts(deployed) in "abc"


def test_script_of_a_checkout(fresh_board: VirtualBoard, folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(HOST / "deploy.py"), str(folder / "tiny.whit"), "--port", fresh_board.port],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0 and "self-test passed" in done.stdout, done.stderr


def test_each_board_gets_the_form_that_runs_best_there() -> None:
    def names(info: BoardInfo, **options: str) -> list[str]:
        return [item.path.removeprefix("/lib/whit/") for item in runtime(info, tiny(), **options)]

    assert "viper/conv.py" in names(VIRTUAL) and "model.mpy" in names(VIRTUAL)
    # little RAM: nothing is compiled on the board
    assert "viper/conv.mpy" in names(replace(VIRTUAL, free_ram=40_000))
    # firmware without machine code
    none = replace(PICO, arch="none", native=False)
    assert "bytecode/conv.mpy" in names(none) and not [n for n in names(none) if n.startswith("viper")]
    # another version of .mpy files: sources only
    assert all(n.endswith(".py") for n in names(replace(PICO, mpy_version=5)))
    # no chip of these has run their kernels yet: known answers go with them, and viper in case that one is wrong
    for machine, family in (("ESP32", "xtensa"), ("ESP32S3", "xtensa"), ("ESP32S2", "xtensa-s2")):
        esp32 = replace(PICO, arch="xtensawin", machine=f"Generic {machine} module with {machine}")
        kernels = {name.partition(".")[0] for name in names(esp32)}
        needed = {f"{family}/__init__", f"{family}/conv", f"{family}/lut"}
        needed |= {"checks/known/__init__", "checks/known/conv", "viper/conv", "checks/viper", "checks/xtensa"}
        assert needed <= kernels, needed - kernels
        assert not [name for name in kernels if name.startswith("xtensa") and not name.startswith(family + "/")]
        # kernels of another model stay, and so does what they need; bytecode replaces them where there is no viper
        stay = [item.path for item in runtime(esp32, tiny(), [f"/lib/whit/{family}/pool.mpy"])]
        assert {"/lib/whit/checks/known/pool.mpy", f"/lib/whit/{family}/pool.mpy"} <= set(stay)
        assert any(path.startswith("/lib/whit/viper/pool.") for path in stay)
        assert "bytecode/conv" in {name.partition(".")[0] for name in names(replace(esp32, native=False))}
    with pytest.raises(WhitError, match="dsp kernels do not run on Raspberry Pi Pico with RP2040"):
        names(PICO, kernels="dsp")


def test_kernels_that_no_one_has_seen_run_come_by_name_only() -> None:
    s3 = replace(PICO, machine="Generic ESP32S3 module with ESP32S3", arch="xtensawin", platform="esp32")
    assert families(s3) == ["xtensa", "viper", "bytecode"] and untried(s3) == ["pie"]

    def names(info: BoardInfo, there: tuple[str, ...] = (), **options: str) -> set[str]:
        return {item.path.removeprefix("/lib/whit/") for item in runtime(info, tiny(), there, **options)}

    pie = {"pie/__init__.mpy", "pie/pixels.mpy", "checks/pie.mpy"}
    assert not names(s3) & pie
    # beside the family that has the rest
    assert names(s3, kernels="pie") == names(s3) | pie
    assert {"xtensa/conv.mpy", "xtensa/lut.mpy"} <= names(s3)
    # what other models need stays, and so does what is there by name
    there = ("/lib/whit/xtensa/pool.mpy",)
    pool = {"xtensa/pool.mpy", "checks/known/pool.mpy", "viper/pool.py"}
    assert names(s3, there, kernels="pie") == names(s3) | pie | pool
    assert names(s3, ("/lib/whit/pie/pixels.mpy",)) == names(s3) | {"pie/pixels.mpy"}
    for machine in ("Generic ESP32 module with ESP32", "Generic ESP32S2 module with ESP32S2"):
        other = replace(s3, machine=machine)
        assert untried(other) == []
        with pytest.raises(WhitError, match=f"^pie kernels do not run on {machine}$") as caught:
            names(other, kernels="pie")
        assert caught.value.hint.startswith("they are for an ESP32-S3; it runs xtensa")
    assert untried(PICO) == untried(replace(s3, mpy_version=5)) == []


def test_kernels_of_other_models_stay() -> None:
    there = ["/lib/whit/viper/lstm.py", "/lib/whit/viper/no_such.py", "/lib/whit/model.py"]
    items = {item.path for item in runtime(VIRTUAL, tiny(), there)}
    assert "/lib/whit/viper/lstm.py" in items and "/lib/whit/viper/no_such.py" not in items
    assert "/lib/whit/model.mpy" in items and "/lib/whit/model.py" not in items
