"""Roto for other programs: what is written reads back to the same mattes."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roi_tools.errors import RoiFileError
from roi_tools.geometry import Size
from roi_tools.interchange.blender import write_blender
from roi_tools.interchange.nuke import read_nuke, write_nuke
from roi_tools.interchange.silhouette import write_silhouette
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.raster import layer_matte
from tests.roi_tools.roto_strategies import blobs, layers

SIZE = Size(128, 100)
SPAN = range(6)


def moving(points: tuple[tuple[float, ...], ...]) -> Shape:
    tracks = [
        Track((Keyframe(0, point, "smooth"), Keyframe(5, (point[0] + 8 + n, point[1] - 5, *point[2:]))))
        for n, point in enumerate(points)
    ]
    return Shape("blob", "bezier", tuple(tracks))


def layers_of(points: tuple[tuple[float, ...], ...]) -> list[RotoLayer]:
    box = Shape("box", "rectangle", (constant(64, 40, 40, 22, 15),), color=(0.5, 0.25, 1.0))
    curve = Shape("blob", "bspline", tuple(constant(*point) for point in points))
    soft = tuple((*point[:6], 4.0, -3.0) for point in points)
    return [
        RotoLayer("still", (box, replace(box, label="hole", kind="ellipse", mode="subtract", opacity=constant(0.5)))),
        RotoLayer("moves", (moving(points), replace(box, mode="intersect", is_inverted=True))),
        RotoLayer("soft", (curve, replace(box, first_frame=1, last_frame=3), replace(moving(soft), label="feathered"))),
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blobs())
def test_a_nuke_roto_reads_back_to_the_same_mattes(tmp_path: Path, points: tuple[tuple[float, ...], ...]) -> None:
    for layer in layers_of(points):
        assert write_nuke(tmp_path / "a.nk", layer, SIZE, SPAN, first_number=1001) == ()
        without_record(tmp_path / "a.nk")
        again = read_nuke(tmp_path / "a.nk", SIZE, first_number=1001)
        assert again.name == layer.name and [s.label for s in again.shapes] == [s.label for s in layer.shapes]
        for frame in SPAN:
            difference = np.abs(layer_matte(again, frame, SIZE) - layer_matte(layer, frame, SIZE))
            assert difference.mean() < 1e-4
            # A feather is measured from whole pixels: one at the very edge may fall on either side.
            assert layer.name == "soft" or difference.max() < 2e-3


def without_record(path: Path) -> None:
    """Leaves the curves alone, as if another program had written them."""
    path.write_text(re.sub(r"(?m)^ grayplate_roto .*\n", "", path.read_text()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers(), st.integers(-10, 2000))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # transforms that no camera makes
def test_a_nuke_roto_reads_back_identical(tmp_path: Path, layer: RotoLayer, first_number: int) -> None:
    write_nuke(tmp_path / "a.nk", layer, SIZE, SPAN, first_number)
    assert read_nuke(tmp_path / "a.nk", SIZE, first_number) == layer


def test_a_nuke_roto_that_is_numbered_otherwise_moves_in_time(tmp_path: Path) -> None:
    layer = RotoLayer("moves", (replace(moving(TRIANGLE), first_frame=1, last_frame=4),))
    write_nuke(tmp_path / "a.nk", layer, SIZE, SPAN, first_number=1001)
    (again,) = read_nuke(tmp_path / "a.nk", SIZE, first_number=1000).shapes
    assert (again.first_frame, again.last_frame, again.key_frames) == (2, 5, (1, 6))
    for frame in SPAN:
        there, here = layer_matte(RotoLayer("", (again,)), frame + 1, SIZE), layer_matte(layer, frame, SIZE)
        np.testing.assert_array_equal(there, here)


def test_a_lifetime_that_is_open_on_one_side_lasts_as_long_as_the_shot(tmp_path: Path) -> None:
    still = Shape("still", "bezier", tuple(constant(*point) for point in TRIANGLE))
    ends = {"begins": (2, None), "ends": (None, 3), "late": (9, None), "early": (None, -4)}
    layer = RotoLayer("a", tuple(replace(still, label=k, first_frame=a, last_frame=b) for k, (a, b) in ends.items()))
    write_nuke(tmp_path / "a.nk", layer, SIZE, SPAN)
    without_record(tmp_path / "a.nk")
    found = read_nuke(tmp_path / "a.nk", SIZE).shapes
    assert [(shape.first_frame, shape.last_frame) for shape in found] == [(2, 5), (0, 3), (9, 9), (-4, -4)]


def test_what_was_changed_in_nuke_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.nk"
    still = Shape("blob", "bspline", tuple(constant(*point) for point in TRIANGLE))
    layer = RotoLayer("a", (still, replace(still, label="hole", mode="subtract")))
    write_nuke(path, layer, SIZE, SPAN)
    text = path.read_text()
    for change in (("blob 512", "renamed 512"), ("vis x3f800000", "vis 0"), ("{x427", "{x428")):
        path.write_text(text.replace(*change))
        changed = read_nuke(path, SIZE)
        assert changed != layer and all(shape.kind == "bezier" for shape in changed.shapes)
    path.write_text(re.sub(r"(?m)^ grayplate_roto .*\n", " grayplate_roto nonsense\n", text))
    assert all(shape.kind == "bezier" for shape in read_nuke(path, SIZE).shapes)
    path.write_text(text.replace("\n  ", "\n"))  # written again by another program: only the spaces differ
    assert read_nuke(path, SIZE) == layer


def test_shapes_of_one_name_are_numbered(tmp_path: Path) -> None:
    group = NODE[NODE.index("{curvegroup") : NODE.index("}}}}\n name")]
    path = tmp_path / "a.nk"
    path.write_text(NODE.replace(group, f"{group} {group}"))
    assert [shape.label for shape in read_nuke(path, SIZE).shapes] == ["Bezier1", "Bezier1 2"]


def test_a_roto_that_was_read_writes_the_same_text(tmp_path: Path) -> None:
    layer = layers_of(((60, 40, 0, 0, 0, 0, 0, 0), (90, 50, -4, -4, 4, 4, 0, 0), (50, 80, 0, 0, 0, 0, 0, 0)))[1]
    write_nuke(tmp_path / "a.nk", layer, SIZE, SPAN)
    again = read_nuke(tmp_path / "a.nk", SIZE)
    write_nuke(tmp_path / "b.nk", again, SIZE, SPAN)
    assert read_nuke(tmp_path / "b.nk", SIZE) == again


def test_open_lines_are_left_out_and_named(tmp_path: Path) -> None:
    wire = Shape("wire", "stroke", tuple(constant(x, 9, 0, 0, 0, 0, 0, 0) for x in (2, 90)))
    assert write_nuke(tmp_path / "a.nk", RotoLayer("a", (wire,)), SIZE, SPAN) == ("wire",)
    assert read_nuke(tmp_path / "a.nk", SIZE).shapes == (wire,)
    without_record(tmp_path / "a.nk")
    assert read_nuke(tmp_path / "a.nk", SIZE).shapes == ()


NODE = """set cut_paste_input [stack 0]
version 13.2 v1
Group {
 name G
}
RotoPaint {
 curves {{{v x3f99999a}
  {f 0}
  {n
   {layer Root
    {f 512}
    {t x42800000 x42480000}
    {a}
    {curvegroup Bezier1 512 bezier
     {{cc
       {f 8192}
       {px x44852000
        {0 0}
        {10 90}
        {0 0}
        {0 0}
        {x42480000 90}
        {0 0}
        {0 0}
        {50 40}
        {0 0}}}     idem}
     {tx x44852000 x42480000 x42480000}
     {a osw x41200000 osf 0 str 1 tt x40800000}}}}}}
 name Roto7
}
"""


def test_a_node_as_nuke_writes_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.nk"
    path.write_text(NODE)
    layer = read_nuke(path, SIZE)
    assert layer.name == "Roto7" and layer.shapes[0].label == "Bezier1"
    assert [track.value_at(0)[:2] for track in layer.shapes[0].tracks] == [(10, 10), (50, 10), (50, 60)]
    assert layer_matte(layer, 0, SIZE).sum() == pytest.approx(1000, rel=1e-4)


TRIANGLE = ((60, 40, 0, 0, 0, 0, 0, 0), (90, 50, -4, -3, 4, 3, 0, 0), (50, 80, 0, 0, 0, 0, 0, 0))


def test_silhouette_gets_every_point_in_its_own_units(tmp_path: Path) -> None:
    wire = Shape("wire", "stroke", tuple(constant(x, 9, 0, 0, 0, 0, 0, 0) for x in (2, 90)))
    layer = RotoLayer("a", (moving(TRIANGLE), wire))
    assert write_silhouette(tmp_path / "a.fxs", layer, SIZE, SPAN, first_number=1001) == ("wire",)
    root = ElementTree.parse(tmp_path / "a.fxs").getroot()
    assert (root.tag, root.get("width"), root.get("workRangeStart")) == ("Silhouette", "128", "1001")
    keys = root.findall("./Shape/Properties/Property[@id='path']/Key")
    assert [key.get("frame") for key in keys] == [str(1001 + frame) for frame in SPAN]
    texts = [str(point.text) for point in keys[0].iter("Point")]
    numbers = np.array([[float(part) for part in re.findall(r"-?[0-9.]+", text)] for text in texts])
    places = numbers[:, :2] * 100 + (64, 50)
    np.testing.assert_allclose(places, [point[:2] for point in TRIANGLE], atol=1e-5)
    np.testing.assert_allclose(numbers[:, 2:] * 100, [(*point[4:6], *point[2:4]) for point in TRIANGLE], atol=1e-5)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(None, None, [100]), (1, 2, [0, 100, 100, 0, 0, 0]), (None, 3, [100, 100, 100, 100, 0, 0]), (9, None, [0])],
)
def test_a_program_without_lifetimes_gets_opacities(
    tmp_path: Path, first: int | None, last: int | None, expected: list[float]
) -> None:
    shape = replace(moving(TRIANGLE), first_frame=first, last_frame=last)
    write_silhouette(tmp_path / "a.fxs", RotoLayer("a", (shape,)), SIZE, SPAN)
    keys = ElementTree.parse(tmp_path / "a.fxs").getroot().findall("./Shape/Properties/Property[@id='opacity']/Key")
    assert [float(str(key.text)) for key in keys] == expected
    assert [key.get("frame") for key in keys] == [str(frame) for frame in range(len(expected))]


class Recorder:
    """Stands for any object of Blender's: remembers what is set, gives what is asked for."""

    def __init__(self) -> None:
        self.keyed: list[tuple[str, int]] = []
        self.made: list[Recorder] = []

    def new(self, name: str = "") -> Recorder:
        self.made.append(Recorder())
        self.made[-1].name = name
        return self.made[-1]

    def add(self, count: int) -> None:
        self.made += [Recorder() for _ in range(count)]

    def __iter__(self) -> Iterator[Recorder]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)

    def __getattr__(self, name: str) -> Recorder:
        if name.startswith("__"):
            raise AttributeError(name)
        value = Recorder()
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def keyframe_insert(self, name: str, frame: int) -> None:
        self.keyed.append((name, frame))


