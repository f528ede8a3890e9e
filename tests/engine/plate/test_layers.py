"""Layers that move apart behind the hole: found around it, followed, and told from each other inside."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.plate.alignment import apply_matrix
from engine.plate.footage import Footage
from engine.plate.fusion import Fused
from engine.plate.hypotheses import choose, relaxed
from engine.plate.layer_motion import LayerSteps, camera_steps, similarity
from engine.plate.layers import SPAN_FRAMES, find_layers
from engine.plate.model import PlateSettings
from engine.plate.recover import recover
from engine.plate.registration import Ring
from engine.plate.votes import OUTVOTED_SPREAD
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

WIDTH, HEIGHT, FRAMES = 240, 160, 25
MIDDLE = FRAMES // 2
FAR_PX, NEAR_PX = 1.0, 3.0
"""What the two layers move by, per frame."""

POSTS_PX = (24, 90)
"""Width and distance of the near layer's posts."""

Picture = NDArray[np.float32]


def hole(frame: int) -> Box:
    return Box(30 + 6 * frame, 50, 70 + 6 * frame, 100)


def near_layer(frame: int) -> NDArray[np.bool_]:
    """(WIDTH,) the columns that a post covers."""
    return np.asarray((np.arange(WIDTH) + int(NEAR_PX * frame)) % POSTS_PX[1] < POSTS_PX[0])


def posts_before_a_wall() -> Clip:
    wall, posts = texture(420, 200, seed=1), texture(420, 200, seed=2)[..., ::-1]
    truth = []
    for frame in range(FRAMES):
        view = shifted(wall, 20 + FAR_PX * frame, 20, WIDTH, HEIGHT)
        cover = near_layer(frame)
        view[:, cover] = shifted(posts, 20 + NEAR_PX * frame, 20, WIDTH, HEIGHT)[:, cover] * np.float32(0.6)
        truth.append(view)
    return Clip(truth, hole)


def pan() -> Clip:
    wall = texture(420, 200, seed=1)
    return Clip([shifted(wall, 20 + 1.4 * n, 20 + 0.3 * n, WIDTH, HEIGHT) for n in range(FRAMES)], hole)


def footage(clip: Clip) -> Footage:
    return Footage(clip, range(FRAMES), PlateSettings())


@pytest.fixture(scope="module")
def layered() -> Footage:
    return footage(posts_before_a_wall())


def test_both_layers_are_found_with_their_motions(layered: Footage) -> None:
    found = find_layers(layered, MIDDLE, Ring(layered.view(MIDDLE)))
    assert not found.planar
    middle = np.array([[WIDTH / 2, HEIGHT / 2]], np.float32)
    moved = sorted(
        float((apply_matrix(layer.ends[MIDDLE + SPAN_FRAMES], middle) - middle)[0, 0]) for layer in found.layers
    )
    assert min(abs(x + NEAR_PX * SPAN_FRAMES) for x in moved) < 0.5
    assert min(abs(x + FAR_PX * SPAN_FRAMES) for x in moved) < 0.5


def test_the_points_of_a_layer_lie_on_it(layered: Footage) -> None:
    covered = near_layer(MIDDLE)
    for layer in find_layers(layered, MIDDLE, Ring(layered.view(MIDDLE))).layers:
        on_posts = float(covered[np.rint(layer.ring.points[:, 0]).astype(int)].mean())
        moves_like_posts = abs(layer.ends[MIDDLE + SPAN_FRAMES][0, 2] + NEAR_PX * SPAN_FRAMES) < 2.0
        assert on_posts > 0.7 if moves_like_posts else on_posts < 0.3


def test_a_layer_is_followed_without_drift(layered: Footage) -> None:
    layers = find_layers(layered, MIDDLE, Ring(layered.view(MIDDLE))).layers
    near = min(layers, key=lambda layer: layer.ends[MIDDLE + SPAN_FRAMES][0, 2])
    steps, start = LayerSteps(layered, near), np.array([[120.0, 75.0]], np.float32)
    points = start
    for frame in range(MIDDLE, FRAMES - 1):
        step = steps(frame, frame + 1)
        assert step is not None
        points = step.advance(points)
    np.testing.assert_allclose(points - start, [[-NEAR_PX * (FRAMES - 1 - MIDDLE), 0.0]], atol=0.3)


def test_posts_and_the_wall_behind_them_are_both_recovered() -> None:
    clip = posts_before_a_wall()
    (result,) = recover(clip, [MIDDLE], range(FRAMES), PlateSettings(keep_agreeing=False), lambda share: None)
    assert result.box is not None
    error = result.rgb - clip.truth[MIDDLE][result.box.slices]
    assert 10 * np.log10(1.0 / float(np.square(error).mean())) > 30.0


def test_layers_too_are_the_same_however_a_shot_is_cut() -> None:
    clip, settings = posts_before_a_wall(), PlateSettings()
    whole = list(recover(clip, range(9, 13), range(FRAMES), settings, lambda share: None))
    (alone,) = recover(clip, [11], range(FRAMES), settings, lambda share: None)
    np.testing.assert_array_equal(whole[2].rgb, alone.rgb)
    np.testing.assert_array_equal(whole[2].provenance, alone.provenance)


