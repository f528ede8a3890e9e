"""A walk cycle in the sagittal plane: joint angles from two-bone inverse kinematics, feet planted on the ground.

Plain Python, no Blender: lengths in metres, angles in radians, x forward, z up. A forward swing is a positive angle
from straight down, so a thigh at +0.4 has its knee in front of the hip.
"""

import itertools
import math
from dataclasses import dataclass

THIGH_M = 0.42
SHIN_M = 0.40
ANKLE_HEIGHT_M = 0.08
HIP_HEIGHT_M = 0.90
STRIDE_M = 1.40
CYCLES_PER_S = 1.15
SPEED_M_PER_S = STRIDE_M * CYCLES_PER_S

_STANCE = 0.60  # share of the cycle during which a foot touches the ground (Perry, Gait Analysis: about 60 %)
_CONTACT_X_M = 0.30  # the foot lands this far in front of the hip
_BALL_M = (0.13, -ANKLE_HEIGHT_M)  # ball of the foot, from the ankle
_HEEL_M = (-0.05, -ANKLE_HEIGHT_M)
# Share of the cycle -> foot pitch in degrees, toes down positive.
_PITCH_DEG = (
    (0.0, -18.0),
    (0.09, 0.0),
    (0.36, 0.0),
    (0.50, 24.0),
    (0.60, 55.0),
    (0.72, 40.0),
    (0.90, -10.0),
    (1.0, -18.0),
)


@dataclass(frozen=True)
class Leg:
    """Angles of one leg, in radians from the rest pose (straight down, foot flat)."""

    thigh: float
    shin: float
    foot_pitch: float


@dataclass(frozen=True)
class Arm:
    """Angles of one arm, in radians from straight down."""

    upper: float
    fore: float


@dataclass(frozen=True)
class Pose:
    """One moment of the walk. `hip_drop_m` is how far the hips are below their rest height."""

    hip_drop_m: float
    left_leg: Leg
    right_leg: Leg
    left_arm: Arm
    right_arm: Arm
    chest_twist: float
    lean: float


def pose_at(time_s: float) -> Pose:
    """Return the pose after walking for `time_s` seconds; the left foot lands at time 0."""
    cycle = time_s * CYCLES_PER_S
    left, right = cycle % 1.0, (cycle + 0.5) % 1.0
    # The hips are lowest when both feet are down (at 0 and 0.5 of the cycle) and highest in between.
    drop = 0.035 + 0.018 * math.cos(4 * math.pi * left)
    swing = math.cos(2 * math.pi * left)
    return Pose(
        hip_drop_m=drop,
        left_leg=_leg(left, HIP_HEIGHT_M - drop),
        right_leg=_leg(right, HIP_HEIGHT_M - drop),
        left_arm=_arm(-swing),
        right_arm=_arm(swing),
        chest_twist=-math.radians(6.0) * swing,
        lean=math.radians(4.0),
    )


def _leg(phase: float, hip_z_m: float) -> Leg:
    ankle_x, ankle_z = _ankle(phase)
    dx, dz = ankle_x, ankle_z - hip_z_m
    reach = min(math.hypot(dx, dz), THIGH_M + SHIN_M - 1e-4)
    cosine = (THIGH_M**2 + reach**2 - SHIN_M**2) / (2 * THIGH_M * reach)
    thigh = math.atan2(dx, -dz) + math.acos(max(-1.0, min(1.0, cosine)))
    knee_x, knee_z = THIGH_M * math.sin(thigh), -THIGH_M * math.cos(thigh)
    return Leg(thigh, math.atan2(dx - knee_x, knee_z - dz), _pitch(phase))


def _arm(swing: float) -> Arm:
    upper = math.radians(2.0 + 26.0 * swing)
    return Arm(upper, upper + math.radians(22.0 + 14.0 * max(swing, -0.6)))


def _ankle(phase: float) -> tuple[float, float]:
    """Ankle from the point on the ground below the hip; planted through stance, a lifted arc through swing."""
    if phase <= _STANCE:
        return _planted_ankle(phase)
    share = (phase - _STANCE) / (1.0 - _STANCE)
    eased = share * share * (3 - 2 * share)
    start, end = _planted_ankle(_STANCE), _planted_ankle(0.0)
    lift = 0.055 * math.sin(math.pi * share)
    return start[0] + (end[0] - start[0]) * eased, start[1] + (end[1] - start[1]) * eased + lift


def _planted_ankle(phase: float) -> tuple[float, float]:
    pitch = _pitch(phase)
    pivot = _HEEL_M if pitch < 0 else _BALL_M
    ground_x = _CONTACT_X_M - STRIDE_M * phase + pivot[0]
    back_x, back_z = -pivot[0], -pivot[1]
    cosine, sine = math.cos(pitch), math.sin(pitch)
    return ground_x + back_x * cosine + back_z * sine, back_z * cosine - back_x * sine


def _pitch(phase: float) -> float:
    for (start, a), (end, b) in itertools.pairwise(_PITCH_DEG):
        if phase <= end:
            share = (phase - start) / (end - start)
            share = share * share * (3 - 2 * share)
            return math.radians(a + (b - a) * share)
    return math.radians(_PITCH_DEG[-1][1])
