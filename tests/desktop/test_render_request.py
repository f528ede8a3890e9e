from dataclasses import replace
from fractions import Fraction

import pytest

from desktop.base.errors import NothingToRenderError
from desktop.rendering.request import render_request
from desktop.rendering.results import ResultState, ResultStore, is_marked, marks_of
from desktop.roto.convert import shape_of_rectangle
from engine.protocol import EffectDescriptor, FrameEvent, Output, ParameterDescriptor
from roi_tools.geometry import Size
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.layer_json import layer_from_dict
from roi_tools.roto.model import RotoLayer
from roi_tools.roto.raster import layer_matte
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.desktop.documents import box_shape, make_removal, make_shot
from tests.support.media import info_of, noise_frame
from timeline.marking import RotoMarking

INFO = replace(info_of(noise_frame("yuv420p", Size(64, 48)), 20), rate=Fraction(24))
OTHER = AnimatedRectangle.still(RectF(40, 20, 80, 40))


def event(frame: int, path: str, pass_index: int = 0, provisional: bool = False) -> FrameEvent:
    return FrameEvent(job_id="j", frame=frame, patch_path=path, pass_index=pass_index, provisional=provisional)


def test_boxes_are_given_for_each_frame_of_the_shot() -> None:
    shape = box_shape(make_removal()).with_rect(10, RectF(20, 10, 40, 30))
    request = render_request(make_shot(frames=20, removals=(make_removal(shape=shape),)), INFO)
    assert request.frames.as_range() == range(20)
    boxes = request.passes[0].boxes
    assert boxes is not None
    assert (boxes[0], boxes[5], boxes[15]) == (((10, 10, 30, 30),), ((15, 10, 35, 30),), ((20, 10, 40, 30),))


def test_boxes_are_clipped_to_the_frame() -> None:
    request = render_request(make_shot(removals=(make_removal(shape=OTHER),)), INFO)
    assert request.passes[0].boxes is not None
    assert request.passes[0].boxes[0] == ((40, 20, 64, 40),)


def test_removals_with_the_same_effect_and_parameters_share_a_pass() -> None:
    removals = (
        make_removal("a"),
        make_removal("b", effect="vace"),
        make_removal("c", shape=OTHER),
        make_removal("d", parameters={"feather_px": 5.0}),
    )
    request = render_request(make_shot(removals=removals), INFO)
    assert [(p.effect, p.parameters) for p in request.passes] == [
        ("clean-plate", {}),
        ("vace", {}),
        ("clean-plate", {"feather_px": 5.0}),
    ]
    assert request.passes[0].boxes is not None
    assert request.passes[0].boxes[0] == ((10, 10, 30, 30), (40, 20, 64, 40))


def test_a_removal_marks_only_the_frames_where_it_is_there() -> None:
    shape = make_removal().shape.with_range(5, 6)
    request = render_request(make_shot(removals=(make_removal(shape=shape),)), INFO, range(4, 8))
    boxes, start = request.passes[0].boxes, request.passes[0].boxes_start
    assert boxes is not None and start == 0
    assert [frame for frame, of_frame in enumerate(boxes, start) if of_frame] == [5, 6]


def test_boxes_speak_of_the_whole_shot_so_that_a_part_is_cleaned_as_well_as_the_whole() -> None:
    request = render_request(make_shot(removals=(make_removal(),)), INFO, range(4, 8))
    assert request.boxes_range(request.passes[0]) == range(20)


def test_a_range_that_no_box_touches_is_refused() -> None:
    shape = make_removal().shape.with_range(5, 6)
    with pytest.raises(NothingToRenderError, match="marks nothing on frames 8-9"):
        render_request(make_shot(removals=(make_removal(shape=shape),)), INFO, range(8, 10))


def test_disabled_removals_and_boxes_outside_the_frame_are_left_out() -> None:
    outside = AnimatedRectangle.still(RectF(100, 100, 120, 120))
    removals = (make_removal("a"), make_removal("b", shape=outside, effect="vace"))
    request = render_request(make_shot(removals=removals), INFO)
    assert [render_pass.effect for render_pass in request.passes] == ["clean-plate"]


@pytest.mark.parametrize("removals", [(), (make_removal(enabled=False),)])
def test_nothing_to_render_says_what_to_do(removals: tuple) -> None:
    with pytest.raises(NothingToRenderError, match="draw a box around what should go"):
        render_request(make_shot(removals=removals), INFO)


def test_a_sequence_is_sent_with_its_rate_a_movie_without() -> None:
    shot = make_shot(removals=(make_removal(),))
    sequence = replace(INFO, kind="sequence", rate=Fraction(24000, 1001))
    assert render_request(shot, sequence).source.rate == "24000/1001"
    assert render_request(shot, INFO).source.rate is None


def test_outside_of_an_inverted_shape_the_whole_frame_is_rendered() -> None:
    shape = replace(shape_of_rectangle(OTHER, "keep"), is_inverted=True)
    removal = make_removal(shape=RotoMarking(RotoLayer("all but one thing", (shape,))))
    (only,) = render_request(make_shot(frames=5, removals=(removal,)), INFO).passes
    assert only.boxes == (((0, 0, 64, 48),),) * 5
    assert isinstance(only.roto, dict)
    assert layer_matte(layer_from_dict(only.roto), 2, INFO.size)[0, 0] == 1.0


