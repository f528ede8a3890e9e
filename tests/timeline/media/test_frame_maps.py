"""Maps beside a patch: the file, and the maps of a later pass over an earlier one's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from roi_tools.geometry import Box
from timeline.errors import MediaUnreadableError, MediaWriteError
from timeline.media.frame_maps import SYNTHESISED, UNTOUCHED, FrameMaps


@st.composite
def maps(draw: st.DrawFn) -> FrameMaps:
    x, y = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    shape = height, width
    confidence = draw(st.none() | arrays.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)))
    never = draw(st.none() | arrays.arrays(np.bool_, shape))
    provenance = draw(arrays.arrays(np.int32, shape, elements=st.integers(-3, 2**31 - 1)))
    return FrameMaps(Box(x, y, x + width, y + height), provenance, confidence, never)


@given(maps())
def test_what_is_read_is_what_was_written(tmp_path_factory: pytest.TempPathFactory, given_maps: FrameMaps) -> None:
    path = tmp_path_factory.getbasetemp() / "00000012.maps"
    given_maps.save(path)
    read = FrameMaps.load(path)
    assert read.box == given_maps.box
    np.testing.assert_array_equal(read.provenance, given_maps.provenance)
    assert (read.confidence is None) == (given_maps.confidence is None)
    if read.confidence is not None and given_maps.confidence is not None:
        np.testing.assert_allclose(read.confidence, given_maps.confidence, atol=0.5001 / 65535)
    np.testing.assert_array_equal(read.never_visible, given_maps.never_visible)
    assert [p.name for p in path.parent.glob(".00000012*")] == []


@given(maps(), maps())
def test_the_later_pass_counts_where_it_marks(later: FrameMaps, earlier: FrameMaps) -> None:
    both = later.over(earlier)
    assert both.box == later.box.united(earlier.box)
    canvas = np.full((20, 20), UNTOUCHED, np.int32)
    for one in (earlier, later):
        place = canvas[one.box.slices]
        place[...] = np.where(one.provenance == UNTOUCHED, place, one.provenance)
    np.testing.assert_array_equal(both.provenance, canvas[both.box.slices])
    assert (both.confidence is None) == (later.confidence is None or earlier.confidence is None)
    assert later.over(None) is later


def test_what_neither_pass_marks_is_the_sources_own() -> None:
    sure = np.full((2, 2), 0.5, np.float32)
    unseen, invented = np.ones((2, 2), bool), np.full((2, 2), SYNTHESISED, np.int32)
    both = FrameMaps(Box(0, 0, 2, 2), invented, sure, unseen).over(FrameMaps(Box(4, 4, 6, 6), invented, sure, unseen))
    assert both.confidence is not None and both.never_visible is not None
    assert both.provenance[0, 5] == UNTOUCHED and both.confidence[0, 5] == 1 and not both.never_visible[0, 5]
    assert both.confidence[5, 5] == 0.5 and both.never_visible[5, 5]


@pytest.mark.parametrize("content", [b"", b"PK no zip", b"\x00" * 64])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.maps"
    path.write_bytes(content)
    with pytest.raises(MediaUnreadableError, match=r"cannot read the maps .*a\.maps: .*; render it again"):
        FrameMaps.load(path)


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaWriteError, match=r"cannot write .*gone"):
        FrameMaps(Box(0, 0, 1, 1), np.zeros((1, 1), np.int32)).save(tmp_path / "gone" / "a.maps")
