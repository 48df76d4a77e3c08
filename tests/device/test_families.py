"""Which kernels a firmware gets: by its architecture, by the known answer, by what the caller wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from whit.paths import device_root

from tests.device import models
from tests.device.session import Session

# best() as on another board: `works` names the families that give the known answer there
FAKE = """
import sys
from whit import build, model

class Implementation:
    pass

class Sys:
    modules = sys.modules
    implementation = Implementation()

class Family:
    def __init__(self, name):
        self.name = name
    def run(self):
        asked.append(self.name)
        if self.name in broken:
            raise broken[self.name]("not here")
        return self.name in right

build.sys = Sys
build._right = lambda name: sys.modules['whit.%s.lut' % name].run()
sys.modules["whit.viper"] = Family("viper")
sys.modules["whit.viper"].works = sys.modules["whit.viper"].run

for name in ("thumb", "dsp", "rv32", "xtensa", "xtensa-s2"):
    sys.modules["whit." + name] = sys.modules["whit.%s.lut" % name] = Family(name)

def best(arch, force=None):
    Sys.implementation._mpy = arch << 10 | 6
    model.working = None
    asked.clear()
    return build.best(force)

asked = []
broken = {}
right = ("thumb", "dsp", "rv32", "xtensa", "xtensa-s2", "viper")
"""


@pytest.fixture
def board() -> Iterator[Session]:
    with Session() as session:
        session.run(FAKE)
        yield session


@pytest.mark.parametrize(
    "arch, families",
    [
        (0, "viper bytecode"),
        (2, "viper bytecode"),
        (3, "viper bytecode"),
        (4, "thumb viper bytecode"),
        (5, "thumb viper bytecode"),
        (6, "dsp thumb viper bytecode"),
        (7, "dsp thumb viper bytecode"),
        (8, "dsp thumb viper bytecode"),
        (9, "viper bytecode"),
        (10, "xtensa-s2 xtensa viper bytecode"),
        (11, "rv32 viper bytecode"),
        (12, "viper bytecode"),
    ],
)
def test_the_architecture_decides(board: Session, arch: int, families: str) -> None:
    assert board.value(f"best({arch})") == families.split()
    assert board.value("asked") == families.split()[:1]  # the others are not even imported
    assert board.value("build.best('viper')") == ["viper", "bytecode"]
    assert board.value("asked") == families.split()[:1]  # nor is anything tried twice


def test_what_fails_leaves_it_to_the_next(board: Session) -> None:
    board.run("right = ('viper',)")
    assert board.value("best(7)") == ["viper", "bytecode"]
    assert board.value("asked") == ["dsp", "thumb", "viper"]
    for error in ("ImportError", "SyntaxError", "ValueError", "MemoryError"):
        board.run(f"right = ('thumb', 'viper')\nbroken['dsp'] = {error}")
        assert board.value("best(7)") == ["thumb", "viper", "bytecode"]
    board.run("right = ()")
    said = "whit: no native emitter here; its bytecode kernels are much slower\n"
    assert board.run("print(best(4))") == said + "['bytecode']\n"
    assert board.run("print(build.best(None))") == "['bytecode']\n"


@pytest.mark.parametrize(
    "machine, family",
    [
        ("Generic ESP32 module with ESP32", "xtensa"),
        ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", "xtensa"),
        ("Generic ESP32S2 module with ESP32S2", "xtensa-s2"),
        ("LOLIN_S2_MINI with ESP32-S2FN4R2", "xtensa-s2"),
        ("FeatherS3 with ESP32-S3", "xtensa"),
        ("ESP module with ESP8266", ""),
        ("Board with a chip of tomorrow", ""),
    ],
)
def test_the_name_of_the_machine_tells_the_s2(machine: str, family: str) -> None:
    ran = []
    with Session() as mp:
        mp.run(f"class sys:\n class implementation:\n  _machine = {machine!r}")
        for name in ("xtensa", "xtensa-s2", "pie"):
            text = (device_root() / "whit" / name / "__init__.py").read_text().replace("import sys\n", "")
            if mp.run(f"try:\n exec({text!r})\n print(1)\nexcept (ImportError, ValueError): print(0)").strip() == "1":
                ran.append(name)
    assert ran == [family] * bool(family) + ["pie"] * ("S3" in machine)


@pytest.mark.parametrize("error", ["ImportError", "ValueError", "MemoryError"])
def test_an_esp32_without_kernels_of_its_own_takes_viper(board: Session, error: str) -> None:
    # of another chip, for another firmware, or no executable RAM is left
    board.run(f"broken['xtensa'] = broken['xtensa-s2'] = {error}")
    assert board.value("best(10)") == ["viper", "bytecode"]
    board.run("broken.clear()\nright = ('viper',)")  # a wrong answer
    assert board.value("best(10)") == ["viper", "bytecode"]
    board.run("right = ('viper', 'xtensa')")
    assert board.value("best(10)") == ["xtensa", "viper", "bytecode"]


def test_a_family_can_be_wanted(board: Session) -> None:
    assert board.value("best(7, 'thumb')") == ["thumb", "viper", "bytecode"]
    assert board.value("best(7, 'bytecode')") == ["bytecode"]
    assert board.value("asked") == []
    assert board.error("best(4, 'dsp')") == "ValueError: dsp kernels do not run here; thumb, viper, bytecode do"
    board.run("right = ()")
    assert board.error("best(4, 'viper')") == "ValueError: viper kernels do not run here; bytecode do"


def test_kernels_that_nobody_has_seen_run_are_taken_by_name_only(board: Session) -> None:
    board.run("sys.modules['whit.pie'] = Family('pie')\nright = ('xtensa', 'viper')")
    assert board.value("best(10)") == ["xtensa", "viper", "bytecode"]
    assert board.value("build.best('pie')") == ["pie", "xtensa", "viper", "bytecode"]
    assert board.value("build.best(None)") == ["xtensa", "viper", "bytecode"]  # nor later
    assert board.value("best(10, 'pie')") == ["pie", "xtensa", "viper", "bytecode"]


def test_pie_is_refused_on_another_chip() -> None:
    message = "ValueError: pie kernels do not run here; they are for an ESP32-S3"
    with Session() as mp:
        mp.run("import whit")
        assert mp.error("whit.load(data, kernels='pie')", models.tiny().content) == message
        assert mp.value("whit.load(data).kernels", models.tiny().content) == "viper"


def test_pie_is_told_which_records_are_its_own() -> None:
    with Session() as mp:
        mp.run(
            "import sys, whit\nfrom whit import model\nfrom whit.viper import conv\n"
            "class Pie:\n __path__ = '/none'\n def run(block):\n  ran.append(block[0])\n  conv.run(block)\n"
            "ran = []\nsys.modules['whit.pie'] = sys.modules['whit.pie.pixels'] = Pie\n"
            "def load(data, kernels):\n    ran.clear()\n    model.working = ['viper', 'bytecode']\n"
            "    m = whit.load(data, kernels)\n    return m.kernels, m.selftest(), len(ran)"
        )
        b = models.Builder("pixels", (1, 5, 6, 3))
        y = b.add("CONV_2D", [b.x, b.weights(8, 3, 3, 3), b.bias(8)], b.tensor((1, 5, 6, 8)), **models.WINDOW)
        options = {**models.WINDOW, "stride_h": 2, "stride_w": 2, "padding": "VALID"}
        y = b.add("CONV_2D", [y, b.weights(6, 1, 1, 8), b.bias(6)], b.tensor((1, 3, 3, 6)), **options)
        blob = b.blob(y)
        assert mp.value("load(data, 'pie')", blob.content) == ("pie", 0, 1)
        assert mp.value("load(data, None)", blob.content) == ("viper", 0, 0)


def test_a_kernel_that_a_family_lacks_comes_from_the_next() -> None:
    with Session() as mp:
        mp.run("import sys\nfrom whit import build\nclass Family:\n    __path__ = '/none'\n    run = 'run of thumb'")
        mp.run("sys.modules['whit.thumb'] = sys.modules['whit.thumb.lut'] = Family")
        families = "['dsp', 'thumb', 'viper', 'bytecode']"
        assert mp.value(f"build._kernel('lut', {families})") == "run of thumb"  # dsp is for another processor
        assert mp.value(f"build._kernel('conv', {families}) == sys.modules['whit.viper.conv'].run") is True
        mp.run("del sys.modules['whit.thumb.lut']")
        assert mp.value(f"build._kernel('lut', {families}) == sys.modules['whit.viper.lut'].run") is True
        assert (
            mp.error("build._kernel('none', ['viper', 'bytecode'])") == "ImportError: no module named 'whit.viper.none'"
        )


def test_on_this_machine() -> None:
    with Session() as mp:
        mp.run("import whit")
        tiny = models.tiny().content
        assert mp.value("whit.load(data).kernels", tiny) == "viper"
        assert mp.value("whit.load(data, 'bytecode').kernels", tiny) == "bytecode"
        message = "ValueError: thumb kernels do not run here; viper, bytecode do"
        assert mp.error("whit.load(data, kernels='thumb')", tiny) == message
        # ten words, the last three for weights that are expanded once
        assert mp.value("list(whit.load(data)._block)[7:]", tiny) == [0, 0, 0]
