"""Draws the timeline strip: ruler, shots, removals with keyframes, playhead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from desktop.base import theme
from desktop.base.language import tr
from desktop.editing.shot_speed import speed_text
from desktop.editing.timeline_map import ShotSpan
from desktop.timeline_view.result_painter import draw_results
from desktop.timeline_view.rows import LANE_PX, PADDING_PX, RULER_PX, Rows
from desktop.timeline_view.shot_pictures import ShotPicture
from desktop.timeline_view.timeline_layout import TimelineLayout
from desktop.viewer.overlays import diamond
from roi_tools.keyframes import Interpolation
from roi_tools.shapes import AnimatedRectangle
from timeline.marking import interpolation_at
from timeline.removal import Removal

KEY_RADIUS_PX = 5.5
_LABEL_GAP_PX = 76.0
_SHORTEST_NAME_PX = 60.0
_FAINT = 70
"""Opacity of 255."""
_HOLE = 0.6
_THIN_BELOW_PX = 2.5
"""Smaller keyframes are lines: their signs could not be told apart."""


def draw_ruler(painter: QPainter, layout: TimelineLayout, width: float, length_frames: int) -> None:
    """Marks and frame numbers over the whole timeline."""
    painter.fillRect(QRectF(0, 0, width, RULER_PX), QColor(theme.WINDOW))
    step = layout.ruler_step(_LABEL_GAP_PX)
    minor = max(step // 5, 1) if step % 5 == 0 else max(step // 2, 1)
    first = max(layout.frame_at(0), 0) // minor * minor
    last = min(layout.frame_at(width) + 1, length_frames)
    painter.setFont(theme.mono_font(10))
    for frame in range(first, last + 1, minor):
        x = round(layout.x_of(frame)) + 0.5
        major = frame % step == 0
        painter.setPen(QColor("#5a5a5a" if major else "#3c3c3c"))
        painter.drawLine(QPointF(x, RULER_PX - (10 if major else 5)), QPointF(x, RULER_PX - 1))
        if major and x + _LABEL_GAP_PX / 2 <= width:
            painter.setPen(QColor(theme.TEXT_DIM))
            painter.drawText(QPointF(x + 4, 14), str(frame))


def draw_shot(painter: QPainter, layout: TimelineLayout, rows: Rows, shot: ShotPicture) -> None:
    """One shot: thumbnails under its name, its result bar below."""
    top = rows.shots_top(shot.span.shot.track)
    rect = _span_rect(layout, shot.span.start, shot.span.end_exclusive, top, rows.shot_px)
    path = QPainterPath()
    path.addRoundedRect(rect, 5, 5)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(path, QColor("#2f2f2f"))
    painter.setClipPath(path)
    _draw_thumbnails(painter, layout, shot, rect)
    if shot.offline:
        painter.fillRect(rect, QBrush(QColor(226, 99, 92, 90), Qt.BrushStyle.BDiagPattern))
    _draw_shot_name(painter, shot, rect)
    painter.restore()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.ACCENT if shot.is_current else "#454545"), 1.5 if shot.is_current else 1))
    painter.drawPath(path)
    draw_results(painter, layout, shot, rows.result_top(shot.span.shot.track))
    painter.setPen(QPen(QColor("#9fd3ff"), 2))
    for start, end in shot.in_memory:
        painter.drawLine(QPointF(layout.x_of(start), rect.bottom()), QPointF(layout.x_of(end), rect.bottom()))


def _draw_thumbnails(painter: QPainter, layout: TimelineLayout, shot: ShotPicture, rect: QRectF) -> None:
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for frame, image in shot.thumbnails:
        width = rect.height() * image.width() / image.height()
        painter.drawImage(QRectF(layout.x_of(frame), rect.top(), width, rect.height()), image)


def _draw_shot_name(painter: QPainter, shot: ShotPicture, rect: QRectF) -> None:
    painter.setFont(theme.ui_font(11, bold=True))
    text, speed = shot.span.shot.name, speed_text(shot.span.shot)
    if shot.offline:
        text = tr("{name}  (media offline)").format(name=text)
    if speed:
        text = f"{text}  ({speed})"
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(rect.width() - 24, 0))
    if not shown:
        return
    left = max(rect.left(), 0.0)
    tag = QRectF(left + 6, rect.top() + 6, metrics.horizontalAdvance(shown) + 12, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(18, 18, 18, 200))
    painter.drawRoundedRect(tag, 4, 4)
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, shown)


def draw_track_names(painter: QPainter, rows: Rows) -> None:
    """Which row is which, where there are several."""
    painter.setFont(theme.ui_font(9))
    painter.setPen(QColor(theme.TEXT_DIM))
    for track in range(rows.tracks if rows.tracks > 1 else 0):
        area = QRectF(0, rows.shots_top(track), PADDING_PX, rows.shot_px)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, f"V{track + 1}")


def draw_in_out(painter: QPainter, layout: TimelineLayout, rows: Rows, span: ShotSpan, marked: range | None) -> None:
    """The marked media frames as a bracket on the ruler; the rest of the shot under a veil."""
    if marked is None:
        return
    start, end = span.timeline_frame(marked.start), span.timeline_frame(marked.stop)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for left, right in ((span.start, start), (end, span.end_exclusive)):
        if left < right:
            veiled = _span_rect(layout, left, right, rows.shots_top(span.shot.track), rows.shot_px, inset=0)
            painter.fillRect(veiled, QColor(0, 0, 0, 130))
    painter.fillRect(_span_rect(layout, start, end, RULER_PX - 4, 4, inset=0), QColor(theme.ACCENT))
    for x in (layout.x_of(start), layout.x_of(end) - 2):
        painter.fillRect(QRectF(x, RULER_PX - 14, 2, 14), QColor(theme.ACCENT))


def draw_removal(
    painter: QPainter,
    layout: TimelineLayout,
    rows: Rows,
    span: ShotSpan,
    lane: int,
    removal: Removal,
    *,
    selected: bool,
) -> None:
    """A removal's bar over the frames where it is there."""
    rect = _bar(layout, rows, span, lane, removal)
    if rect is None:
        return
    color = theme.removal_color(lane) if removal.enabled else QColor(theme.TEXT_OFF)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    fill = QColor(color)
    fill.setAlpha(95 if selected else 45)
    painter.setPen(QPen(color, 1.2) if selected else QPen(QColor(color.red(), color.green(), color.blue(), 110), 1))
    painter.setBrush(fill)
    painter.drawRoundedRect(rect, 4, 4)


