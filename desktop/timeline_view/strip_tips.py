"""What the strip says of the place under the cursor. Without Qt."""

from __future__ import annotations

from collections.abc import Sequence

from desktop.base.language import tr
from desktop.editing.markers import MarkerPlace
from desktop.editing.shot_speed import speed_text
from desktop.editing.timeline_map import ShotSpan
from desktop.rendering.results import ResultStore
from timeline.retime import speed_of, used_frames
from timeline.shot import Shot


def result_tip(results: ResultStore, span: ShotSpan, frame: int) -> str:
    """How far a timeline frame of a shot is, how far its result can be trusted, and its context windows."""
    shot, media_frame = span.shot, span.shot.source_start + frame - span.start
    state = tr(results.state(shot, media_frame).value)
    lines = [tr("Frame {frame}: {state}").format(frame=frame, state=state)]
    (measure,) = results.measures(shot, range(media_frame, media_frame + 1))
    if measure.confidence is not None:
        lines.append(tr("Confidence {value}").format(value=f"{measure.confidence:.2f}"))
    if measure.share_synthesised is not None:
        lines.append(tr("{share} of the matte invented").format(share=f"{measure.share_synthesised:.1%}"))
    windows = results.windows(shot)
    for number, window in enumerate(windows, 1):
        if media_frame in window:
            text = tr("Window {number} of {count}: frames {first} to {last}")
            first, last = span.timeline_frame(window.start), span.timeline_frame(window.stop - 1)
            lines.append(text.format(number=number, count=len(windows), first=first, last=last))
    return "\n".join(lines)


def shot_tip(shot: Shot) -> str:
    """What a shot shows, and how the edit plays it where that differs."""
    frames = tr("Frames {first} to {last} of the media").format(first=shot.source_start, last=shot.frames[-1])
    lines = [shot.name, shot.media_path, frames]
    if speed_of(shot) != 1:
        used = used_frames(shot)
        text = tr(
            "The edit plays it at another speed ({speed}) and uses frames {first} to {last}; trim it to clean those."
        )
        lines.append(text.format(speed=speed_text(shot), first=used.start, last=used[-1]))
    return "\n".join(line for line in lines if line)


def marker_tip(places: Sequence[MarkerPlace]) -> str:
    """Names and notes of markers."""
    return "\n".join(
        f"{place.marker.name or tr('Marker')} ({place.frame})" + (f"\n{place.marker.note}" if place.marker.note else "")
        for place in places
    )
