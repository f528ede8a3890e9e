"""Malformed and foreign files: one line that names the file, what is wrong and the remedy, never anything else."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timeline.golden.sample_project import GOLDEN
from timeline.errors import ProjectFileError
from timeline.project_file import load_project, save_project

GOOD: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))


def _clip(data: dict[str, Any]) -> dict[str, Any]:
    return data["tracks"]["children"][0]["children"][0]


def _removal(data: dict[str, Any]) -> dict[str, Any]:
    return _clip(data)["effects"][0]["metadata"]["grayplate"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON at line 1, column 1 (Expecting value); restore it from a backup"),
        (
            b'{"OTIO_SCHEMA": "Timeline.1",\n',
            "not valid JSON at line 2, column 1 (Expecting property name enclosed in double quotes); "
            "restore it from a backup",
        ),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not a text file, so no project; give an .otio file"),
        (b"[" * 100_000, "its JSON is nested too deeply for a project; restore it from a backup"),
        (b"[1, 2]", "JSON, but no OpenTimelineIO timeline ('OTIO_SCHEMA' is missing); give an .otio file"),
        (b'{"width": 3}', "JSON, but no OpenTimelineIO timeline ('OTIO_SCHEMA' is missing); give an .otio file"),
        (
            b'{"OTIO_SCHEMA": "SerializableCollection.1", "children": []}',
            "holds a SerializableCollection, not a Timeline; export a single timeline",
        ),
        (b'{"OTIO_SCHEMA": "Mystery.1"}', "holds a Mystery, not a Timeline; export a single timeline"),
        (
            b'{"OTIO_SCHEMA": "Timeline.1", "tracks": null}',
            "its timeline has no stack of tracks; export it again",
        ),
    ],
)
def test_a_file_that_is_no_timeline_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "p.otio"
    path.write_bytes(content)
    with pytest.raises(ProjectFileError) as caught:
        load_project(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError, match=r"missing\.otio: there is no such project; check the path"):
        load_project(tmp_path / "missing.otio")
    with pytest.raises(ProjectFileError, match=r"cannot be read \(Is a directory\); check its permissions"):
        load_project(tmp_path)


Change = Callable[[dict[str, Any]], object]


def _set(*keys: str, to: object) -> Change:
    def change(data: dict[str, Any]) -> None:
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        (
            lambda data: data,
            _set("metadata", "grayplate", "version", to="x"),
            "its Grayplate version is 'x', not a number",
        ),
        (lambda data: data, _set("metadata", "grayplate", "version", to=0), "its Grayplate version is 0, not a number"),
        (lambda data: data, _set("OTIO_SCHEMA", to="Timeline.99"), "not a timeline that OpenTimelineIO can read"),
        (
            _clip,
            _set("metadata", "grayplate", to=[1]),
            "clip 'Street': its metadata under 'grayplate' is no object; restore the file",
        ),
        (
            _clip,
            _set("media_references", "DEFAULT_MEDIA", "available_range", "duration", "rate", to=0),
            "clip 'Street': a rate of 0.0 frames per second is not possible; give one above 0, up to 1000",
        ),
        (_removal, _set("shape", to=None), "clip 'Street': removal 'Rider': its 'shape' is None, not an object"),
        (_removal, _set("shape", "type", to="bezier"), "removal 'Rider': a shape of type 'bezier' is not known"),
        (_removal, _set("shape", "keyframes", to=[]), "removal 'Rider': an animation needs at least one keyframe"),
        *(
            (_removal, _set("tracked_keys", to=[entry]), f"its 'tracked_keys' hold {entry!r}, not a frame with four")
            for entry in ([1, 2, 3, 4], [1.5, 2, 3, 4, 5], 7, [1, True, 3, 4, 5])
        ),
        (_removal, _set("tracked_keys", to=[[1, 2, 3, 4, 10**400]]), "its 'tracked_keys' hold [1, 2, 3, 4, "),
        (_removal, _set("parameters", to=3), "removal 'Rider': its 'parameters' is 3, not an object"),
        (_removal, _set("parameters", to={"a": None}), "removal 'Rider': parameter 'a' is None; give true or false"),
        (_removal, _set("parameter_keyframes", to=3), "removal 'Rider': its 'parameter_keyframes' is 3, not an object"),
        (
            _removal,
            _set("parameter_keyframes", to={"grow_px": 3}),
            "removal 'Rider': parameter 'grow_px' needs a list 'keyframes'",
        ),
        (_removal, _set("effect", to=4), "removal 'Rider': its 'effect' is 4, not text"),
        (_removal, _set("id", to="sign"), "clip 'Street': shot 'Street' has two removals with the identifier 'sign'"),
    ],
)
def test_a_project_that_makes_no_sense_is_refused(
    tmp_path: Path, part: Callable[[dict[str, Any]], dict[str, Any]], change: Change, message: str
) -> None:
    data = copy.deepcopy(GOOD)
    change(part(data))
    path = tmp_path / "p.otio"
    path.write_text(json.dumps(data))
    with pytest.raises(ProjectFileError) as caught:
        load_project(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


def _places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a JSON document."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, value in entries for place in [(*path, key), *_places(value, (*path, key))]]


@settings(max_examples=300)
@given(
    st.sampled_from(_places(GOOD)),
    st.sampled_from([None, True, 0, -5, 3.5, 10**30, float("nan"), "", "x", [], [1], {}, {"OTIO_SCHEMA": "Gap.1"}])
    | st.just(GOOD["tracks"]),
)
def test_whatever_is_wrong_the_answer_is_a_project_or_one_line(place: tuple[Any, ...], value: object) -> None:
    data = copy.deepcopy(GOOD)
    parent: Any = data
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.otio"
        path.write_text(json.dumps(data))
        try:
            project = load_project(path)
        except ProjectFileError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        else:
            save_project(project, path)
            assert load_project(path) == project
