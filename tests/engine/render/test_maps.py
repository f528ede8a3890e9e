"""What an effect says of its pixels: kept inside the matte, counted, summed up."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.ofx.effect import GENERATED, SYNTHESISED, UNTOUCHED, RenderedImage
from engine.render.clips import RenderMatte
from engine.render.frame_cache import FrameStatistics
from engine.render.maps import MapSequences, maps_of, statistics_of, total
from roi_tools.geometry import Box, Size
from timeline.media.frame_maps import FrameMaps

SIZE = Size(8, 6)
BOX = Box(2, 1, 6, 5)
MATTE = RenderMatte(range(9), SIZE, [[BOX]] * 9, None, 0)


def image(provenance: list[int] | None, confidence: float | None = None, never: bool | None = None) -> RenderedImage:
    """Of a window with one column around the matte; ``provenance`` by row of the matte."""
    window = Box(1, 0, 7, 6)
    rows = None if provenance is None else np.full((6, 6), SYNTHESISED, np.int32)
    if rows is not None and provenance is not None:
        rows[1:5] = np.array(provenance)[:, np.newaxis]
    sure = None if confidence is None else np.full((6, 6), confidence, np.float32)
    unseen = None if never is None else np.full((6, 6), never)
    return RenderedImage(window, np.zeros((6, 6, 3), np.float32), rows, sure, unseen)


def test_maps_are_those_of_the_matte() -> None:
    maps = maps_of(image([3, 4, SYNTHESISED, GENERATED], 0.5, True), MATTE, 4)
    assert maps is not None and maps.box == BOX
    assert maps.provenance.tolist() == [[value] * 4 for value in (3, 4, SYNTHESISED, GENERATED)]
    assert maps.confidence is not None and (maps.confidence == 0.5).all()
    assert maps.never_visible is not None and maps.never_visible.all()
    assert maps.invented.tolist() == [[False] * 4] * 2 + [[True] * 4] * 2
    assert maps_of(image(None, 0.5), MATTE, 4) is None


def test_pixels_are_counted_by_where_they_came_from() -> None:
    told = statistics_of(image([3, 4, SYNTHESISED, GENERATED], 0.25, False), MATTE, 4)
    assert told == FrameStatistics(16, 4, 4, 8, 4, 0, 4.0)
    assert (told.confidence, told.share_synthesised) == (0.25, 0.5)
    assert statistics_of(image(None), MATTE, 4) == FrameStatistics(16)
    assert statistics_of(image([4] * 4), MATTE, 4) == FrameStatistics(16, 0, 16, 0, 0)


def test_the_sum_does_not_know_what_one_frame_does_not_say() -> None:
    full, silent = FrameStatistics(10, 4, 3, 3, 1, 2, 8.0), FrameStatistics(6, 2, 2, 2, 0)
    assert total([full, full]) == FrameStatistics(20, 8, 6, 6, 2, 4, 16.0)
    assert total([full, silent]) == FrameStatistics(16, 6, 5, 5, 1)
    assert total([]) == FrameStatistics(0) and total([]).confidence is None


def test_a_pixel_that_a_model_invented_is_sure_of_nothing(tmp_path) -> None:
    provenance = np.full((4, 4), GENERATED, np.int32)
    provenance[0] = UNTOUCHED
    MapSequences(tmp_path, SIZE, 0).write(3, FrameMaps(BOX, provenance))
    sure = cv2.imread(str(tmp_path / "confidence.000003.png"), cv2.IMREAD_UNCHANGED)
    assert sure is not None and sure[2:5, 2:6].max() == 0 and sure[1].min() == 65535
    origin = cv2.imread(str(tmp_path / "provenance.000003.tif"), cv2.IMREAD_UNCHANGED)
    assert origin is not None and set(np.unique(origin)) == {GENERATED, UNTOUCHED}


@pytest.mark.parametrize("frame", [0, 100_000, 16_777_215])
def test_frame_numbers_are_exact_in_the_files(tmp_path, frame: int) -> None:
    MapSequences(tmp_path, SIZE, 0).write(1, FrameMaps(BOX, np.full((4, 4), frame, np.int32)))
    origin = cv2.imread(str(tmp_path / "provenance.000001.tif"), cv2.IMREAD_UNCHANGED)
    assert origin is not None and origin[3, 3] == frame
