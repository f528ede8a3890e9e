"""Procedural materials of the sample scene, and the few lines of node plumbing they need. Runs inside Blender."""

from typing import Any

import bpy

Colour = tuple[float, float, float]


class Nodes:
    """Builds one material's node tree: `add` makes a node and connects or sets its inputs."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def add(self, kind: str, inputs: dict[str | int, Any] | None = None, **properties: Any) -> Any:
        """Add a node of `kind`; an input that is a socket is linked, any other value is set."""
        node = self.tree.nodes.new(kind)
        for name, value in properties.items():
            setattr(node, name, value)
        for key, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node

    def math(self, operation: str, a: Any, b: Any = 0.0) -> Any:
        """Return the socket of `a operation b`, clamped to [0, 1] never."""
        return self.add("ShaderNodeMath", {0: a, 1: b}, operation=operation).outputs[0]

    def mix(self, factor: Any, a: Any, b: Any, blend: str = "MIX") -> Any:
        """Return the socket of a colour mix."""
        inputs = {"Fac": factor, "Color1": _rgba(a), "Color2": _rgba(b)}
        return self.add("ShaderNodeMixRGB", inputs, blend_type=blend).outputs[0]

    def noise(self, vector: Any, scale: float, detail: float = 3.0) -> Any:
        """Return the socket of a fractal noise in about [0.3, 0.7]."""
        return self.add("ShaderNodeTexNoise", {"Vector": vector, "Scale": scale, "Detail": detail}).outputs["Fac"]

    def ramp(self, factor: Any, *stops: tuple[float, Any]) -> Any:
        """Return the socket of a colour ramp through `stops` (position, colour or gray value)."""
        node = self.add("ShaderNodeValToRGB", {"Fac": factor})
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position = position
            element.color = _rgba(colour if isinstance(colour, tuple) else (colour,) * 3)
        return node.outputs["Color"]

    def position(self) -> Any:
        """Return the socket of the point's position in the object's space, in metres."""
        return self.add("ShaderNodeTexCoord").outputs["Object"]

    def split(self, vector: Any) -> Any:
        """Return the three sockets of a vector."""
        return self.add("ShaderNodeSeparateXYZ", {0: vector}).outputs

    def join(self, x: Any, y: Any, z: Any = 0.0) -> Any:
        """Return the socket of the vector (x, y, z)."""
        return self.add("ShaderNodeCombineXYZ", {0: x, 1: y, 2: z}).outputs[0]

    def bump(self, height: Any, distance_m: float, strength: float = 1.0) -> Any:
        """Return the socket of a normal perturbed by `height` in [0, 1]."""
        inputs = {"Height": height, "Distance": distance_m, "Strength": strength}
        return self.add("ShaderNodeBump", inputs).outputs[0]

    def finish(self, shader: Any, bounced: Colour) -> bpy.types.Material:
        """Connect the shader to the output and return the material.

        Only the camera sees the textures; bounced light meets the plain mean colour `bounced`, which renders
        several times faster and looks the same.
        """
        seen = self.add("ShaderNodeLightPath").outputs["Is Camera Ray"]
        plain = self.add("ShaderNodeBsdfDiffuse", {"Color": _rgba(bounced)})
        either = self.add("ShaderNodeMixShader", {0: seen, 1: plain.outputs[0], 2: shader.outputs[0]})
        self.add("ShaderNodeOutputMaterial", {"Surface": either.outputs[0]})
        return self.material

    def diffuse(self, colour: Any, normal: Any = None) -> Any:
        """Add a matt surface."""
        inputs = {"Color": _rgba(colour), "Roughness": 0.6}
        return self.add("ShaderNodeBsdfDiffuse", inputs | ({"Normal": normal} if normal else {}))

    def glossy_coat(self, base: Any, amount: float, roughness: float, normal: Any = None) -> Any:
        """Put a thin reflecting coat, stronger at grazing angles, over a base."""
        extra = {"Normal": normal} if normal else {}
        coat = self.add("ShaderNodeBsdfGlossy", {"Color": (1, 1, 1, 1), "Roughness": roughness} | extra)
        facing = self.add("ShaderNodeLayerWeight", {"Blend": 0.25} | extra).outputs["Fresnel"]
        factor = self.math("MULTIPLY", facing, amount)
        return self.add("ShaderNodeMixShader", {0: factor, 1: base.outputs[0], 2: coat.outputs[0]})


def _rgba(value: Any) -> Any:
    return (*value, 1.0) if isinstance(value, tuple) and len(value) == 3 else value


def brick_wall() -> bpy.types.Material:
    """Old red bricks in a wall along x and z: mortar bump, a tint per brick, soot, rain streaks, damp at the foot."""
    n = Nodes("brick wall")
    place = n.position()
    x, _, z = n.split(place)
    wobble = n.math("MULTIPLY", n.math("SUBTRACT", n.noise(place, 9.0, 1.0), 0.5), 0.012)
    flat = n.join(n.math("ADD", x, wobble), n.math("ADD", z, wobble))
    courses = {"Vector": flat, "Color1": (0, 0, 0, 1), "Color2": (1, 1, 1, 1), "Mortar": (0.5, 0.5, 0.5, 1)}
    size = {"Scale": 1.0, "Mortar Size": 0.0065, "Mortar Smooth": 0.25, "Brick Width": 0.225, "Row Height": 0.075}
    brick = n.add("ShaderNodeTexBrick", courses | size)
    mortar = brick.outputs["Fac"]
    tints = ((0.0, (0.085, 0.034, 0.026)), (0.2, (0.19, 0.075, 0.049)), (0.45, (0.26, 0.108, 0.066)))
    tints += ((0.7, (0.33, 0.135, 0.070)), (0.9, (0.30, 0.17, 0.105)), (1.0, (0.16, 0.085, 0.075)))
    grit = n.noise(place, 60.0, 3.0)
    face = n.mix(0.55, n.ramp(brick.outputs["Color"], *tints), n.ramp(grit, (0.3, 0.35), (0.7, 1.0)), "MULTIPLY")
    joint = n.mix(0.5, (0.40, 0.37, 0.32), n.ramp(grit, (0.3, 0.2), (0.7, 0.9)), "MULTIPLY")
    colour = n.mix(mortar, face, joint)
    soot = n.ramp(n.noise(place, 0.9, 4.0), (0.38, 0.42), (0.62, 1.0))
    colour = n.mix(0.75, colour, soot, "MULTIPLY")
    streak_at = n.join(n.math("MULTIPLY", x, 5.0), n.math("MULTIPLY", z, 0.45))
    streaks = n.ramp(n.noise(streak_at, 1.0, 3.0), (0.42, 0.5), (0.58, 1.0))
    colour = n.mix(0.5, colour, streaks, "MULTIPLY")
    salt = n.ramp(n.noise(place, 2.3, 4.0), (0.56, 0.0), (0.72, 0.55))
    colour = n.mix(salt, colour, (0.42, 0.38, 0.34))
    damp = n.math("SUBTRACT", n.math("MULTIPLY", n.noise(place, 3.0, 3.0), 1.5), n.math("MULTIPLY", z, 0.9))
    colour = n.mix(n.ramp(damp, (0.25, 0.0), (0.75, 0.75)), colour, (0.035, 0.042, 0.024))
    height = n.math("ADD", n.math("SUBTRACT", 1.0, mortar), n.math("MULTIPLY", grit, 0.7))
    return n.finish(n.diffuse(colour, n.bump(height, 0.012, 0.9)), (0.16, 0.075, 0.05))


def paving() -> bpy.types.Material:
    """Concrete slabs along x and y, stained, with dark joints."""
    n = Nodes("paving")
    place = n.position()
    courses = {"Vector": place, "Color1": (0.0, 0.0, 0.0, 1), "Color2": (1, 1, 1, 1), "Mortar": (0, 0, 0, 1)}
    size = {"Scale": 1.0, "Mortar Size": 0.008, "Mortar Smooth": 0.2, "Brick Width": 0.75, "Row Height": 0.5}
    slab = n.add("ShaderNodeTexBrick", courses | size)
    colour = n.ramp(slab.outputs["Color"], (0.0, (0.23, 0.215, 0.195)), (1.0, (0.33, 0.315, 0.285)))
    colour = n.mix(0.6, colour, n.ramp(n.noise(place, 1.6, 5.0), (0.35, 0.4), (0.62, 1.0)), "MULTIPLY")
    colour = n.mix(0.5, colour, n.ramp(n.noise(place, 90.0, 2.0), (0.3, 0.4), (0.7, 1.0)), "MULTIPLY")
    gum = n.add("ShaderNodeTexVoronoi", {"Vector": place, "Scale": 2.6}).outputs["Distance"]
    colour = n.mix(n.ramp(gum, (0.05, 0.6), (0.07, 0.0)), colour, (0.10, 0.095, 0.09))
    colour = n.mix(slab.outputs["Fac"], colour, (0.045, 0.045, 0.035))
    height = n.math("ADD", n.math("SUBTRACT", 1.0, slab.outputs["Fac"]), n.math("MULTIPLY", n.noise(place, 70.0), 0.3))
    return n.finish(n.diffuse(colour, n.bump(height, 0.008, 0.7)), (0.22, 0.21, 0.19))


def rough(
    name: str, colour: Colour, spread: float = 0.5, scale: float = 8.0, bump_m: float = 0.003
) -> bpy.types.Material:
    """A matt, mottled surface such as stone, asphalt or cloth."""
    n = Nodes(name)
    place = n.position()
    coarse, fine = n.noise(place, scale, 4.0), n.noise(place, scale * 9, 2.0)
    shade = n.ramp(n.math("MULTIPLY", n.math("ADD", coarse, fine), 0.5), (0.35, 1.0 - spread), (0.65, 1.0))
    colour_out = n.mix(1.0, colour, shade, "MULTIPLY")
    return n.finish(n.diffuse(colour_out, n.bump(coarse, bump_m * 4, 0.8)), colour)


def paint(name: str, colour: Colour, wear: float = 0.3, gloss: float = 0.5) -> bpy.types.Material:
    """Old gloss paint: a coat over a colour that dirt has dulled in patches."""
    n = Nodes(name)
    place = n.position()
    dirt = n.ramp(n.noise(place, 6.0, 5.0), (0.35, 1.0 - wear), (0.6, 1.0))
    return n.finish(n.glossy_coat(n.diffuse(n.mix(1.0, colour, dirt, "MULTIPLY")), gloss, 0.35), colour)


def glass() -> bpy.types.Material:
    """A window pane before a dark room."""
    n = Nodes("glass")
    place = n.position()
    room = n.ramp(n.noise(place, 1.3, 2.0), (0.35, (0.006, 0.007, 0.009)), (0.65, (0.035, 0.033, 0.03)))
    normal = n.bump(n.noise(place, 2.0, 1.0), 0.02, 0.15)
    return n.finish(n.glossy_coat(n.diffuse(room), 0.9, 0.12, normal), (0.02, 0.02, 0.02))


def leaves() -> bpy.types.Material:
    """Leaves that take their colour from the mesh's `tint` attribute, let some sun through and shine a little."""
    n = Nodes("leaves")
    tint = n.add("ShaderNodeAttribute", attribute_name="tint").outputs["Color"]
    vein = n.ramp(n.noise(n.position(), 40.0, 1.0), (0.3, 0.75), (0.7, 1.0))
    colour = n.mix(0.7, tint, vein, "MULTIPLY")
    through = n.add("ShaderNodeBsdfTranslucent", {"Color": n.mix(0.5, colour, (0.25, 0.36, 0.04))})
    body = n.add("ShaderNodeMixShader", {0: 0.18, 1: n.diffuse(colour).outputs[0], 2: through.outputs[0]})
    return n.finish(n.glossy_coat(body, 0.45, 0.42), (0.04, 0.10, 0.018))
