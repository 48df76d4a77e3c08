"""What the compiler stores, and how it is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from whit import memory
from whit.blob import Blob
from whit.cli import cli
from whit.ops import conv
from whit.simulate import Simulator

from tests.device.models import WINDOW, Builder, everything


def twice(same: bool) -> Blob:
    """Two dense layers in a row, with the same weights or with different ones."""
    b = Builder("twice", (1, 64))
    weights, bias = b.weights(64, 64), b.bias(64)
    once = b.add("FULLY_CONNECTED", [b.x, weights, bias], b.tensor((1, 64)))
    if not same:
        weights = b.weights(64, 64)
    return b.blob(b.add("FULLY_CONNECTED", [once, weights, bias], b.tensor((1, 64))))


def test_equal_constants_are_stored_once() -> None:
    shared, apart = twice(True), twice(False)
    assert len(shared.data) == len(apart.data) // 2
    assert len({tuple(r[2:4]) for r in shared.records if r[0] > 2}) == 1


def test_a_large_layer_is_made_in_parts_with_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def build() -> Blob:
        b = Builder("large", (1, 8, 8, 16))
        image = b.add("CONV_2D", [b.x, b.weights(48, 3, 3, 16), b.bias(48)], b.tensor((1, 8, 8, 48)), **WINDOW)
        dense = [image, b.weights(10, 8 * 8 * 48), b.bias(10)]
        return b.blob(b.add("FULLY_CONNECTED", dense, b.tensor((1, 10), 0.3)))

    parts = build()
    monkeypatch.setattr(conv, "PART_BYTES", 1 << 30)
    whole = build()
    assert len(whole.layers) == 2 and len(parts.layers) == 3
    assert max(r[3] for r in parts.records) <= conv.PART_BYTES
    x = np.random.default_rng(0).integers(-128, 128, parts.inputs[0].size).astype(np.int8)
    assert np.array_equal(Simulator(parts).run(x), Simulator(whole).run(x))


def test_the_map_of_memory_is_what_the_steps_do() -> None:
    blob = everything()
    drawn = memory.draw(blob)
    assert drawn.cells.shape == (len(blob.layers), blob.arena_bytes)
    assert drawn.peak_bytes <= blob.arena_bytes
    simulator = Simulator(blob)
    simulator.run(np.arange(blob.inputs[0].size).astype(np.int8))
    kernels = [r for r in blob.records if r[0] not in (1, 2, 15)]
    from whit.simulate import _KERNELS

    for record, row in zip(kernels, drawn.cells, strict=True):
        before = simulator.arena.copy()
        _KERNELS[record[0]](simulator.arena, simulator.data[record[2] : record[2] + record[3]], record)
        changed = np.flatnonzero(before != simulator.arena)
        assert set(row[changed]) <= {memory.WRITTEN}
        simulator.arena[:] = before
        # what is drawn as free may hold anything: the step writes the same with other bytes there
        written = row == memory.WRITTEN
        simulator.arena[row == memory.FREE] ^= 85
        _KERNELS[record[0]](simulator.arena, simulator.data[record[2] : record[2] + record[3]], record)
        after = simulator.arena[written].copy()
        simulator.arena[:] = before
        _KERNELS[record[0]](simulator.arena, simulator.data[record[2] : record[2] + record[3]], record)
        assert np.array_equal(after, simulator.arena[written])


def test_the_plan_is_drawn_as_text_and_as_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    blob = everything()
    path = tmp_path / "all.whit"
    path.write_bytes(blob.content)
    for name, head in (("plan.png", b"\x89PNG"), ("plan.svg", b"<?xml")):
        result = CliRunner().invoke(cli, ["inspect", str(path), "--plot", str(tmp_path / name)])
        assert result.exit_code == 0, result.output
        assert (tmp_path / name).read_bytes().startswith(head)
    assert sum(line.count("|") == 2 for line in result.stdout.splitlines()) == len(blob.layers)
    assert f"0 .. {blob.arena_bytes} bytes of arena" in result.stdout
    refused = CliRunner().invoke(cli, ["inspect", str(path), "--plot", str(tmp_path / "plan.gif")])
    assert refused.exit_code == 1 and "a plot is a .png or .svg file" in str(refused.exception)
