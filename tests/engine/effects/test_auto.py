"""The ``auto`` effect, on footage with known truth and a tiny random model: who paints what, and what is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import paths
from engine.effects import auto
from engine.effects.auto import Auto
from engine.effects.clean_plate import CleanPlate
from engine.effects.vace import Vace
from engine.errors import CancelledError, WeightsError
from engine.hybrid.parameters import part_of
from engine.hybrid.rest import SEAM_PX
from engine.ofx.effect import GENERATED, SYNTHESISED, Clips, RenderedImage
from engine.ofx.parameters import COMPOSITE_PARAMETERS, ParameterSet
from engine.protocol import (
    Event,
    FrameEvent,
    FrameRange,
    MediaSource,
    Output,
    ParameterValue,
    Remedy,
    RenderPass,
    RenderReport,
    RenderRequest,
    Stage,
    WindowsEvent,
)
from engine.render.job_link import JobLink
from engine.render.shot_render import render_shot
from engine.vace.files.weights import MODEL_VARIABLE
from engine.vace.sampling.control import FrameSource
from roi_tools.geometry import Box, Size, frame_box
from tests.engine.plate.synthetic import Clip, Shadowed, texture
from tests.support.media import noise_frame, write_clip
from tests.support.tiny_wan import build_tiny_wan
from timeline.media.frame import Frame
from timeline.media.reader import open_media

SIZE = Size(120, 96)
FRAMES = range(22)
STILL = texture(SIZE.width_px, SIZE.height_px)
CORNER = Box(70, 50, 112, 90)
GUARD_PX = 4
"""Around a matte no pixels are lent."""


def passing(frame: int) -> Box:
    """Uncovers everything within the shot."""
    return Box(6 * frame, 30, 6 * frame + 24, 60)


def staying(frame: int) -> Box:
    """Never uncovers anything."""
    del frame
    return CORNER


def growing(frame: int) -> Box:
    """Hides its left 40 px always, what is right of them only later."""
    return Box(16, 30, 56 + 3 * max(frame - 8, 0), 64)


class Source:
    """A SourceClip of a synthetic clip."""

    is_scene_linear, frames, size = False, FRAMES, SIZE

    def __init__(self, clip: Clip) -> None:
        self._clip = clip

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        return self._clip.rgb(frame, window)


class Matte:
    """A MatteClip: the clip's boxes."""

    frames = known_frames = FRAMES
    size = SIZE

    def __init__(self, clip: Clip) -> None:
        self._clip = clip

    def bounds(self, frame: int) -> Box | None:
        box = self._clip.box_of(frame)
        return box and box.clipped(SIZE)

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        return self._clip.hole(frame)[(window or frame_box(SIZE)).slices].astype(np.float32)


