"""Render the sample shot in Blender, once without the figure and once with it.

    blender -b --factory-startup -P resources/sample/render_sample.py -- --out DIR [--frames A-B] [--samples N]

Writes `DIR/plate/####.png` (the whole frame), `DIR/figure/####.png` (16-bit RGB, rendered only in a border round the
figure and its shadow, black elsewhere) and `DIR/bounds/####.json` (what the figure and its shadow span: x0, y0, x1, y1
in pixels from the top left, x1 and y1 exclusive; it may reach beyond the frame). Frames count from 0, `--frames`
includes both ends. Frames that exist already are kept, so a render that was cut off can be run again. Both passes draw
the same random numbers: where the figure changes no light, they agree to the last bit.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import handheld
import ivy
import street
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Euler, Vector
from walker import Walker

WIDTH_PX, HEIGHT_PX, FPS, FRAMES = 960, 540, 24, 48
SUN_ELEVATION, SUN_AZIMUTH = math.radians(52.0), math.radians(-24.0)  # azimuth from straight behind the camera
_BORDER_MARGIN_PX = 34
_SHUTTER_FRAMES = 0.30


def main() -> None:
    """Build the scene and render the frames asked for."""
    options = _options()
    scene = _scene(options.samples, options.scale)
    street.build()
    print("leaves:", ivy.build())
    _daylight(scene)
    _camera(scene)
    walker = Walker()
    walker.animate(range(FRAMES), FPS)
    first, _, last = options.frames.partition("-")
    frames = range(int(first), int(last or first) + 1)
    if "plate" in options.passes:
        walker.show(False)
        for frame in frames:
            _render(scene, frame, options.out / "plate", None)
    if "figure" in options.passes:
        walker.show(True)
        for frame in frames:
            scene.frame_set(frame)
            bounds = _bounds(scene, walker)
            _note(options.out / "bounds" / f"{frame:04d}.json", bounds)
            border = (0, 0, WIDTH_PX, HEIGHT_PX) if options.whole else _border(bounds)
            _render(scene, frame, options.out / "figure", border)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="render_sample.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for the frames")
    parser.add_argument("--frames", default=f"0-{FRAMES - 1}", help="A-B, both included (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=24, help="Cycles samples per pixel (default: %(default)s)")
    parser.add_argument("--scale", type=int, default=100, help="percentage of the frame size, for tests")
    parser.add_argument("--passes", nargs="+", choices=["plate", "figure"], default=["plate", "figure"])
    parser.add_argument("--whole", action="store_true", help="render the figure's pass over the whole frame")
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    return parser.parse_args(given)


def _scene(samples: int, scale: int) -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH_PX, HEIGHT_PX, scale
    render.fps, scene.frame_start, scene.frame_end = FPS, 0, FRAMES - 1
    render.use_motion_blur, render.motion_blur_shutter = True, _SHUTTER_FRAMES
    render.use_persistent_data = True
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
    render.image_settings.color_depth, render.image_settings.compression = "16", 15
    cycles.device, cycles.samples = "CPU", samples
    # A fixed number of samples: adaptive sampling would stop at other counts once the figure is in the shot.
    cycles.use_adaptive_sampling, cycles.use_denoising = False, False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 1, 1, 1
    cycles.transmission_bounces, cycles.transparent_max_bounces = 1, 1
    cycles.sample_clamp_indirect, cycles.sample_clamp_direct = 1.5, 12.0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    scene.view_settings.view_transform, scene.view_settings.look = "Filmic", "Medium High Contrast"
    scene.view_settings.exposure = 0.15
    return scene


def _daylight(scene: bpy.types.Scene) -> None:
    """A sun lamp and a smooth blue sky. Only the sun is sampled as a light: the sky needs no more than bounces."""
    lamp = bpy.data.lights.new("sun", "SUN")
    lamp.energy, lamp.angle, lamp.color = 6.2, math.radians(0.9), (1.0, 0.92, 0.80)
    sun = bpy.data.objects.new("sun", lamp)
    sun.rotation_euler = Euler((math.pi / 2 - SUN_ELEVATION, 0.0, SUN_AZIMUTH))
    scene.collection.objects.link(sun)
    world = scene.world = bpy.data.worlds.new("sky")
    world.use_nodes, world.cycles.sampling_method = True, "NONE"
    nodes, links = world.node_tree.nodes, world.node_tree.links
    up = nodes.new("ShaderNodeSeparateXYZ")
    links.new(nodes.new("ShaderNodeTexCoord").outputs["Generated"], up.inputs[0])
    sky = nodes.new("ShaderNodeValToRGB")
    sky.color_ramp.elements[0].color, sky.color_ramp.elements[1].color = (0.80, 0.88, 1.0, 1), (0.36, 0.54, 0.95, 1)
    links.new(up.outputs["Z"], sky.inputs["Fac"])
    background = nodes["Background"]
    background.inputs["Strength"].default_value = 1.0
    links.new(sky.outputs["Color"], background.inputs["Color"])


def _camera(scene: bpy.types.Scene) -> None:
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.lens, camera.data.sensor_width = 35.0, 36.0
    scene.collection.objects.link(camera)
    scene.camera = camera
    for frame in range(-1, FRAMES + 1):
        pose = handheld.camera_at(frame / FPS, FRAMES / FPS)
        camera.location = (pose.x_m, pose.y_m, pose.z_m)
        camera.rotation_euler = (math.pi / 2 + pose.tilt, pose.roll, pose.pan)
        camera.keyframe_insert("location", frame=frame)
        camera.keyframe_insert("rotation_euler", frame=frame)


def _render(scene: bpy.types.Scene, frame: int, folder: Path, border: tuple[int, int, int, int] | None) -> None:
    target = folder / f"{frame:04d}.png"
    if target.exists():
        return
    scene.frame_set(frame)
    scene.cycles.seed = 1000 + frame
    render = scene.render
    render.use_border, render.use_crop_to_border = border is not None, False
    if border is not None:
        x0, y0, x1, y1 = border
        render.border_min_x, render.border_max_x = x0 / WIDTH_PX, x1 / WIDTH_PX
        render.border_min_y, render.border_max_y = 1 - y1 / HEIGHT_PX, 1 - y0 / HEIGHT_PX
    # Rendered beside and renamed: a file that exists is a whole frame.
    beside = folder / f"part-{frame:04d}.png"
    render.filepath = str(beside)
    bpy.ops.render.render(write_still=True)
    beside.rename(target)


def _bounds(scene: bpy.types.Scene, walker: Walker) -> tuple[int, int, int, int]:
    """Return the box round the figure and its shadow at the frame's own moment."""
    graph = bpy.context.evaluated_depsgraph_get()
    seen: list[Vector] = []
    for part in walker.parts:
        thing = part.evaluated_get(graph)
        for vertex in thing.data.vertices:
            point = thing.matrix_world @ vertex.co
            seen += [point, _shadow(point)]
    flat = [world_to_camera_view(scene, scene.camera, point) for point in seen]
    xs, ys = [p.x * WIDTH_PX for p in flat], [(1 - p.y) * HEIGHT_PX for p in flat]
    return math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))


def _border(bounds: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return the part of the frame to render, with room for motion blur and soft light."""
    x0, y0, x1, y1 = bounds
    margin = _BORDER_MARGIN_PX
    return max(0, x0 - margin), max(0, y0 - margin), min(WIDTH_PX, x1 + margin), min(HEIGHT_PX, y1 + margin)


def _shadow(point: Vector) -> Vector:
    """Return where the sun throws a point's shadow: on the wall (y = 0) or on the pavement (z = 0)."""
    level = math.cos(SUN_ELEVATION)
    ray = Vector((-level * math.sin(SUN_AZIMUTH), level * math.cos(SUN_AZIMUTH), -math.sin(SUN_ELEVATION)))
    to_wall, to_ground = -point.y / ray.y, -point.z / ray.z
    return point + ray * max(0.0, min(to_wall, to_ground))


def _note(path: Path, bounds: tuple[int, int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(bounds)))


main()
