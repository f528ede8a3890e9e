"""Where the clips of a timeline lie: on which track, and after how much of nothing.

With one track shots lie end to end: its gaps hold nothing to work on. With several, each lies at its time, so that one
sees what is over what.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import opentimelineio as otio

from timeline.shot import Shot


def placed_shots(clips: Sequence[tuple[otio.schema.Clip, Shot]], timeline: otio.schema.Timeline) -> tuple[Shot, ...]:
    """The shots of these clips, each with its track (0 = the lowest that has any) and the gap before it.

    Times are counted in frames of the first shot.
    """
    tracks = [_track_of(clip, timeline) for clip, _ in clips]
    numbers = {track: number for number, track in enumerate(sorted(set(tracks)))}
    if len(numbers) < 2:
        return tuple(shot for _, shot in clips)
    rate = clips[0][1].media_rate
    ends = [0] * len(numbers)
    placed = []
    for (clip, shot), track in zip(clips, tracks, strict=True):
        number = numbers[track]
        gap_frames = max(round(_seconds(clip, timeline) * rate) - ends[number], 0)
        ends[number] += gap_frames + shot.duration_frames
        placed.append(replace(shot, track=number, gap_before_frames=gap_frames))
    return tuple(placed)


def strip_frame(
    seconds: float, timeline: otio.schema.Timeline, shots: Sequence[Shot], clips: Sequence[otio.schema.Clip]
) -> int:
    """The frame of our timeline for a time of the loaded one; in a gap that is closed, the end of what is before it."""
    if not shots:
        return 0
    rate = shots[0].media_rate
    if any(shot.track for shot in shots):
        return max(round(Fraction(seconds) * rate), 0)
    starts_s = [float(_seconds(clip, timeline)) for clip in clips]
    position = bisect_right(starts_s, seconds) - 1
    if position < 0:
        return 0
    inside = round((Fraction(seconds) - Fraction(starts_s[position])) * shots[position].media_rate)
    before = sum(shot.duration_frames for shot in shots[:position])
    return before + min(inside, shots[position].duration_frames)


def _track_of(clip: otio.schema.Clip, timeline: otio.schema.Timeline) -> int:
    """Position in the stack of tracks of the track that a clip, or the stack that holds it, lies on."""
    item: otio.core.Composable = clip
    while (parent := item.parent()) is not None and parent is not timeline.tracks:
        item = parent
    return next((index for index, child in enumerate(timeline.tracks) if child is item), 0)


def _seconds(clip: otio.schema.Clip, timeline: otio.schema.Timeline) -> Fraction:
    """Where a clip begins in the timeline; 0 where the library cannot say."""
    start = clip.trimmed_range().start_time
    try:
        time = clip.transformed_time(start, timeline.tracks)
    except (otio.exceptions.OTIOError, ValueError, RuntimeError):
        return Fraction(0)
    return max(Fraction(time.value) / Fraction(time.rate), Fraction(0)) if time.rate > 0 else Fraction(0)
