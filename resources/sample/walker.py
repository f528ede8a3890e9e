"""The passer-by: a jacket, trousers, boots, a knitted cap and a rucksack on a rig that `gait` moves.

At rest the figure stands at the origin, faces +x, arms hanging; its left is +y. Metres and radians.
"""

import itertools
import math
from collections.abc import Sequence

import bpy
import gait
import shading
from mathutils import Matrix, Vector
from meshes import Point, box, ellipsoid, ring, ring_faces, solid

PATH_Y_M = -0.70
_START_X_M = -1.63
_HIP = gait.HIP_HEIGHT_M
_KNEE = _HIP - gait.THIGH_M
_SHOULDER, _ELBOW, _WRIST = 1.42, 1.14, 0.90
_SEGMENTS = 20
_SIDES = (("left", 1.0), ("right", -1.0))

# Height, half depth, half width, centre forwards.
_JACKET = (
    (0.77, 0.168, 0.210, 0.0), (0.84, 0.162, 0.208, 0.0), (0.95, 0.146, 0.190, 0.0), (1.06, 0.126, 0.166, 0.0),
    (1.20, 0.132, 0.176, 0.005), (1.32, 0.130, 0.192, 0.005), (1.39, 0.117, 0.196, 0.0), (1.44, 0.096, 0.165, -0.005),
    (1.475, 0.076, 0.110, -0.005), (1.50, 0.068, 0.078, 0.005), (1.545, 0.066, 0.070, 0.014),
)  # fmt: skip
_SLEEVE = (
    (0.875, 0.044),
    (0.90, 0.047),
    (1.0, 0.050),
    (1.11, 0.055),
    (1.16, 0.058),
    (1.28, 0.062),
    (1.40, 0.070),
    (1.45, 0.058),
    (1.475, 0.03),
)
_TROUSER = (
    (0.065, 0.066),
    (0.10, 0.062),
    (0.22, 0.062),
    (0.36, 0.068),
    (0.46, 0.069),
    (0.54, 0.074),
    (0.68, 0.086),
    (0.80, 0.092),
    (0.90, 0.080),
)
_BONES: dict[str, tuple[str | None, Point, Point]] = {
    "pelvis": (None, (0, 0, 0.95), (0, 0, 1.06)),
    "chest": ("pelvis", (0, 0, 1.06), (0, 0, 1.45)),
    "head": ("chest", (0, 0, 1.47), (0, 0, 1.74)),
}
for _side, _sign in _SIDES:
    _BONES |= {
        f"thigh {_side}": ("pelvis", (0, 0.092 * _sign, _HIP), (0, 0.092 * _sign, _KNEE)),
        f"shin {_side}": (f"thigh {_side}", (0, 0.092 * _sign, _KNEE), (0, 0.092 * _sign, 0.08)),
        f"foot {_side}": (f"shin {_side}", (0, 0.092 * _sign, 0.08), (0.15, 0.092 * _sign, 0.03)),
        f"upper arm {_side}": ("chest", (0, 0.20 * _sign, _SHOULDER), (0, 0.235 * _sign, _ELBOW)),
        f"forearm {_side}": (f"upper arm {_side}", (0, 0.235 * _sign, _ELBOW), (0, 0.255 * _sign, _WRIST)),
    }