def test_in_a_plain_pan_the_camera_says_all() -> None:
    measured = footage(pan())
    found = find_layers(measured, MIDDLE, Ring(measured.view(MIDDLE)))
    assert found.planar
    assert found.layers == ()
    with_flow, alone = measured.step(MIDDLE, MIDDLE + 1), camera_steps(measured)(MIDDLE, MIDDLE + 1)
    assert with_flow is not None and alone is not None
    assert with_flow.residual is not None and alone.residual is None
    np.testing.assert_array_equal(with_flow.matrix, alone.matrix)


def test_under_a_locked_camera_nothing_is_looked_for() -> None:
    still = texture(WIDTH, HEIGHT)
    measured = footage(Clip([still] * FRAMES, hole))
    found = find_layers(measured, MIDDLE, Ring(measured.view(MIDDLE)))
    assert found.layers == ()
    assert not found.planar


def test_a_similarity_is_fitted_and_few_points_do_not_turn() -> None:
    random = np.random.default_rng(1)
    start = random.uniform(0, 300, (400, 2)).astype(np.float32)
    truth = np.array([[1.02, -0.01, 3.0], [0.01, 1.02, -2.0], [0.0, 0.0, 1.0]])
    found = similarity(start, apply_matrix(truth, start))
    np.testing.assert_allclose(apply_matrix(found, start), apply_matrix(truth, start), atol=0.1)
    few = np.array([[10.0, 10.0], [12.0, 10.0], [10.0, 12.0]], np.float32)
    noisy = few + np.array([[5.0, 0.5], [5.0, -0.5], [5.5, 0.0]], np.float32)
    np.testing.assert_allclose(similarity(few, noisy)[:2, :2], np.eye(2), atol=0.01)


# --- hypotheses -------------------------------------------------------------------------------------------------

GRID = np.ones((20, 30), bool)


MANY = np.full(GRID.size, 10)


def shown(value: float, spread: Picture) -> Fused:
    count = spread.size
    return Fused(
        np.full((count, 3), value, np.float32),
        np.full(count, int(10 * value), np.int32),
        np.ones(count, bool),
        (spread.ravel() * OUTVOTED_SPREAD).astype(np.float32),
        *np.ones((2, count), np.float32),
    )


def test_what_the_frames_agree_on_is_chosen_with_a_clear_edge() -> None:
    random = np.random.default_rng(2)
    left = np.zeros(GRID.shape, np.float32)
    left[:, 15:] = 0.7
    noise = random.uniform(-0.25, 0.25, (2, *GRID.shape)).astype(np.float32)
    own = np.zeros((*GRID.shape, 3), np.float32)
    chosen = choose(
        [shown(0.2, np.abs(left + noise[0])), shown(0.8, np.abs(0.7 - left + noise[1]))], [MANY, MANY], own, GRID, GRID
    )
    picture = chosen.colour[:, 0].reshape(GRID.shape)
    assert (picture[:, :14] == np.float32(0.2)).all()
    assert (picture[:, 16:] == np.float32(0.8)).all()
    assert set(chosen.frame.tolist()) == {2, 8}


def test_around_the_hole_the_truth_decides_and_is_carried_where_nothing_is_known() -> None:
    hidden = GRID.copy()
    hidden[:, :2] = False
    own = np.full((*GRID.shape, 3), 0.8, np.float32)
    unsure = np.full(GRID.shape, 0.3, np.float32)
    chosen = choose([shown(0.2, unsure), shown(0.8, unsure)], [MANY, MANY], own, hidden, GRID)
    assert (chosen.colour == np.float32(0.8)).mean() > 0.95


def test_of_equals_the_first_is_taken() -> None:
    even = np.full((3, *GRID.shape), 0.5, np.float32)
    assert not relaxed(even, GRID).any()


def test_what_shows_nothing_is_not_chosen() -> None:
    blind = Fused(
        np.full((GRID.size, 3), np.nan, np.float32),
        np.full(GRID.size, -1, np.int32),
        np.zeros(GRID.size, bool),
        *np.zeros((3, GRID.size), np.float32),
    )
    own = np.zeros((*GRID.shape, 3), np.float32)
    chosen = choose([blind, shown(0.4, np.ones(GRID.shape, np.float32))], [0 * MANY, MANY], own, GRID, GRID)
    np.testing.assert_array_equal(chosen.colour, np.float32(0.4))
    assert np.isfinite(chosen.spread).all()


def test_where_another_layer_is_nearly_as_likely_the_spread_says_so() -> None:
    own = np.zeros((*GRID.shape, 3), np.float32)
    sure, unsure, wrong = (np.full(GRID.shape, value, np.float32) for value in (0.0, 0.1, 1.0))
    (clear, close, same) = (
        float(choose([shown(0.4, sure), other], [MANY, MANY], own, GRID, GRID).spread.mean())
        for other in (shown(0.8, wrong), shown(0.8, unsure), shown(0.4, unsure))
    )
    assert same == 0.0 < clear < 0.01 * close


def test_a_lone_frame_that_agrees_with_itself_does_not_outdo_many_that_nearly_agree() -> None:
    own = np.zeros((*GRID.shape, 3), np.float32)
    alone, many = shown(0.2, np.zeros(GRID.shape, np.float32)), shown(0.8, np.full(GRID.shape, 0.15, np.float32))
    chosen = choose([alone, many], [np.ones(GRID.size, int), MANY], own, GRID, GRID)
    np.testing.assert_array_equal(chosen.colour, np.float32(0.8))
