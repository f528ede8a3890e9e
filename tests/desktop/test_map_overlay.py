"""Maps over the result: colours, stripes, what is not known; without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.viewer.comparison import Compare
from desktop.viewer.map_overlay import FARTHEST_FRAMES, MapKind, MapOverlay, legend, map_rgba
from desktop.viewer.view_transform import ViewTransform
from engine.protocol import FrameEvent
from roi_tools.geometry import Box
from tests.desktop.conftest import EngineDoor
from timeline.media.frame_maps import GENERATED, SYNTHESISED, UNTOUCHED, FrameMaps
from timeline.media.patch import FramePatch

BOX = Box(8, 4, 40, 20)
FRAME = 100


def maps(provenance: int, confidence: float | None = None, never: bool | None = None) -> FrameMaps:
    shape = BOX.height_px, BOX.width_px
    return FrameMaps(
        BOX,
        np.full(shape, provenance, np.int32),
        None if confidence is None else np.full(shape, confidence, np.float32),
        None if never is None else np.full(shape, never),
    )


def color(provenance: int) -> tuple[int, int, int]:
    """Of the lightest pixel: beside the stripes, if there are any."""
    rgba = map_rgba(maps(provenance), MapKind.PROVENANCE, FRAME)
    assert rgba is not None
    return tuple(rgba[..., :3].max(axis=(0, 1)).tolist())


def is_striped(rgba: np.ndarray) -> bool:
    return len(np.unique(rgba.reshape(-1, 4), axis=0)) == 2


def test_colours_say_how_far_in_time_a_pixel_comes_from() -> None:
    before, after = color(FRAME - 1), color(FRAME + 1)
    assert before[2] > before[0] and after[0] > after[2]  # blue and orange
    assert sum(color(FRAME - 30)) < sum(before) and sum(color(FRAME + 30)) < sum(after)
    assert color(FRAME - FARTHEST_FRAMES) == color(0)
    entries = {entry.text: entry.color for entry in legend(MapKind.PROVENANCE)}
    assert color(FRAME) == entries["kept as shot"] and color(FRAME - 90) == entries["long before"]
    assert color(SYNTHESISED) == entries["invented"] and color(GENERATED) == entries["by the model"]


@pytest.mark.parametrize("provenance", [SYNTHESISED, GENERATED])
def test_what_was_invented_is_striped_where_it_lies_in_the_frame(provenance: int) -> None:
    rgba = map_rgba(maps(provenance), MapKind.PROVENANCE, FRAME)
    assert rgba is not None and is_striped(rgba)
    moved = FrameMaps(BOX.shifted(1, 0), maps(provenance).provenance)
    other = map_rgba(moved, MapKind.PROVENANCE, FRAME)
    assert other is not None
    np.testing.assert_array_equal(other[:, :-1], rgba[:, 1:])
    recovered = map_rgba(maps(3), MapKind.PROVENANCE, FRAME)
    assert recovered is not None and not is_striped(recovered)


def test_confidence_goes_from_red_over_yellow_to_green() -> None:
    shown = [map_rgba(maps(3, value), MapKind.CONFIDENCE, FRAME) for value in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for rgba, entry in zip(shown, legend(MapKind.CONFIDENCE), strict=True):
        assert rgba is not None and tuple(rgba[0, 0, :3].tolist()) == entry.color
    assert map_rgba(maps(3), MapKind.CONFIDENCE, FRAME) is None


def test_what_is_never_seen_is_hatched_and_all_else_is_clear() -> None:
    rgba = map_rgba(maps(SYNTHESISED, never=True), MapKind.NEVER_SEEN, FRAME)
    assert rgba is not None and is_striped(rgba) and set(np.unique(rgba[..., 3])) == {0, 220}
    clear = map_rgba(maps(3, never=False), MapKind.NEVER_SEEN, FRAME)
    assert clear is not None and not clear[..., 3].any()
    assert map_rgba(maps(SYNTHESISED), MapKind.NEVER_SEEN, FRAME) is None


@pytest.mark.parametrize("kind", [MapKind.PROVENANCE, MapKind.CONFIDENCE])
def test_what_was_not_marked_is_clear(kind: MapKind) -> None:
    rgba = map_rgba(maps(UNTOUCHED, 1.0), kind, FRAME)
    assert rgba is not None and not rgba[..., 3].any()


def test_the_choice_above_the_picture_draws_the_maps_of_the_frame_shown(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    luma, chroma = np.full((16, 16), 90, np.uint8), np.full((8, 8), 128, np.uint8)
    box = Box(8, 8, 24, 24)
    patch_path, maps_path = tmp_path / "0.patch", tmp_path / "0.maps"
    FramePatch(box, (luma, chroma, chroma)).save(patch_path)
    FrameMaps(box, np.full((16, 16), SYNTHESISED, np.int32)).save(maps_path)
    marked.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: marked.renders.active is not None and marked.renders.active.job_id is not None)
    door.engine.say(
        FrameEvent(job_id=door.engine.last_job, frame=0, patch_path=str(patch_path), maps_path=str(maps_path))
    )
    qtbot.waitUntil(lambda: marked.canvas.frame is not None and marked.canvas.frame.native_result is not None)

    def middle() -> QColor:
        x, y = marked.canvas.view.to_widget(16.5, 20.5)
        return marked.canvas.grab().toImage().pixelColor(int(x), int(y))

    plain = middle()
    marked.viewer.look.maps.setCurrentIndex(list(MapKind).index(MapKind.PROVENANCE))
    tinted = middle()
    assert tinted.red() - tinted.green() > 40 > abs(plain.red() - plain.green())
    marked.canvas.set_compare(Compare.SOURCE)
    assert middle().red() - middle().green() < 40
    marked.viewer.look.maps.setCurrentIndex(0)
    marked.canvas.set_compare(Compare.RESULT)
    assert middle() == plain


class TestOverlay:
    def painted(self, overlay: MapOverlay) -> np.ndarray:
        """(100, 200, 3): the overlay at twice its size, over black."""
        image = QImage(200, 100, QImage.Format.Format_RGB888)
        image.fill(0)
        painter = QPainter(image)
        overlay.paint(painter, ViewTransform(2.0, 10.0, 0.0))
        painter.end()
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(100, image.bytesPerLine())
        return pixels[:, : 3 * 200].reshape(100, 200, 3).copy()

    def test_it_lies_where_the_box_is_and_has_a_legend(self, qapp, tmp_path: Path) -> None:
        path = tmp_path / "a.maps"
        maps(3, 1.0).save(path)
        overlay = MapOverlay()
        overlay.show(str(path), FRAME)
        assert overlay.image is None and not self.painted(overlay).any()
        overlay.kind = MapKind.CONFIDENCE
        seen = self.painted(overlay)
        assert seen[8:40, 26:90].any(axis=2).all()
        assert not seen[:8].any() and not seen[8:40, :26].any() and not seen[8:40, 90:].any()
        assert seen[66:88, 12:60].any()  # the legend

    def test_a_file_that_is_gone_or_silent_leaves_the_result_and_says_so(self, qapp, tmp_path: Path) -> None:
        overlay = MapOverlay()
        overlay.kind = MapKind.PROVENANCE
        for path in (None, str(tmp_path / "gone.maps")):
            overlay.show(path, FRAME)
            seen = self.painted(overlay)
            assert overlay.image is None and not seen[:60].any() and seen[66:88].any()

    def test_a_file_is_read_once_while_it_is_shown(self, qapp, tmp_path: Path) -> None:
        path = tmp_path / "a.maps"
        maps(3).save(path)
        overlay = MapOverlay()
        overlay.kind = MapKind.PROVENANCE
        overlay.show(str(path), FRAME)
        first = overlay.image
        path.unlink()
        overlay.show(str(path), FRAME)
        assert overlay.image is first
        overlay.show(str(path), FRAME + 1)
        assert overlay.image is None
