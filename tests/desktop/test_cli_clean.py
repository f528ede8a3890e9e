"""``grayplate clean`` against a real engine process: what it writes, what it refuses, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from desktop.cli import main
from engine.client import EngineClient
from roi_tools.geometry import Box, Size
from roi_tools.roi_document import RoiDocument, write_roi
from roi_tools.roto.model import RotoLayer, Shape, constant
from tests.support.engine_process import EngineProcess, environment, running_engine, wait_until
from tests.support.media import noise_clip
from timeline.media.reader import open_media

SIZE = Size(64, 48)
FRAMES = 6
BOX = [11, 9, 40, 31]
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("h")


@pytest.fixture(scope="module")
def engine(home: Path) -> Iterator[EngineProcess]:
    (home / "run").mkdir(mode=0o700)
    with running_engine(home, socket=home / "run" / "engine.sock") as process:
        yield process


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return noise_clip(tmp_path / "clip.mkv", FRAMES, SIZE)


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    return write_boxes(tmp_path / "boxes.json", [None, *[BOX] * (FRAMES - 1)])


@pytest.fixture
def run(engine: EngineProcess, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``grayplate clean ... --effect test-fill`` in this process; returns the exit code and stderr.

    The warning about the half that the test effect invents is left out: every successful run of it prints that.
    """
    monkeypatch.setenv("GRAYPLATE_HOME", str(home))

    def clean(*arguments: object, effect: str = "test-fill") -> tuple[int, str]:
        code = main(["clean", *map(str, arguments), "--quiet", "--effect", effect])
        lines = capsys.readouterr().err.splitlines(keepends=True)
        return code, "".join(line for line in lines if "hidden in every frame" not in line)

    return clean


def write_boxes(path: Path, per_frame: list[list[int] | None], **changes: object) -> Path:
    data = {"width": SIZE.width_px, "height": SIZE.height_px, "fps": 24, "frames": FRAMES, "boxes": per_frame}
    path.write_text(json.dumps(data | changes))
    return path


def planes(path: Path) -> list[list[np.ndarray]]:
    with open_media(path) as reader:
        return [[plane.copy() for plane in frame.planes] for frame in reader.frames(0, reader.info.frame_count)]


def test_a_clip_is_cleaned_and_nothing_outside_the_box_changes(
    run: Run, clip: Path, boxes: Path, tmp_path: Path
) -> None:
    output, report, preview = tmp_path / "out.mkv", tmp_path / "report.json", tmp_path / "preview"
    assert run(clip, "--boxes", boxes, "-o", output, "--report", report, "--preview", preview) == (0, "")
    before, after = planes(clip), planes(output)
    assert len(after) == FRAMES
    for left, right in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(left, right)
    for frame in range(1, FRAMES):
        changed = before[frame][0] != after[frame][0]
        assert changed.any()
        changed[BOX[1] : BOX[3], BOX[0] : BOX[2]] = False
        assert not changed.any()
    facts = json.loads(report.read_text())
    assert facts["frames_in"] == facts["frames_out"] == FRAMES
    assert facts["frames_cleaned"] == FRAMES - 1
    assert facts["outside_max_difference"] == {"Y": 0.0, "U": 0.0, "V": 0.0}
    assert facts["passes"][0]["effect"] == "test-fill"
    assert facts["passes"][0]["parameters"]["value"] == 0.5
    assert len(list(preview.glob("*.png"))) == FRAMES - 1


