"""Small helpers that turn lists of points into Blender objects. Runs inside Blender."""

import math
from collections.abc import Sequence

import bpy

Point = tuple[float, float, float]


def solid(
    name: str,
    points: Sequence[Point],
    faces: Sequence[Sequence[int]],
    material: bpy.types.Material,
    smooth: bool = False,
) -> bpy.types.Object:
    """Make an object from points in metres and faces of point indices, and put it in the scene."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(list(points), [], [list(face) for face in faces])
    mesh.materials.append(material)
    if smooth:
        mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    mesh.update()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def box(name: str, low: Point, high: Point, material: bpy.types.Material, bevel_m: float = 0.0) -> bpy.types.Object:
    """Make an axis-aligned box between two corners, its edges rounded by `bevel_m`."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    points = [(x, y, z) for z in (z0, z1) for y in (y0, y1) for x in (x0, x1)]
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    thing = solid(name, points, faces, material)
    if bevel_m:
        bevel = thing.modifiers.new("bevel", "BEVEL")
        bevel.width, bevel.segments = bevel_m, 2
    return thing


def rectangle_xz(
    name: str, x: tuple[float, float], z: tuple[float, float], y: float, material: bpy.types.Material
) -> None:
    """Make a rectangle that faces the camera (towards -y)."""
    points = [(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])]
    solid(name, points, [(0, 1, 2, 3)], material)


def ring(centre: Point, radius_x: float, radius_y: float, segments: int) -> list[Point]:
    """Return the points of a level ellipse."""
    angles = [2 * math.pi * i / segments for i in range(segments)]
    return [(centre[0] + radius_x * math.cos(a), centre[1] + radius_y * math.sin(a), centre[2]) for a in angles]


def ring_faces(rings: int, segments: int) -> list[tuple[int, ...]]:
    """Return the faces that join successive rings, and the caps at both ends."""
    faces: list[tuple[int, ...]] = []
    for r in range(rings - 1):
        for s in range(segments):
            a, b = r * segments + s, r * segments + (s + 1) % segments
            faces.append((a, b, b + segments, a + segments))
    faces.append(tuple(reversed(range(segments))))
    faces.append(tuple(range((rings - 1) * segments, rings * segments)))
    return faces


def ellipsoid(
    name: str, centre: Point, radii: Point, material: bpy.types.Material, bottom: float = -1.0
) -> bpy.types.Object:
    """Make a smooth ellipsoid; `bottom` (-1 to 1) cuts it off below that share of its height."""
    rings, segments = 14, 24
    start = math.asin(bottom) if bottom > -1 else -math.pi / 2 + 0.05
    points: list[Point] = []
    for r in range(rings):
        up = start + (math.pi / 2 - 0.05 - start) * r / (rings - 1)
        level = (centre[0], centre[1], centre[2] + radii[2] * math.sin(up))
        points += ring(level, radii[0] * math.cos(up), radii[1] * math.cos(up), segments)
    return solid(name, points, ring_faces(rings, segments), material, smooth=True)


def pipe(name: str, path: Sequence[Point], radius_m: float, material: bpy.types.Material) -> bpy.types.Object:
    """Make a round pipe along a path."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution = "3D", radius_m, 3
    spline = curve.splines.new("POLY")
    spline.points.add(len(path) - 1)
    for point, at in zip(spline.points, path, strict=True):
        point.co = (*at, 1.0)
    spline.use_smooth = True
    curve.materials.append(material)
    thing = bpy.data.objects.new(name, curve)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def words(text: str, at: Point, height_m: float, material: bpy.types.Material) -> None:
    """Print a centred line of text on the wall, in Blender's own font."""
    curve = bpy.data.curves.new(text, "FONT")
    curve.body, curve.size, curve.align_x = text, height_m, "CENTER"
    curve.materials.append(material)
    thing = bpy.data.objects.new(text, curve)
    thing.location, thing.rotation_euler = at, (math.pi / 2, 0.0, 0.0)
    bpy.context.scene.collection.objects.link(thing)
