"""Which render needs a model, so that its files are not taken away under it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.errors import EngineError
from engine.model_registry import InstalledModel, find_installed
from engine.ofx.host import find_effect
from engine.ofx.parameters import ParameterSet
from engine.protocol import Job, RenderPass
from engine.vace.files.weights import MODEL_VARIABLE

_MODEL_PARAMETER = "model"
"""Where it is empty, the effect takes what the environment names."""


def job_that_needs(model: InstalledModel, jobs: Iterable[Job]) -> Job | None:
    """The first of these jobs that takes ``model``, or a file in its folder; None where none does."""
    place = Path(model.path).resolve()
    for job in jobs:
        files = (path for render_pass in job.request.passes for path in _files(render_pass))
        if any(place in (path, *path.parents) for path in files):
            return job
    return None


def _files(render_pass: RenderPass) -> Iterator[Path]:
    """The folders and files that the parameters of a pass name, by their paths or the names of models."""
    try:
        descriptor = find_effect(render_pass.effect).describe()
        values = ParameterSet(descriptor, render_pass.parameters)
    except EngineError:
        return  # of an effect that is not installed any more; the job fails by itself
    for parameter in descriptor.parameters:
        if parameter.kind != "path":
            continue
        text = values.text(parameter.name).strip()
        if not text and parameter.name == _MODEL_PARAMETER:
            text = os.environ.get(MODEL_VARIABLE, "").strip()
        if text:
            path = Path(text).expanduser()
            yield ((path if path.exists() else find_installed(text)) or path).resolve()