class Walker:
    """The figure in the scene. `animate` keys its whole walk, `show` takes it in or out of the shot."""

    def __init__(self) -> None:
        self._rig = _rig()
        self.parts: list[bpy.types.Object] = []
        cloth = shading.rough("jacket", (0.52, 0.25, 0.035), 0.42, 16.0, 0.004)
        denim = shading.rough("trousers", (0.035, 0.05, 0.085), 0.45, 18.0, 0.004)
        self._dress_torso(cloth)
        for side, sign in _SIDES:
            self._dress_arm(side, sign, cloth)
            self._dress_leg(side, sign, denim)
        self._head()
        self._rucksack()

    def show(self, visible: bool) -> None:
        """Show or hide the figure in renders."""
        for part in self.parts:
            part.hide_render = not visible

    def animate(self, frames: range, fps: int) -> None:
        """Key the rig on every frame of `frames` and one either side, so that motion blur has neighbours."""
        for frame in range(frames.start - 1, frames.stop + 1):
            pose = gait.pose_at(frame / fps + 10.0 / gait.CYCLES_PER_S + 0.2)
            x = _START_X_M + gait.SPEED_M_PER_S * frame / fps
            self._rig.location = (x, PATH_Y_M, -pose.hip_drop_m)
            self._rig.keyframe_insert("location", frame=frame)
            self._pose(pose, frame)

    def _pose(self, pose: gait.Pose, frame: int) -> None:
        """Key each bone's rotation; `gait` gives angles in the world, a bone wants them from its parent."""
        turned = _world_turns(pose)
        for bone in self._rig.pose.bones:
            rest = bone.bone.matrix_local.to_3x3()
            parent = turned[bone.parent.name] if bone.parent else Matrix.Identity(3)
            bone.rotation_mode = "QUATERNION"
            local = (rest.inverted() @ parent.inverted() @ turned[bone.name] @ rest).to_quaternion()
            if bone.rotation_quaternion.dot(local) < 0:
                local.negate()
            bone.rotation_quaternion = local
            bone.keyframe_insert("rotation_quaternion", frame=frame)

    def _dress_torso(self, cloth: bpy.types.Material) -> None:
        points, weights = [], []
        for z, depth, width, forwards in _resample(_JACKET):
            points += ring((forwards, 0.0, z), depth, width, _SEGMENTS)
            chest = _ease((z - 0.98) / 0.2)
            weights += [{"chest": chest, "pelvis": 1 - chest}] * _SEGMENTS
        self._skin("jacket", points, weights, cloth)

    def _dress_arm(self, side: str, sign: float, cloth: bpy.types.Material) -> None:
        points, weights = [], []
        for z, radius in _resample(_SLEEVE):
            y = sign * (0.20 + 0.035 * min(1.0, (_SHOULDER - z) / 0.28) + 0.02 * max(0.0, (_ELBOW - z) / 0.24))
            points += ring((0.0, y, z), radius, radius, _SEGMENTS)
            lower, top = _ease((_ELBOW + 0.05 - z) / 0.1), 0.6 * _ease((z - 1.40) / 0.08)
            upper = (1 - lower) * (1 - top)
            named = {f"forearm {side}": lower, f"upper arm {side}": upper, "chest": (1 - lower) * top}
            weights += [named] * _SEGMENTS
        self._skin(f"sleeve {side}", points, weights, cloth)
        skin = shading.rough("hand", (0.36, 0.19, 0.125), 0.25, 20.0)
        self._rigid(ellipsoid("hand", (0.012, sign * 0.257, 0.825), (0.042, 0.024, 0.082), skin), f"forearm {side}")
        self._rigid(ellipsoid("thumb", (0.045, sign * 0.245, 0.845), (0.016, 0.016, 0.042), skin), f"forearm {side}")

    def _dress_leg(self, side: str, sign: float, denim: bpy.types.Material) -> None:
        points, weights = [], []
        for z, radius in _resample(_TROUSER):
            points += ring((-0.01 if z < _KNEE else 0.0, sign * 0.092, z), radius, radius * 0.92, _SEGMENTS)
            lower, hips = _ease((_KNEE + 0.06 - z) / 0.12), 0.6 * _ease((z - 0.80) / 0.1)
            upper = (1 - lower) * (1 - hips)
            named = {f"shin {side}": lower, f"thigh {side}": upper, "pelvis": (1 - lower) * hips}
            weights += [named] * _SEGMENTS
        self._skin(f"trouser leg {side}", points, weights, denim)
        leather = shading.rough("boot", (0.085, 0.042, 0.02), 0.4, 20.0)
        sole = shading.rough("sole", (0.03, 0.028, 0.025), 0.4, 20.0)
        y = sign * 0.092
        self._rigid(ellipsoid("boot", (0.055, y, 0.025), (0.145, 0.05, 0.072), leather, bottom=-0.2), f"foot {side}")
        self._rigid(ellipsoid("boot ankle", (-0.015, y, 0.075), (0.065, 0.052, 0.075), leather), f"foot {side}")
        self._rigid(box("sole", (-0.075, y - 0.045, 0.0), (0.185, y + 0.045, 0.028), sole, 0.014), f"foot {side}")

    def _head(self) -> None:
        skin = shading.rough("skin", (0.40, 0.215, 0.145), 0.2, 12.0)
        hair = shading.rough("hair", (0.03, 0.018, 0.012), 0.4, 30.0)
        wool = shading.rough("cap", (0.045, 0.10, 0.115), 0.5, 30.0, 0.004)
        parts = [
            ellipsoid("neck", (0.0, 0.0, 1.53), (0.052, 0.05, 0.10), skin),
            ellipsoid("skull", (0.018, 0.0, 1.635), (0.098, 0.076, 0.112), skin),
            ellipsoid("jaw", (0.052, 0.0, 1.575), (0.062, 0.055, 0.062), skin),
            ellipsoid("nose", (0.118, 0.0, 1.612), (0.024, 0.014, 0.024), skin),
            ellipsoid("ear", (0.005, 0.077, 1.62), (0.022, 0.012, 0.034), skin),
            ellipsoid("ear", (0.005, -0.077, 1.62), (0.022, 0.012, 0.034), skin),
            ellipsoid("hair", (-0.012, 0.0, 1.615), (0.092, 0.080, 0.085), hair),
            ellipsoid("cap", (0.008, 0.0, 1.648), (0.110, 0.088, 0.118), wool, bottom=0.05),
            ellipsoid("cap rim", (0.008, 0.0, 1.668), (0.114, 0.092, 0.030), wool),
        ]
        for part in parts:
            self._rigid(part, "head")

    def _rucksack(self) -> None:
        canvas = shading.rough("rucksack", (0.11, 0.125, 0.10), 0.4, 20.0)
        straps = shading.rough("straps", (0.05, 0.045, 0.04), 0.3, 20.0)
        self._rigid(box("rucksack", (-0.27, -0.135, 1.02), (-0.115, 0.135, 1.43), canvas, 0.055), "chest")
        self._rigid(box("pocket", (-0.305, -0.10, 1.06), (-0.25, 0.10, 1.22), canvas, 0.025), "chest")
        for y in (-0.115, 0.115):
            self._rigid(box("strap", (-0.16, y - 0.02, 1.435), (0.10, y + 0.02, 1.462), straps, 0.01), "chest")
            self._rigid(box("strap", (0.075, y - 0.02, 1.16), (0.118, y + 0.02, 1.44), straps, 0.01), "chest")

    def _skin(self, name: str, points: Sequence[Point], weights: Sequence[dict[str, float]], cloth: object) -> None:
        thing = solid(name, points, ring_faces(len(points) // _SEGMENTS, _SEGMENTS), cloth, smooth=True)
        for bone in sorted({bone for named in weights for bone in named}):
            group = thing.vertex_groups.new(name=bone)
            for index, named in enumerate(weights):
                if named.get(bone, 0.0) > 0:
                    group.add([index], named[bone], "REPLACE")
        self._bind(thing)

    def _rigid(self, thing: bpy.types.Object, bone: str) -> None:
        group = thing.vertex_groups.new(name=bone)
        group.add(list(range(len(thing.data.vertices))), 1.0, "REPLACE")
        self._bind(thing)

    def _bind(self, thing: bpy.types.Object) -> None:
        thing.parent = self._rig
        thing.modifiers.new("rig", "ARMATURE").object = self._rig
        self.parts.append(thing)


def _world_turns(pose: gait.Pose) -> dict[str, Matrix]:
    """Return each bone's rotation from its rest pose, in the figure's space."""

    def pitch(angle: float) -> Matrix:
        return Matrix.Rotation(-angle, 3, "Y")

    twist = Matrix.Rotation(pose.chest_twist, 3, "Z")
    turns = {"pelvis": pitch(-0.3 * pose.lean), "chest": twist @ pitch(-pose.lean), "head": pitch(0.3 * pose.lean)}
    for side, leg, arm in (("left", pose.left_leg, pose.left_arm), ("right", pose.right_leg, pose.right_arm)):
        turns[f"thigh {side}"] = pitch(leg.thigh)
        turns[f"shin {side}"] = pitch(leg.shin)
        turns[f"foot {side}"] = pitch(-leg.foot_pitch)
        turns[f"upper arm {side}"] = twist @ pitch(arm.upper)
        turns[f"forearm {side}"] = twist @ pitch(arm.fore)
    return turns


def _rig() -> bpy.types.Object:
    armature = bpy.data.armatures.new("walker")
    rig = bpy.data.objects.new("walker", armature)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (parent, head, tail) in _BONES.items():
        bone = armature.edit_bones.new(name)
        bone.head, bone.tail = Vector(head), Vector(tail)
        bone.parent = armature.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def _resample(profile: Sequence[tuple[float, ...]], step_m: float = 0.02) -> list[tuple[float, ...]]:
    """Interpolate a profile (height first, rising) at an even step, with soft creases like worn cloth."""
    low, high = profile[0][0], profile[-1][0]
    count = round((high - low) / step_m)
    return [_at(profile, low + (high - low) * i / count, 1 + 0.02 * math.sin(i * 2.1)) for i in range(count + 1)]


def _at(profile: Sequence[tuple[float, ...]], z: float, crease: float) -> tuple[float, ...]:
    for below, above in itertools.pairwise(profile):
        if z <= above[0] + 1e-9:
            share = _ease((z - below[0]) / (above[0] - below[0]))
            return (z, *((a + (b - a) * share) * crease for a, b in zip(below[1:], above[1:], strict=True)))
    return profile[-1]


def _ease(share: float) -> float:
    share = max(0.0, min(1.0, share))
    return share * share * (3 - 2 * share)
