"""The sample project is made from the sample's files, and opens."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from resources.sample.make_project import SAMPLE, sample_project
from timeline.project_file import load_project, save_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A walk-by of twelve frames, as small as can be."""
    with av.open(str(tmp_path / "walkby.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    keyframes = [{"frame": 2, "box": [0.5, 4.0, 20.0, 40.0]}, {"frame": 9, "box": [30.0, 4.0, 50.0, 40.5]}]
    (tmp_path / "walkby_keyframes.json").write_text(json.dumps({"keyframes": keyframes}))
    return tmp_path


def test_the_project_holds_the_clip_and_its_keyframes(folder: Path) -> None:
    (shot,) = sample_project(folder).shots
    assert (shot.media_path, shot.media_rate, shot.frames) == (str(folder / "walkby.mp4"), Fraction(24), range(12))
    (removal,) = shot.removals
    assert removal.shape.key_frames == (2, 9)
    assert [removal.shape.is_present(frame) for frame in (1, 2, 9, 10)] == [False, True, True, False]


def test_the_project_file_names_the_clip_beside_it(folder: Path) -> None:
    save_project(sample_project(folder), folder / "walkby.otio")
    assert '"target_url": "walkby.mp4"' in (folder / "walkby.otio").read_text()
    assert load_project(folder / "walkby.otio") == sample_project(folder)


def test_the_committed_project_is_what_the_samples_files_make() -> None:
    assert load_project(SAMPLE / "walkby.otio") == sample_project()