def test_a_range_gives_those_frames_only(run: Run, clip: Path, boxes: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    assert run(clip, "--boxes", boxes, "-o", output, "--frames", "0-2") == (0, "")
    before, after = planes(clip), planes(output)
    assert len(after) == 3
    np.testing.assert_array_equal(before[0][0], after[0][0])
    assert (before[2][0] != after[2][0]).any()


def test_a_matte_alone_marks(run: Run, clip: Path, tmp_path: Path) -> None:
    matte = tmp_path / "matte.mkv"
    with av.open(str(matte), "w") as container:
        stream = container.add_stream("ffv1", rate=24, width=SIZE.width_px, height=SIZE.height_px, pix_fmt="gray")
        for _ in range(FRAMES):
            image = np.zeros((SIZE.height_px, SIZE.width_px), np.uint8)
            image[10:20, 30:50] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray")))
        container.mux(stream.encode())
    output = tmp_path / "out.mkv"
    assert run(clip, "--matte", matte, "-o", output, "--param", "feather_px=0") == (0, "")
    changed = planes(clip)[3][0] != planes(output)[3][0]
    assert changed[10:20, 30:50].mean() > 0.9
    changed[10:20, 30:50] = False
    assert not changed.any()


def test_the_shapes_of_an_roi_file_mark_what_they_draw(run: Run, clip: Path, tmp_path: Path) -> None:
    disc = Shape("disc", "ellipse", (constant(40, 20, 20, 16, 0),), last_frame=2)
    boxes = {
        "disc": (Box(0, 0, SIZE.width_px, SIZE.height_px),) * FRAMES,
        "bar": (None,) * 3 + (Box(4, 4, 12, 8),) * (FRAMES - 3),
    }
    path, output = tmp_path / "shot.roi.json", tmp_path / "out.mkv"
    write_roi(path, RoiDocument(SIZE, Fraction(24), FRAMES, boxes, (RotoLayer("roto", (disc,)),)))
    assert run(clip, "--boxes", path, "-o", output, "--param", "feather_px=0") == (0, "")
    before, after = planes(clip), planes(output)
    for frame, marked in ((0, (slice(12, 28), slice(30, 50))), (3, (slice(4, 8), slice(4, 12)))):
        changed = before[frame][0] != after[frame][0]
        assert changed[marked].mean() > 0.7  # an ellipse fills 79 % of its box
        changed[marked] = False
        assert not changed.any()
    assert (before[0][0] == after[0][0])[12:14, 30:32].all()  # the ellipse's corner


def test_an_existing_output_is_kept_unless_told_otherwise(run: Run, clip: Path, boxes: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    output.write_text("precious")
    code, message = run(clip, "--boxes", boxes, "-o", output)
    assert code == 2
    assert str(output) in message
    assert "exists" in message
    assert output.read_text() == "precious"
    assert run(clip, "--boxes", boxes, "-o", output, "--overwrite") == (0, "")
    assert len(planes(output)) == FRAMES


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--frames", "0-99"], 2, ["--frames 0-99 leaves the clip, whose frames are 0-5"]),
        (["--param", "value=high"], 2, ["'value' is 'high'; it takes a number"]),
        (["--param", "size=1"], 2, ["effect 'test-fill' has no parameter 'size'"]),
        (["--model", "weights"], 2, ["effect 'test-fill' has no parameter 'model'"]),
        (["--matte", "no-matte.mkv"], 2, ["no-matte.mkv"]),
        (["--param", "raise_on=3"], 1, ["frame 3"]),
    ],
)
def test_what_cannot_be_rendered_is_one_line_and_leaves_nothing(
    run: Run, clip: Path, boxes: Path, tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    ended, message = run(clip, "--boxes", boxes, "-o", folder / "out.mkv", *arguments)
    assert ended == code
    assert message.count("\n") == 1
    assert message.startswith("grayplate: ")
    assert all(word in message for word in words), message
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("no-such-folder/out.mkv", "no-such-folder"),
        ("boxes.json/out.mkv", "boxes.json"),
        ("out.xyz", ".mkv"),
        ("clip.mkv", "input"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_rendering(
    run: Run, clip: Path, boxes: Path, tmp_path: Path, output: str, words: str
) -> None:
    before = clip.read_bytes()
    code, message = run(clip, "--boxes", boxes, "-o", tmp_path / output, "--overwrite")
    assert code == 2
    assert message.count("\n") == 1
    assert words in message
    assert clip.read_bytes() == before


def test_an_unknown_effect_lists_what_there_is(run: Run, clip: Path, boxes: Path, tmp_path: Path) -> None:
    code, message = run(clip, "--boxes", boxes, "-o", tmp_path / "out.mkv", effect="magic")
    assert code == 2
    assert message.startswith("grayplate: no effect 'magic'; installed are: clean-plate, ")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames": 5, "boxes": [BOX] * 5}, "5"),
        ({"width": 640}, "640"),
        ({"boxes": [[40, 9, 11, 31]] * FRAMES}, "frame 0"),
        ({"boxes": [[400, 9, 411, 31]] * FRAMES}, "frame 0"),
        ({"boxes": {}}, "boxes"),
    ],
)
def test_boxes_that_do_not_fit_are_refused(
    run: Run, clip: Path, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    path = write_boxes(tmp_path / "bad.json", [BOX] * FRAMES, **changes)
    code, message = run(clip, "--boxes", path, "-o", tmp_path / "out.mkv")
    assert code == 2
    assert message.count("\n") == 1
    assert str(path) in message
    assert words in message


def test_a_broken_boxes_file_is_refused(run: Run, clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"boxes": [')
    code, message = run(clip, "--boxes", path, "-o", tmp_path / "out.mkv")
    assert (code, message.count("\n"), str(path) in message) == (2, 1, True)


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())


def truncated(path: Path) -> None:
    whole = noise_clip(path.with_name("whole.mp4"), FRAMES, SIZE).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("missing.mov", lambda path: None),
        ("text.mp4", lambda path: path.write_text("this is no movie")),
        ("empty.mov", lambda path: path.touch()),
        ("sound.wav", audio_only),
        ("cut.mp4", truncated),
        ("folder", lambda path: path.mkdir()),
        ("plate.####.exr", lambda path: None),
    ],
)
def test_media_that_cannot_be_read_is_one_line_that_names_the_file(
    run: Run, boxes: Path, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / name)
    code, message = run(tmp_path / name, "--boxes", boxes, "-o", tmp_path / "out.mkv")
    assert code == 2
    assert message.count("\n") == 1
    assert name in message
    assert not (tmp_path / "out.mkv").exists()


