"""Mattes as media: what is written is read back, to the precision of the delivery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roi_tools.geometry import Size
from tests.support.media import noise_clip
from timeline.errors import MediaExistsError
from timeline.media.mattes import frame_coverage, write_mattes
from timeline.media.reader import open_media

SIZE = Size(64, 48)


def mattes() -> list[np.ndarray]:
    """A soft edge between full and no coverage, at another place on each frame."""
    x = np.arange(64, dtype=np.float32)
    return [np.tile(np.clip((x - 20 - 3 * frame) / 10, 0, 1), (48, 1)) for frame in range(3)]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("matte.mkv", 1e-5),
        ("matte.####.png", 1e-5),
        ("matte.%04d.tif", 1e-5),
        ("matte.####.exr", 0.0),
        ("matte.####.dpx", 1e-3),
        ("matte.mov", 0.02),
        ("matte.mp4", 0.06),
    ],
)
def test_a_matte_reads_back_from_every_delivery(tmp_path: Path, name: str, error: float) -> None:
    with open_media(noise_clip(tmp_path / "clip.mkv", 3, SIZE)) as clip:
        write_mattes(tmp_path / name, mattes(), clip.info)
    with open_media(tmp_path / name) as written:
        assert (written.info.frame_count, written.info.size) == (3, SIZE)
        for frame, matte in enumerate(mattes()):
            assert np.abs(frame_coverage(written.read(frame)) - matte).max() <= error


def test_nothing_is_replaced_unless_it_may(tmp_path: Path) -> None:
    with open_media(noise_clip(tmp_path / "clip.mkv", 3, SIZE)) as clip:
        write_mattes(tmp_path / "matte.mkv", mattes(), clip.info)
        with pytest.raises(MediaExistsError):
            write_mattes(tmp_path / "matte.mkv", mattes(), clip.info)
        write_mattes(tmp_path / "matte.mkv", reversed(mattes()), clip.info, overwrite=True)
    with open_media(tmp_path / "matte.mkv") as written:
        assert np.abs(frame_coverage(written.read(0)) - mattes()[2]).max() < 1e-5
