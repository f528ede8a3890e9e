"""Draws the pictures of the window without a screen, or under xvfb-run:

    python docs/images/make_screenshots.py FOLDER [--language ja] [--scale 1.5] [--size 1280x720 ...]
                                           [--only tracking ...] [--home HOME] [--clips FOLDER]

A real engine renders the sample shot, so the pictures show what a person sees. The first run takes some minutes; with
the same HOME later ones find the frames in its cache. With a folder of clips (tennis, bmx-trees, each a clip.mp4 with
its boxes.json and mask.mkv) roto and tracking are shown on those.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=["en", "ja"], default="en")
    parser.add_argument("--scale", default="1")
    parser.add_argument("--size", nargs="+", default=["1500x940"])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--clips", type=Path)
    return parser.parse_args()


def main() -> None:
    """Take them all, or those that are asked for."""
    options = _options()
    os.environ["QT_SCALE_FACTOR"] = options.scale
    os.environ["GRAYPLATE_HOME"] = str(
        (options.home or Path(tempfile.mkdtemp(prefix="grayplate-pictures-"))).absolute()
    )
    if not os.environ.get("DISPLAY"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"

    from window_states import STATES, Stage

    sizes = [(int(width), int(height)) for width, height in (text.split("x") for text in options.size)]
    stage = Stage(options.folder.absolute(), options.language, sizes, options.clips)
    for name, state in STATES.items():
        if not options.only or name in options.only:
            stage.name = name
            state(stage)
    stage.close()


if __name__ == "__main__":
    main()