def test_an_export_names_its_output_and_range() -> None:
    output = Output(path="/out/a.mov")
    request = render_request(make_shot(removals=(make_removal(),)), INFO, range(3, 7), output)
    assert request.output == output
    assert len(request.frames) == 4


# --- results ------------------------------------------------------------------------------------------------------


def test_a_frame_is_ready_until_something_it_depends_on_changes() -> None:
    shot = make_shot(removals=(make_removal(),))
    store = ResultStore()
    assert store.state(shot, 3) is ResultState.MISSING
    store.begin(shot)
    store.add(shot.id, event(3, "/p"))
    assert store.state(shot, 3) is ResultState.READY
    changed = replace(shot, removals=(make_removal(parameters={"feather_px": 9.0}),))
    assert store.state(changed, 3) is ResultState.STALE
    assert store.patches(changed, 3) == ("/p",)
    renamed = replace(shot, removals=(make_removal(label="other name"),))
    assert store.state(renamed, 3) is ResultState.READY


def test_a_parameter_that_changes_no_picture_makes_no_result_old() -> None:
    shot = make_shot(removals=(make_removal(),))
    store = ResultStore()
    store.begin(shot)
    store.note_job(shot.id, 1, "j")
    store.add(shot.id, event(3, "/p"))
    quiet = ParameterDescriptor(name="preview", label="", hint="", kind="bool", default=True, evaluates=False)
    effect = make_removal().effect
    toggled = replace(shot, removals=(make_removal(parameters={"preview": False}),))
    assert store.state(toggled, 3) is ResultState.STALE
    store.set_effects(
        [EffectDescriptor(identifier=effect, label="", hint="", version="1", clips=(), parameters=(quiet,))]
    )
    assert store.state(toggled, 3) is ResultState.READY
    store.begin(toggled)
    assert store.chosen(shot.id).job_ids == ("j",)
    changed = replace(shot, removals=(make_removal(parameters={"preview": False, "feather_px": 9.0}),))
    assert store.state(changed, 3) is ResultState.STALE


def test_a_newer_render_replaces_only_the_frames_that_it_brings() -> None:
    shot = make_shot(removals=(make_removal(),))
    store = ResultStore()
    store.begin(shot)
    store.add(shot.id, event(3, "/old3"))
    store.add(shot.id, event(4, "/old4"))
    changed = replace(shot, removals=(make_removal(parameters={"feather_px": 9.0}),))
    store.begin(changed)
    store.add(shot.id, event(3, "/new3"))
    assert store.states(changed, range(3, 5)) == [ResultState.READY, ResultState.STALE]
    assert store.patches(changed, 3) == ("/new3",)


def test_patches_lie_in_the_order_of_the_passes() -> None:
    shot = make_shot(removals=(make_removal("a"), make_removal("b", effect="vace")))
    store = ResultStore()
    store.begin(shot)
    store.add(shot.id, event(0, "/first", 0))
    store.add(shot.id, event(0, "/second", 1))
    assert store.patches(shot, 0) == ("/first", "/second")
    store.add(shot.id, event(0, "/first again", 0))
    assert store.patches(shot, 0) == ("/first again",)


def test_a_preview_gives_way_to_the_final_frame_and_not_back() -> None:
    shot = make_shot(removals=(make_removal(),))
    store = ResultStore()
    store.begin(shot)
    store.add(shot.id, event(0, "/preview", provisional=True))
    assert store.state(shot, 0) is ResultState.PROVISIONAL
    store.add(shot.id, event(0, "/final"))
    store.add(shot.id, event(0, "/late preview", provisional=True))
    assert store.state(shot, 0) is ResultState.READY
    assert store.patches(shot, 0) == ("/final",)


def test_frames_without_a_removal_are_untouched() -> None:
    shape = make_removal().shape.with_range(5, 6)
    shot = make_shot(removals=(make_removal(shape=shape),))
    assert not is_marked(shot, 4)
    assert ResultStore().states(shot, range(4, 6)) == [ResultState.UNTOUCHED, ResultState.MISSING]


def test_keyframes_of_parameters_are_sent_and_make_a_pass_and_a_result_of_their_own() -> None:
    track = Track((Keyframe(2, (1.0,)), Keyframe(8, (4.0,), "bezier")))
    plain, keyed = make_removal(), make_removal(parameter_tracks={"feather_px": track})
    shot = make_shot(frames=20, removals=(plain, replace(keyed, id="other")))
    first, second = render_request(shot, INFO).passes
    assert first.keyframes == {} and list(second.keyframes) == ["feather_px"]
    found = [(key.frame, key.value, key.interpolation) for key in second.keyframes["feather_px"]]
    assert found == [(2, 1.0, "linear"), (8, 4.0, "linear")]
    assert marks_of(make_shot(removals=(plain,))) != marks_of(make_shot(removals=(keyed,)))
