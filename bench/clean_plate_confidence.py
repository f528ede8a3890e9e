"""Measures whether confidence tells the truth: the mean error of the plate in ten bins of its confidence, clip by clip.

    .venv/bin/python -m bench.clean_plate_confidence [CASE_FOLDER...] [--made] [--over CLIP_FOLDER...]
                                                     [--seeds N...] [--every N]

CASE_FOLDER as for bench.clean_plate; --made takes the shots of bench/clean_plate_shots.py; --over puts a sprite before
real clips (bench/clean_plate_composites.py), whose background is so known. --seeds: of the made shots' grain, and of
the sprites' sizes and ways. Every N-th frame is recovered with default parameters, the whole box being the hole. Kept
pixels, which have a confidence of 1 by definition, and invented ones, which have none, are left out.

Per clip: mean absolute error in 8-bit codes per bin, - for fewer than 100 pixels; where a bin is worse than the one
below it, an exclamation mark. Last the pixels of all clips together, each clip counting the same in a bin.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.clean_plate_cases import Case, load_case
from bench.clean_plate_composites import composite
from bench.clean_plate_shots import made_shots
from engine.plate.model import PlateSettings
from engine.plate.recover import recover

BINS = 10
FEWEST_PX = 100
SEEDS = (7,)

Values = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", type=Path, metavar="CASE_FOLDER")
    parser.add_argument("--made", action="store_true", help="the shots that the benchmark makes itself")
    parser.add_argument(
        "--over", nargs="+", type=Path, default=[], metavar="CLIP_FOLDER", help="sprites over real clips"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, metavar="N")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th frame")
    given = parser.parse_args()
    table = Table("clip", *(f"{n / BINS:.1f}" for n in range(BINS)), title="error in codes, by confidence from ... on")
    rows = []
    for case in _cases(given):
        counts, errors = measured(case, given.every)
        rows.append(np.where(counts >= FEWEST_PX, errors, np.nan))
        table.add_row(case.name, *_cells(rows[-1]))
    if rows:
        known = np.isfinite(rows)
        together = np.where(known, rows, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        table.add_row("all", *_cells(np.where(known.any(axis=0), together, np.nan)))
    Console(width=130).print(table)
    falls = sum(text.endswith("!") for row in rows for text in _cells(row))
    Console().print(f"{falls} of {sum(int(np.isfinite(row).sum()) for row in rows)} bins are worse than the one below")


def _cases(given: argparse.Namespace) -> Iterator[Case]:
    """One at a time: their frames take more memory than their figures."""
    for folder in given.cases:
        yield load_case(folder, with_matte=False)
    for seed in given.seeds:
        if given.made:
            yield from (Case(f"{shot[0]}, seed {seed}", *shot[1:]) for shot in made_shots(seed))
        yield from (composite(folder, seed) for folder in given.over)


def measured(case: Case, every: int) -> tuple[Values, Values]:
    """(BINS,) the replaced pixels per bin of confidence, and (BINS,) their mean error in codes."""
    frames = range(len(case.source))
    counts, sums = np.zeros(BINS), np.zeros(BINS)
    for found in recover(case, frames[::every], frames, PlateSettings(), lambda share: None):
        if found.box is None:
            continue
        lent = (found.provenance >= 0) & (found.provenance != found.frame)
        if case.unknown is not None:
            lent &= ~case.unknown[found.frame][found.box.slices]
        truth = np.asarray(case.truth[found.frame][found.box.slices][..., ::-1], np.float32)
        error = np.abs(np.clip(found.rgb, 0.0, 1.0) * 255.0 - truth).mean(axis=2)[lent]
        index = np.minimum((found.confidence[lent] * BINS).astype(np.intp), BINS - 1)
        counts += np.bincount(index, minlength=BINS)
        sums += np.bincount(index, error, minlength=BINS)
    return counts, sums / np.maximum(counts, 1.0)


def _cells(errors: Values) -> list[str]:
    """An exclamation mark is set where the next lower bin that is known is better."""
    texts, below = [], np.inf
    for error in errors.tolist():
        if np.isnan(error):
            texts.append("-")
            continue
        texts.append(f"{error:.2f}{'!' if error > below else ''}")
        below = error
    return texts


if __name__ == "__main__":
    main()
