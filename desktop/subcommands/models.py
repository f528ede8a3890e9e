"""``grayplate models``: lists, adds and downloads the vace effect's models; the engine's own program does it."""

from __future__ import annotations

import argparse
import subprocess
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything after ``models`` goes to the engine, its ``--help`` too."""
    parser.usage = "grayplate models list [--json] | add PATH [--name NAME] | get NAME"
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="list | add PATH | get NAME", help="what to do with the models"
    )


def run(options: argparse.Namespace) -> int:
    """Runs the command in a process of the engine, which draws its own progress; returns its exit code."""
    command = [sys.executable, "-P", "-m", "engine.models_cli", *options.arguments]
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # The terminal has interrupted it too: let it say how far it got.
        return process.wait()
