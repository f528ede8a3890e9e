"""Open a movie, an image sequence or a still by its path."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from timeline.errors import MediaNotFoundError, MediaUnreadableError
from timeline.media.media_reader import MediaReader
from timeline.media.movie_reader import MovieReader
from timeline.media.sequence_files import IMAGE_ENDINGS, find_sequence, is_pattern, sequence_in_folder
from timeline.media.sequence_reader import SequenceReader, open_still

__all__ = ["MediaReader", "open_media"]


def open_media(path: str | os.PathLike[str], *, rate: Fraction | None = None) -> MediaReader:
    """A reader of a movie, a sequence (``plate.####.exr``, ``plate.%04d.png``, its folder) or one image (1 frame).

    ``rate`` in frames per second overrides what the media says; sequences that say nothing play at 24.
    Raises MediaNotFoundError when the file, or frames of the sequence, are not there, MediaUnreadableError when what
    is there cannot be decoded.
    """
    if not os.fspath(path):
        raise MediaNotFoundError("this shot names no media; choose its file with Shot > Relink Media")
    source = Path(path)
    if source.is_dir():
        return SequenceReader(sequence_in_folder(source), rate)
    if not source.exists():
        if is_pattern(source.name):
            return SequenceReader(find_sequence(source), rate)
        raise MediaNotFoundError(f"{source} does not exist; check the path")
    if not os.access(source, os.R_OK):
        raise MediaUnreadableError(f"{source} may not be read; change its permissions")
    if source.stat().st_size == 0:
        raise MediaUnreadableError(f"{source} is empty (0 bytes); copy or export it again")
    if source.suffix.lower() in IMAGE_ENDINGS:
        return open_still(source, rate)
    return MovieReader(source, rate)
