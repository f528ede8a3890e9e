"""The sample's walk and camera, which are plain arithmetic: feet stay planted, nothing jumps."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.sample import gait
from resources.sample.handheld import camera_at


def ball_of_foot(pose: gait.Pose, leg: gait.Leg) -> tuple[float, float]:
    """Return the ball's place, x from the hip and z from the ground, by walking down the leg's angles."""
    x = gait.THIGH_M * math.sin(leg.thigh) + gait.SHIN_M * math.sin(leg.shin)
    z = gait.HIP_HEIGHT_M - pose.hip_drop_m
    z -= gait.THIGH_M * math.cos(leg.thigh) + gait.SHIN_M * math.cos(leg.shin)
    cosine, sine = math.cos(leg.foot_pitch), math.sin(leg.foot_pitch)
    return x + 0.13 * cosine - 0.08 * sine, z - 0.13 * sine - 0.08 * cosine


@pytest.mark.parametrize("phase", [0.10, 0.2, 0.3, 0.4, 0.5, 0.58])
def test_a_planted_foot_moves_back_as_fast_as_the_body_moves_on(phase: float) -> None:
    places = []
    for cycle in (phase - 0.005, phase + 0.005):
        pose = gait.pose_at(cycle / gait.CYCLES_PER_S)
        places.append(ball_of_foot(pose, pose.left_leg))
    assert places[1][0] - places[0][0] == pytest.approx(-0.01 * gait.STRIDE_M, abs=0.002)
    assert places[0][1] == pytest.approx(0.0, abs=0.02)


@given(st.floats(0, 20))
def test_the_right_side_repeats_the_left_half_a_cycle_later(time_s: float) -> None:
    left = gait.pose_at(time_s)
    right = gait.pose_at(time_s + 0.5 / gait.CYCLES_PER_S)
    assert right.right_leg.thigh == pytest.approx(left.left_leg.thigh, abs=1e-6)
    assert right.right_arm.upper == pytest.approx(left.left_arm.upper, abs=1e-6)


@given(st.floats(0, 20))
def test_knees_bend_backwards_only(time_s: float) -> None:
    for leg in (gait.pose_at(time_s).left_leg, gait.pose_at(time_s).right_leg):
        assert -1e-9 <= leg.thigh - leg.shin < math.radians(90)


@given(st.floats(0, 20), st.floats(0.0005, 0.001))
def test_no_joint_jumps(time_s: float, step_s: float) -> None:
    a, b = gait.pose_at(time_s).left_leg, gait.pose_at(time_s + step_s).left_leg
    for before, after in ((a.thigh, b.thigh), (a.shin, b.shin), (a.foot_pitch, b.foot_pitch)):
        assert abs(after - before) < math.radians(6)


def test_the_camera_drifts_smoothly_by_a_few_percent_of_the_picture() -> None:
    poses = [camera_at(frame / 24, 2.0) for frame in range(48)]
    wall_width_m = 6.8 * 36 / 35
    assert 0.02 < (poses[-1].x_m - poses[0].x_m) / wall_width_m < 0.06
    for before, after in itertools.pairwise(poses):
        assert abs(after.pan - before.pan) < math.radians(0.12)
        assert abs(after.x_m - before.x_m) < 0.03
