"""Finished frames on disk: one folder per render key, one patch file per frame.

The key is a hash of all that a frame's pixels depend on, and of nothing else: the same removal exported to another
file renders nothing again, and a job that broke off goes on where it stopped. A frame is finished when its patch
exists; patches appear by an atomic rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import OutputError
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor, FrameRange, MediaSource, Remedy, RenderPass
from timeline.errors import MediaError
from timeline.media.frame_maps import FrameMaps
from timeline.media.patch import FramePatch
from timeline.media.sequence_files import IMAGE_ENDINGS, is_pattern, parse_pattern

LAYOUT_VERSION = 2
"""Part of every key: raise it when compositing or the patch file changes, and old frames are rendered anew."""
IN_USE_S = 600.0
"""Keys written to in the last minutes are never evicted: another engine may be at work in them."""


@dataclass(frozen=True)
class FrameStatistics:
    """Counts of one frame's matte pixels; None where the effect does not say.

    ``recovered_px`` came from other frames, ``kept_px`` are the frame's own, ``synthesised_px`` were invented,
    ``generated_px`` of them by a model. ``confidence_px`` is the sum of the confidences.
    """

    matte_px: int
    recovered_px: int | None = None
    kept_px: int | None = None
    synthesised_px: int | None = None
    generated_px: int | None = None
    never_visible_px: int | None = None
    confidence_px: float | None = None

    @property
    def confidence(self) -> float | None:
        """The mean over the matte."""
        return None if self.confidence_px is None or not self.matte_px else self.confidence_px / self.matte_px

    @property
    def share_synthesised(self) -> float | None:
        """What was invented, of the matte."""
        return None if self.synthesised_px is None or not self.matte_px else self.synthesised_px / self.matte_px


class FrameCache:
    """The finished frames of one pass of one render."""

    def __init__(self, key: str, folder: Path) -> None:
        self.key = key
        self._folder = folder / key
        self._preview_folder = self._folder / "preview"
        self._preview_folder.mkdir(parents=True, exist_ok=True)
        os.utime(self._folder)  # "used now", for the eviction

    def has(self, frame: int) -> bool:
        """Whether the frame is finished."""
        return self.patch_path(frame).exists()

    def patch_path(self, frame: int) -> Path:
        """Where the finished frame's patch lies, or will."""
        return self._folder / f"{frame:08d}.patch"

    def preview_path(self, frame: int) -> Path:
        """Where a provisional patch of the frame lies, or will."""
        return self._preview_folder / f"{frame:08d}.patch"

    def maps_path(self, frame: int) -> Path:
        """Where the finished frame's maps lie, or will, if the effect says anything of its pixels."""
        return self._folder / f"{frame:08d}.maps"

    def save(self, frame: int, patch: FramePatch, statistics: FrameStatistics, maps: FrameMaps | None = None) -> Path:
        """Stores a finished frame; raises OutputError when the disk refuses."""
        path = self.patch_path(frame)
        try:
            # The patch is what says "finished", so it comes last.
            if maps is not None:
                maps.save(self.maps_path(frame))
            write_atomically(path.with_suffix(".json"), json.dumps(asdict(statistics)))
            patch.save(path)
        except (OSError, MediaError) as error:
            raise _disk_error(self._folder, error) from error
        return path

    def save_preview(self, frame: int, patch: FramePatch) -> Path:
        """Stores a provisional frame, in place of an older one."""
        path = self.preview_path(frame)
        try:
            patch.save(path)
        except (OSError, MediaError) as error:
            raise _disk_error(self._folder, error) from error
        return path

    def load(self, frame: int) -> FramePatch:
        """The patch of a finished frame."""
        return FramePatch.load(self.patch_path(frame))

    def load_maps(self, frame: int) -> FrameMaps | None:
        """The maps of a finished frame; None where the effect says nothing."""
        path = self.maps_path(frame)
        return FrameMaps.load(path) if path.exists() else None

    def statistics(self, frame: int) -> FrameStatistics:
        """The counts of a finished frame."""
        return FrameStatistics(**json.loads(self.patch_path(frame).with_suffix(".json").read_text("utf-8")))

    def save_warnings(self, warnings: Sequence[tuple[str, Remedy | None]]) -> None:
        """Stores what the effect has said of the frames, instead of what it said before; raises OutputError."""
        said = [(message, remedy.model_dump() if remedy else None) for message, remedy in warnings]
        try:
            write_atomically(self._warnings_path, json.dumps(said))
        except OSError as error:
            raise _disk_error(self._folder, error) from error

    def warnings(self) -> list[tuple[str, Remedy | None]]:
        """What was said of the frames when they were rendered, with what helps."""
        if not self._warnings_path.exists():
            return []
        said = json.loads(self._warnings_path.read_text("utf-8"))
        return [(message, Remedy(**remedy) if remedy else None) for message, remedy in said]

    @property
    def _warnings_path(self) -> Path:
        return self._folder / "warnings.json"

    def drop_previews(self) -> None:
        """Removes the provisional frames; the finished ones have taken their place."""
        shutil.rmtree(self._preview_folder, ignore_errors=True)


