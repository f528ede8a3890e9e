"""Ivy that climbs the wall: seeded vines, and a leaf mesh instanced thousands of times along them."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import shading
from mathutils import Euler, Matrix, Vector
from meshes import Point, pipe
from street import DOOR, POSTERS, WINDOW

# Half of a five-lobed ivy leaf: across, along its rib; the stalk at the origin, about 1 long.
_LOBES = ((0.0, 0.0), (0.30, -0.12), (0.46, 0.10), (0.30, 0.26), (0.50, 0.50), (0.22, 0.58), (0.0, 1.0))
_GREENS = ((0.024, 0.075, 0.013), (0.035, 0.11, 0.017), (0.060, 0.165, 0.022), (0.11, 0.23, 0.035))
_TURNED = ((0.32, 0.22, 0.03), (0.28, 0.09, 0.03), (0.17, 0.15, 0.04))
_ROOTS = (
    (-3.6, 70), (-3.35, 52), (-2.95, 36), (-2.7, 20), (-1.05, 44), (-0.85, 66), (-0.65, 78), (-0.45, 72), (-0.2, 40),
    (2.62, 40), (2.85, 66), (3.05, 80), (3.3, 76), (3.6, 70),
)  # fmt: skip
_STEP_M = 0.05
# No leaves grow before these; a few reach a little into the window and over the posters' edges.
_CLEAR = (
    (DOOR[0] - 0.16, DOOR[1] + 0.16, 0.0, DOOR[3] + 0.05),
    (WINDOW[0] + 0.05, WINDOW[1] - 0.05, WINDOW[2] - 0.02, WINDOW[3] - 0.05),
    (POSTERS[0] + 0.06, POSTERS[1], POSTERS[2] + 0.02, POSTERS[3]),
)


@dataclass
class _Tip:
    x: float
    z: float
    heading: float  # radians from straight up, to the right
    steps_left: int
    root_x: float


def build(seed: int = 5) -> int:
    """Grow the ivy, lay fallen leaves on the pavement, and return how many leaves there are."""
    rng = random.Random(seed)
    bark = shading.rough("ivy bark", (0.075, 0.05, 0.032), 0.5, 20.0)
    leaves: list[tuple[Matrix, bool]] = []
    for root_x, steps in _ROOTS:
        for path in _grow(rng, root_x, steps):
            if len(path) > 3:
                pipe("vine", path, 0.006, bark)
            leaves += [(leaf, False) for leaf in _along(rng, path)]
    leaves += [(_fallen(rng), True) for _ in range(130)]
    _mesh(rng, leaves)
    return len(leaves)


def _grow(rng: random.Random, root_x: float, steps: int) -> Iterator[list[Point]]:
    """Yield the paths of one plant; a tip wanders upwards, forks, and stops at the door and the window."""
    tips = [_Tip(root_x, 0.02, rng.uniform(-0.3, 0.3), steps, root_x)]
    while tips:
        tip = tips.pop()
        path: list[Point] = [(tip.x, -0.03, tip.z)]
        while tip.steps_left > 0 and not _in_opening(tip.x, tip.z):
            tip.heading = 0.93 * tip.heading + rng.gauss(0.0, 0.30) - 0.05 * (tip.x - tip.root_x)
            tip.x += _STEP_M * math.sin(tip.heading)
            tip.z += _STEP_M * math.cos(tip.heading)
            tip.steps_left -= 1
            path.append((tip.x, -0.02 - 0.012 * rng.random(), tip.z))
            if rng.random() < 0.17:
                turn = rng.choice((-1, 1)) * rng.uniform(0.5, 1.2)
                tips.append(
                    _Tip(tip.x, tip.z, tip.heading + turn, int(tip.steps_left * rng.uniform(0.25, 0.6)), root_x)
                )
        yield path


def _in_opening(x: float, z: float) -> bool:
    return any(x0 < x < x1 and z0 <= z < z1 for x0, x1, z0, z1 in _CLEAR)


def _along(rng: random.Random, path: list[Point]) -> Iterator[Matrix]:
    for x, _, z in path[1:]:
        for _ in range(rng.choice((2, 3, 3, 4))):
            at = Vector((x + rng.gauss(0, 0.055), -rng.uniform(0.035, 0.13), z + rng.gauss(0, 0.055)))
            # Leaves face the light: out of the wall and up, hanging from their stalks.
            turn = Euler((rng.gauss(-0.95, 0.32), rng.gauss(0, 0.5), math.pi + rng.gauss(0, 0.75)))
            size = rng.uniform(0.045, 0.095)
            yield Matrix.LocRotScale(at, _facing(turn), Vector((size, size, size)))


def _facing(turn: Euler) -> Euler:
    """Turn a leaf that lies in the xy plane so that it hangs on the wall, rib downwards."""
    outward = Euler((math.pi / 2, 0.0, 0.0)).to_matrix()
    spin = Matrix.Rotation(turn.z, 3, "Y")
    tilt = Matrix.Rotation(turn.x + 0.6, 3, "X") @ Matrix.Rotation(turn.y, 3, "Z")
    return (tilt @ spin @ outward).to_euler()


def _fallen(rng: random.Random) -> Matrix:
    at = Vector((rng.uniform(-4, 4), -min(1.5, abs(rng.gauss(0.06, 0.4))) - 0.04, 0.012))
    size = rng.uniform(0.045, 0.08)
    turn = Euler((rng.gauss(0, 0.25), rng.gauss(0, 0.25), rng.uniform(0, 6.3)))
    return Matrix.LocRotScale(at, turn, Vector((size, size, size)))


def _mesh(rng: random.Random, leaves: list[tuple[Matrix, bool]]) -> None:
    """Join all leaves in one mesh, each with its own tint: one object renders faster than thousands."""
    outline = [Vector((x, y, 0.16 * abs(x))) for x, y in _LOBES]
    outline += [Vector((-x, y, 0.16 * abs(x))) for x, y in reversed(_LOBES[1:-1])]
    middle = Vector((0.0, 0.42, -0.06))
    points: list[Vector] = []
    faces: list[tuple[int, int, int]] = []
    tints: list[float] = []
    for place, fallen in leaves:
        start, count = len(points), len(outline)
        points += [place @ point for point in (*outline, middle)]
        faces += [(start + i, start + (i + 1) % count, start + count) for i in range(count)]
        turned = rng.random() < (0.8 if fallen else 0.035)
        tint = rng.choice(_TURNED) if turned else rng.choices(_GREENS, (3, 5, 4, 1.4))[0]
        gain = rng.uniform(0.75, 1.2)
        tints += [*(gain * channel for channel in tint), 1.0] * (count + 1)
    mesh = bpy.data.meshes.new("ivy leaves")
    mesh.from_pydata([tuple(point) for point in points], [], faces)
    mesh.attributes.new("tint", "FLOAT_COLOR", "POINT").data.foreach_set("color", tints)
    mesh.materials.append(shading.leaves())
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("ivy leaves", mesh))
