"""Media paths as OpenTimelineIO's target URLs, relative to the project file wherever that is possible."""

from __future__ import annotations

import os
import re
from pathlib import Path, PureWindowsPath
from urllib.parse import quote, unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_CONTROL = re.compile(r"[\x00-\x1f]")
_FILE_SCHEME = re.compile(r"file://(localhost)?", re.IGNORECASE)


def url_of_media(path: str, folder: Path) -> str:
    """The URL of ``path`` as seen from ``folder``: relative, with forward slashes and percent escapes.

    A path on another Windows drive becomes a ``file://`` URL; a URL, or a Windows path elsewhere, stays as it is.
    """
    if not path or _is_foreign(path):
        return path
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive
        return Path(path).absolute().as_uri()
    return quote(Path(relative).as_posix())


def media_of_url(url: str, folder: Path) -> str:
    """The inverse of :func:`url_of_media`: an absolute path; other programs' plain paths are understood as well."""
    if (match := _FILE_SCHEME.match(url)) is not None:
        local = _unescaped(url[match.end() :])
        drive = re.match(r"/[A-Za-z]:", local)  # file:///C:/media
        return local[1:] if drive else os.path.normpath(local)
    if not url or _is_foreign(url):
        return url
    plain = os.path.normpath(folder.absolute() / url)
    return plain if Path(plain).exists() else os.path.normpath(folder.absolute() / _unescaped(url))


def _unescaped(text: str) -> str:
    """Percent escapes resolved, except where that makes nonsense of a pattern such as ``plate.%04d.exr``."""
    plain = unquote(text)
    return text if _CONTROL.search(plain) else plain


def _is_foreign(path: str) -> bool:
    is_windows_path = PureWindowsPath(path).is_absolute() and os.name != "nt" and not path.startswith("/")
    return is_windows_path or _SCHEME.match(path) is not None
