"""whit ops: what it lists is what the converter and the board have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from whit import coverage, variables
from whit.cli import cli
from whit.ops import LOWER
from whit.paths import device_root

KERAS_MD = Path(__file__).resolve().parents[2] / "host" / "KERAS.md"


def ops(*arguments: str, width: int = 160) -> str:
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(cli, ["ops", *arguments])
    assert result.exit_code == 0 and result.stderr == ""
    return result.stdout


def test_every_operator_is_listed_once_with_a_kernel_of_the_board() -> None:
    listed = [operator for operators in coverage.KERNELS.values() for operator in operators]
    assert sorted(listed) == sorted(LOWER)
    for form in ("viper", "bytecode"):
        there = {path.stem for path in (device_root() / "whit" / form).glob("*.py")}
        assert set(coverage.KERNELS) <= there


def test_what_the_host_does_is_listed() -> None:
    named = {kind for line in coverage.FREE for kind in line.split(", ")}
    assert {"RESHAPE", "EXPAND_DIMS", "SQUEEZE", "SHAPE", "QUANTIZE", "DEQUANTIZE"} <= named
    assert set(variables.KINDS) <= named | set(LOWER)


def test_the_tables() -> None:
    text = ops()
    first, second = text.split("Keras layer", 1)
    for operators in coverage.KERNELS.values():
        assert all(operator in first.split() for operator in operators)
    for rows in coverage.load()["sections"].values():
        for row in rows:
            assert row["layer"][:20] in second
    assert "refused" in second and "[" not in first


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, ops(width=width).splitlines())) <= width


def test_json() -> None:
    document = json.loads(ops("--json"))
    assert document == {"kernels": coverage.KERNELS, "free": coverage.FREE, "keras": coverage.load()}
    assert json.loads(ops("--json", "--keras")) == {"keras": coverage.load()}


def test_the_document_is_what_whit_ops_prints() -> None:
    assert KERAS_MD.read_text() == ops("--keras")


def test_outcomes_have_reasons() -> None:
    rows = [row for rows in coverage.load()["sections"].values() for row in rows]
    assert {row["outcome"] for row in rows} == {"runs", "folded", "refused"}
    assert all(row["reason"] for row in rows if row["outcome"] == "refused")


def test_help_ends_in_an_example() -> None:
    assert ops("--help").rstrip().endswith("Example:\n    whit ops")
