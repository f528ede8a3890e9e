"""The committed sample: it decodes as tagged, its boxes hold the figure, its keyframes cover the boxes."""

import json
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

SAMPLE = Path(str(files("resources.sample")))
MOVIES = ("walkby.mp4", "walkby_plate.mp4")
FRAMES, WIDTH_PX, HEIGHT_PX = 48, 960, 540


@cache
def planes(name: str) -> NDArray[np.uint8]:
    """Decode a movie to its planes as stored, shape (T, H * 3 / 2, W)."""
    with av.open(str(SAMPLE / name)) as container:
        return np.stack([frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)])


@cache
def luma_difference() -> NDArray[np.int16]:
    """Return |clip - plate| of luma, shape (T, H, W)."""
    clip, plate = (planes(name)[:, :HEIGHT_PX].astype(np.int16) for name in MOVIES)
    return np.abs(clip - plate)


def document(name: str) -> dict[str, Any]:
    return dict(json.loads((SAMPLE / name).read_text()))


def inside(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


@pytest.mark.parametrize("name", MOVIES)
def test_decodes_to_every_frame(name: str) -> None:
    assert planes(name).shape == (FRAMES, HEIGHT_PX * 3 // 2, WIDTH_PX)


@pytest.mark.parametrize("name", MOVIES)
def test_is_tagged_bt709_limited_at_24_fps(name: str) -> None:
    with av.open(str(SAMPLE / name)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        assert [int(tag) for tag in tags] == [1, 1, 1, 1]
        assert context.pix_fmt == "yuv420p"
        assert stream.average_rate == Fraction(24)
        assert (context.name, stream.frames) == ("h264", FRAMES)


@pytest.mark.parametrize("name", MOVIES)
def test_starts_a_closed_group_every_12_frames(name: str) -> None:
    with av.open(str(SAMPLE / name)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    frame_ticks = min(packet.duration or 0 for packet in packets)
    keys = sorted((packet.pts or 0) // frame_ticks for packet in packets if packet.is_keyframe)
    assert [key - keys[0] for key in keys] == [0, 12, 24, 36]


@pytest.mark.parametrize("name", MOVIES)
def test_is_small_enough_for_the_repository(name: str) -> None:
    assert (SAMPLE / name).stat().st_size <= 5_000_000


def test_the_boxes_fit_the_clip() -> None:
    boxes = document("walkby_boxes.json")
    assert (boxes["width"], boxes["height"], boxes["fps"], boxes["frames"]) == (WIDTH_PX, HEIGHT_PX, 24, FRAMES)
    assert len(boxes["boxes"]) == FRAMES
    for x0, y0, x1, y1 in filter(None, boxes["boxes"]):
        assert 0 <= x0 < x1 <= WIDTH_PX
        assert 0 <= y0 < y1 <= HEIGHT_PX
        assert all(isinstance(edge, int) for edge in (x0, y0, x1, y1))


def test_outside_the_boxes_only_the_encoder_differs() -> None:
    for difference, box in zip(luma_difference(), document("walkby_boxes.json")["boxes"], strict=True):
        outside = np.ones(difference.shape, dtype=bool)
        if box is not None:
            outside[inside(box)] = False
        assert difference[outside].mean() < 2.5
        assert (difference[outside] > 12).mean() < 1e-3


def test_the_figure_is_inside_the_boxes() -> None:
    for difference, box in zip(luma_difference(), document("walkby_boxes.json")["boxes"], strict=True):
        if box is not None:
            assert (difference[inside(box)] > 12).mean() > 0.15


def test_every_hidden_pixel_is_seen_in_another_frame() -> None:
    covered = np.zeros((FRAMES, HEIGHT_PX, WIDTH_PX), dtype=bool)
    for frame, box in enumerate(document("walkby_boxes.json")["boxes"]):
        if box is not None:
            covered[(frame, *inside(box))] = True
    # A quarter of the shot shows it, not one lucky frame, although the camera moves by a few pixels.
    assert covered.mean(axis=0).max() <= 0.75


def test_the_keyframes_cover_every_box_closely() -> None:
    keyframes = document("walkby_keyframes.json")["keyframes"]
    at = [keyframe["frame"] for keyframe in keyframes]
    assert at == sorted(set(at))
    assert 2 <= len(at) <= 16
    boxes = {frame: box for frame, box in enumerate(document("walkby_boxes.json")["boxes"]) if box is not None}
    assert (at[0], at[-1]) == (min(boxes), max(boxes))
    for side, outward in enumerate((-1, -1, 1, 1)):
        edge = np.interp(list(boxes), at, [keyframe["box"][side] for keyframe in keyframes])
        slack = outward * (edge - [box[side] for box in boxes.values()])
        assert slack.min() >= 0
        assert slack.max() <= 13
