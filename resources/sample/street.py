"""The set: a brick wall with a door, a window, a drain pipe and posters, and the pavement before it.

Metres; x to the right, y away from the camera, z up. The wall's face is the plane y = 0, the pavement z = 0.
"""

import itertools

import shading
from meshes import box, ellipsoid, pipe, rectangle_xz, words

DOOR = (1.42, 2.32, 0.0, 2.12)  # x0, x1, z0, z1 of the opening in the wall
POSTERS = (0.0, 0.88, 1.18, 2.0)
WINDOW = (-2.55, -1.35, 1.5, 2.75)
_WALL_X = (-6.5, 6.5)
_WALL_TOP = 5.0


def build() -> None:
    """Put the whole set into the scene."""
    _wall()
    _door()
    _window()
    _ground()
    _drain_pipe()
    _posters()


def _wall() -> None:
    brick = shading.brick_wall()
    edges = sorted({*_WALL_X, DOOR[0], DOOR[1], WINDOW[0], WINDOW[1]})
    for x0, x1 in itertools.pairwise(edges):
        opening = next((o for o in (DOOR, WINDOW) if o[0] <= x0 and x1 <= o[1]), None)
        spans = [(-0.1, _WALL_TOP)] if opening is None else [(-0.1, opening[2]), (opening[3], _WALL_TOP)]
        for z0, z1 in spans:
            if z1 - z0 > 0.11:
                rectangle_xz("wall", (x0, x1), (z0, z1), 0.0, brick)
    stone = shading.rough("plinth", (0.23, 0.215, 0.19), 0.55, 5.0)
    box("plinth left", (_WALL_X[0], -0.035, -0.05), (DOOR[0] - 0.1, 0.02, 0.20), stone, 0.012)
    box("plinth right", (DOOR[1] + 0.1, -0.035, -0.05), (_WALL_X[1], 0.02, 0.20), stone, 0.012)


def _surround(opening: tuple[float, float, float, float], depth: float, stone: object, lintel: float) -> None:
    """Line an opening's sides with brick-deep stone and lay a lintel over it."""
    x0, x1, z0, z1 = opening
    box("jamb", (x0 - 0.10, -0.025, z0), (x0 + 0.02, depth, z1), stone, 0.008)
    box("jamb", (x1 - 0.02, -0.025, z0), (x1 + 0.10, depth, z1), stone, 0.008)
    box("lintel", (x0 - 0.16, -0.03, z1 - 0.02), (x1 + 0.16, depth, z1 + lintel), stone, 0.008)


def _door() -> None:
    x0, x1, z0, z1 = DOOR
    stone = shading.rough("door stone", (0.40, 0.36, 0.29), 0.5, 6.0, 0.0015)
    green = shading.paint("door paint", (0.018, 0.085, 0.075), 0.45, 0.35)
    brass = shading.paint("brass", (0.45, 0.30, 0.08), 0.4, 0.8)
    _surround(DOOR, 0.25, stone, 0.2)
    box("door", (x0, 0.16, z0), (x1, 0.22, z1), green)
    middle = (x0 + x1) / 2
    for low, high in ((0.28, 0.88), (1.14, 1.94)):
        for left, right in ((x0 + 0.12, middle - 0.06), (middle + 0.06, x1 - 0.12)):
            box("panel rim", (left, 0.145, low), (right, 0.17, high), green, 0.012)
            box("panel", (left + 0.04, 0.135, low + 0.04), (right - 0.04, 0.16, high - 0.04), green, 0.008)
    box("letter box", (middle - 0.14, 0.145, 0.99), (middle + 0.14, 0.17, 1.05), brass, 0.006)
    ellipsoid("knob", (x1 - 0.09, 0.11, 1.02), (0.032, 0.032, 0.032), brass)
    box("step", (x0 - 0.12, -0.32, 0.0), (x1 + 0.12, 0.2, 0.10), stone, 0.015)
    words("27", (middle, 0.138, 1.99), 0.075, brass)


