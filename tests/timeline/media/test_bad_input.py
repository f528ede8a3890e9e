"""Files that are missing, damaged or no pictures: one line that names the file and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from tests.timeline.media.pictures import encode_movie
from timeline.errors import MediaError, MediaNotFoundError, MediaUnreadableError
from timeline.media.probe import probe
from timeline.media.reader import MediaReader, open_media

FRAMES = 40


def refusal(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        open_media(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    assert isinstance(caught.value, (MediaNotFoundError, MediaUnreadableError))
    return message


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "plate.mp4").endswith("plate.mp4 does not exist; check the path")


@pytest.mark.parametrize("name", ["plate.mp4", "plate.mkv", "plate.png", "plate.exr"])
def test_a_text_file_that_calls_itself_media(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("this is a shopping list\n" * 50)
    message = refusal(tmp_path / name)
    assert "cannot open" in message or "is no readable image" in message
    assert message.endswith(("export it again", "render or copy it again"))


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "plate.mp4").write_bytes(b"")
    assert "is empty (0 bytes); copy or export it again" in refusal(tmp_path / "plate.mp4")


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "voice.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", 44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    assert "has sound but no picture; choose a movie or an image sequence" in refusal(path)


def test_mp4_without_its_index(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "plate.mp4", range(FRAMES))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    assert "cannot open" in refusal(path)
    assert "it may be damaged, cut short or no movie: export it again" in refusal(path)


def test_nothing_but_an_index(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "plate.mov", range(FRAMES), options={"g": "1"})
    data = path.read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    message = refusal(path)
    assert "frame 0" in message or "no complete frame" in message


@pytest.mark.parametrize("name", ["plate.mp4", "plate.mov", "plate.mkv"])
def test_a_file_cut_in_the_middle_reports_the_frames_that_are_gone(tmp_path: Path, name: str) -> None:
    path = encode_movie(tmp_path / name, range(FRAMES), options={"g": "8", "crf": "4"}, index_first=True)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with open_media(path) as reader:
        assert reader.info.frame_count == FRAMES
        readable = [frame for frame in range(FRAMES) if _is_readable(reader, frame)]
        assert 10 < len(readable) < 35
        assert readable == list(range(len(readable)))
        with pytest.raises(MediaUnreadableError, match=rf"frame 39 of .*{name} cannot be read: .*the file ends after"):
            reader.read(39)
        assert _is_readable(reader, 5), "a damaged frame must not spoil the others"


def _is_readable(reader: MediaReader, frame: int) -> bool:
    try:
        reader.read(frame)
    except MediaUnreadableError:
        return False
    return True


def test_damage_in_the_middle_spoils_one_group_of_pictures(tmp_path: Path) -> None:
    path = encode_movie(
        tmp_path / "plate.mp4", range(FRAMES), options={"g": "8", "bf": "0", "crf": "4", "sc_threshold": "0"}
    )
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][18]
        position, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    assert position is not None
    data[position : position + size] = b"\xff" * size
    path.write_bytes(data)
    with open_media(path) as reader:
        with pytest.raises(MediaUnreadableError, match=r"frame 18 of .*plate.mp4 cannot be read: "):
            reader.read(18)
        assert [frame for frame in range(FRAMES) if not _is_readable(reader, frame)] == list(range(18, 24))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode_movie(tmp_path / "plate.mp4", range(3))
    monkeypatch.setattr("timeline.media.reader.os.access", lambda path, mode: False)
    assert "may not be read; change its permissions" in refusal(path)


def test_probe_gives_plain_facts(tmp_path: Path) -> None:
    facts = probe(encode_movie(tmp_path / "plate.mp4", range(7))).to_dict()
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["frame_count"], facts["width_px"], facts["height_px"], facts["rate"]) == (7, 64, 48, "24")
    assert (facts["pixel_format"], facts["codec"], facts["has_audio"]) == ("yuv420p", "h264", False)
