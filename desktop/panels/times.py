"""Times as a person reads them."""

from __future__ import annotations

from desktop.base.language import tr


def duration_text(seconds: float) -> str:
    """``12 s``, ``3 min 05 s``, ``1 h 02 min``."""
    whole = round(seconds)
    if whole < 60:
        return tr("{seconds} s").format(seconds=whole)
    if whole < 3600:
        return tr("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=f"{whole % 60:02d}")
    return tr("{hours} h {minutes} min").format(hours=whole // 3600, minutes=f"{whole % 3600 // 60:02d}")


def about_duration_text(seconds: float) -> str:
    """``About 12 s``, ``About 4 min``, ``About 1.5 h``: as precise as a forecast is."""
    if seconds < 90:
        return tr("About {seconds} s").format(seconds=max(round(seconds), 1))
    if seconds < 5400:
        return tr("About {minutes} min").format(minutes=round(seconds / 60))
    return tr("About {hours} h").format(hours=f"{seconds / 3600:.1f}")
