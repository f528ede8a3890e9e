from dataclasses import replace
from pathlib import Path

from desktop.editing import commands
from desktop.editing.session import Session
from roi_tools.geometry import Size
from roi_tools.shapes import RectF
from tests.desktop.documents import box_shape, make_removal, make_session, make_shot
from tests.support.fake_engine import FAKE_EFFECT

BOX = RectF(5, 6, 25, 36)


def keys(session: Session) -> list[int]:
    assert session.removal is not None
    return list(session.removal.shape.key_frames)


def is_modified(session: Session) -> bool:
    return session.is_modified


class Count:
    def __init__(self, *signals: object) -> None:
        self.value = 0
        for signal in signals:
            signal.connect(self._add)  # type: ignore[attr-defined]

    def _add(self) -> None:
        self.value += 1


def test_the_playhead_stays_on_the_timeline() -> None:
    session = make_session(make_shot(frames=20))
    session.go_to(99)
    assert session.playhead == 19
    session.go_to(-5)
    assert session.playhead == 0


def test_shots_lie_end_to_end_and_keep_their_media_frames() -> None:
    session = make_session(make_shot("a", 20), make_shot("b", 10, start=100))
    session.go_to(23)
    assert session.place is not None
    assert session.place.shot.name == "b"
    assert session.place.media_frame == 103
    session.go_to_media_frame("id-b", 101)
    assert session.playhead == 21
    session.go_to_media_frame("id-b", 5)
    assert session.playhead == 21


def test_entering_a_shot_selects_its_first_removal() -> None:
    session = make_session(make_shot("a", removals=(make_removal("x"),)), make_shot("b", removals=(make_removal("y"),)))
    selections = Count(session.selection_changed)
    session.go_to(25)
    assert session.removal is not None
    assert session.removal.label == "y"
    assert selections.value == 1


def test_a_drawn_box_is_a_removal_with_a_keyframe_under_the_playhead() -> None:
    session = make_session(make_shot(start=50))
    session.go_to(7)
    commands.add_removal(session, BOX)
    assert session.removal is not None
    assert keys(session) == [57]
    assert session.removal.label == "Removal 1"
    assert session.undo_label == "Add Removal"


def test_moving_a_box_elsewhere_makes_a_keyframe_and_interpolates() -> None:
    session = make_session(make_shot())
    commands.add_removal(session, RectF(0, 0, 10, 10))
    session.go_to(10)
    assert session.removal is not None
    commands.set_rect(session, session.removal.id, RectF(20, 0, 30, 10))
    assert keys(session) == [0, 10]
    assert session.removal.shape.rect_at(5) == RectF(10, 0, 20, 10)
    session.undo()
    assert keys(session) == [0]


def test_the_only_keyframe_cannot_be_deleted() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    assert not commands.can_delete_keyframe(session)
    commands.delete_keyframe(session)
    assert session.removal is not None
    assert keys(session) == [0]


def test_a_keyframe_is_added_where_the_box_is_and_deleted_again() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    session.go_to(4)
    commands.toggle_keyframe(session)
    assert session.removal is not None
    assert keys(session) == [0, 4]
    commands.toggle_keyframe(session)
    assert keys(session) == [0]


def test_labels_are_free_ones() -> None:
    session = make_session(make_shot())
    for _ in range(3):
        commands.add_removal(session, BOX)
    assert session.shot is not None
    session.select_removal(session.shot.removals[1].id)
    commands.delete_removal(session)
    commands.add_removal(session, BOX)
    assert [removal.label for removal in session.shot.removals] == ["Removal 1", "Removal 3", "Removal 2"]


def test_deleting_selects_the_neighbour_and_undo_brings_it_back() -> None:
    session = make_session(make_shot(removals=(make_removal("x"), make_removal("y"))))
    commands.delete_removal(session)
    assert session.removal is not None
    assert session.removal.label == "y"
    session.undo()
    assert session.shot is not None
    assert [removal.label for removal in session.shot.removals] == ["x", "y"]


def test_a_parameter_at_its_default_is_not_kept() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    reach = FAKE_EFFECT.parameters[0]
    commands.set_parameter(session, reach, 60)
    assert session.removal is not None
    assert dict(session.removal.parameters) == {"reach_frames": 60}
    commands.set_parameter(session, reach, reach.default)
    assert dict(session.removal.parameters) == {}


