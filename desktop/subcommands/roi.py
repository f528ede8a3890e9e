"""``grayplate roi``: what marks a shot, from one file format to another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``grayplate roi``."""
    parser.add_argument(
        "source",
        metavar="FILE",
        help="an ROI file or boxes (.json), COCO (.json), CVAT (.xml), MOT (.txt), Nuke (.nk), or a matte as media",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help="ROI file (.json), Nuke (.nk), Silhouette (.fxs), Blender script (.py), or a matte such as matte.####.png",
    )
    parser.add_argument("--media", metavar="CLIP", help="the clip that is marked, where FILE does not say its size")
    parser.add_argument("--first-number", type=int, default=0, metavar="N", help="number of frame 0 in .nk, .fxs, .py")
    parser.add_argument(
        "--error", type=float, default=1.0, metavar="PX", help="how far shapes may lie from a matte's edge; default: 1"
    )
    parser.add_argument("--label", default="matte", help="name of what is found in a matte or in unnamed boxes")
    parser.add_argument("--layer", default="", help="the layer to write, where OUTPUT holds one")
    matte = parser.add_argument_group("of a matte that is written, in this order")
    matte.add_argument("--union", type=int, default=0, metavar="N", help="join it with N frames on either side")
    matte.add_argument("--fill-holes", action="store_true", help="fill what it encloses")
    matte.add_argument("--hull", action="store_true", help="fill its convex hull")
    matte.add_argument("--grow", type=int, default=0, metavar="PX", help="widen it, or narrow it where negative")
    matte.add_argument(
        "--feather", type=float, default=0.0, metavar="PX", help="make it soft outwards, or inwards where negative"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUTPUT if it exists")


def run(options: argparse.Namespace) -> int:
    """Convert; raises errors of every floor below."""
    from desktop.roto.roi_files import RoiOptions, read_marks_of, write_marks
    from roi_tools.matte_operations import MatteFinish
    from timeline.media.reader import open_media

    finish = MatteFinish(options.union, options.fill_holes, options.hull, options.grow, options.feather)
    given = RoiOptions(options.first_number, options.error, options.label, options.layer, finish)
    clip = None
    if options.media:
        with open_media(options.media) as reader:
            clip = reader.info
    document = read_marks_of(Path(options.source), clip, given)
    left_out = write_marks(Path(options.output), document, given, overwrite=options.overwrite)
    for label in left_out:
        print(
            f"warning: '{label}' is left out: {Path(options.output).suffix} holds closed shapes only", file=sys.stderr
        )
    shapes = sum(len(layer.shapes) for layer in document.layers)
    print(f"{options.output}: {document.frames} frames, {len(document.boxes)} box tracks, {shapes} shapes")
    return 0
