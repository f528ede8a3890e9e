"""Make the sample project: the sample clip as one shot, with a removal along the walker's keyframes.

Run it after `encode_sample.py`, from the repository's root: `python -m resources.sample.make_project`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from roi_tools.keyframes import Keyframe, Track
from roi_tools.shapes import AnimatedRectangle
from timeline.media.probe import probe
from timeline.project import Project
from timeline.project_file import save_project
from timeline.removal import Removal
from timeline.shot import Shot

SAMPLE = Path(__file__).resolve().parent


def sample_project(folder: Path = SAMPLE) -> Project:
    """The project of `walkby.mp4` and `walkby_keyframes.json` in `folder`; the same each time.

    The removal lasts from the first keyframe to the last: before and after it nobody is in the picture.
    """
    keyframes = json.loads((folder / "walkby_keyframes.json").read_text(encoding="utf-8"))["keyframes"]
    track = Track.of(Keyframe(entry["frame"], tuple(map(float, entry["box"]))) for entry in keyframes)
    walker = Removal("walker", "Walker", AnimatedRectangle(track, track.frames[0], track.frames[-1]))
    shot = Shot.from_media(probe(folder / "walkby.mp4"))
    return Project("Walk-by", (replace(shot, id="walkby", name="Walk-by", removals=(walker,)),))


if __name__ == "__main__":
    save_project(sample_project(), SAMPLE / "walkby.otio")
