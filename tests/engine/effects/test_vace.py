"""The vace effect on synthetic clips and a tiny model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.effects.vace import Vace
from engine.errors import CancelledError, OutputError, ParameterError, RenderFailedError, WeightsError
from engine.ofx.effect import GENERATED, UNTOUCHED, Clips, RenderedImage
from engine.ofx.parameters import COMPOSITE_PARAMETERS, ParameterSet
from engine.protocol import ParameterValue, PassPreflight, Remedy, Stage
from engine.vace.cost.machine import Machine
from engine.vace.files.weights import MODEL_VARIABLE
from engine.vace.model import warm_model
from roi_tools.geometry import Box, Size, frame_box
from tests.engine.effects.conftest import Given
from tests.support.media import noise_clip
from tests.support.tiny_wan import build_tiny_wan

pytest.importorskip("torch")

SIZE = Size(72, 56)  # no multiple of 16 in either direction


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_wan(tmp_path_factory.mktemp("tiny-wan"))


@dataclass
class Footage:
    """A source clip of random pictures."""

    frames: range
    size: Size = SIZE
    is_scene_linear: bool = False
    gain: float = 1.0
    read: list[int] = field(default_factory=list)

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        self.read.append(frame)
        shape = (self.size.height_px, self.size.width_px, 3)
        picture = np.random.default_rng(frame).random(shape, np.float32) * np.float32(self.gain)
        return picture[(window or frame_box(self.size)).slices]


@dataclass
class Boxes:
    """A matte clip of one box per frame, or none."""

    frames: range
    box_at: Callable[[int], Box | None]
    size: Size = SIZE
    bounds_beyond_px: int = 0
    hole: Box | None = None

    @property
    def known_frames(self) -> range:
        return self.frames

    def bounds(self, frame: int) -> Box | None:
        box = self.box_at(frame)
        return box and box.grown(self.bounds_beyond_px).clipped(self.size)

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        matte = np.zeros((self.size.height_px, self.size.width_px), np.float32)
        box = self.box_at(frame)
        if box is not None:
            matte[box.slices] = 1.0
        if self.hole is not None:
            matte[self.hole.slices] = 0.0
        return matte[(window or frame_box(self.size)).slices]


@dataclass
class Recorder:
    """A host that remembers what it was told, and cancels when it is asked to."""

    cancel_at: Callable[[Stage, float], bool] = lambda stage, done: False
    reported: list[tuple[str, float, float, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remedies: list[Remedy | None] = field(default_factory=list)
    told_windows: list[list[range]] = field(default_factory=list)

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        self.reported.append((stage, done, total, message))
        if self.cancel_at(stage, done):
            raise CancelledError("cancelled")

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        self.warnings.append(message)
        self.remedies.append(remedy)

    def windows(self, windows: Sequence[range]) -> None:
        self.told_windows.append(list(windows))

    previews: dict[int, RenderedImage] = field(default_factory=dict)
    preview_error: Exception | None = None

    def preview(self, frame: int, image: RenderedImage) -> None:
        if self.preview_error:
            raise self.preview_error
        self.previews[frame] = image


@pytest.fixture
def make(tiny_folder: Path) -> Callable[..., Vace]:
    """Makes an instance on the tiny model: one step, a small margin."""

    def effect(
        frames: range,
        box_at: Callable[[int], Box | None],
        *,
        host: Recorder | None = None,
        source: Footage | None = None,
        size: Size = SIZE,
        bounds_beyond_px: int = 0,
        hole: Box | None = None,
        **given: ParameterValue,
    ) -> Vace:
        base: dict[str, ParameterValue] = {
            "model": str(tiny_folder),
            "steps": 1,
            "context_margin_px": 4,
            "preview": False,
        }
        matte = Boxes(frames, box_at, size, bounds_beyond_px, hole)
        clips = Clips(source or Footage(frames, size), matte)
        return Vace(ParameterSet(Vace.describe(), base | given), clips, host or Recorder())

    return effect


def _render(effect: Vace, frames: range) -> dict[int, RenderedImage]:
    """As a host does it."""
    effect.begin_sequence_render(frames)
    try:
        return {frame: effect.render(frame) for frame in frames if not effect.is_identity(frame)}
    finally:
        effect.end_sequence_render()


def _still(*box: int) -> Callable[[int], Box]:
    x0, y0, x1, y1 = box
    return lambda _: Box(x0, y0, x1, y1)


# --- descriptor -------------------------------------------------------------------------------------------------


OWN = (
    "model", "device", "steps", "seed", "guidance_scale", "flow_shift", "scheduler", "sigmas", "prompt",
    "negative_prompt", "mask_mode", "mask_dilate_px", "fill", "mask_timing", "reference_image", "reference_crop",
    "conditioning_scale", "conditioning_layers", "crop", "context_margin_px", "pixel_budget_px", "context_frames",
    "context_overlap", "context_mode", "context_schedule", "context_stride", "context_fuse", "free_noise",
    "anchor_latent", "known_frames", "preview", *(parameter.name for parameter in COMPOSITE_PARAMETERS),
)  # fmt: skip


def test_the_descriptor_names_every_parameter_with_label_hint_group_and_range() -> None:
    descriptor = Vace.describe()
    assert (descriptor.identifier, descriptor.needs_model) == ("vace", True)
    names = [parameter.name for parameter in descriptor.parameters]
    assert len(names) == len(set(names))
    assert [name for name in names if name in OWN] == list(OWN)
    for parameter in descriptor.parameters:
        assert parameter.label and parameter.hint.endswith(".") and parameter.group != "Main"
        if parameter.kind in ("int", "double"):
            assert parameter.minimum is not None and parameter.maximum is not None
            assert parameter.minimum <= float(parameter.default) <= parameter.maximum
        if parameter.kind == "choice":
            assert parameter.default in parameter.choices


def test_the_default_budget_is_480p() -> None:
    (budget,) = (p for p in Vace.describe().parameters if p.name == "pixel_budget_px")
    assert budget.default == 480 * 832


def test_importing_and_describing_the_effect_loads_no_model_library() -> None:
    code = (
        "import sys; from engine.effects.vace import Vace; Vace.describe(); "
        "sys.exit(bool({'torch', 'diffusers', 'transformers', 'accelerate'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(1, 11))
def test_every_length_gives_every_frame(make: Callable[..., Vace], length: int) -> None:
    images = _render(make(range(3, 3 + length), _still(20, 10, 41, 33)), range(3, 3 + length))
    assert list(images) == list(range(3, 3 + length))
    for image in images.values():
        assert image.window == Box(20, 10, 41, 33)
        assert image.rgb.shape == (23, 21, 3)
        assert image.rgb.dtype == np.float32
        assert image.rgb.min() >= 0 and image.rgb.max() <= 1
        assert image.provenance is not None and (image.provenance == GENERATED).all()


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 1, 1),
        (71, 55, 72, 56),
        (0, 30, 72, 31),
        (35, 0, 36, 56),
        (0, 0, 72, 56),
        (13, 7, 44, 50),
        (50, 40, 72, 56),
    ],
)
@pytest.mark.parametrize("margin_px", [0, 64])
def test_every_box_is_covered_exactly(make: Callable[..., Vace], box: tuple[int, ...], margin_px: int) -> None:
    effect = make(range(2), _still(*box), context_margin_px=margin_px)
    for image in _render(effect, range(2)).values():
        assert image.window == Box(*box)
        assert image.rgb.shape == (image.window.height_px, image.window.width_px, 3)


@pytest.mark.parametrize("size", [Size(1, 1), Size(5, 3), Size(17, 16), Size(33, 15)])
def test_frames_smaller_than_the_model_allows(make: Callable[..., Vace], size: Size) -> None:
    image = _render(make(range(1), lambda _: frame_box(size), size=size), range(1))[0]
    assert image.rgb.shape == (size.height_px, size.width_px, 3)


def test_a_moving_box_is_followed_and_unmarked_frames_pass(make: Callable[..., Vace]) -> None:
    def box_at(frame: int) -> Box | None:
        return None if frame in (2, 3) else Box(4 * frame, 10, 4 * frame + 20, 40)

    images = _render(make(range(6), box_at), range(6))
    assert list(images) == [0, 1, 4, 5]
    assert all(image.window == box_at(frame) for frame, image in images.items())


def test_a_hole_in_the_matte_is_reported_as_untouched(make: Callable[..., Vace]) -> None:
    effect = make(range(1), _still(10, 10, 30, 30), hole=Box(12, 12, 15, 15))
    provenance = _render(effect, range(1))[0].provenance
    assert provenance is not None
    assert (provenance[2:5, 2:5] == UNTOUCHED).all()
    assert (provenance == UNTOUCHED).sum() == 9


@pytest.mark.parametrize("length", range(1, 11))
@pytest.mark.parametrize("box", [(20, 10, 41, 33), (0, 0, 20, 16), (51, 37, 72, 56)])
def test_at_full_size_pixels_go_in_and_come_back_exactly_where_they_belong(
    make: Callable[..., Vace], echo: list[Given], length: int, box: tuple[int, ...]
) -> None:
    inner = Box(*box)
    frames = range(5, 5 + length)
    # Bounds beyond the matte show pixels that the model was given and gave back.
    effect = make(frames, _still(*box), bounds_beyond_px=3)
    images = _render(effect, frames)
    assert len(echo) == 1
    for frame, image in images.items():
        expected = effect.clips.source.image(frame).copy()
        expected[inner.slices] = 0.5
        assert image.window.contains(inner) and image.window != inner
        np.testing.assert_allclose(image.rgb, expected[image.window.slices], atol=1e-7)


def test_what_reaches_the_model_is_gray_in_the_box_and_the_source_around_it(
    make: Callable[..., Vace], echo: list[Given]
) -> None:
    effect = make(range(6), _still(20, 10, 41, 33))
    _render(effect, range(6))
    (conditioning,) = echo
    frames, height, width = conditioning.mask.shape
    assert frames == 6 and height % 16 == 0 and width % 16 == 0
    region = effect.get_regions_of_interest(0)
    for index in range(6):
        masked = conditioning.mask[index] == 1
        assert masked.sum() == 21 * 23
        assert (conditioning.video[index][masked] == 0.0).all()
        source = effect.clips.source.image(index, region) * 2 - 1
        visible = ~masked[: region.height_px, : region.width_px]
        given = conditioning.video[index, : region.height_px, : region.width_px]
        np.testing.assert_allclose(given[visible], source[visible], atol=1e-7)


def test_a_crop_beyond_the_budget_is_scaled_down_and_the_result_comes_back_at_full_size(
    make: Callable[..., Vace], echo: list[Given]
) -> None:
    host = Recorder()
    size = Size(320, 240)
    effect = make(range(1), _still(60, 50, 260, 190), host=host, size=size, pixel_budget_px=160 * 128)
    image = _render(effect, range(1))[0]
    assert image.rgb.shape == (140, 200, 3)
    height, width = echo[0].mask.shape[1:]
    assert height * width <= 160 * 128 and height % 16 == 0 and width % 16 == 0
    assert set(np.unique(echo[0].mask)) == {0.0, 1.0}
    # All of the box was gray; only the bicubic filter reaches a few pixels in from the surroundings.
    np.testing.assert_allclose(image.rgb[6:-6, 6:-6], 0.5, atol=1e-6)
    far, scaled = host.warnings
    assert "far from the sizes that it was trained on; work at the area of 480x832" in far
    assert "is scaled down to" in scaled and host.remedies[1] is not None
    assert list(host.remedies[1].parameters) == ["pixel_budget_px"]


def test_a_crop_that_fits_is_not_warned_of(make: Callable[..., Vace]) -> None:
    host = Recorder()
    _render(make(range(2), _still(20, 10, 41, 33), host=host), range(2))
    assert host.warnings == []


def test_scene_linear_pictures_go_through_the_curve_and_back(make: Callable[..., Vace], echo: list[Given]) -> None:
    source = Footage(range(1), is_scene_linear=True, gain=8.0)
    image = _render(make(range(1), _still(20, 10, 41, 33), source=source, bounds_beyond_px=5), range(1))[0]
    assert np.abs(echo[0].video).max() <= 1.0
    assert image.window == Box(15, 5, 46, 38)
    expected = source.image(0, image.window)
    outside = np.ones(expected.shape[:2], bool)
    outside[5:28, 5:26] = False
    assert expected.max() > 7
    np.testing.assert_allclose(image.rgb[outside], expected[outside], rtol=1e-3, atol=1e-5)
    # Model gray is a middle gray of the display: sRGB 0.5.
    np.testing.assert_allclose(image.rgb[~outside], 0.2140, atol=1e-3)


def test_scene_linear_on_the_real_model_gives_finite_light(make: Callable[..., Vace]) -> None:
    source = Footage(range(2), is_scene_linear=True, gain=20.0)
    for image in _render(make(range(2), _still(20, 10, 41, 33), source=source), range(2)).values():
        assert np.isfinite(image.rgb).all() and image.rgb.min() >= 0


def test_the_seed_decides(make: Callable[..., Vace]) -> None:
    def picture(**given: ParameterValue) -> NDArray[np.float32]:
        return _render(make(range(5), _still(20, 10, 41, 33), **given), range(5))[4].rgb

    assert np.array_equal(picture(), picture())
    assert not np.array_equal(picture(), picture(seed=1))


@pytest.mark.parametrize(
    "given",
    [
        {"steps": 3},
        {"flow_shift": 9.0},
        {"conditioning_scale": 0.1},
        {"pixel_budget_px": 1024},
        {"context_frames": 1},
        {"prompt": "a wall", "guidance_scale": 1.0},
        {"prompt": "a wall", "guidance_scale": 3.0},
        {"negative_prompt": "blur", "guidance_scale": 3.0},
    ],
)
def test_each_parameter_changes_the_picture(make: Callable[..., Vace], given: dict[str, ParameterValue]) -> None:
    def picture(**changes: ParameterValue) -> NDArray[np.float32]:
        return _render(make(range(5), _still(20, 10, 41, 33), **({"steps": 2} | changes)), range(5))[4].rgb

    assert not np.array_equal(picture(), picture(**given))


@pytest.mark.parametrize(
    "given",
    [
        {"mask_mode": "shape"},
        {"mask_mode": "hull"},
        {"mask_mode": "none"},
        {"mask_mode": "all"},
        {"mask_mode": "nothing"},
        {"mask_dilate_px": 6},
        {"fill": "source"},
        {"fill": "plate"},
        {"conditioning_layers": "1, 0.1"},
        {"scheduler": "flow_match_euler"},
        {"scheduler": "flow_match_lcm"},
        {"sigmas": "linear"},
        {"sigmas": "1 0.4"},
        {"vae_tiling": True},
    ],
)
def test_each_conditioning_and_solver_parameter_changes_the_picture(
    make: Callable[..., Vace], given: dict[str, ParameterValue]
) -> None:
    """With a box whose hull and shape differ from it, on a frame large enough for tiles."""
    size = Size(288, 80) if "vae_tiling" in given else SIZE
    box_at, hole = _still(20, 10, 41, 33), Box(20, 10, 35, 24)

    def picture(**changes: ParameterValue) -> NDArray[np.float32]:
        base: dict[str, ParameterValue] = {"steps": 2, "context_margin_px": 300}
        effect = make(range(5), box_at, size=size, hole=hole, **(base | changes))
        return _render(effect, range(5))[4].rgb

    assert not np.array_equal(picture(), picture(**given))


@pytest.mark.parametrize(
    "given",
    [
        {"context_frames": 13},
        {"context_overlap": 4},
        {"context_mode": "sequential"},
        {"context_schedule": "uniform_standard"},
        {"context_schedule": "uniform_looped"},
        {"context_schedule": "static_standard"},
        {"context_stride": 2},
        {"free_noise": False},
        {"anchor_latent": False},
        {"seed": 3},
    ],
)
def test_each_window_parameter_changes_a_long_shot(make: Callable[..., Vace], given: dict[str, ParameterValue]) -> None:
    def picture(**changes: ParameterValue) -> NDArray[np.float32]:
        base: dict[str, ParameterValue] = {"context_frames": 17, "context_overlap": 9, "steps": 2}
        images = _render(make(range(33), _still(20, 10, 41, 33), **(base | changes)), range(33))
        return np.stack([image.rgb for image in images.values()])

    assert not np.array_equal(picture(), picture(**given))


def test_the_fuse_changes_a_long_shot(make: Callable[..., Vace]) -> None:
    def picture(fuse: str) -> NDArray[np.float32]:
        given = {"context_frames": 17, "context_overlap": 16, "context_fuse": fuse}
        return _render(make(range(25), _still(20, 10, 41, 33), **given), range(25))[8].rgb

    assert not np.array_equal(picture("linear"), picture("pyramid"))


def test_known_frames_change_the_picture(make: Callable[..., Vace]) -> None:
    def picture(known_frames: int) -> NDArray[np.float32]:
        effect = make(
            range(20), lambda frame: Box(20, 10, 41, 33) if 6 <= frame < 11 else None, known_frames=known_frames
        )
        return _render(effect, range(20))[8].rgb

    assert not np.array_equal(picture(0), picture(4))


@pytest.fixture
def reference_file(tmp_path: Path) -> Path:
    """A red square on gray."""
    image = np.full((90, 120, 3), 200, np.uint8)
    image[40:60, 50:80] = (0, 0, 255)
    path = tmp_path / "reference.png"
    cv2.imwrite(str(path), image)
    return path


def test_a_reference_and_its_cropping_change_the_picture(make: Callable[..., Vace], reference_file: Path) -> None:
    def picture(**given: ParameterValue) -> NDArray[np.float32]:
        return _render(make(range(5), _still(20, 10, 41, 33), **given), range(5))[4].rgb

    without, cropped = picture(), picture(reference_image=str(reference_file))
    whole = picture(reference_image=str(reference_file), reference_crop=False)
    assert not np.array_equal(without, cropped)
    assert not np.array_equal(cropped, whole)


def test_a_reference_that_is_missing_is_named(make: Callable[..., Vace], tmp_path: Path) -> None:
    effect = make(range(1), _still(20, 10, 41, 33), reference_image=str(tmp_path / "no.png"))
    with pytest.raises(ParameterError, match=r"'reference_image': .*no\.png does not exist"):
        _render(effect, range(1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sigmas": "0.2, 0.9"}, "'sigmas' is '0.2, 0.9'; it takes 'linear'"),
        ({"conditioning_layers": "a, b"}, "'conditioning_layers' is 'a, b'; it takes numbers"),
        ({"conditioning_layers": "1"}, "has 1 values, this model has 2 VACE layers"),
    ],
)
def test_lists_that_are_none_are_refused(
    make: Callable[..., Vace], given: dict[str, ParameterValue], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        _render(make(range(1), _still(20, 10, 41, 33), **given), range(1))


def test_the_plate_under_the_mask_is_what_other_frames_show(make: Callable[..., Vace], echo: list[Given]) -> None:
    class Static(Footage):
        """A still, textured wall, in front of which something white walks by."""

        def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
            shape = (self.size.height_px, self.size.width_px, 3)
            picture = np.asarray(cv2.GaussianBlur(np.random.default_rng(7).random(shape), (0, 0), 2.0), np.float32)
            if frame >= 0:
                picture[_walking(frame).slices] = 1.0
            return picture[(window or frame_box(self.size)).slices]

    def _walking(frame: int) -> Box:
        return Box(20 + 12 * frame, 40, 50 + 12 * frame, 90)

    size = Size(192, 128)
    source = Static(range(10), size)
    images = _render(make(range(10), _walking, source=source, size=size, fill="plate"), range(10))
    wall = source.image(-1)
    for frame, image in images.items():
        assert np.abs(image.rgb - wall[_walking(frame).slices]).mean() < 0.02


def test_concerns_are_told_before_anything_is_loaded(make: Callable[..., Vace]) -> None:
    host = Recorder(cancel_at=lambda stage, done: stage == "load")
    effect = make(range(5), _still(20, 10, 41, 33), host=host, fill="source", prompt="a dog")
    with pytest.raises(CancelledError):
        effect.begin_sequence_render(range(5))
    assert [remedy.parameters for remedy in host.remedies if remedy] == [{"fill": "gray"}, {"prompt": ""}]
    assert [warning.split("; ")[1] for warning in host.warnings] == ["fill the mask with gray", "empty the prompt"]
    assert host.told_windows == [[range(5)]]


def test_the_windows_are_told_as_source_frames(make: Callable[..., Vace]) -> None:
    host = Recorder()
    marked = {*range(2, 23), *range(60, 64)}
    at = _still(20, 10, 41, 33)
    effect = make(range(70), lambda n: at(n) if n in marked else None, host=host, context_frames=13, context_overlap=4)
    effect.begin_sequence_render(range(70))
    assert host.told_windows == [[range(2, 15), range(7, 23), range(60, 64)]]


def test_a_preflight_says_what_to_mind_what_it_takes_and_where_windows_lie(make: Callable[..., Vace]) -> None:
    effect = make(range(9), _still(20, 10, 41, 33), fill="source", steps=7)
    found = effect.preflight(range(9))
    (advice,) = found.warnings
    assert advice.remedy is not None and advice.remedy.parameters == {"fill": "gray"}
    assert [window.as_range() for window in found.windows] == [range(9)]
    assert found.forecast is not None and found.forecast.fits and found.forecast.flop > 0
    longer = make(range(9), _still(20, 10, 41, 33), fill="source", steps=14).preflight(range(9)).forecast
    assert longer is not None and longer.flop > found.forecast.flop


def test_a_preflight_without_a_model_says_how_to_get_one(make: Callable[..., Vace]) -> None:
    found = make(range(9), _still(20, 10, 41, 33), model="/nowhere").preflight(range(9))
    assert found.forecast is None
    assert [advice.remedy for advice in found.warnings] == [None]
    assert "there is no model folder /nowhere" in found.warnings[0].message


def test_a_preflight_of_nothing_marked_has_nothing_to_say(make: Callable[..., Vace]) -> None:
    assert make(range(9), lambda _: None).preflight(range(9)) == PassPreflight()


def test_a_preflight_proposes_what_fits(make: Callable[..., Vace], monkeypatch: pytest.MonkeyPatch) -> None:
    small = Machine("cpu", "cpu", 0.5e9)
    monkeypatch.setattr("engine.effects.vace.this_machine", lambda device, worker_pid: small)
    size = Size(1280, 720)
    effect = make(range(81), _still(300, 200, 700, 500), size=size, context_margin_px=64)
    found = effect.preflight(range(81))
    assert found.forecast is not None and not found.forecast.fits
    (advice,) = (a for a in found.warnings if "GB are available" in a.message)
    assert advice.remedy is not None and advice.remedy.parameters["vae_tiling"] is True
    mended = make(
        range(81), _still(300, 200, 700, 500), size=size, context_margin_px=64, **advice.remedy.parameters
    ).preflight(range(81))
    assert mended.forecast is not None and mended.forecast.fits


def test_a_preflight_loads_no_torch(tmp_path: Path, tiny_folder: Path) -> None:
    clip = noise_clip(tmp_path / "clip.mkv", 6, Size(64, 48))
    script = f"""
