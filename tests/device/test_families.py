"""Which kernels a firmware gets: by its architecture, by the known answer, by what the caller wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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

for name in ("thumb", "dsp", "rv32"):
    sys.modules["whit." + name] = sys.modules["whit.%s.lut" % name] = Family(name)

def best(arch, force=None):
    Sys.implementation._mpy = arch << 10 | 6
    model.working = None
    asked.clear()
    return build.best(force)

asked = []
broken = {}
right = ("thumb", "dsp", "rv32", "viper")
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
        (10, "viper bytecode"),
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


def test_a_family_can_be_wanted(board: Session) -> None:
    assert board.value("best(7, 'thumb')") == ["thumb", "viper", "bytecode"]
    assert board.value("best(7, 'bytecode')") == ["bytecode"]
    assert board.value("asked") == []
    assert board.error("best(4, 'dsp')") == "ValueError: dsp kernels do not run here; thumb, viper, bytecode do"
    board.run("right = ()")
    assert board.error("best(4, 'viper')") == "ValueError: viper kernels do not run here; bytecode do"


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