def test_a_slider_drag_is_one_undo_step() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    reach = FAKE_EFFECT.parameters[0]
    for value in range(41, 60):
        commands.set_parameter(session, reach, value)
    session.end_gesture()
    commands.set_parameter(session, reach, 70)
    session.undo()
    assert session.removal is not None
    assert session.removal.parameters["reach_frames"] == 59
    session.undo()
    assert dict(session.removal.parameters) == {}


def test_a_removal_starts_and_ends_where_one_says() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    session.go_to(5)
    commands.start_here(session)
    session.go_to(9)
    commands.end_here(session)
    assert session.removal is not None
    assert session.removal.shape.rect_at(4) is None
    assert session.removal.shape.rect_at(9) is not None
    assert session.removal.shape.rect_at(10) is None


def test_an_end_before_the_start_reopens_the_start() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    session.go_to(8)
    commands.start_here(session)
    session.go_to(3)
    commands.end_here(session)
    assert session.removal is not None
    assert (session.removal.shape.first_frame, session.removal.shape.last_frame) == (None, 3)


def test_keyframes_and_shots_are_stops() -> None:
    shape = box_shape(make_removal())
    for frame in (4, 15):
        shape = shape.with_rect(frame, BOX)
    session = make_session(make_shot("a", removals=(make_removal(shape=shape),)), make_shot("b"))
    stops = []
    for _ in range(3):
        commands.go_to_neighbour_key(session, 1)
        stops.append(session.playhead)
    assert stops == [4, 15, 15]
    commands.go_to_neighbour_key(session, -1)
    assert session.playhead == 4
    commands.go_to_neighbour_shot(session, 1)
    assert session.playhead == 20
    commands.go_to_neighbour_shot(session, -1)
    assert session.playhead == 0


def test_splitting_at_cuts_is_one_step() -> None:
    session = make_session(make_shot(frames=20, removals=(make_removal(),)))
    assert commands.split_at_cuts(session, "id-a", [0, 5, 12, 40]) == 2
    assert [shot.duration_frames for shot in session.project.shots] == [5, 7, 8]
    session.undo()
    assert len(session.project.shots) == 1


def test_modified_means_different_from_what_is_saved() -> None:
    session = make_session(make_shot())
    assert not is_modified(session)
    commands.add_removal(session, BOX)
    assert is_modified(session)
    session.mark_saved(session.project, Path("a.otio"))
    assert not is_modified(session)
    session.undo()
    assert is_modified(session)
    session.redo()
    assert not is_modified(session)


def test_an_edit_that_changes_nothing_is_no_step() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    changes = Count(session.project_changed)
    commands.rename_removal(session, "id-r", "r")
    assert changes.value == 0
    assert session.undo_label is None


def test_removing_the_last_shot_moves_the_playhead_back() -> None:
    session = make_session(make_shot("a", 20), make_shot("b", 10))
    session.go_to(25)
    commands.remove_shot(session)
    assert session.playhead == 19
    assert session.shot is not None
    assert session.shot.name == "a"


def test_shots_of_the_same_name_are_told_apart() -> None:
    session = make_session(make_shot("clip", 20))
    commands.add_shots(
        session, [replace(make_shot(name, 5), id=str(n)) for n, name in enumerate(("clip", "b", "clip"))]
    )
    assert [shot.name for shot in session.project.shots] == ["clip", "clip 2", "b", "clip 3"]
    assert session.shot is not None and session.shot.name == "clip 2"


def test_commands_do_nothing_in_an_empty_document() -> None:
    session = make_session()
    commands.add_removal(session, BOX)
    commands.delete_removal(session)
    commands.split_shot(session)
    commands.toggle_keyframe(session)
    commands.go_to_neighbour_key(session, 1)
    assert session.project.shots == ()
    assert session.undo_label is None


def test_the_default_box_lies_inside_the_frame() -> None:
    rect = commands.default_rect(Size(64, 48))
    assert 0 < rect.x0 < rect.x1 < 64
    assert 0 < rect.y0 < rect.y1 < 48


def test_a_keyframe_holds_and_glides_again() -> None:
    shape = box_shape(make_removal()).with_rect(10, RectF(20, 10, 40, 30))
    session = make_session(make_shot(removals=(make_removal(shape=shape),)))
    seen = []
    for _ in range(2):
        commands.toggle_hold(session)
        assert session.removal is not None
        seen.append((commands.holds(session), session.removal.shape.rect_at(5)))
    assert seen == [(True, RectF(10, 10, 30, 30)), (False, RectF(15, 10, 35, 30))]
    session.go_to(4)
    commands.toggle_hold(session)
    assert session.undo_label == "Interpolate Keyframe"
