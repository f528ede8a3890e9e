"""Preflight on the command line: what speaks against a render, what it takes, and the options that mend it."""

from __future__ import annotations

import sys

from engine.client import EngineClient
from engine.protocol import Forecast, PassPreflight, Remedy, RenderRequest

_MOST_ROUNDS = 4
"""One remedy may ask for another: a larger crop, say, for one that saves memory."""


def remedy_options(remedy: Remedy) -> str:
    """A remedy as a person adds it to the command: ``--param mask_mode=box``."""
    return " ".join(f"--param {name}={_spelled(value)}" for name, value in remedy.parameters.items())


def with_remedies(client: EngineClient, request: RenderRequest) -> RenderRequest:
    """``request`` with the remedies of all warnings applied, each parameter once; tells what it did on stderr."""
    changed: set[tuple[int, str]] = set()
    for _ in range(_MOST_ROUNDS):
        passes, is_mended = list(request.passes), False
        for found in client.preflight(request).passes:
            for advice in found.warnings:
                if advice.remedy is None or any((found.pass_index, n) in changed for n in advice.remedy.parameters):
                    continue
                before = passes[found.pass_index]
                parameters = {**before.parameters, **advice.remedy.parameters}
                passes[found.pass_index] = before.model_copy(update={"parameters": parameters})
                changed |= {(found.pass_index, name) for name in advice.remedy.parameters}
                is_mended = True
                print(f"applied {remedy_options(advice.remedy)}: {advice.message}", file=sys.stderr)
        request = request.model_copy(update={"passes": tuple(passes)})
        if not is_mended:
            break
    return request


def show_preflight(client: EngineClient, request: RenderRequest) -> None:
    """Prints what is known of a render before it begins."""
    for found in client.preflight(request).passes:
        print("\n".join(_lines(found, request.passes[found.pass_index].effect)))


def _lines(found: PassPreflight, effect: str) -> list[str]:
    lines = [f"pass {found.pass_index}, {effect}"]
    if found.forecast is not None:
        lines.append(f"  {forecast_text(found.forecast)}")
    for number, window in enumerate(found.windows, start=1):
        lines.append(f"  window {number}: frames {window.start}-{window.end_exclusive - 1}")
    for advice in found.warnings:
        lines.append(f"  warning: {advice.message}")
        if advice.remedy is not None:
            lines.append(f"    add {remedy_options(advice.remedy)}")
    return lines


def forecast_text(forecast: Forecast) -> str:
    """ "about 4 min, 7.1 of 24.0 GB, on cpu"."""
    time = "time known after the first render"
    if forecast.seconds is not None:
        time = f"about {_duration(forecast.seconds)}"
    memory = f"{forecast.peak_bytes / 1e9:.1f} of {forecast.available_bytes / 1e9:.1f} GB"
    return f"{time}, {memory}, on {forecast.device}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _spelled(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "''" if text == "" else text
