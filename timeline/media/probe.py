"""Look at media without decoding all of it."""

from __future__ import annotations

import os
from fractions import Fraction

from timeline.media.info import MediaInfo, MediaKind
from timeline.media.reader import open_media

__all__ = ["MediaInfo", "MediaKind", "probe"]


def probe(path: str | os.PathLike[str], *, rate: Fraction | None = None) -> MediaInfo:
    """What :func:`open_media` would report about ``path``; same arguments, same errors."""
    with open_media(path, rate=rate) as reader:
        return reader.info