class Recorder:
    """A host that remembers what it was told, and cancels when it is asked to."""

    def __init__(self, cancel: Callable[[Stage, str], bool] = lambda stage, message: False) -> None:
        self.cancel = cancel
        self.told: list[tuple[Stage, float, float, str]] = []
        self.warnings: list[str] = []
        self.shown: list[range] = []
        self.previews: dict[int, list[RenderedImage]] = {}

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        self.told.append((stage, done, total, message))
        if self.cancel(stage, message):
            raise CancelledError("cancelled")

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        self.warnings.append(message)

    def windows(self, windows: Sequence[range]) -> None:
        self.shown = list(windows)

    def preview(self, frame: int, image: RenderedImage) -> None:
        self.previews.setdefault(frame, []).append(image)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    return build_tiny_wan(tmp_path_factory.mktemp("tiny-wan"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    return tmp_path / "home"


def make(box_of: Callable[[int], Box | None], host: Recorder | None = None, **given: ParameterValue) -> Auto:
    clip = Clip([STILL] * len(FRAMES), box_of)
    base: dict[str, ParameterValue] = {"steps": 1, "context_margin_px": 16, "preview": False}
    values = ParameterSet(Auto.describe(), base | given)
    return Auto(values, Clips(Source(clip), Matte(clip)), host or Recorder())


def render(effect: Auto, frames: range = FRAMES) -> dict[int, RenderedImage]:
    """As a host does it."""
    effect.begin_sequence_render(frames)
    try:
        return {frame: effect.render(frame) for frame in frames if not effect.is_identity(frame)}
    finally:
        effect.end_sequence_render()


def plates(effect: Auto) -> dict[int, RenderedImage]:
    """What clean-plate makes of the same."""
    plate = CleanPlate(part_of(effect.parameters, CleanPlate.describe()), effect.clips, Recorder())
    plate.begin_sequence_render(FRAMES)
    return {frame: plate.render(frame) for frame in FRAMES if not plate.is_identity(frame)}


def same(one: RenderedImage, other: RenderedImage) -> bool:
    arrays = [(getattr(one, name), getattr(other, name)) for name in ("rgb", "provenance", "confidence")]
    return one.window == other.window and all(np.array_equal(a, b) for a, b in arrays)


def origins(image: RenderedImage) -> set[int]:
    assert image.provenance is not None
    return set(np.unique(image.provenance).tolist())


def scratch_folders() -> list[Path]:
    return list(paths.render_folder().glob("hybrid-*"))


class Given:
    """What one clip of the model was conditioned on."""

    def __init__(self, video: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        self.video, self.mask = video, mask


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> list[Given]:
    """A model that paints green, and shows what it was given."""
    seen: list[Given] = []

    def generate(
        _model: object, source: FrameSource, frame_count: int, _settings: object, _progress: object, **_: object
    ) -> Iterator[NDArray[np.float32]]:
        frames = [source(index) for index in range(frame_count)]
        seen.append(Given(np.stack([frame.video for frame in frames]), np.stack([frame.mask for frame in frames])))
        for frame in frames:
            yield np.where(frame.mask[..., None], np.array([-1, 1, -1], np.float32), frame.video)

    monkeypatch.setattr("engine.vace.shot.stretch_render.generate", generate)
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny))
    return seen


# --- the descriptor ---------------------------------------------------------------------------------------------


def test_it_has_the_parameters_of_both_effects_and_its_own() -> None:
    descriptor = Auto.describe()
    names = [parameter.name for parameter in descriptor.parameters]
    assert len(names) == len(set(names)) and names[:2] == ["confidence_threshold", "smallest_part_px"]
    joined = {p.name for effect in (CleanPlate, Vace) for p in effect.describe().parameters}
    assert set(names[2:]) == joined - {"mask_mode", "fill"}
    assert names[-len(COMPOSITE_PARAMETERS) :] == [parameter.name for parameter in COMPOSITE_PARAMETERS]
    assert not descriptor.needs_model


def test_it_meets_the_edge_as_the_clean_plate_does() -> None:
    feathers = [
        {p.name: p.default for p in effect.describe().parameters}["feather_px"] for effect in (CleanPlate, Auto)
    ]
    assert feathers == [0.0, 0.0]


# --- nothing left -----------------------------------------------------------------------------------------------


def test_a_shadow_that_leaves_the_box_is_said_once() -> None:
    clip, host = Shadowed([STILL] * len(FRAMES), passing), Recorder()
    render(Auto(ParameterSet(Auto.describe(), {"preview": False}), Clips(Source(clip), Matte(clip)), host))
    assert [("at the bottom" in text) for text in host.warnings] == [True]


def test_where_all_is_recovered_it_is_the_clean_plate_and_no_model_is_touched(monkeypatch) -> None:
    class Nobody(Vace):
        def __init__(self, *_: object) -> None:
            raise AssertionError("no model is needed")

    monkeypatch.setattr(auto, "Vace", Nobody)
    host = Recorder()
    effect = make(passing, host)
    images, expected = render(effect), plates(effect)
    assert images.keys() == expected.keys() and all(same(images[frame], expected[frame]) for frame in images)
    assert host.warnings == [] and host.shown == [] and scratch_folders() == []
    done = [done for stage, done, total, _ in host.told if stage == "render" and total == len(images)]
    assert done == sorted(done) and done[-1] == len(images)


def test_where_all_is_recovered_torch_is_not_imported() -> None:
    code = (
        "import sys; from tests.engine.effects.test_auto import make, passing, render; "
        "assert len(render(make(passing))) == 20; "
        "sys.exit(bool({'torch', 'diffusers', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- something left ---------------------------------------------------------------------------------------------


def test_the_model_is_given_only_the_rest_in_gray_boxes_and_the_plate_as_known_video(echo: list[Given]) -> None:
    effect = make(growing)
    images, expected = render(effect), plates(effect)
    (given,) = echo
    assert given.mask.shape[0] == len(FRAMES) and given.mask.any(axis=(1, 2)).all()
    rows, columns = np.nonzero(given.mask[17])
    assert given.mask[17][rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()  # a box
    hidden_px = (40 + GUARD_PX + 2 * SEAM_PX, 34 + 2 * SEAM_PX)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == pytest.approx(hidden_px, abs=3)
    assert (given.video[17][given.mask[17]] == 0).all()
    # The object is green and magenta checks: what its box hides beyond the rest is the plate's.
    magenta = (np.abs(given.video - [1, -1, 1]).max(axis=3) < 0.1) | (
        np.abs(given.video - [-1, 1, -1]).max(axis=3) < 0.1
    )
    assert not magenta.any()
    image, plate = images[17], expected[17]
    assert image.provenance is not None and plate.provenance is not None and image.confidence is not None
    painted, away = image.provenance == GENERATED, np.s_[:, 40 + GUARD_PX + SEAM_PX + 2 :]
    assert painted[:, :40].all() and not painted[away].any()
    assert image.rgb[17, 20, 1] > 0.9 and image.rgb[17, 20, 0] < 0.3  # green
    assert (image.confidence[:, :40] == 0).all()
    np.testing.assert_array_equal(image.rgb[away], plate.rgb[away])
    np.testing.assert_array_equal(image.provenance[away], plate.provenance[away])
    assert image.never_visible is not None and image.never_visible[:, :40].all() and not image.never_visible[away].any()


def visiting(frame: int) -> Box:
    """Hides one place for six frames, longer than a reach of two shows it; before and after it passes elsewhere."""
    return Box(20, 40, 50, 70) if 7 <= frame < 13 else Box(11 * frame % 100, 5, 11 * frame % 100 + 8, 17)


def test_the_model_sees_the_plate_before_and_after_and_is_faded_in(echo: list[Given]) -> None:
    images = render(make(visiting, reach_frames=2, search_far=False, known_frames=3))
    assert len(images) == 22
    painted = [frame for frame, image in images.items() if GENERATED in origins(image)]
    assert painted == list(range(7, 13))
    (given,) = echo
    assert given.mask.any(axis=(1, 2)).tolist() == [False] * 3 + [True] * 6 + [False] * 3
    shares = [float((image.rgb[..., 1] > 0.9).mean()) for frame, image in images.items() if frame in (7, 9)]
    assert shares[0] < 0.1 < 0.8 < shares[1]


@pytest.fixture(scope="module")
def painted(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[int, RenderedImage], Recorder]:
    """All of ``growing`` by the tiny model."""
    host = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.HOME_VARIABLE, str(tmp_path_factory.mktemp("home")))
        return render(make(growing, host, model=str(tiny))), host


def test_the_real_model_paints_the_rest_and_nothing_else(painted: tuple[dict[int, RenderedImage], Recorder]) -> None:
    images, host = painted
    expected = plates(make(growing))
    assert not np.array_equal(images[17].rgb[:, :40], expected[17].rgb[:, :40])
    away = np.s_[:, 40 + GUARD_PX + SEAM_PX + 2 :]
    np.testing.assert_array_equal(images[17].rgb[away], expected[17].rgb[away])
    assert host.shown and host.shown[0].start == 0 and scratch_folders() == []
    done = [done for stage, done, _, _ in host.told if stage == "render"]
    assert done == sorted(done) and done[-1] == len(FRAMES)


def test_warnings_that_ask_for_what_is_decided_already_are_not_told(echo: list[Given]) -> None:
    host = Recorder()
    render(make(lambda _: Box(4, 4, 116, 92), host, seed=3, prompt="a man", guidance_scale=2.0))
    assert len(echo) == 1
    assert not any("fill" in warning for warning in host.warnings)  # vace would have more than half filled by plate
    assert any("the prompt names 'man'" in warning for warning in host.warnings)


def test_a_resume_makes_the_same_frames(painted: tuple[dict[int, RenderedImage], Recorder], tiny: Path) -> None:
    part = render(make(growing, model=str(tiny)), range(13, 16))
    assert list(part) == [13, 14, 15] and all(same(part[frame], painted[0][frame]) for frame in part)


def test_groups_that_a_resume_does_not_need_are_not_painted_again(echo: list[Given]) -> None:
    def box_of(frame: int) -> Box:
        # Twice two frames hide more than a reach of one shows; what passes in between is too small for the model.
        return CORNER if frame < 2 or frame > 19 else visiting(0).shifted(5 * frame, 0)

    render(make(box_of, reach_frames=1, search_far=False, smallest_part_px=20))
    assert len(echo) == 2
    echo.clear()
    assert list(render(make(box_of, reach_frames=1, search_far=False, smallest_part_px=20), range(20, 22))) == [20, 21]
    assert len(echo) == 1


def test_waiting_frames_are_previewed_with_their_plate_and_then_with_the_model(tiny: Path) -> None:
    host = Recorder()
    effect = make(staying, host, model=str(tiny), preview=True, steps=2)
    images = render(effect)
    expected = plates(effect)
    assert host.previews.keys() == images.keys()
    assert all(same(host.previews[frame][0], expected[frame]) for frame in images)
    assert any(len(shown) > 1 for shown in host.previews.values())


@pytest.mark.parametrize("words", ["recovering", "step"])
def test_a_cancel_leaves_nothing_behind(tiny: Path, words: str) -> None:
    host = Recorder(lambda stage, message: stage == "render" and words in message)
    with pytest.raises(CancelledError):
        render(make(staying, host, model=str(tiny)))
    assert scratch_folders() == []


# --- without a model --------------------------------------------------------------------------------------------


def test_without_a_model_the_rest_is_filled_from_around_and_a_warning_says_how_to_get_one(monkeypatch) -> None:
    monkeypatch.setattr("engine.vace.files.weights.starter_model", lambda: None)
    host = Recorder()
    effect = make(growing, host)
    images, expected = render(effect), plates(effect)
    assert all(same(images[frame], expected[frame]) for frame in FRAMES)
    assert all(SYNTHESISED in origins(image) for image in images.values())
    (warning,) = dict.fromkeys(host.warnings)
    assert warning.startswith("what no frame shows is filled from the texture around it, since no model can paint it: ")
    assert "grayplate models get" in warning
    assert [advice.message for advice in make(growing).preflight(FRAMES).warnings] == [warning]


def test_the_starter_model_paints_only_where_it_is_named(echo: list[Given], monkeypatch, tiny: Path) -> None:
    monkeypatch.delenv(MODEL_VARIABLE)
    monkeypatch.setattr("engine.vace.files.weights.starter_model", lambda: tiny)
    host = Recorder()
    effect = make(growing, host)
    images, expected = render(effect), plates(effect)
    assert all(same(images[frame], expected[frame]) for frame in FRAMES) and echo == []
    (warning,) = dict.fromkeys(host.warnings)
    assert "only the starter model is there" in warning and "name it as the model, starter-vace" in warning
    render(make(growing, model=str(tiny)))
    assert len(echo) == 1


def test_a_model_that_is_named_but_not_there_is_an_error(tmp_path: Path) -> None:
    effect = make(growing, model=str(tmp_path / "gone"))
    with pytest.raises(WeightsError, match=r"there is no model folder .*gone"):
        effect.begin_sequence_render(FRAMES)


def test_what_an_artist_painted_is_not_left_to_the_model(tmp_path: Path, echo: list[Given]) -> None:
    import cv2

    path = tmp_path / "painted.png"
    cv2.imwrite(str(path), np.rint(STILL[..., ::-1] * 255).astype(np.uint8))
    images = render(make(staying, painted_plate=str(path), painted_frame=3))
    assert echo == []
    assert all(np.abs(image.rgb - STILL[CORNER.slices]).max() < 0.05 for image in images.values())


def test_the_frames_needed_are_those_of_the_run_and_its_plate() -> None:
    assert make(passing).get_frames_needed(5) == FRAMES


# --- through a whole render -------------------------------------------------------------------------------------


def test_a_cancelled_render_goes_on_where_it_stopped_and_reports_what_came_from_where(
    tmp_path: Path, echo: list[Given]
) -> None:
    clip = Clip([STILL] * len(FRAMES), growing)
    frames = [rgb_frame(clip.rgb(frame)) for frame in FRAMES]
    request = RenderRequest(
        source=MediaSource(path=str(write_clip(tmp_path / "shot.mkv", frames))),
        frames=FrameRange(start=0, end_exclusive=len(FRAMES)),
        passes=(
            RenderPass(
                effect="auto",
                parameters={"steps": 1, "context_margin_px": 16, "preview": False},
                boxes=tuple((growing(frame).as_tuple(),) for frame in FRAMES),
            ),
        ),
        output=Output(path=str(tmp_path / "out.mkv")),
    )

    def finished(cancel_after: int | None, cache: str) -> tuple[RenderReport, list[Event]]:
        told: list[Event] = []
        link = JobLink("job", told.append, lambda: sum(isinstance(e, FrameEvent) for e in told) == cancel_after)
        return render_shot(request, link, tmp_path / cache), told

    with pytest.raises(CancelledError):
        finished(9, "cache")
    report, told = finished(None, "cache")
    (done,) = report.passes
    assert done.frames_cleaned == len(FRAMES) and [e.frame for e in told if isinstance(e, FrameEvent)] == list(FRAMES)
    assert all(e.maps_path and e.confidence is not None for e in told if isinstance(e, FrameEvent))
    assert [e.windows[0].start for e in told if isinstance(e, WindowsEvent)] == [0]
    shares = (done.share_recovered, done.share_kept, done.share_synthesised)
    assert sum(share or 0 for share in shares) == pytest.approx(1)
    assert done.share_generated == done.share_synthesised and done.frames_never_visible == len(FRAMES)
    assert report.outside_max_difference == {"R": 0.0, "G": 0.0, "B": 0.0} and report.warnings == ()

    broken = (tmp_path / "out.mkv").rename(tmp_path / "broken_off.mkv")
    assert finished(None, "other cache")[0].passes == report.passes
    with open_media(broken) as one, open_media(tmp_path / "out.mkv") as whole:
        for frame in FRAMES:
            for a, b in zip(one.read(frame).planes, whole.read(frame).planes, strict=True):
                np.testing.assert_array_equal(a, b)


def rgb_frame(rgb: NDArray[np.float32]) -> Frame:
    codes = np.rint(rgb * 255).astype(np.uint8)
    black = noise_frame("gbrp", SIZE)
    return Frame(tuple(np.ascontiguousarray(codes[..., n]) for n in range(3)), black.format, black.color)
