"""What a killed worker leaves beside an output goes; everything else stays."""

from __future__ import annotations

import pytest

from engine.protocol import Output
from engine.render.leftovers import remove_leftovers
from roi_tools.geometry import Size
from tests.support.media import info_of, noise_frame
from timeline.media.writer import open_writer


@pytest.mark.parametrize("name", ["clean.mkv", "clean plate (v1).mov", "clean.####.png", "clean_%04d.tif"])
def test_the_hidden_part_of_a_writer_that_died_is_removed(tmp_path, name):
    frame = noise_frame("gbrp", Size(16, 16))
    writer = open_writer(tmp_path / name, info_of(frame, 2))
    writer.write(frame)
    (left,) = tmp_path.iterdir()
    bystanders = [tmp_path / ("x" + left.name), tmp_path / "clean.mkv.part", tmp_path / ".clean.deadbeef.mkv"]
    for path in bystanders:
        path.touch()

    remove_leftovers(Output(path=str(tmp_path / name)))

    assert set(tmp_path.iterdir()) == set(bystanders)
    writer.abort()


def test_no_output_and_no_folder_are_no_error(tmp_path, caplog):
    remove_leftovers(None)
    assert caplog.text == ""
    remove_leftovers(Output(path=str(tmp_path / "gone" / "a.mkv")))
    assert "cannot be removed" in caplog.text
