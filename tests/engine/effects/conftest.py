"""A stand-in for a model's sampling that shows what reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.vace.sampling.control import FrameSource


@dataclass(frozen=True)
class Given:
    """What one clip of the model was conditioned on: float32 (T, H, W, 3), and the mask as bool (T, H, W)."""

    video: NDArray[np.float32]
    mask: NDArray[np.bool_]


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> list[Given]:
    """A model that gives back the picture it was conditioned on: shows what reaches it, and where results go."""
    seen: list[Given] = []

    def generate(
        _model: object, source: FrameSource, frame_count: int, _settings: object, _progress: object, **_: object
    ) -> Iterator[NDArray[np.float32]]:
        frames = [source(index) for index in range(frame_count)]
        seen.append(Given(np.stack([frame.video for frame in frames]), np.stack([frame.mask for frame in frames])))
        yield from seen[-1].video

    monkeypatch.setattr("engine.vace.shot.stretch_render.generate", generate)
    return seen
