"""Reference images are cropped to the thing and fill the raster."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import ParameterError
from engine.vace.shot.reference import load_reference, reference_facts, thing_bounds
from roi_tools.geometry import Box, Size


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A red thing, 40x20, on light gray."""
    image = np.full((100, 200, 3), 200, np.uint8)
    image[30:50, 60:100] = (0, 0, 255)
    file = tmp_path / "thing.png"
    cv2.imwrite(str(file), image)
    return file


def test_the_thing_fills_the_raster_on_white(path: Path) -> None:
    picture = load_reference(str(path), Size(80, 80), is_cropped=True)
    assert picture.shape == (80, 80, 3) and picture.dtype == np.float32
    assert (picture[:20] == 1.0).all() and (picture[60:] == 1.0).all()
    np.testing.assert_allclose(picture[25:55, 5:-5], np.broadcast_to([1.0, -1.0, -1.0], (30, 70, 3)), atol=0.02)


def test_uncropped_it_is_shown_with_its_background(path: Path) -> None:
    picture = load_reference(str(path), Size(80, 80), is_cropped=False)
    assert (picture[:20] == 1.0).all()
    np.testing.assert_allclose(picture[22, 2], 200 / 255 * 2 - 1, atol=0.02)
    red = (picture[..., 0] > 0.9) & (picture[..., 1] < -0.5)
    assert 10 * 5 < red.sum() < 20 * 10


def test_a_picture_without_flat_background_is_kept_whole() -> None:
    picture = np.random.default_rng(0).uniform(-1, 1, (30, 40, 3)).astype(np.float32)
    assert thing_bounds(picture) == Box(0, 0, 40, 30)
    assert thing_bounds(np.zeros((30, 40, 3), np.float32)) == Box(0, 0, 40, 30)


def test_facts_for_the_preflight(path: Path) -> None:
    assert reference_facts(str(path)) == (Size(200, 100), Box(60, 30, 100, 50))


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.png"
    file.write_text("no image")
    with pytest.raises(ParameterError, match=r"parameter 'reference_image': .*notes\.png"):
        load_reference(str(file), Size(64, 64), is_cropped=True)
