"""Takes: recordings of a sensor as `whit record` makes them, a CSV file each, in a folder per label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whit.errors import WhitError

_COLUMN = re.compile(r"\s*(.*?)\s*(?:\(([^()]*)\))?\s*")
_AGAIN = "take it out of the folder, or record it again"


@dataclass(frozen=True)
class Take:
    """One recording: ``ms`` (n,) since its start, ``x`` (n, channels) in ``units``."""

    label: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    ms: npt.NDArray[np.float64]
    x: npt.NDArray[np.float32]
    path: Path | None = None

    @property
    def rate_hz(self) -> float:
        """Of most of the samples: a gap does not change it. 0 where there are less than two."""
        steps = np.diff(self.ms)
        return float(1000 / np.median(steps)) if len(steps) and np.median(steps) > 0 else 0.0

    @property
    def seconds(self) -> float:
        """The last sample lasts as long as the others."""
        if not len(self.ms):
            return 0.0
        return float(self.ms[-1] - self.ms[0]) / 1000 + (1 / self.rate_hz if self.rate_hz else 0)


@dataclass(frozen=True)
class Channel:
    """One column of all takes of a label."""

    name: str
    unit: str
    mean: float
    std: float
    min: float
    max: float


@dataclass(frozen=True)
class Stats:
    """What there is of one label; takes with other columns count apart."""

    label: str
    takes: list[Take]

    @property
    def seconds(self) -> float:
        return sum(take.seconds for take in self.takes)

    @property
    def samples(self) -> int:
        return sum(len(take.x) for take in self.takes)

    @cached_property
    def rates_hz(self) -> list[float]:
        """The slowest and the fastest rate."""
        rates = [take.rate_hz for take in self.takes]
        return [min(rates), max(rates)]

    @cached_property
    def channels(self) -> list[Channel]:
        x = np.concatenate([take.x for take in self.takes]).astype(np.float64)
        columns = zip(x.mean(0), x.std(0), x.min(0), x.max(0), strict=True)
        first = self.takes[0]
        values = [[float(value) for value in column] for column in columns]
        return [Channel(n, u, *v) for n, u, v in zip(first.names, first.units, values, strict=True)]


def statistics(takes: list[Take]) -> list[Stats]:
    """One for each label, in the order of the alphabet."""
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Take]] = {}
    for take in takes:
        groups.setdefault((take.label, take.names, take.units), []).append(take)
    return [Stats(key[0], groups[key]) for key in sorted(groups)]


def check_label(label: str) -> str:
    """The label, where it can be the name of a folder on every computer."""
    if not re.fullmatch(r"[^\x00-\x1f<>:\"/\\|?*.\s](?:[^\x00-\x1f<>:\"/\\|?*]*[^\x00-\x1f<>:\"/\\|?*.\s])?", label):
        raise WhitError(f"the label {label!r} cannot be the name of a folder", "take letters and digits: --label wave")
    return label


def text(take: Take) -> str:
    """A take as its file has it."""
    lines = [",".join(["time (ms)", *headings(take.names, take.units)]) + "\n"]
    # the shortest digits that give the same single-precision number again
    lines += [f"{ms:.3f},{','.join(map(str, row))}\n" for ms, row in zip(take.ms, take.x, strict=True)]
    return "".join(lines)


def folder(root: Path, label: str) -> Path:
    """ROOT/LABEL, made where it is not there. WhitError where it cannot be made or written to."""
    place = root / check_label(label)
    try:
        place.mkdir(parents=True, exist_ok=True)
        trial = place / f"{label}-001.csv.new"
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise _unwritable(place, error) from error
    return place


def _unwritable(place: Path, error: OSError) -> WhitError:
    return WhitError(f"{place}: {(error.strerror or str(error)).lower()}", "choose another folder with --out")


def save(take: Take, root: Path) -> Path:
    """Writes ROOT/LABEL/LABEL-001.csv, or the next number that is free; a file is there whole or not at all."""
    place = folder(root, take.label)
    try:
        taken = [int(match[1]) for path in place.iterdir() if (match := re.search(r"-(\d+)\.csv$", path.name))]
        path = place / f"{take.label}-{max(taken, default=0) + 1:03d}.csv"
        beside = path.with_name(path.name + ".new")
        beside.write_text(text(take), encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        raise _unwritable(place, error) from error
    return path


def read(folder: Path) -> list[Take]:
    """All takes of a folder, FOLDER/LABEL/*.csv, in the order of their names. WhitError where there are none."""
    found = sorted(path for path in folder.glob("*/*.csv") if not path.name.startswith("."))
    make = f"'whit record --label wave --out {folder}' makes {folder}/wave/*.csv"
    if not folder.is_dir():
        raise WhitError(f"{folder}: no such folder", make)
    if not found:
        raise WhitError(f"{folder}: no takes in it", make)
    return [load(path) for path in found]


def load(path: Path) -> Take:
    """One take; its label is the name of its folder."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise WhitError(f"{path}: cannot be read as text", _AGAIN) from error
    columns = [_column(cell) for cell in lines[0].split(",")] if lines else []
    if len(columns) < 2 or columns[0] != ("time", "ms"):
        raise WhitError(f"{path}: its first line is not 'time (ms),...'", "whit reads what 'whit record' writes")
    if len(lines) < 2:
        raise WhitError(f"{path}: no samples in it", _AGAIN)
    rows = np.empty((len(lines) - 1, len(columns)))
    for number, line in enumerate(lines[1:], 2):
        cells = line.split(",")
        if len(cells) != len(columns):
            raise WhitError(f"{path}, line {number}: {len(cells)} numbers; the first line names {len(columns)}", _AGAIN)
        try:
            rows[number - 2] = [float(cell) for cell in cells]
        except ValueError as error:
            raise WhitError(f"{path}, line {number}: {line[:40]!r} is no row of numbers", _AGAIN) from error
    if not np.isfinite(rows).all() or (np.diff(rows[:, 0]) <= 0).any():
        raise WhitError(f"{path}: its times do not rise, or a number is not finite", _AGAIN)
    names, units = zip(*columns[1:], strict=True)
    return Take(path.parent.name, names, units, rows[:, 0], rows[:, 1:].astype(np.float32), path)


def headings(names: Sequence[str], units: Sequence[str]) -> list[str]:
    """What stands above the columns: 'ax (m/s2)'."""
    return [f"{name} ({unit})" if unit else name for name, unit in zip(names, units, strict=True)]


def _column(cell: str) -> tuple[str, str]:
    """'ax (m/s2)' -> ('ax', 'm/s2')."""
    match = _COLUMN.fullmatch(cell)
    return (match[1], match[2] or "") if match else (cell, "")
