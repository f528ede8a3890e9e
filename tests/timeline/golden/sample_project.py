"""The project that ``project_v1.otio`` holds. Run this module to write the file anew after a change of format."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from roi_tools.keyframes import Keyframe, Track
from roi_tools.shapes import AnimatedRectangle
from timeline.project import Project
from timeline.project_file import save_project
from timeline.removal import Removal
from timeline.shot import Shot

GOLDEN = Path(__file__).with_name("project_v1.otio")


def golden_project() -> Project:
    """Two shots; every kind of field differs from its default somewhere. Media lie beside the file."""
    folder = GOLDEN.parent
    moving = AnimatedRectangle(
        Track((Keyframe(12, (10.5, 20.0, 110.25, 220.0)), Keyframe(30, (40.0, 20.0, 140.0, 221.5), "hold"))), 12, 40
    )
    rider = Removal("rider", "Rider", moving, "clean-plate", {"feather_px": 2.5, "grow_px": 3, "grain": True})
    sign = Removal(
        "sign",
        "Sign on the wall",
        AnimatedRectangle(Track((Keyframe(0, (0.0, 0.0, 64.0, 32.0)),))),
        "vace",
        {"prompt": "brick wall, überall Efeu", "seed": 7},
        enabled=False,
    )
    street = Shot(
        "street", "Street", str(folder / "a b" / "street.mov"), Fraction(24000, 1001), 12, 60, (rider, sign), 86_400, 96
    )
    plate = Shot("plate", "Plate", str(folder / "plate.####.exr"), Fraction(25), 0, 10, media_frame_count=10)
    return Project("Golden", (street, plate))


if __name__ == "__main__":
    save_project(golden_project(), GOLDEN)
