"""Where the engine keeps its things, with and without a home of its own."""

from __future__ import annotations

import sys
import warnings

import pytest

from engine import paths
from engine.errors import EngineUnavailableError


def test_everything_lies_under_the_home(grayplate_home):
    for path in (paths.default_socket(), paths.log_file(), paths.job_database(grayplate_home / "s.sock")):
        assert path.is_relative_to(grayplate_home)


def test_the_sockets_folder_is_private(grayplate_home):
    (grayplate_home / "run").mkdir(mode=0o777)
    assert paths.runtime_folder().stat().st_mode & 0o777 == 0o700


def test_engines_on_other_sockets_have_other_jobs(tmp_path):
    a, b = paths.job_database(tmp_path / "a.sock"), paths.job_database(tmp_path / "b.sock")
    assert a != b and a == paths.job_database(tmp_path / "a.sock")


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_without_a_runtime_folder_the_socket_lies_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("GRAYPLATE_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "private").mkdir(mode=0o700)
    cached = tmp_path / "cache" / "grayplate" / "run" / "engine.sock"
    private = tmp_path / "private" / "grayplate" / "engine.sock"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for system, socket in (("", cached), ("missing", cached), ("open", cached), ("private", private)):
            monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / system) if system else "")
            assert paths.default_socket() == socket


def test_a_home_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRAYPLATE_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(EngineUnavailableError) as caught:
        paths.default_socket()
    assert str(caught.value) == (
        f"the folder {tmp_path / 'file' / 'home' / 'run'} cannot be made: Not a directory; "
        "set GRAYPLATE_HOME to one that you may write"
    )