def _bar(layout: TimelineLayout, rows: Rows, span: ShotSpan, lane: int, removal: Removal) -> QRectF | None:
    """The frames on which a removal is there; None for none."""
    shot, shape = span.shot, removal.shape
    first = max(shape.first_frame if shape.first_frame is not None else shot.source_start, shot.source_start)
    last = shape.last_frame if shape.last_frame is not None else shot.source_end_exclusive - 1
    last = min(last, shot.source_end_exclusive - 1)
    if last < first:
        return None
    start, end = span.timeline_frame(first), span.timeline_frame(last) + 1
    return _span_rect(layout, start, end, rows.lane_top(lane) + 2, LANE_PX - 4)


def draw_keyframes(
    painter: QPainter,
    layout: TimelineLayout,
    rows: Rows,
    span: ShotSpan,
    lane: int,
    removal: Removal,
    *,
    selected: bool,
) -> None:
    """A sign for each keyframe by how it goes on, and the name above them; over the playhead, so that all is seen.

    Those that a track has set are hollow, or short where they are lines.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color, faint = (QColor(theme.KEYFRAME if selected else "#a8a8a8") for _ in range(2))
    faint.setAlpha(_FAINT)  # where the removal is not active, they only say where it would be
    bar = _bar(layout, rows, span, lane, removal)
    frames = [
        at for key in removal.shape.key_frames if span.start <= (at := span.timeline_frame(key)) < span.end_exclusive
    ]
    radius = key_radius_px(layout, frames, KEY_RADIUS_PX if selected else 4.0)
    centres = [key_centre(layout, rows, at, lane) for at in frames]
    for at, centre in zip(frames, centres, strict=True):
        is_active = bar is not None and bar.left() <= centre.x() <= bar.right()
        painter.setPen(QPen(QColor(theme.EDGE if is_active else "transparent"), 1))
        painter.setBrush(color if is_active else faint)
        key = at - span.start + span.shot.source_start
        tracked = is_tracked_key(removal, key)
        if radius < _THIN_BELOW_PX:
            half_px = 3 if tracked else 6
            painter.fillRect(QRectF(centre.x() - 1, centre.y() - half_px, 2, 2 * half_px), painter.brush())
        else:
            painter.drawPath(key_sign(interpolation_at(removal.shape, key), centre, radius, hollow=tracked))
    if bar is not None:
        keys_px = [centre.x() for centre in centres]
        _draw_lane_name(painter, bar, removal, selected, layout.px_per_frame / 2, keys_px)


def key_radius_px(layout: TimelineLayout, frames: Sequence[int], radius_px: float) -> float:
    """Half a key's width: less where neighbours would touch."""
    gap = min((after - before for before, after in pairwise(frames)), default=1000)
    return min(radius_px, gap * layout.px_per_frame / 2)