def test_probe_of_bad_media_has_the_same_manners(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["probe", str(tmp_path / "missing.mov")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_probe_prints_json(capsys: pytest.CaptureFixture[str], clip: Path) -> None:
    assert main(["probe", "--json", str(clip)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["frame_count"] == FRAMES
    assert facts["pixel_format"] == "yuv420p"


def test_ctrl_c_cancels_the_job_in_the_engine(
    engine: EngineProcess, home: Path, clip: Path, boxes: Path, tmp_path: Path
) -> None:
    folder, gate = tmp_path / "results", tmp_path / "gate"
    folder.mkdir()
    gate.mkdir()
    arguments = ["clean", clip, "--boxes", boxes, "-o", folder / "out.mkv", "--effect", "test-fill"]
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop.cli", *map(str, arguments), "--param", f"gate={gate}", "--quiet"],
        env=environment(home),
        stderr=subprocess.PIPE,
        text=True,
    )
    before = {job.id for job in engine.client.jobs()}
    started: list[str] = []

    def is_running() -> bool:
        started[:] = [job.id for job in engine.client.jobs() if job.id not in before and job.state == "running"]
        return bool(started)

    wait_until(is_running)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=30)
    assert (process.returncode, message) == (130, "grayplate: cancelled\n")
    # The command may end on its own word that the job is over, a moment before the job list says so.
    wait_until(lambda: engine.client.job(started[0]).state == "cancelled")
    assert list(folder.iterdir()) == []


def test_an_engine_of_its_own_is_started_and_leaves(tmp_path: Path, clip: Path, boxes: Path) -> None:
    home = tmp_path / "own"
    home.mkdir()
    variables = environment(home)
    arguments = ["clean", clip, "--boxes", boxes, "-o", tmp_path / "out.mkv", "--effect", "test-fill"]
    done = subprocess.run(
        [sys.executable, "-m", "desktop.cli", *map(str, arguments)], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == f"{tmp_path / 'out.mkv'}: {FRAMES} frames, {FRAMES - 1} cleaned"
    assert second.startswith("test-fill: ") and second.endswith("% invented")
    socket = home / "run" / "engine.sock"
    wait_until(lambda: not socket.exists())
    with pytest.raises(Exception, match=r"does not answer|no engine"), EngineClient(socket) as client:
        client.health()


def test_an_engine_that_cannot_start_is_one_line(
    tmp_path: Path, clip: Path, boxes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRAYPLATE_HOME", str(tmp_path / "file"))
    assert main(["clean", str(clip), "--boxes", str(boxes), "-o", str(tmp_path / "out.mkv")]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert str(tmp_path / "file") in message
    assert "internal error" not in message
