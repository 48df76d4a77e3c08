"""What kernels were counted to take: it does not rise unseen, stays below its ceilings, and whit inspect tells it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from whit import latency
from whit.amounts import amounts
from whit.checkup import LOOP, ROUND

from bench import kernels, page
from bench.counts import kernel_records, model, models
from tests.agreement.shared import need

from .boards import machine

NEAR = 0.05  # how far whit inspect may be from what was counted
# on Xtensa a result that is near to a bound takes 50 instructions more, and all pixels of a plain background are alike
XTENSA = 0.06


@cache
def table() -> dict[str, Any]:
    result: dict[str, Any] = json.loads(kernels.TABLE.read_text())
    return result


def test_no_kernel_has_become_dearer() -> None:
    need(models()[0] if models() else "")
    found = kernels.complaints(kernels.counted(), table())
    assert not found, "\n".join([*found, "if that is worth it: python bench/kernels.py --update"])


def test_every_count_is_below_its_ceiling() -> None:
    assert not kernels.too_dear(table())


def test_a_rise_and_a_ceiling_are_noticed() -> None:
    assert not kernels.complaints(table(), table())
    worse = json.loads(kernels.TABLE.read_text())
    worse["models"]["kws_ref_model_int8"]["counts"]["viper armv6m"][0] *= 5
    del worse["layers"]["softmax 10"]
    found = "\n".join(kernels.complaints(worse, table()) + kernels.too_dear(worse))
    for words in ("viper armv6m: ", "400.0 % more", "ceiling 14", "softmax 10: only in kernels.json"):
        assert words in found


def test_the_page_shows_the_table() -> None:
    assert kernels.PAGE.read_text() == page.markdown(table(), kernels.CEILINGS), "bench/kernels.py --update writes both"


@pytest.mark.parametrize("name", models() or [""])
def test_estimates_are_near_what_was_counted(name: str) -> None:
    need(name)
    blob, _ = model(name)
    for core, counts in table()["models"][name]["counts"].items():
        for cycles, count in enumerate(counts):
            told = sum(latency.counted(blob, *core.split(), cycles=bool(cycles)))
            assert abs(told / count - 1) < (XTENSA if core.startswith("xtensa") else NEAR), (
                f"{core}: {told:,.0f} told, {count:,} counted: run bench/costs.py"
            )


@pytest.mark.parametrize("name", list(kernels.LAYERS))
def test_estimates_of_layers(name: str) -> None:
    blob = kernels.LAYERS[name]()
    for core, counts in table()["layers"][name]["counts"].items():
        (told,) = latency.counted(blob, *core.split(), kept=name.endswith(", kept"))
        assert abs(told / counts[0] - 1) < 2 * NEAR, f"{core}: {told:,.0f} told, {counts[0]:,} counted"


def test_every_core_has_costs_of_every_form() -> None:
    cores = latency.cost_table()["cores"]
    assert cores.keys() == {str(core) for core in kernels.cores()}
    assert len({frozenset(forms) for forms in cores.values()}) == 1
    for make in kernels.LAYERS.values():
        blob = make()
        for r in kernel_records(blob):
            assert amounts(r, blob.data[r[2] : r[2] + r[3]])[0] in cores["viper armv6m"]


@pytest.mark.parametrize("arch", list(ROUND))
def test_a_round_of_the_loop_that_doctor_times(arch: str) -> None:
    taken = []
    for rounds in (1000, 2000):
        board = machine(arch, counts=True)
        board.call(board.load_source(LOOP)["_whit_loop"], rounds)
        taken.append(board.cycles if arch == "armv6m" else board.instructions)
    assert taken[1] - taken[0] == 1000 * ROUND[arch]
