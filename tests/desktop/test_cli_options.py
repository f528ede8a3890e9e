"""Options of the command line, without an engine."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from desktop.base.errors import UsageError
from desktop.cli import COMMANDS, main
from desktop.subcommands import clean, effects
from desktop.subcommands.clean import finish, parse_parameters
from desktop.subcommands.exit_codes import EXIT_BAD_INPUT, EXIT_CANCELLED, EXIT_DONE, EXIT_FAILED, exit_code
from desktop.subcommands.frame_range import parse_frames
from desktop.subcommands.summary import pass_summary
from engine.errors import (
    BadRequestError,
    CancelledError,
    EngineAlreadyRunningError,
    EngineUnavailableError,
    OutputError,
    OutputExistsError,
)
from engine.protocol import (
    EffectDescriptor,
    ErrorInfo,
    Job,
    MediaSource,
    ParameterDescriptor,
    PassReport,
    RenderPass,
    RenderRequest,
)
from roi_tools.errors import RoiFileError
from timeline.errors import MediaNotFoundError, MediaWriteError


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, range(48)), ("0-47", range(48)), ("3-3", range(3, 4)), ("7", range(7, 8)), (" 1-2 ", range(1, 3))],
)
def test_frames_are_inclusive_on_the_command_line_and_half_open_inside(text: str | None, expected: range) -> None:
    assert parse_frames(text, 48).as_range() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "--frames x: write it as A-B, two whole numbers from 0, such as 0-47"),
        ("-3", "--frames -3: write it as A-B, two whole numbers from 0, such as 0-47"),
        ("9-3", "--frames 9-3 ends before it starts; write the smaller number first"),
        ("0-48", "--frames 0-48 leaves the clip, whose frames are 0-47"),
    ],
)
def test_frames_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_frames(text, 48)
    assert str(refusal.value) == message


def test_parameters_keep_equals_signs_in_their_values() -> None:
    assert parse_parameters(["prompt=a=b", "steps=4"], None) == {"prompt": "a=b", "steps": "4"}


def test_model_is_a_parameter_with_an_absolute_path_or_an_installed_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    assert parse_parameters([], "weights") == {"model": str(tmp_path / "weights")}
    assert parse_parameters([], "to/come") == {"model": str(tmp_path / "to" / "come")}
    assert parse_parameters([], "wan-vace-1.3b") == {"model": "wan-vace-1.3b"}


@pytest.mark.parametrize("text", ["steps", "=4", ""])
def test_a_parameter_without_name_and_value_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write it as NAME=VALUE"):
        parse_parameters([text], None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MediaNotFoundError("x"), EXIT_BAD_INPUT),
        (RoiFileError("x"), EXIT_BAD_INPUT),
        (UsageError("x"), EXIT_BAD_INPUT),
        (BadRequestError("x"), EXIT_BAD_INPUT),
        (OutputExistsError("x"), EXIT_BAD_INPUT),
        (EngineAlreadyRunningError("x"), EXIT_BAD_INPUT),
        (OutputError("x"), EXIT_FAILED),
        (MediaWriteError("x"), EXIT_FAILED),
        (EngineUnavailableError("x"), EXIT_FAILED),
        (CancelledError("x"), EXIT_CANCELLED),
        (ZeroDivisionError("x"), EXIT_FAILED),
    ],
)
def test_every_error_has_its_documented_exit_code(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def job(**fields: object) -> Job:
    request = RenderRequest.model_validate(
        {
            "source": MediaSource(path="a.mov"),
            "frames": {"start": 0, "end_exclusive": 1},
            "passes": (RenderPass(boxes=((),)),),
        }
    )
    return Job.model_validate({"id": "1", "request": request, "created_ms": 0, **fields})


def test_a_finished_job_says_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(job(state="done"), quiet=False) == EXIT_DONE
    assert finish(job(state="cancelled"), quiet=False) == EXIT_CANCELLED
    broken = job(state="failed", error=ErrorInfo(kind="bad_input", message="a.mov: no [such] frame; shorten --frames"))
    assert finish(broken, quiet=True) == EXIT_BAD_INPUT
    assert capsys.readouterr().err == "grayplate: a.mov: no [such] frame; shorten --frames\n"


def test_descriptors_read_as_options() -> None:
    effect = EffectDescriptor(
        identifier="blur",
        label="Blur",
        hint="Blurs.",
        version="2",
        clips=(),
        parameters=(
            ParameterDescriptor(
                name="size_px", label="Size", hint="How far.", kind="double", default=1.5, minimum=0, unit="px"
            ),
            ParameterDescriptor(name="mode", label="Mode", hint="How.", kind="choice", default="a", choices=("a", "b")),
        ),
    )
    assert effects.describe(effect) == (
        "blur  Blur 2\n    Blurs.\n"
        "  --param size_px=1.5 px   0 ..\n      How far.\n"
        "  --param mode=a   a | b\n      How."
    )


def test_help_names_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(f"grayplate {command}" in text for command in COMMANDS)
    assert "Exit codes: 0 done, 2 bad input or usage, 1 failed, 130 cancelled." in text


def test_clean_needs_an_output_and_a_mark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["clean", "a.mov", "--boxes", "b.json"])
    assert ended.value.code == EXIT_BAD_INPUT
    assert "-o/--output" in capsys.readouterr().err
    assert main(["clean", "a.mov", "-o", "b.mkv"]) == EXIT_BAD_INPUT
    assert capsys.readouterr().err == (
        "grayplate: nothing is marked for removal; give --boxes BOXES.json, --matte MATTE or both\n"
    )


def test_a_fault_of_the_program_is_one_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(options: argparse.Namespace) -> int:
        raise KeyError("lost")

    monkeypatch.setattr(clean, "run", broken)
    assert main(["clean", "a.mov", "-o", "b.mkv", "--matte", "m.mkv"]) == EXIT_FAILED
    assert capsys.readouterr().err == (
        "grayplate: internal error in 'clean': KeyError: 'lost'; please report it with the command that you ran\n"
    )


def test_a_pass_is_summed_up_as_far_as_its_effect_says() -> None:
    silent = PassReport(effect="blur", parameters={}, frames_cleaned=3, share_recovered=None, share_synthesised=None)
    assert pass_summary(silent) == "blur: 3 frames"
    told = silent.model_copy(
        update={
            "share_recovered": 0.5,
            "share_kept": 0.25,
            "share_synthesised": 0.25,
            "share_generated": 0.2,
            "mean_confidence": 0.7,
            "frames_never_visible": 2,
        }
    )
    assert pass_summary(told) == (
        "blur: 50.0% from other frames, 25.0% kept, 5.0% invented, 20.0% by the model, mean confidence 0.70, "
        "2 frames hold something that no frame within reach shows"
    )
    none = silent.model_copy(update={"share_recovered": 0.0, "share_kept": 0.0, "share_synthesised": 1.0})
    assert pass_summary(none) == "blur: 0.0% from other frames, 100.0% invented"
