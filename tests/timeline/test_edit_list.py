"""Edits of other programs: which frames of which files they show."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.clips import shared_timeline
from timeline.edit_list import EDIT_ENDINGS, load_edit
from timeline.errors import ProjectFileError
from timeline.project_file import load_project, save_project

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


@pytest.mark.parametrize("ending", EDIT_ENDINGS)
@pytest.mark.parametrize("text", ["", "no xml", "<html><body/></html>", FCP_7[:300], FCP_X[:300]])
def test_what_is_no_edit_is_said_in_a_line(text: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"edit{ending}"
    with pytest.raises(ProjectFileError, match="no such file"):
        load_edit(path)
    path.write_text(text)
    with pytest.raises(ProjectFileError) as caught:
        load_edit(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