def is_tracked_key(removal: Removal, frame: int) -> bool:
    """Whether the keyframe on media frame ``frame`` is as a track has set it: the next track may set it anew."""
    shape = removal.shape
    key = shape.track.key_at(frame) if isinstance(shape, AnimatedRectangle) else None
    return key is not None and removal.tracked_keys.get(frame) == key.value


def key_sign(
    interpolation: Interpolation | None, centre: QPointF, radius: float, *, hollow: bool = False
) -> QPainterPath:
    """What editors know: a diamond is linear, a square holds, a circle is smooth, an hourglass has own slopes."""
    if hollow:
        around = key_sign(interpolation, centre, radius)
        around.addPath(key_sign(interpolation, centre, _HOLE * radius))  # by the odd-even rule a hole
        return around
    path, x, y = QPainterPath(), centre.x(), centre.y()
    side = 0.8 * radius
    if interpolation == "hold":
        path.addRect(QRectF(x - side, y - side, 2 * side, 2 * side))
    elif interpolation == "smooth":
        path.addEllipse(centre, 0.9 * radius, 0.9 * radius)
    elif interpolation == "bezier":
        corners = ((-1, -1), (1, -1), (0.3, 0), (1, 1), (-1, 1), (-0.3, 0))
        path.addPolygon(QPolygonF([QPointF(x + side * across, y + 1.1 * side * down) for across, down in corners]))
        path.closeSubpath()
    else:
        path.addPolygon(diamond(centre, radius))
        path.closeSubpath()
    return path


def _draw_lane_name(
    painter: QPainter, rect: QRectF, removal: Removal, selected: bool, first_key_px: float, keys_px: Sequence[float]
) -> None:
    """The name after the first key and before the next one; where that leaves no room, on a plate over the keys."""
    painter.setFont(theme.ui_font(11, bold=selected))
    left = max(rect.left(), 0.0) + first_key_px + KEY_RADIUS_PX + 5  # most removals have a keyframe on the first frame
    area = QRectF(left, rect.top(), max(rect.right() - left - 6, 0), rect.height())
    text = removal.label if removal.enabled else tr("{name}  (off)").format(name=removal.label)
    metrics = QFontMetricsF(painter.font())
    before_next_px = min((x for x in keys_px if x > left), default=area.right()) - KEY_RADIUS_PX - 6 - left
    room_px = before_next_px if before_next_px >= _SHORTEST_NAME_PX else area.width()
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, min(room_px, area.width()))
    plate = QRectF(left - 4, rect.top() + 1, metrics.horizontalAdvance(shown) + 8, rect.height() - 2)
    if shown and any(plate.left() - KEY_RADIUS_PX < x < plate.right() + KEY_RADIUS_PX for x in keys_px):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(18, 18, 18, 205))
        painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(QColor(theme.TEXT if selected else theme.TEXT_DIM))
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


def key_centre(layout: TimelineLayout, rows: Rows, timeline_frame: int, lane: int) -> QPointF:
    """Where a keyframe's diamond lies."""
    return QPointF(layout.x_of(timeline_frame + 0.5), rows.lane_top(lane) + LANE_PX / 2)


def draw_playhead(painter: QPainter, layout: TimelineLayout, frame: int, height: float) -> None:
    """A line through the frame's middle, the frame itself shaded, its number on the ruler."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = QColor(theme.PLAYHEAD)
    shade = QColor(color)
    shade.setAlpha(38)
    painter.fillRect(QRectF(layout.x_of(frame), RULER_PX, layout.px_per_frame, height - RULER_PX), shade)
    x = layout.x_of(frame + 0.5)
    painter.setPen(QPen(color, 1.5))
    painter.drawLine(QPointF(x, RULER_PX - 2), QPointF(x, height))
    painter.setFont(theme.mono_font(11))
    width = max(QFontMetricsF(painter.font()).horizontalAdvance(str(frame)) + 12, 22.0)
    tag = QRectF(max(x - width / 2, 1.0), 3, width, 17)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(tag, 4, 4)
    painter.drawPolygon(QPolygonF([QPointF(x - 5, 19), QPointF(x + 5, 19), QPointF(x, 26)]))
    painter.setPen(QColor("#1a1a1a"))
    painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, str(frame))


def _span_rect(
    layout: TimelineLayout, start: float, end: float, top: float, height: float, inset: float = 1.0
) -> QRectF:
    left, right = layout.x_of(start), layout.x_of(end)
    return QRectF(left + inset, top, max(right - left - 2 * inset, 1.0), height)
