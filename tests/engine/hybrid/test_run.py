"""A run of frames: what is finished at once, what waits for the model, and how little is held meanwhile."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.hybrid.rest import SEAM_FRAMES
from engine.hybrid.run import SETTLED_FRAMES, Finished, Group, HybridRun, RunSettings, UnsettledError
from engine.hybrid.scratch import Scratch
from engine.ofx.effect import GENERATED, SYNTHESISED, RenderedImage
from engine.vace.shot.stretches import BRIDGED_GAP_FRAMES, marked_stretches
from roi_tools.geometry import Box, Size

SIZE = Size(64, 48)
WINDOW = Box(8, 8, 40, 40)


class Shot:
    """Plates of one box; on the frames in ``hidden`` no other frame shows it."""

    def __init__(
        self, folder: Path, marked: list[int], hidden: set[int], known_frames: int = 4, *, is_whole: bool = True
    ) -> None:
        self.scratch = Scratch(folder)
        self.hidden, self.groups, self.waited = hidden, [], []  # type: tuple[set[int], list[Group], list[int]]
        self.alive: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
        values = RunSettings(0.25, 8, known_frames, SIZE, range(-50, 2000))
        self.run = HybridRun(
            marked,
            self.plate,
            self.paint,
            lambda n, _: self.waited.append(n),
            self.scratch,
            values,
            is_whole=is_whole,
        )

    def plate(self, frame: int) -> RenderedImage:
        shape = WINDOW.height_px, WINDOW.width_px
        is_hidden = frame in self.hidden
        provenance = np.full(shape, SYNTHESISED if is_hidden else 5000, np.int32)
        image = RenderedImage(
            WINDOW, np.zeros((*shape, 3), np.float32), provenance, np.full(shape, 0 if is_hidden else 0.9, np.float32)
        )
        self.alive[frame] = image.rgb
        return image

    def paint(self, group: Group) -> Finished:
        self.groups.append(group)
        for frame in group.held:
            image = self.scratch.load(frame)
            if frame in group.rests and image.provenance is not None:
                image.provenance[:] = GENERATED
            yield frame, image


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 120), max_size=60), st.sets(st.integers(0, 120), max_size=8), st.integers(0, 6))
def test_every_frame_comes_once_in_order_and_groups_are_the_models_clips(
    tmp_path_factory: pytest.TempPathFactory, marked: set[int], hidden: set[int], known: int
) -> None:
    shot = Shot(tmp_path_factory.getbasetemp(), sorted(marked), hidden, known)
    images = dict(shot.run.frames())
    assert list(images) == sorted(marked)
    rests = [frame for group in shot.groups for frame in group.rests]
    near = {frame + step for frame in hidden & marked for step in range(-SEAM_FRAMES, SEAM_FRAMES + 1)}
    assert set(rests) == near & marked
    painted = {
        frame for frame, image in images.items() if image.provenance is not None and image.provenance[0, 0] == GENERATED
    }
    assert painted == set(rests)
    # One group is one stretch of the vace effect.
    assert [range(min(g.rests), max(g.rests) + 1) for g in shot.groups] == marked_stretches(
        sorted(rests), 0, range(200)
    )
    for group in shot.groups:
        assert group.visible.start <= group.held[0] and group.held[-1] < group.visible.stop
        inside = [frame for frame in group.visible if frame in marked and frame not in group.held]
        assert len(inside) <= known  # the plates of these are held too, or the model would see the object
    shot.scratch.close()


def test_all_marked_frames_that_the_model_sees_have_their_plate(tmp_path: Path) -> None:
    seen: list[bool] = []
    shot = Shot(tmp_path, list(range(60)), {30, 31})

    def paint(group: Group) -> Finished:
        seen.extend(frame in shot.scratch for frame in group.visible if frame < 60)
        assert group.visible == range(30 - SEAM_FRAMES - 4, 33 + SEAM_FRAMES + BRIDGED_GAP_FRAMES)
        yield from ((frame, shot.scratch.load(frame)) for frame in group.held)

    shot.run._paint = paint
    assert len(list(shot.run.frames())) == 60
    assert seen and all(seen)


@pytest.mark.parametrize("hidden", [set(), {0, 1, 2, 700}])
def test_what_is_held_does_not_grow_with_the_shot(tmp_path: Path, hidden: set[int]) -> None:
    shot = Shot(tmp_path, list(range(1000)), hidden)
    most_alive = most_files = 0
    for _ in shot.run.frames():
        gc.collect(0)
        most_alive = max(most_alive, len(shot.alive))
        most_files = max(most_files, len(list(tmp_path.rglob("*.npz"))))
    assert most_alive <= SEAM_FRAMES + 3 + 4  # known frames
    assert most_files <= (4 + 2 * SEAM_FRAMES + 3 + BRIDGED_GAP_FRAMES + 1 if hidden else 0)


def test_frames_that_need_no_model_do_not_wait_for_it(tmp_path: Path) -> None:
    shot = Shot(tmp_path, list(range(100)), {60})
    frames = shot.run.frames()
    first = [next(frames)[0] for _ in range(60 - SEAM_FRAMES)]
    assert first == list(range(56)) and shot.groups == [] and shot.waited == []
    assert next(frames)[0] == 56 and len(shot.groups) == 1 and shot.waited[0] == 56


def test_a_start_in_the_middle_of_a_group_is_noticed_before_anything_is_painted(tmp_path: Path) -> None:
    for first in range(31, 31 + SEAM_FRAMES + BRIDGED_GAP_FRAMES):
        late = Shot(tmp_path, list(range(first, 120)), {30, first + SETTLED_FRAMES - 1}, is_whole=False)
        with pytest.raises(UnsettledError):
            list(late.run.frames())
        assert late.groups == []
        late.scratch.close()


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 90), max_size=3), st.integers(0, 90))
def test_a_start_that_is_accepted_gives_the_groups_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, hidden: set[int], first: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole, late = Shot(folder, list(range(120)), hidden), Shot(folder, list(range(first, 120)), hidden, is_whole=False)
    list(whole.run.frames())
    try:
        list(late.run.frames())
    except UnsettledError:
        return
    finally:
        whole.scratch.close()
        late.scratch.close()
    expected = [group for group in whole.groups if group.held[-1] >= first + SETTLED_FRAMES]
    assert [(g.held, g.visible, set(g.rests)) for g in late.groups] == [
        (g.held, g.visible, set(g.rests)) for g in expected
    ]