def _window() -> None:
    x0, x1, z0, z1 = WINDOW
    stone = shading.rough("sill stone", (0.40, 0.37, 0.31), 0.5, 6.0, 0.0015)
    white = shading.paint("window paint", (0.58, 0.56, 0.50), 0.35, 0.2)
    _surround(WINDOW, 0.2, stone, 0.2)
    box("sill", (x0 - 0.16, -0.11, z0 - 0.09), (x1 + 0.16, 0.2, z0 + 0.005), stone, 0.012)
    rectangle_xz("pane", (x0, x1), (z0, z1), 0.16, shading.glass())
    rectangle_xz(
        "blind", (x0 + 0.06, x1 - 0.06), (z1 - 0.42, z1), 0.15, shading.rough("blind", (0.36, 0.32, 0.24), 0.2, 3.0)
    )
    middle, bar_z = (x0 + x1) / 2, z0 + (z1 - z0) * 0.52
    bars = [(x0, x0 + 0.07, z0, z1), (x1 - 0.07, x1, z0, z1), (x0, x1, z0, z0 + 0.08), (x0, x1, z1 - 0.09, z1)]
    bars += [(middle - 0.02, middle + 0.02, z0, z1), (x0, x1, bar_z - 0.03, bar_z + 0.03)]
    for i, (left, right, low, high) in enumerate(bars):
        # No two bars share a face, or each would shade the other where they cross.
        box("sash", (left, 0.10 + 0.002 * i, low), (right, 0.17, high), white, 0.006)


def _ground() -> None:
    box("pavement", (-9.0, -1.55, -0.3), (9.0, 0.3, 0.0), shading.paving())
    kerb = shading.rough("kerb", (0.30, 0.29, 0.27), 0.5, 7.0)
    for i in range(-7, 8):
        box("kerbstone", (i * 0.92, -1.72, -0.3), (i * 0.92 + 0.91, -1.555, 0.004), kerb, 0.014)
    box("road", (-30.0, -30.0, -0.4), (30.0, -1.72, -0.12), shading.rough("asphalt", (0.075, 0.075, 0.08), 0.5, 14.0))
    yellow = shading.rough("road paint", (0.50, 0.34, 0.04), 0.7, 9.0)
    for near in (-1.94, -2.12):
        box("line", (-9.0, near - 0.08, -0.13), (9.0, near, -0.117), yellow)
    facing = shading.rough("house opposite", (0.20, 0.17, 0.14), 0.5, 0.6)
    for x0, x1, top in ((-20, -6, 7.0), (-5, 4, 5.5), (6, 20, 8.0)):
        box("house opposite", (x0, -26.0, 0.0), (x1, -24.0, top), facing)


def _drain_pipe() -> None:
    iron = shading.paint("drain pipe", (0.028, 0.03, 0.032), 0.5, 0.6)
    x = 0.98
    pipe("drain pipe", [(x, -0.09, z) for z in (0.24, 1.0, 5.0)], 0.045, iron)
    pipe("drain shoe", [(x, -0.09, 0.26), (x, -0.10, 0.18), (x, -0.20, 0.09)], 0.045, iron)
    for z in (0.42, 1.62, 2.82):
        box("bracket", (x - 0.085, -0.03, z), (x + 0.085, -0.0, z + 0.05), iron, 0.006)
        pipe("socket", [(x, -0.09, z - 0.03), (x, -0.09, z + 0.08)], 0.057, iron)


def _posters() -> None:
    white = shading.rough("poster paper", (0.55, 0.52, 0.44), 0.35, 5.0, 0.001)
    red = shading.rough("poster red", (0.46, 0.045, 0.03), 0.35, 6.0, 0.001)
    blue = shading.rough("poster blue", (0.03, 0.11, 0.24), 0.35, 6.0, 0.001)
    ink = shading.rough("poster ink", (0.02, 0.02, 0.022), 0.3, 6.0, 0.001)
    rectangle_xz("poster", (0.02, 0.56), (1.20, 1.98), -0.006, white)
    rectangle_xz("poster head", (0.05, 0.53), (1.66, 1.95), -0.008, red)
    words("GRAY", (0.29, -0.010, 1.79), 0.155, white)
    words("PLATE", (0.29, -0.010, 1.685), 0.125, white)
    for line, z in (("LIVE", 1.52), ("SAT 21 NOV", 1.41), ("THE BRICK YARD", 1.32), ("DOORS 8 PM", 1.24)):
        words(line, (0.29, -0.008, z), 0.10 if line == "LIVE" else 0.055, ink)
    rectangle_xz("poster", (0.60, 0.86), (1.34, 1.70), -0.005, blue)
    words("LOST", (0.73, -0.007, 1.58), 0.08, white)
    rectangle_xz("poster photo", (0.65, 0.81), (1.40, 1.55), -0.007, ink)
