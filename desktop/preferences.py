"""What a person chose once for all: a small JSON file beside the window's layout. Without Qt."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from desktop import paths

SMALLEST_CACHE_MB = 128
LARGEST_CACHE_MB = 65_536

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preferences:
    """``shortcuts`` holds only those that differ from the defaults: action name -> key sequences as text."""

    vace_model: str = ""
    """Folder of weights for effects that need one; empty: none."""
    viewer_cache_mb: int = 1024
    """Memory for decoded frames, in MiB."""
    shortcuts: dict[str, tuple[str, ...]] = field(default_factory=dict)


def load_preferences() -> Preferences:
    """As they were saved; the defaults for what is missing or makes no sense."""
    try:
        data = json.loads(_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        _log.warning("preferences %s cannot be read: %s", _file(), error)
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
    model, cache = data.get("vace_model"), data.get("viewer_cache_mb")
    shortcuts = data.get("shortcuts")
    kept = shortcuts.items() if isinstance(shortcuts, dict) else ()
    return Preferences(
        vace_model=model if isinstance(model, str) else default.vace_model,
        viewer_cache_mb=(
            min(max(cache, SMALLEST_CACHE_MB), LARGEST_CACHE_MB) if isinstance(cache, int) else default.viewer_cache_mb
        ),
        shortcuts={name: tuple(map(str, keys)) for name, keys in kept if isinstance(keys, list)},
    )
