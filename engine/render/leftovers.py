"""Removes what a killed worker left half-written beside an output."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

from engine.protocol import Output

_log = logging.getLogger(__name__)


def remove_leftovers(output: Output | None) -> None:
    """Removes the hidden ``.part`` file or folder that ``timeline.media`` writes before it renames.

    Only for a job that nobody is working on: an output that is being written has one too.
    """
    if output is None:
        return
    target = Path(output.path)
    # A movie has its whole stem in the name, a sequence what stands before its number.
    stem = re.escape(re.split(r"#|%|@", target.stem)[0])
    pattern = re.compile(rf"\.{stem}\.?[0-9a-f]{{8}}\.part({re.escape(target.suffix)})?")
    try:
        left = [entry for entry in target.parent.iterdir() if pattern.fullmatch(entry.name)]
        for entry in left:
            _log.info("removing %s, which a worker left behind", entry)
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    except OSError as error:
        _log.warning("what a worker left beside %s cannot be removed: %s", target, error)