def write_atomically(path: Path, text: str) -> None:
    """Writes UTF-8 text beside ``path`` and renames it into place. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def pass_key(
    source: MediaSource, frames: FrameRange, render_pass: RenderPass, effect: EffectDescriptor, below: str | None
) -> str:
    """Key of one pass: hex, 32 digits. ``below`` is the key of the pass before it, whose result it starts from."""
    values = ParameterSet(effect, render_pass.parameters)
    parameters = {p.name: values[p.name] for p in effect.parameters if p.evaluates}
    paths = [str(values[p.name]) for p in effect.parameters if p.kind == "path" and values[p.name]]
    content = {
        "layout": LAYOUT_VERSION,
        "source": media_identity(source.path),
        "frames": [frames.start, frames.end_exclusive],
        "effect": [effect.identifier, effect.version],
        "parameters": parameters,
        "parameter_files": [_path_identity(Path(path).absolute()) for path in paths],
        "boxes": [render_pass.boxes_start, render_pass.boxes],
        "matte": media_identity(render_pass.matte.path) if render_pass.matte else None,
        "roto": render_pass.roto,
        "below": below,
    }
    if render_pass.keyframes:
        content["keyframes"] = render_pass.model_dump(include={"keyframes"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def media_identity(path: str) -> list[list[str | int]]:
    """Name, size and modification time of the file, or of every image of the pattern or folder."""
    given = Path(path).absolute()
    if is_pattern(given.name) and given.parent.is_dir():
        pattern = parse_pattern(given)
        return [_file_identity(pattern.file(number)) for number in pattern.existing_numbers()]
    if given.is_dir():  # an output or a report may lie beside the images
        return [_file_identity(file) for file in sorted(given.iterdir()) if file.suffix.lower() in IMAGE_ENDINGS]
    return _path_identity(given)


def _path_identity(path: Path) -> list[list[str | int]]:
    """Name, size and modification time of the file, or of every file right in the folder."""
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    return [_file_identity(file) if file.exists() else [str(file)] for file in files]


def _file_identity(path: Path) -> list[str | int]:
    status = path.stat()
    return [str(path), status.st_size, status.st_mtime_ns]


def evict(folder: Path, keep: Collection[str], limit_bytes: int) -> None:
    """Removes the least recently used keys until the cache holds at most ``limit_bytes``.

    Keys in ``keep`` and keys that were written to in the last minutes stay, even when the limit is exceeded.
    """
    entries = [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
    sizes = {entry: sum(f.stat().st_size for f in entry.rglob("*") if f.is_file()) for entry in entries}
    total = sum(sizes.values())
    for entry in sorted(entries, key=lambda e: e.stat().st_mtime):
        if total <= limit_bytes:
            return
        if entry.name not in keep and entry.stat().st_mtime < time.time() - IN_USE_S:
            shutil.rmtree(entry, ignore_errors=True)
            total -= sizes[entry]


def _disk_error(folder: Path, error: Exception) -> OutputError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return OutputError(
        f"a finished frame cannot be written to {folder}: {reason}; free space there or set GRAYPLATE_CACHE to a "
        "larger disk, then start again: finished frames are kept"
    )
