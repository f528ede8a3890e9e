"""Measures the removal recipe on shots whose truth is known: the table and the picture of docs/removal-recipe.md.

    .venv/bin/python -m bench.recipe [--shots 12] [--long-shots 4] [--picture docs/images/removal-recipe.jpg]
                                     [--model DIR] [--steps 8]

Everything is rendered by the vace effect, with the starter model unless another one is named. The shots are drawn from
seeds that no training uses. Each line changes one thing of the recipe.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.recipe_cases import (
    LONG_FRAMES,
    Case,
    Video,
    border_flicker,
    mean_result,
    measured,
    rendered,
    validation_cases,
    with_gray,
    with_telea,
)
from engine.protocol import ParameterValue

Values = Mapping[str, ParameterValue]
Picture = NDArray[np.uint8]

RECIPES: dict[str, Values] = {
    "box + gray": {},
    "silhouette + gray": {"mask_mode": "shape"},
    "box + object left in": {"fill": "source"},
    "no mask": {"mask_mode": "none"},
    "mask all black": {"mask_mode": "nothing"},
    "mask all white": {"mask_mode": "all"},
}
GRAYS = {"gray 127": 127 / 127.5 - 1, "gray 128": 128 / 127.5 - 1}
OVERLAPS = (0, 8, 16)
EACH_FOR_ITSELF: Values = {"free_noise": False, "anchor_latent": False}
"""Nothing but the overlap ties one window to the next."""
WINDOWS: dict[str, Values] = {
    **{
        f"{schedule}, overlap {overlap}": {"context_schedule": schedule, "context_overlap": overlap}
        for schedule in ("static_even", "uniform_standard")
        for overlap in OVERLAPS
    },
    "sequential, overlap 8": {"context_mode": "sequential", "context_overlap": 8},
    **{
        f"static_even, overlap {overlap}, each for itself": {"context_overlap": overlap, **EACH_FOR_ITSELF}
        for overlap in OVERLAPS
    },
}
TIMINGS = ("group_max", "nearest")
FAST = 4
_PANEL_PX = 144
_SHOWN = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=12)
    parser.add_argument("--long-shots", type=int, default=4)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--model", default="starter-vace")
    parser.add_argument("--steps", type=int, default=8)
    given = parser.parse_args()
    base: Values = {"model": given.model, "steps": given.steps}
    cases = validation_cases(given.shots)
    made = made_by_recipe(cases, base)
    console = Console()
    console.print(recipe_table(cases, made))
    if given.picture and not cv2.imwrite(str(given.picture), sheet(cases, made)):
        raise SystemExit(f"cannot write {given.picture}; choose a folder that exists and a .jpg or .png name")
    console.print(timing_table(validation_cases(given.shots, speed=FAST), base))
    console.print(window_table(validation_cases(given.long_shots, LONG_FRAMES), base))


def made_by_recipe(cases: Sequence[Case], base: Values) -> dict[str, list[Video]]:
    """What each recipe makes of each shot; first what there is without a model."""
    simple: dict[str, Callable[[Case], Video]] = {
        "the gray itself": with_gray,
        "the object itself": lambda case: case.shot.filmed,
        "Telea, each frame": with_telea,
    }
    made = {name: [method(case) for case in cases] for name, method in simple.items()}
    for name, values in RECIPES.items():
        made[name] = [rendered(case, {**base, **values}) for case in cases]
    for name, gray in GRAYS.items():
        # The effect has no parameter for a gray that is off.
        with patch("engine.vace.sampling.conditioning.GRAY", gray):
            made[name] = [rendered(case, base) for case in cases]
    return made


def recipe_table(cases: Sequence[Case], made: Mapping[str, Sequence[Video]]) -> Table:
    table = Table("recipe", "PSNR in the box", "on the object's pixels", "against gray", "object's share, median")
    for name, videos in made.items():
        mean = mean_result([measured(case, video) for case, video in zip(cases, videos, strict=True)])
        figures = (f"{value:.1f}" for value in (mean.in_box_db, mean.object_db, mean.gray_db))
        table.add_row(name, *figures, f"{mean.object_share:.2f}")
    return table


def timing_table(cases: Sequence[Case], base: Values) -> Table:
    """The mask's timing, on boxes that move fast."""
    table = Table(f"mask timing, motion x{FAST}", "PSNR in the box", "object's share, median")
    for timing in TIMINGS:
        results = [measured(case, rendered(case, {**base, "mask_timing": timing})) for case in cases]
        mean = mean_result(results)
        table.add_row(timing, f"{mean.in_box_db:.1f}", f"{mean.object_share:.2f}")
    return table


def window_table(cases: Sequence[Case], base: Values) -> Table:
    """Shots three windows long: does one see where windows meet?"""
    table = Table("windows", "PSNR in the box", "flicker at borders", "elsewhere", "ratio")
    for name, values in WINDOWS.items():
        videos = [rendered(case, {**base, **values}) for case in cases]
        pairs = [border_flicker(case, video) for case, video in zip(cases, videos, strict=True)]
        at, elsewhere = (float(np.mean(part)) for part in zip(*pairs, strict=True))
        mean = mean_result([measured(case, video) for case, video in zip(cases, videos, strict=True)])
        table.add_row(name, f"{mean.in_box_db:.1f}", f"{at:.1f}", f"{elsewhere:.1f}", f"{at / elsewhere:.2f}")
    return table


def sheet(cases: Sequence[Case], made: Mapping[str, Sequence[Video]]) -> Picture:
    """The middle frame of some shots, a column for each recipe; 8 bits, blue first."""
    columns = {"filmed": [case.shot.filmed for case in cases], "the model sees": made["the gray itself"]}
    columns |= {name: made[name] for name in ("Telea, each frame", *RECIPES)}
    columns["truth"] = [case.shot.clean for case in cases]
    middle = cases[0].shot.clean.shape[0] // 2
    strips = [
        _labelled(name, np.concatenate([_panel(video[middle]) for video in videos[:_SHOWN]]))
        for name, videos in columns.items()
    ]
    return np.concatenate(strips, axis=1)


def _panel(picture: Video) -> Picture:
    large = cv2.resize(picture, (_PANEL_PX, _PANEL_PX), interpolation=cv2.INTER_CUBIC)
    pixels = np.rint(np.clip(large, 0, 1) * 255).astype(np.uint8)[..., ::-1]
    return np.pad(pixels, ((0, 4), (0, 4), (0, 0)), constant_values=255)


def _labelled(text: str, strip: Picture) -> Picture:
    top = np.full((24, strip.shape[1], 3), 255, np.uint8)
    cv2.putText(top, text, (2, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([top, strip])


if __name__ == "__main__":
    main()
