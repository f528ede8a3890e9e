"""``grayplate clean`` with presets, remedies and redone frames, against a real engine process and a tiny model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop.base.errors import UsageError
from desktop.cli import main
from desktop.editing.redo import redo_changes
from desktop.subcommands.clean import find_preset
from desktop.subcommands.effects import describe
from engine.effects.vace import Vace
from engine.protocol import Preset
from roi_tools.geometry import Size
from tests.support.engine_process import EngineProcess, running_engine
from tests.support.media import noise_clip
from tests.support.tiny_wan import build_tiny_wan
from timeline.media.reader import open_media

pytest.importorskip("torch")

COUNT = 17
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    home = tmp_path_factory.mktemp("h")
    (home / "run").mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        with running_engine(home, socket=home / "run" / "engine.sock") as process:
            yield process


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_wan(tmp_path_factory.mktemp("tiny-wan"))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return noise_clip(tmp_path / "clip.mkv", COUNT, Size(64, 48))


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    path = tmp_path / "boxes.json"
    size = {"width": 64, "height": 48, "fps": 24, "frames": COUNT}
    path.write_text(json.dumps(size | {"boxes": [[11, 9, 40, 31]] * COUNT}))
    return path


@pytest.fixture
def run(engine: EngineProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``grayplate clean``; the exit code, stdout and stderr."""
    monkeypatch.setenv("GRAYPLATE_HOME", str(engine.home))

    def clean(*arguments: object) -> tuple[int, str, str]:
        code = main(["clean", *map(str, arguments), "--quiet"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return clean


def _parameters(engine: EngineProcess) -> dict[str, object]:
    return dict(engine.client.jobs()[0].request.passes[-1].parameters)


def _luma(path: Path) -> np.ndarray:
    with open_media(path) as reader:
        return np.stack([frame.planes[0] for frame in reader.frames(0, reader.info.frame_count)])


def test_a_preset_brings_its_effect_and_single_parameters_change_it(
    run: Run, engine: EngineProcess, clip: Path, boxes: Path, tmp_path: Path
) -> None:
    arguments = (clip, "--boxes", boxes, "-o", tmp_path / "out.mkv", "--preset", "still camera, flat background")
    code, _, _ = run(*arguments, "--param", "reach_frames=3")
    assert code == 0
    job = engine.client.jobs()[0]
    assert job.request.passes[0].effect == "clean-plate"
    assert _parameters(engine) == {"reach_frames": "3", "follow_flow": False, "keep_agreeing": True}


def test_a_preset_that_is_not_there_is_told_with_those_that_are(
    run: Run, clip: Path, boxes: Path, tmp_path: Path
) -> None:
    code, _, said = run(
        clip, "--boxes", boxes, "-o", tmp_path / "out.mkv", "--preset", "Remove", "--effect", "clean-plate"
    )
    assert code == 2
    assert said.startswith(
        "grayplate: there is no preset 'Remove' of clean-plate; there are: 'Still camera, flat background', "
    )


def test_a_name_that_two_effects_have_needs_the_effect() -> None:
    both = [Preset(name="Mine", effect=effect, parameters={}) for effect in ("clean-plate", "vace")]
    with pytest.raises(UsageError, match="'mine' is a preset of clean-plate and vace; say which with --effect"):
        find_preset(both, "mine", None)
    assert find_preset(both, "mine", "vace") == both[1]


def test_a_warning_names_the_option_and_the_remedies_are_applied_on_request(
    run: Run, engine: EngineProcess, clip: Path, boxes: Path, model: Path, tmp_path: Path
) -> None:
    arguments = (
        clip,
        "--boxes",
        boxes,
        "-o",
        tmp_path / "out.mkv",
        "--effect",
        "vace",
        "--model",
        model,
        "--overwrite",
    )
    given = ("--param", "steps=1", "--param", "prompt=a dog", "--param", "guidance_scale=5")
    code, _, said = run(*arguments, *given)
    assert code == 0 and "and what is named is painted" in said and "empty the prompt (add --param prompt='')" in said
    code, _, said = run(*arguments, *given, "--apply-remedies")
    assert code == 0 and "applied --param prompt='': the prompt names 'dog'" in said
    # One remedy leads to the next: without a prompt guidance has nothing to do.
    assert "applied --param guidance_scale=1.0" in said and "warning" not in said
    assert (_parameters(engine)["prompt"], _parameters(engine)["guidance_scale"]) == ("", 1.0)


def test_a_dry_run_tells_and_renders_nothing(
    run: Run, engine: EngineProcess, clip: Path, boxes: Path, model: Path, tmp_path: Path
) -> None:
    before = engine.client.jobs()
    code, said, _ = run(
        clip, "--boxes", boxes, "-o", tmp_path / "out.mkv", "--effect", "vace", "--model", model, "--dry-run",
        "--param", "fill=source", "--param", "context_frames=9", "--param", "context_overlap=4",
    )  # fmt: skip
    assert code == 0 and engine.client.jobs() == before
    lines = said.splitlines()
    assert lines[0] == "pass 0, vace" and lines[1].endswith("GB, on cpu")
    assert lines[2:4] == ["  window 1: frames 0-8", "  window 2: frames 5-16"]
    assert lines[4:] == [
        "  warning: the thing is left in under the mask, and the model will paint it again; fill the mask with gray",
        "    add --param fill=gray",
    ]
    assert not (tmp_path / "out.mkv").exists()


def test_frames_are_redone_and_all_others_stay(
    run: Run, engine: EngineProcess, clip: Path, boxes: Path, model: Path, tmp_path: Path
) -> None:
    first, again = tmp_path / "first.mkv", tmp_path / "again.mkv"
    given = ("--param", "steps=1", "--param", "context_frames=9", "--param", "context_overlap=4")
    assert run(clip, "--boxes", boxes, "-o", first, "--effect", "vace", "--model", model, *given)[0] == 0
    assert run(clip, "-o", again, "--redo", "4-6")[0] == 0
    assert (_parameters(engine)["seed"], _parameters(engine)["known_frames"]) == (1, 16)
    changed = [not np.array_equal(a, b) for a, b in zip(_luma(first), _luma(again), strict=True)]
    assert changed == [4 <= frame <= 6 for frame in range(COUNT)]

    windowed = tmp_path / "window.mkv"
    code, _, _ = run(clip, "-o", windowed, "--redo-window", "2", "--param", "seed=7")
    assert code == 0 and _parameters(engine)["seed"] == "7"
    assert [not np.array_equal(a, b) for a, b in zip(_luma(again), _luma(windowed), strict=True)] == [
        frame >= 5 for frame in range(COUNT)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--redo", "3-4"), "clip.mkv was not rendered yet, so there is nothing to redo"),
        (("--redo", "3-4", "--effect", "vace"), "clip.mkv was not rendered with vace yet"),
        (("--redo", "3-4", "--boxes", "b.json"), "--redo takes its boxes, frames and parameters from the newest"),
        (("--redo-window", "1", "--preset", "x"), "--redo takes its boxes, frames and parameters from the newest"),
    ],
)
def test_what_cannot_be_redone_is_told(
    run: Run, clip: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, _, said = run(clip, "-o", tmp_path / "out.mkv", *arguments)
    assert code == 2 and message in said


def test_frames_and_windows_that_are_not_there_are_told(run: Run, clip: Path, boxes: Path, tmp_path: Path) -> None:
    assert run(clip, "--boxes", boxes, "-o", tmp_path / "out.mkv")[0] == 0
    code, _, said = run(clip, "-o", tmp_path / "again.mkv", "--redo", "9-19")
    assert code == 2 and "--redo 9-19 leaves the clip, whose frames are 0-16" in said
    code, _, said = run(clip, "-o", tmp_path / "again.mkv", "--redo-window", "1")
    assert code == 2 and "this render has no windows; give frames with --redo A-B" in said


def test_the_next_seed_begins_anew_after_the_last() -> None:
    assert redo_changes(Vace.describe(), {"seed": 2**32 - 1, "known_frames": 40}) == {"known_frames": 40, "seed": 0}


def test_presets_are_listed_with_their_effect() -> None:
    text = describe(Vace.describe(), [Preset(name="Mine", effect="vace", hint="For me.", parameters={}, is_own=True)])
    assert "  --preset 'Mine'   (your own)\n      For me.\n  --param model=" in text
