"""Hypothesis strategies for removals, shots and projects."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from roi_tools.keyframes import Interpolation, Keyframe, Track
from tests.roi_tools.strategies import rectangles
from timeline.marker import MARKER_COLORS, Marker
from timeline.project import Project
from timeline.removal import Removal
from timeline.shot import Shot

names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
values = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
)
rates = st.sampled_from([Fraction(24), Fraction(25), Fraction(25, 2), Fraction(24000, 1001), Fraction(30000, 1001)])
rates |= st.sampled_from([Fraction(19001, 634), Fraction(29968, 1000), Fraction(1_000_000, 41_708)])  # variable rates
media_paths = st.sampled_from(
    ["/media/a.mov", "/media/a b/plate.####.exr", "/media/plate.%04d.png", "/other/50%.mov", "/media/ü/é#1.mp4", ""]
)
interpolations: st.SearchStrategy[Interpolation] = st.sampled_from(["linear", "hold", "smooth"])
number_tracks = st.dictionaries(
    st.integers(0, 1000),
    st.tuples(st.floats(0, 256, allow_nan=False), interpolations),
    min_size=1,
    max_size=4,
).map(lambda keys: Track.of(Keyframe(frame, (value,), how) for frame, (value, how) in keys.items()))
removals = st.builds(
    Removal,
    id=st.uuids().map(str),
    label=names,
    shape=rectangles(),
    effect=st.sampled_from(["clean-plate", "vace"]),
    parameters=st.dictionaries(st.sampled_from(["grow_px", "seed", "prompt", "amount"]), values),
    enabled=st.booleans(),
    parameter_tracks=st.dictionaries(st.sampled_from(["grow_px", "feather_px"]), number_tracks),
    tracked_keys=st.dictionaries(st.integers(0, 1000), st.tuples(*[st.floats(-1e6, 1e6)] * 4), max_size=3),
)
markers = st.builds(
    Marker,
    id=st.uuids().map(str),
    frame=st.integers(0, 1000),
    name=names,
    color=st.sampled_from(MARKER_COLORS),
    note=names,
)


@st.composite
def shots(draw: st.DrawFn) -> Shot:
    """A shot of some media, whose file need not exist."""
    start = draw(st.integers(0, 500))
    end = start + draw(st.integers(1, 500))
    return Shot(
        id=draw(st.uuids().map(str)),
        name=draw(names),
        media_path=draw(media_paths),
        media_rate=draw(rates),
        source_start=start,
        source_end_exclusive=end,
        removals=tuple(draw(st.lists(removals, max_size=2, unique_by=lambda removal: removal.id))),
        media_start=draw(st.integers(0, 2_000_000)),
        media_frame_count=end + draw(st.integers(0, 100)),
        markers=tuple(draw(st.lists(markers, max_size=2, unique_by=lambda marker: marker.id))),
    )


projects = st.builds(Project, names, st.lists(shots(), max_size=3, unique_by=lambda shot: shot.id).map(tuple))
