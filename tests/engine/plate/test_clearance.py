"""What a frame shows right beside its hole decides only where no frame shows it from further away."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.plate.analysis import view_frame
from engine.plate.clearance import DOUBT, Clearance
from engine.plate.model import PlateSettings
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

PICTURE = shifted(texture(480, 320), 60, 60, 240, 160)


def clearance(box: Box | None) -> Clearance:
    return Clearance(view_frame(Clip([PICTURE], lambda n: box), 0, PlateSettings()))


def test_trust_rises_with_the_distance_from_the_hole() -> None:
    points = np.array([[124.0, 80.0], [128.0, 80.0], [140.0, 80.0], [160.0, 80.0], [239.0, 159.0]], np.float32)
    trust = clearance(Box(60, 50, 120, 110)).at(points)
    assert (np.diff(trust) > 0.0).all()
    assert 1.0 - DOUBT <= trust[0] < 0.3
    assert trust[-1] == pytest.approx(1.0, abs=0.02)


def test_without_a_hole_all_is_trusted() -> None:
    assert (clearance(None).at(np.array([[3.0, 4.0], [200.0, 100.0]], np.float32)) == 1.0).all()


class Shadowed(Clip):
    """The object trails a shadow that its box leaves out."""

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        image = super().rgb(frame)
        box = self.box_of(frame)
        if box is not None:
            image[box.y0 : box.y1, max(box.x0 - 24, 0) : box.x0] *= np.float32(0.75)
        return image if window is None else image[window.slices]


def test_a_trailing_shadow_is_not_lent() -> None:
    """Of the five frames that lend, the first three show the shadow."""
    clip = Shadowed([PICTURE] * 36, lambda n: Box(30 + 4 * n, 50, 70 + 4 * n, 110))
    (result,) = recover(clip, [0], range(36), PlateSettings(), lambda share: None)
    assert result.box is not None
    error = np.abs(result.rgb - clip.truth[0][result.box.slices]).mean(axis=2)
    assert error.mean() < 0.02
