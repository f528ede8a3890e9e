"""Media paths as URLs: relative, escaped, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.media_url import media_of_url, url_of_media

FOLDER = Path("/shows/grey/project")
segments = st.text(st.characters(codec="utf-8", exclude_characters="/\x00\\"), min_size=1, max_size=8).filter(
    lambda text: text not in (".", "..") and not any(ord(letter) < 32 for letter in text)
)


@given(st.lists(segments, min_size=1, max_size=4))
def test_every_path_comes_back(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    assert media_of_url(url_of_media(path, FOLDER), FOLDER) == path


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/shows/grey/project/clip.mp4", "clip.mp4"),
        ("/shows/grey/media/a b.mov", "../media/a%20b.mov"),
        ("/shows/grey/project/plate.####.exr", "plate.%23%23%23%23.exr"),
        ("/shows/grey/project/plate.%04d.exr", "plate.%2504d.exr"),
        ("", ""),
        ("https://host/clip.mp4", "https://host/clip.mp4"),
    ],
)
def test_a_url_is_relative_to_the_project(path: str, url: str) -> None:
    assert url_of_media(path, FOLDER) == url
    assert media_of_url(url, FOLDER) == path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///media/a%20b.mov", "/media/a b.mov"),
        ("file://localhost/media/a.mov", "/media/a.mov"),
        ("file:///media/plate.%04d.exr", "/media/plate.%04d.exr"),
        ("file:///D:/media/a.mov", "D:/media/a.mov"),
        ("D:\\media\\a.mov", "D:\\media\\a.mov"),
        ("/media/a.mov", "/media/a.mov"),
        ("plate.%04d.exr", "/shows/grey/project/plate.%04d.exr"),
    ],
)
def test_other_programs_urls_are_understood(url: str, path: str) -> None:
    assert media_of_url(url, FOLDER) == path


def test_a_plain_path_that_exists_is_taken_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "100%25.mov").touch()
    assert media_of_url("100%25.mov", tmp_path) == str(tmp_path / "100%25.mov")
    assert media_of_url("99%25.mov", tmp_path) == str(tmp_path / "99%.mov")
