"""What FFmpeg says when it fails, in one line."""

from __future__ import annotations

import errno

import av

AV_ERRORS = (av.FFmpegError, OSError)
"""What PyAV raises: FFmpeg's own errors, and Python's from opening files."""

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full; free space or write to another disk",
    errno.EDQUOT: "the disk quota is used up; free space or write to another disk",
    errno.EFBIG: "the file grew beyond what this disk or user may hold; write to another disk",
    errno.EACCES: "permission denied; choose a folder that you may write to",
    errno.EPERM: "permission denied; choose a folder that you may write to",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EIO: "the disk reported an input/output error; check it or write to another disk",
}


def explain(error: BaseException) -> str:
    """FFmpeg's or the system's text, and the system's error number, without the file name, which the caller adds."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    number = getattr(error, "errno", None)
    return f"{text} [errno {number}]" if number in errno.errorcode else str(text)


def explain_write(error: BaseException) -> str:
    """Like :func:`explain`, with the remedy where the disk or its permissions are the cause."""
    number = getattr(error, "errno", None)
    return _DISK_ERRORS.get(number or 0, f"{explain(error)}; write to another file or format")
