"""Open a movie or an image sequence for writing, by the ending of its name."""

from __future__ import annotations

import os

from timeline.media.delivery import Delivery, delivery_for
from timeline.media.info import MediaInfo
from timeline.media.media_writer import MediaWriter
from timeline.media.movie_writer import MovieWriter
from timeline.media.sequence_writer import SequenceWriter

__all__ = ["Delivery", "MediaWriter", "delivery_for", "open_writer"]


def open_writer(path: str | os.PathLike[str], info: MediaInfo, *, overwrite: bool = False) -> MediaWriter:
    """A writer for frames like those of ``info`` (its size, format, rate, timecode and colour tags are kept).

    Raises MediaExistsError at once when the target is there and ``overwrite`` is False, MediaWriteError when its
    folder is missing or not writable, or when the format cannot hold these frames.
    """
    delivery = delivery_for(path)
    if delivery.is_sequence:
        return SequenceWriter(delivery, info, overwrite)
    return MovieWriter(delivery, info, overwrite)
