"""What a file marks: boxes, or the mattes of its shapes."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import RoiFileError
from roi_tools.geometry import Box, Size
from roi_tools.matte import rasterise
from roi_tools.roi_document import RoiDocument, write_roi
from roi_tools.roi_marks import Marks, box_shape, read_marks
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.raster import layer_matte

SIZE = Size(64, 48)
CAR = (Box(2, 3, 9, 11), None, Box(4, 5, 11, 13))
BOY = Shape("boy", "ellipse", (constant(40, 20, 20, 10, 0),))


def written(path: Path, boxes: dict[str, tuple[Box | None, ...]], *layers: RotoLayer) -> Path:
    write_roi(path, RoiDocument(SIZE, Fraction(24), 3, boxes, layers))
    return path


def test_a_file_of_boxes_marks_them(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    boxes = [[2, 3, 9, 11], None, [4, 5, 11, 13]]
    path.write_text(json.dumps({"width": 64, "height": 48, "fps": 24, "frames": 3, "boxes": boxes}))
    expected = Marks(boxes=((CAR[0],), (), (CAR[2],)))
    assert read_marks(path, 3, SIZE) == expected
    assert read_marks(written(tmp_path / "a.roi.json", {"car": CAR}, RotoLayer("empty")), 3, SIZE) == expected


def test_shapes_mark_what_they_draw_and_boxes_of_their_label_do_not(tmp_path: Path) -> None:
    layer = RotoLayer("roto", (BOY,))
    path = written(tmp_path / "a.roi.json", {"boy": (Box(0, 0, 64, 48),) * 3}, layer, RotoLayer("empty"))
    assert read_marks(path, 3, SIZE) == Marks(layers=(layer,))


def test_boxes_without_a_shape_mark_beside_the_shapes(tmp_path: Path) -> None:
    layer = RotoLayer("roto", (BOY, replace(BOY, label="hidden", is_visible=False)))
    path = written(tmp_path / "a.roi.json", {"car": CAR, "hidden": (None, CAR[0], None)}, layer)
    first, boxes = read_marks(path, 3, SIZE).layers
    assert first == layer and [shape.label for shape in boxes.shapes] == ["car", "hidden"]
    drawn = [layer_matte(boxes, frame, SIZE) for frame in range(3)]
    for frame, box in ((0, CAR[0]), (1, CAR[0]), (2, CAR[2])):
        assert box is not None
        np.testing.assert_allclose(drawn[frame], rasterise([box], SIZE), atol=1e-5)


@given(
    st.lists(
        st.none() | st.builds(lambda x, y: Box(x, y, x + 5, y + 4), st.integers(-9, 60), st.integers(-9, 50)),
        min_size=1,
        max_size=6,
    )
)
def test_a_box_shape_is_the_box_on_its_own_frame_only(boxes: list[Box | None]) -> None:
    layer = RotoLayer("boxes", (box_shape("box", boxes),))
    for frame in range(-1, len(boxes) + 1):
        box = boxes[frame] if 0 <= frame < len(boxes) else None
        expected = rasterise([box] if box else [], SIZE)
        np.testing.assert_allclose(layer_matte(layer, frame, SIZE), expected, atol=1e-5)


def test_a_file_of_another_clip_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.roi.json", {}, RotoLayer("roto", (BOY,)))
    with pytest.raises(RoiFileError, match="its boxes are for 64x48, the clip is 32x32"):
        read_marks(path, 3, Size(32, 32))
    with pytest.raises(RoiFileError, match="for 3 frames, the clip has 4"):
        read_marks(path, 4, SIZE)
