"""Edits of other programs: which frames of which files they show."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.clips import shared_timeline
from timeline.cmx_list import media_names
from timeline.edit_list import EDIT_ENDINGS, load_edit
from timeline.edits import relink_shot
from timeline.errors import EditError, ProjectFileError
from timeline.project_file import load_project, save_project
from timeline.shot import Shot

FCP_X = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.8">
  <resources>
    <format id="r1" frameDuration="1/24s" width="640" height="360"/>
    <asset id="r2" name="a" src="file:///media/a.mov" start="0s" duration="100/24s" hasVideo="1" format="r1"/>
  </resources>
  <library><event name="e"><project name="p">
    <sequence format="r1" duration="20/24s"><spine>
      <asset-clip name="a" ref="r2" offset="0s" start="10/24s" duration="20/24s" format="r1"/>
    </spine></sequence>
  </project></event></library>
</fcpxml>
"""
CMX_BROKEN = """TITLE: cut
001  REEL1 V     C        01:00:04:05 01:00:05:12 00:00:00:00 00:00:01:07
001  REEL1 V     D    x   01:00:04:05 01:00:05:12 00:00:00:00 00:00:01:07
001  REEL1 V     D    x   01:00:04:05 01:00:05:12 00:00:00:00 00:00:01:07
"""
FCP_7 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="4">
  <sequence id="s"><name>s</name><duration>20</duration><rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
    <media><video><track>
      <clipitem id="c"><name>a</name><duration>100</duration><rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
        <in>10</in><out>30</out><start>0</start><end>20</end>
        <file id="f"><name>a.mov</name><pathurl>file://localhost/media/a.mov</pathurl>
          <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate><duration>100</duration></file>
      </clipitem>
    </track></video></media>
  </sequence>
</xmeml>
"""


@pytest.mark.parametrize(("text", "ending"), [(FCP_7, ".xml"), (FCP_X, ".fcpxml")])
def test_an_edit_becomes_shots_that_a_project_keeps(text: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"edit{ending}"
    path.write_text(text)
    (shot,) = load_edit(path).shots
    assert (shot.name, shot.source_start, shot.source_end_exclusive, shot.media_rate) == ("a", 10, 30, Fraction(24))
    assert Path(shot.media_path).as_posix().endswith("/media/a.mov")
    project = tmp_path / "edit.otio"
    save_project(load_edit(path), project)
    (kept,) = load_project(project).shots
    assert (kept.media_path, kept.source_start, kept.source_end_exclusive) == (shot.media_path, 10, 30)


@pytest.mark.parametrize(
    ("name", "shots"), [("fcp7_premiere_example.xml", 6), ("fcpx_example.fcpxml", 16), ("fcpx_project.fcpxml", 16)]
)
def test_edits_of_real_programs(name: str, shots: int) -> None:
    assert len(load_edit(shared_timeline(name)).shots) == shots


CMX = """TITLE: cut
FCM: NON-DROP FRAME

