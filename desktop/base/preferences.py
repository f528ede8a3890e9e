"""What a person chose once for all: a small JSON file beside the window's layout. Without Qt."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from desktop.base import paths
from desktop.base.language import LANGUAGES

VIEWER_CACHE_MB = range(128, 65_537)
FRAME_CACHE_GB = range(1, 10_001)
AUTOSAVE_S = range(601)
_DEVICE = re.compile(r"(cpu|mps|cuda(:\d{1,2})?)?")

_log = logging.getLogger(__name__)
_Plain = TypeVar("_Plain", int, bool)


@dataclass(frozen=True)
class Preferences:
    """``shortcuts`` holds only those that differ from the defaults: action name -> key sequences as text."""

    vace_model: str = ""
    """Folder of weights for effects that need one; empty: none."""
    viewer_cache_mb: int = 1024
    """Memory for decoded frames, in MiB."""
    shortcuts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    language: str = ""
    """A code of :data:`desktop.base.language.LANGUAGES`; empty: the system's."""
    device: str = ""
    """Where ``vace`` computes unless a removal says otherwise: cpu, mps, cuda, cuda:N; empty: the engine chooses."""
    models_folder: str = ""
    """Where models are downloaded to and looked up; empty: where the system keeps data."""
    cache_folder: str = ""
    """Holds the folder of finished frames; empty: where the system keeps caches."""
    cache_gb: int = 20
    """Disk space for finished frames, in GiB."""
    autosave_s: int = 0
    """Seconds without an edit before the recovery file is written; 0: at once, less than half a second."""
    ocio_config: str = ""
    """File of an OpenColorIO config; empty: $OCIO, else the one that comes with OpenColorIO."""
    tour_seen: bool = False
    """Whether the tour was taken, or declined."""


def load_preferences() -> Preferences:
    """As they were saved; the defaults for what is missing or makes no sense."""
    try:
        data = json.loads(_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        _log.warning("the preferences cannot be read: %s", error)
        return Preferences()
    return _parsed(data) if isinstance(data, dict) else Preferences()


def save_preferences(preferences: Preferences) -> None:
    """Keep them. Raises OSError."""
    partial = _file().with_suffix(".part")
    partial.write_text(json.dumps(asdict(preferences), indent=1), encoding="utf-8")
    partial.replace(_file())


def _file() -> Path:
    return paths.settings_file().with_name("preferences.json")


def _parsed(data: dict[str, Any]) -> Preferences:
    default = Preferences()
    shortcuts = data.get("shortcuts")
    kept = shortcuts.items() if isinstance(shortcuts, dict) else ()
    language, device = _text(data, "language"), _text(data, "device")
    return Preferences(
        vace_model=_text(data, "vace_model"),
        viewer_cache_mb=_within(_plain(data, "viewer_cache_mb", default.viewer_cache_mb), VIEWER_CACHE_MB),
        shortcuts={name: tuple(map(str, keys)) for name, keys in kept if isinstance(keys, list)},
        language=language if language in LANGUAGES else "",
        device=device if _DEVICE.fullmatch(device) else "",
        models_folder=_text(data, "models_folder"),
        cache_folder=_text(data, "cache_folder"),
        cache_gb=_within(_plain(data, "cache_gb", default.cache_gb), FRAME_CACHE_GB),
        autosave_s=_within(_plain(data, "autosave_s", default.autosave_s), AUTOSAVE_S),
        ocio_config=_text(data, "ocio_config"),
        tour_seen=_plain(data, "tour_seen", default.tour_seen),
    )


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _plain(data: dict[str, Any], name: str, default: _Plain) -> _Plain:
    value = data.get(name)
    return value if type(value) is type(default) else default


def _within(value: int, bounds: range) -> int:
    return min(max(value, bounds.start), bounds.stop - 1)