import sys
from engine.preflight import preflight
from engine.protocol import FrameRange, MediaSource, RenderPass, RenderRequest
given = RenderPass(effect="vace", boxes=(((4, 4, 20, 20),),) * 6, parameters={{"model": {str(tiny_folder)!r}}})
frames = FrameRange(start=0, end_exclusive=6)
request = RenderRequest(source=MediaSource(path={str(clip)!r}), frames=frames, passes=(given,))
(found,) = preflight(request).passes
assert found.forecast is not None, found
print(sorted({{"torch", "diffusers", "transformers"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- previews ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["blended", "sequential"])
def test_previews_come_before_the_first_frame_and_look_like_the_shot(make: Callable[..., Vace], mode: str) -> None:
    host = Recorder()
    given: dict[str, ParameterValue] = {"preview": True, "context_mode": mode, "context_frames": 9, "steps": 2}
    effect = make(range(9), _still(20, 10, 41, 33), host=host, **given)
    effect.begin_sequence_render(range(9))
    effect.render(0)
    shown = dict(host.previews)
    assert shown
    for frame, image in shown.items():
        assert frame in range(9)
        assert image.window == Box(20, 10, 41, 33)
        assert image.rgb.shape == (23, 21, 3)
        assert np.isfinite(image.rgb).all() and image.rgb.min() >= 0 and image.rgb.max() <= 1
    for frame in range(1, 9):
        effect.render(frame)
    assert host.previews == shown


def test_finished_frames_are_not_previewed_again(make: Callable[..., Vace]) -> None:
    host = Recorder()
    given: dict[str, ParameterValue] = {"preview": True, "context_mode": "sequential", "context_frames": 9}
    effect = make(range(17), _still(20, 10, 41, 33), host=host, context_overlap=5, **given)
    effect.begin_sequence_render(range(17))
    for frame in range(17):
        host.previews.clear()
        effect.render(frame)
        assert all(shown >= frame for shown in host.previews)
    assert effect.render(0).window == Box(20, 10, 41, 33)


def test_previews_can_be_turned_off(make: Callable[..., Vace]) -> None:
    host = Recorder()
    _render(make(range(5), _still(20, 10, 41, 33), host=host, preview=False), range(5))
    assert host.previews == {}


def test_previews_do_not_change_the_result(make: Callable[..., Vace]) -> None:
    shown, plain = (
        _render(make(range(5), _still(20, 10, 41, 33), preview=preview, steps=3), range(5)) for preview in (True, False)
    )
    assert all(np.array_equal(shown[frame].rgb, plain[frame].rgb) for frame in plain)


def test_a_preview_that_cannot_be_stored_ends_the_render(make: Callable[..., Vace]) -> None:
    host = Recorder(preview_error=OutputError("the disk is full"))
    with pytest.raises(OutputError, match="the disk is full"):
        _render(make(range(5), _still(20, 10, 41, 33), host=host, preview=True), range(5))


# --- long shots --------------------------------------------------------------------------------------------------


def test_161_frames_of_a_moving_box(make: Callable[..., Vace]) -> None:
    host = Recorder()

    def box_at(frame: int) -> Box:
        return Box(frame // 4, 10, frame // 4 + 12, 40)

    images = _render(make(range(161), box_at, host=host, preview=True, steps=2), range(161))
    assert list(images) == list(range(161))
    assert all(image.window == box_at(frame) for frame, image in images.items())
    assert all(np.isfinite(image.rgb).all() for image in images.values())
    assert host.previews and host.warnings == []


def test_the_context_margin_decides_how_much_the_model_sees(make: Callable[..., Vace], echo: list[Given]) -> None:
    for margin_px in (0, 10, 32):
        box_at = _still(100, 40, 400, 300)
        _render(make(range(1), box_at, size=Size(512, 384), context_margin_px=margin_px), range(1))
    assert [conditioning.mask.shape[1:] for conditioning in echo] == [(272, 304), (288, 320), (336, 368)]


def test_a_small_box_gets_a_crop_that_the_model_can_read(make: Callable[..., Vace], echo: list[Given]) -> None:
    _render(make(range(1), _still(100, 40, 110, 50), size=Size(512, 384)), range(1))
    assert echo[0].mask.shape[1:] == (256, 256)


def test_mask_timing_matters_for_a_moving_box(make: Callable[..., Vace]) -> None:
    def picture(timing: str) -> NDArray[np.float32]:
        effect = make(range(9), lambda frame: Box(5 * frame, 10, 5 * frame + 18, 30), mask_timing=timing)
        return _render(effect, range(9))[4].rgb

    assert not np.array_equal(picture("group_max"), picture("nearest"))


# --- windows ----------------------------------------------------------------------------------------------------


def test_a_stretch_is_one_clip_however_long(make: Callable[..., Vace], echo: list[Given]) -> None:
    images = _render(make(range(30), _still(20, 10, 41, 33), context_frames=5), range(30))
    assert list(images) == list(range(30))
    assert [len(given.video) for given in echo] == [30]


def test_stretches_far_apart_are_clips_of_their_own(make: Callable[..., Vace], echo: list[Given]) -> None:
    def box_at(frame: int) -> Box | None:
        return Box(20, 10, 41, 33) if frame < 5 or frame > 30 else None

    source, marked = Footage(range(40)), [*range(5), *range(31, 40)]
    effect = make(range(40), box_at, source=source)
    effect.begin_sequence_render(range(40))
    source.read.clear()  # between them it was looked for cuts
    for frame in marked:
        effect.render(frame)
    assert [len(given.video) for given in echo] == [5, 9]
    assert set(source.read) == set(marked)


def test_sequential_windows_go_on_from_what_the_one_before_made(make: Callable[..., Vace], echo: list[Given]) -> None:
    given = {"context_mode": "sequential", "context_frames": 9, "context_overlap": 5}
    images = _render(make(range(20), _still(20, 10, 41, 33), **given), range(20))
    assert list(images) == list(range(20))
    # 20 frames are 6 latents: windows of 3 that share 2, of which the last is padded from frame 19 on.
    assert [len(clip.video) for clip in echo] == [9, 9, 9, 8]
    assert echo[0].mask.any(axis=(1, 2)).all()
    for clip in echo[1:]:
        assert not clip.mask[:5].any()
        assert clip.mask[5:].any(axis=(1, 2)).all()


def test_a_resume_gives_the_same_pictures(make: Callable[..., Vace]) -> None:
    whole = _render(make(range(10), _still(20, 10, 41, 33), context_frames=5), range(10))
    host = Recorder()
    rest = _render(make(range(10), _still(20, 10, 41, 33), host=host, context_frames=5), range(7, 10))
    assert list(rest) == [7, 8, 9]
    assert all(np.array_equal(image.rgb, whole[frame].rgb) for frame, image in rest.items())
    assert {total for stage, _, total, _ in host.reported if stage == "render"} == {10}


def test_the_host_is_told_what_a_frame_needs(make: Callable[..., Vace]) -> None:
    effect = make(range(40), lambda frame: Box(20, 10, 41, 33) if frame < 12 else None, context_frames=9)
    assert effect.get_frames_needed(7) == range(12)
    assert effect.get_frames_needed(30) == range(30, 31)
    assert effect.get_regions_of_interest(0).contains(Box(20, 10, 41, 33))


def test_known_frames_reach_into_what_is_not_marked(make: Callable[..., Vace], echo: list[Given]) -> None:
    def box_at(frame: int) -> Box | None:
        return Box(20, 10, 41, 33) if 10 <= frame < 13 else None

    images = _render(make(range(40), box_at, known_frames=4), range(40))
    assert list(images) == [10, 11, 12]
    (clip,) = echo
    assert clip.mask.any(axis=(1, 2)).tolist() == [False] * 4 + [True] * 3 + [False] * 4


def test_nothing_marked_loads_no_model(make: Callable[..., Vace], tmp_path: Path) -> None:
    host = Recorder()
    effect = make(range(3), lambda _: None, host=host, model=str(tmp_path / "missing"))
    assert _render(effect, range(3)) == {}
    assert host.reported == []
    assert effect.get_regions_of_interest(1) == frame_box(SIZE)
    assert effect.get_frames_needed(1) == range(1, 2)


# --- progress, cancel, errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["blended", "sequential"])
def test_progress_covers_loading_and_every_step(make: Callable[..., Vace], mode: str) -> None:
    host = Recorder()
    given = {"context_frames": 5, "context_overlap": 1, "context_mode": mode, "steps": 2}
    _render(make(range(9), _still(20, 10, 41, 33), host=host, **given), range(9))
    assert host.reported[0][0] == "analyse" and host.reported[0][3] == "looking for cuts"
    host.reported = [entry for entry in host.reported if entry[0] != "analyse"]
    assert [entry[:3] for entry in host.reported[:2]] == [("load", 0, 1), ("load", 1, 1)]
    steps = [(done, total) for stage, done, total, _ in host.reported if stage == "render"]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[0][0] == 0
    assert steps[-1][0] == pytest.approx(9)
    assert {total for _, total in steps} == {9}
    frames = "0-8" if mode == "blended" else "4-8"
    assert host.reported[-1][3] == f"frames {frames}, step 2 of 2"


@pytest.mark.parametrize("stage_and_step", [("load", 0.0), ("render", 0.0), ("render", 1.0)])
def test_a_cancel_ends_it_and_the_next_job_is_not_harmed(
    make: Callable[..., Vace], stage_and_step: tuple[Stage, float]
) -> None:
    stage, step = stage_and_step
    expected = _render(make(range(5), _still(20, 10, 41, 33), steps=2), range(5))[2].rgb
    host = Recorder(cancel_at=lambda reported, done: reported == stage and done >= step)
    with pytest.raises(CancelledError):
        _render(make(range(5), _still(20, 10, 41, 33), host=host, steps=2), range(5))
    assert host.reported[-1][0] == stage
    again = _render(make(range(5), _still(20, 10, 41, 33), steps=2), range(5))[2].rgb
    assert np.array_equal(again, expected)


def test_without_a_model_it_says_how_to_get_one(make: Callable[..., Vace], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setattr("engine.vace.files.weights.starter_model", lambda: None)
    with pytest.raises(WeightsError, match=r"needs a Wan VACE model and none is set: .* --model DIR"):
        _render(make(range(1), _still(20, 10, 41, 33), model=""), range(1))


def test_a_model_from_the_environment(
    make: Callable[..., Vace], monkeypatch: pytest.MonkeyPatch, tiny_folder: Path
) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_folder))
    assert len(_render(make(range(1), _still(20, 10, 41, 33), model=""), range(1))) == 1


def test_without_torch_it_says_what_to_install(make: Callable[..., Vace], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vace.files.weights.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(WeightsError, match=r"pip install 'grayplate\[vace\]'.*README's GPU section"):
        _render(make(range(1), _still(20, 10, 41, 33)), range(1))


def test_a_device_that_is_missing(make: Callable[..., Vace], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ParameterError, match="'device' is 'cuda'"):
        _render(make(range(1), _still(20, 10, 41, 33), device="cuda"), range(1))


def test_render_needs_begin(make: Callable[..., Vace]) -> None:
    with pytest.raises(RenderFailedError, match="without begin_sequence_render"):
        make(range(1), _still(20, 10, 41, 33)).render(0)


@pytest.mark.parametrize("mode", ["blended", "sequential"])
def test_where_memory_does_not_suffice_windows_get_shorter(
    make: Callable[..., Vace], tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A transformer that takes 6 latents at most."""
    import torch

    host, lengths = Recorder(), []
    model = warm_model(tiny_folder, "cpu")
    monkeypatch.setattr(model, "step_down", lambda: None)

    def refuse(_module: object, _args: object, given: dict[str, Any]) -> None:
        lengths.append(given["hidden_states"].shape[2])
        if lengths[-1] > 6:
            raise torch.OutOfMemoryError("CUDA out of memory")

    hook = model.pipeline.transformer.register_forward_pre_hook(refuse, with_kwargs=True)
    try:
        effect = make(range(33), _still(20, 10, 41, 33), host=host, context_mode=mode)
        images = _render(effect, range(33))
    finally:
        hook.remove()
    assert list(images) == list(range(33))
    assert lengths[0] == 9 and set(lengths[1:]) <= {5, 6}
    (warning,) = host.warnings
    assert warning.startswith("out of GPU memory: from now on windows are 17 frames long (context_frames)")


def test_where_nothing_helps_it_says_what_to_lower(
    make: Callable[..., Vace], tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    model = warm_model(tiny_folder, "cpu")
    monkeypatch.setattr(model, "step_down", lambda: None)
    hook = model.pipeline.transformer.register_forward_pre_hook(refuse)
    try:
        with pytest.raises(RenderFailedError, match="out of GPU memory with 33 frames; lower pixel_budget_px"):
            _render(make(range(33), _still(20, 10, 41, 33)), range(33))
    finally:
        hook.remove()