001  REEL1 V     C        01:00:04:05 01:00:05:12 00:00:00:00 00:00:01:07
* FROM CLIP NAME:  interview
002  AX    V     C        00:00:02:00 00:00:03:24 00:00:01:07 00:00:03:06
* FROM CLIP NAME:  street.mp4
* SOURCE FILE: street_v2.mov
003  BL    V     C        00:00:00:00 00:00:01:00 00:00:03:06 00:00:04:06
004  REEL3 V     C        10:00:00:00 10:00:01:00 00:00:04:06 00:00:05:06
"""


def test_a_cmx_list_becomes_shots_with_names_to_search_for(tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    path.write_text(CMX)
    one, two, three = load_edit(path).shots
    assert (one.name, one.media_rate, one.source_start) == ("interview", Fraction(25), 25 * 3604 + 5)
    assert one.duration_frames == 32 and one.media_frame_count is None
    assert Path(one.media_path) == tmp_path / "interview"
    assert media_names(one) == ("interview", "REEL1")
    assert media_names(two) == ("street_v2.mov", "street.mp4")
    assert media_names(three) == ("REEL3",) and three.name == "REEL3"
    project = tmp_path / "cut.otio"
    save_project(load_edit(path), project)
    assert [media_names(shot) for shot in load_project(project).shots] == [media_names(s) for s in (one, two, three)]


@pytest.mark.parametrize(
    ("change", "rate"),
    [
        (("", ""), 25),
        (("00:00:03:24", "00:00:03:23"), 24),
        (("00:00:03:24", "00:00:03:29"), 30),
        (("00:00:03:24", "00:00:03:49"), 50),
        (("00:00:03:24", "00:00:03:59"), 60),
        (("FCM: NON-DROP", "FCM: DROP"), Fraction(30000, 1001)),
        (("00:00:03:24", "00:00:03;24"), Fraction(30000, 1001)),
    ],
)
def test_the_timecodes_tell_the_rate(change: tuple[str, str], rate: Fraction, tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    path.write_text(CMX.replace(*change))
    assert {shot.media_rate for shot in load_edit(path).shots} == {rate}


def test_dropped_frames_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    path.write_text(CMX.replace("FCM: NON-DROP", "FCM: DROP"))
    assert load_edit(path).shots[2].source_start == 10 * 107892


@pytest.mark.parametrize(
    ("name", "shots", "rate"),
    [
        ("cmx3600_25fps.edl", 4, 25),
        ("cmx3600_avid_example.edl", 2, 24),
        ("cmx3600_dissolve_test_2.edl", 3, 24),
        ("cmx3600_gap_test.edl", 3, 24),
        ("cmx3600_premiere_example.edl", 2, 24),
        ("cmx3600_screening_example.edl", 9, 24),
        ("cmx3600_speed_effects_small.edl", 5, 24),
    ],
)
def test_cmx_lists_of_real_programs(name: str, shots: int, rate: int) -> None:
    project = load_edit(shared_timeline(name))
    assert len(project.shots) == shots and {shot.media_rate for shot in project.shots} == {Fraction(rate)}
    assert all(shot.media_path and media_names(shot) for shot in project.shots)


def media(start: int, frames: int, rate: int = 24) -> Shot:
    return Shot("m", "m", "/media/m.mov", Fraction(rate), 0, frames, media_start=start, media_frame_count=frames)


@pytest.mark.parametrize(
    ("linked", "first"),
    [
        (media(3600 * 25, 200, 25), 105),  # its timecode begins at one hour
        (media(3600 * 24, 200, 24), 4 * 24 + 5),  # another rate: seconds and frames stay
        (media(0, 200, 25), 105),  # without timecode: from a full hour
    ],
)
def test_media_are_linked_by_timecode(linked: Shot, first: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    path.write_text(CMX)
    project = load_edit(path)
    shot = relink_shot(project, project.shots[0].id, linked).shots[0]
    assert shot.source_start == first and shot.media_path == "/media/m.mov" and shot.media_rate == linked.media_rate


def test_media_that_lack_the_timecode_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    path.write_text(CMX)
    project = load_edit(path)
    with pytest.raises(EditError, match=r"shows media frames 105 to 136, '/media/m\.mov' has only 90; trim"):
        relink_shot(project, project.shots[0].id, media(3600 * 25, 90, 25))


@pytest.mark.parametrize("ending", EDIT_ENDINGS)
@pytest.mark.parametrize("text", ["", "no xml", "<html><body/></html>", FCP_7[:300], FCP_X[:300], CMX_BROKEN])
def test_what_is_no_edit_is_said_in_a_line(text: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"edit{ending}"
    with pytest.raises(ProjectFileError, match="no such file"):
        load_edit(path)
    path.write_text(text)
    with pytest.raises(ProjectFileError) as caught:
        load_edit(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
