"""``grayplate probe``: what a movie or image sequence is."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``grayplate probe``."""
    parser.add_argument("media", metavar="MEDIA", help="a movie, a pattern such as plate.####.exr, or a folder")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print what the media is; raises timeline.media errors."""
    from timeline.media.probe import probe

    facts = probe(options.media).to_dict()
    if options.json:
        print(json.dumps(facts, indent=2))
        return 0
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):{width}}  {_text(value)}")
    return 0


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return " x ".join(str(item) for item in value)
    return str(value)
