"""What a pass did, in one line for the terminal."""

from __future__ import annotations

from engine.protocol import PassReport


def pass_summary(report: PassReport) -> str:
    """Where the pixels of a pass came from, as far as its effect says."""
    told: list[str] = []
    for share, what in (
        (report.share_recovered, "from other frames"),
        (report.share_kept, "kept"),
        (_difference(report.share_synthesised, report.share_generated), "invented"),
        (report.share_generated, "by the model"),
    ):
        if share is not None and (share > 0 or what == "from other frames"):
            told.append(f"{share:.1%} {what}")
    if report.mean_confidence is not None:
        told.append(f"mean confidence {report.mean_confidence:.2f}")
    if report.frames_never_visible:
        told.append(f"{report.frames_never_visible} frames hold something that no frame within reach shows")
    return f"{report.effect}: {', '.join(told) or f'{report.frames_cleaned} frames'}"


def _difference(total: float | None, part: float | None) -> float | None:
    return None if total is None else total - (part or 0.0)
