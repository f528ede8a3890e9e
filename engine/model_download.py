"""Downloads a catalogue entry from the Hugging Face hub: resumed where it broke off, checked against its checksums."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from engine.errors import EngineUnavailableError, OutputError, WeightsError
from engine.model_catalog import CatalogueEntry, add_model
from engine.model_registry import InstalledModel, models_folder
from engine.vace.files.safetensors_check import PICKLE_SUFFIXES

Report = Callable[[str, int, int], None]
"""``report(file, bytes done of all files, bytes of all files)``; whatever it raises ends the download."""

PIECE_BYTES = 2**20
"""Written, told and cancelled in such pieces. The hub's own, of 10 MB, take long on a slow line."""
_CHUNK_BYTES = 8 * 2**20
_SPARE_BYTES = 2**30


def download_model(entry: CatalogueEntry, report: Report) -> InstalledModel:
    """Fetches what is missing of ``entry``, checks all of it and registers it.

    Raises EngineUnavailableError where the hub does not answer, OutputError where the disk is too small, WeightsError
    where a file does not have its checksum. A download that breaks off goes on where it stopped when called again.
    """
    if find_spec("huggingface_hub") is None:
        raise WeightsError(
            "downloads need huggingface_hub, which is not installed: run `pip install 'grayplate[vace]'`"
        )
    folder = models_folder() / entry.name
    with _hub_errors(entry):
        revision, files = _listing(entry)
    total = sum(file.size for file in files)
    _check_space(folder, total)
    done = 0
    for file in files:
        path = folder / file.rfilename
        report(file.rfilename, done, total)
        if not _is_whole(path, file):
            with _hub_errors(entry):
                _fetch(entry, file, revision, path, _Shifted(report, file.rfilename, done, total))
            _check(path, file, entry)
        done += file.size
        report(file.rfilename, done, total)
    single = [file for file in files if len(files) == 1]
    return add_model(folder / single[0].rfilename if single else folder, entry.name)


class _Shifted:
    """Progress of one file as progress of all."""

    def __init__(self, report: Report, name: str, before: int, total: int) -> None:
        self._report, self._name, self._before, self._total = report, name, before, total

    def __call__(self, done: int) -> None:
        self._report(self._name, min(self._before + done, self._total), self._total)


def _listing(entry: CatalogueEntry) -> tuple[str, Sequence[Any]]:
    """The repository's newest revision and its wanted files with size and checksum; pickles never."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=_endpoint()).model_info(entry.repository, files_metadata=True)
    wanted = [
        file
        for file in info.siblings or ()
        if any(fnmatch(file.rfilename, pattern) for pattern in entry.patterns)
        and Path(file.rfilename).suffix not in PICKLE_SUFFIXES
    ]
    if not wanted:
        raise WeightsError(f"{entry.repository} no longer has {', '.join(entry.patterns)}; look for a newer Grayplate")
    return str(info.sha), wanted


def _endpoint() -> str | None:
    # Read at each call: the hub's own constant is fixed when it is imported.
    return os.environ.get("HF_ENDPOINT") or None


def _fetch(entry: CatalogueEntry, file: Any, revision: str, path: Path, progress: Callable[[int], None]) -> None:
    """Fetches one file to ``path``, by way of a .part file that the next call goes on with."""
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import http_get
    from tqdm import tqdm  # type: ignore[import-untyped]

    class Progress(tqdm):
        """Hands the hub's own count on instead of drawing a bar."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*arguments, **(options | {"disable": True}))
            self.fetched = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self.fetched += int(n or 0)
            progress(self.fetched)
            return None

    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The hub's own download forgets what it had when the process ends; large files would never arrive on a bad line.
    if part.is_file() and part.stat().st_size > file.size:
        part.unlink()
    with part.open("ab") as stream:
        present = stream.tell()
        if present < file.size:
            constants.DOWNLOAD_CHUNK_SIZE = PIECE_BYTES
            http_get(
                hf_hub_url(entry.repository, file.rfilename, revision=revision, endpoint=_endpoint()),
                stream,
                resume_size=present,
                expected_size=file.size,
                tqdm_class=Progress,
            )
    part.replace(path)


def _is_whole(path: Path, file: Any) -> bool:
    return path.is_file() and path.stat().st_size == file.size and _checksum_fits(path, file)


def _check(path: Path, file: Any, entry: CatalogueEntry) -> None:
    if _is_whole(path, file):
        return
    path.unlink(missing_ok=True)
    raise WeightsError(
        f"{file.rfilename} of {entry.repository} arrived damaged (its checksum differs) and was removed; "
        f"run `grayplate models get {entry.name}` again"
    )


def _checksum_fits(path: Path, file: Any) -> bool:
    """Against the SHA-256 that the hub keeps of large files; small ones have a git hash."""
    if file.lfs is not None:
        return _digest(path, hashlib.sha256()) == file.lfs.sha256
    if file.blob_id is None:
        return True
    return _digest(path, hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)) == file.blob_id


def _digest(path: Path, digest: Any) -> str:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return str(digest.hexdigest())


def _check_space(folder: Path, total: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"the folder {folder} cannot be made ({error.strerror}); set GRAYPLATE_HOME") from error
    present = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if free < total - present + _SPARE_BYTES:
        raise OutputError(
            f"the download takes {total / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB free; make room or set "
            "GRAYPLATE_HOME to a larger disk"
        )


@contextmanager
def _hub_errors(entry: CatalogueEntry) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError

    # The hub changed its HTTP library between versions; its own error is derived from that library's.
    bases = (base for base in HfHubHTTPError.__mro__ if base.__name__ in ("HTTPError", "RequestException"))
    http_error = cast(type[Exception], next(bases))
    try:
        yield
    except (http_error, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EngineUnavailableError(
            f"{entry.repository} cannot be downloaded ({reason}); check the connection and run "
            f"`grayplate models get {entry.name}` again: it goes on where it stopped"
        ) from error