def test_the_blender_script_runs_and_builds_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    bpy: Any = Recorder()
    bpy.utils.escape_identifier = lambda name: name.replace('"', '\\"')
    write_blender(path, RotoLayer('it\'s "a" {mask}', (replace(moving(TRIANGLE), label='the "blob"'),)), SIZE, SPAN)
    monkeypatch.setitem(sys.modules, "bpy", bpy)
    runpy.run_path(str(path))
    (mask,) = bpy.data.masks.made
    assert mask.name == 'it\'s "a" {mask}'
    (spline,) = mask.layers.made[0].splines.made
    points = spline.points.made
    # Blender's points know no path of their own: what is keyed must be keyed from the mask.
    assert not any(point.keyed for point in points) and len(points) == 3
    layer = 'layers["the \\"blob\\""]'
    assert mask.keyed[0] == (f"{layer}.alpha", 1)
    places = [frame for path, frame in mask.keyed if path == f"{layer}.splines[0].points[2].co"]
    assert places == [frame + 1 for frame in SPAN] and len(mask.keyed) == 1 + 3 * 3 * len(SPAN)
    last = layer_points(moving(TRIANGLE), SPAN[-1])
    for point, (x, y) in zip(points, last, strict=True):
        assert point.co == pytest.approx([(x - 64) / 128 + 0.5, (50 - y) / 128 + 0.5], abs=1e-6)


def layer_points(shape: Shape, frame: int) -> list[tuple[float, float]]:
    return [(track.value_at(frame)[0], track.value_at(frame)[1]) for track in shape.tracks]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Blur {\n size 3\n}\n", "holds no Roto or RotoPaint node; copy one from Nuke"),
        (NODE[:-3], "a brace is never closed"),
        (NODE + "}", "a brace closes that was never opened"),
        (NODE.replace("512 bezier", "512 bspline"), "shape 'Bezier1' is no Bezier curve"),
        (NODE.replace("{10 90}", "{10 a}"), "shape 'Bezier1' holds 'a', which is no number"),
        (NODE.replace("{10 90}", "{10}"), "has a point that is no pair"),
        (NODE.replace("{10 90}", "{{{frame}} 90}"), "is moved by more than keyframes"),
        ("{" * 99, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.nk"
    path.write_text(text)
    with pytest.raises(RoiFileError, match=message) as caught:
        read_nuke(path, SIZE)
    assert str(path) in str(caught.value)
