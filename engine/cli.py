"""``grayplate-engine serve``: the engine in the foreground. ``--help`` loads neither server nor codecs."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from engine import paths
from engine.errors import EngineError

EXIT_DONE, EXIT_FAILED, EXIT_BAD_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 ended in order, 1 failed, 2 the socket is not free or not usable."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s engine %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        socket = (options.socket or paths.default_socket()).absolute()
        from engine.server import serve  # FastAPI takes half a second, which --help does not have to wait for

        serve(socket, idle_exit_s=options.idle_exit * 60 if options.idle_exit else None)
    except EngineError as error:
        print(f"grayplate-engine: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT if error.kind == "bad_input" else EXIT_FAILED
    except OSError as error:
        print(f"grayplate-engine: {error}; check GRAYPLATE_HOME and its folder's permissions", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="grayplate-engine", description="The process that renders for Grayplate and for other hosts."
    )
    parser.add_argument("--version", action="version", version=f"grayplate-engine {version('grayplate')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the HTTP API until SIGTERM or Ctrl-C")
    serve.add_argument(
        "--socket", type=Path, metavar="PATH", help="where to listen; default: engine.sock in the runtime folder"
    )
    serve.add_argument(
        "--idle-exit",
        type=_minutes,
        metavar="MINUTES",
        help="end when for so long nobody asked for anything and no job was left; default: never",
    )
    return parser


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of minutes above 0")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
