"""The command line: ``grayplate``.

Kept light: only the standard library is imported here; each subcommand imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version

COMMANDS = {
    "clean": "remove what boxes or a matte mark, and write the cleaned clip",
    "matte": "find an object from clicks or a box, and write its matte or shapes",
    "roi": "convert boxes, shapes and mattes from one file format to another",
    "effects": "list the effects and their parameters",
    "probe": "show frames, size, rate, pixel format, colour tags and timecode of media",
    "models": "list, add and download the models of the vace effect",
    "demo": "clean the bundled sample clip and measure the result",
}

_USAGE = """\
grayplate [PROJECT | MEDIA...]                       opens the desktop
       grayplate clean SOURCE --boxes BOXES.json -o OUTPUT
                 [--matte MATTE] [--effect clean-plate|vace] [--preset NAME] [--model DIR]
                 [--param NAME=VALUE]... [--apply-remedies] [--dry-run]
                 [--frames A-B] [--redo A-B | --redo-window N]
                 [--report REPORT.json] [--preview DIR] [--overwrite] [--quiet]
       grayplate matte SOURCE --click X,Y@FRAME... -o OUTPUT [--model DIR]
       grayplate roi FILE -o OUTPUT [--media CLIP]
       grayplate effects [--json]
       grayplate probe MEDIA [--json]
       grayplate models list | add PATH | get NAME
       grayplate demo
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 done, 2 bad input or usage, 1 failed, 130 cancelled."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # A bare name is a subcommand; a file of the same name is opened as ./name.
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    options = _parser(command).parse_args(arguments[1:] if command else arguments)
    if command is None:
        from desktop.app import run as run_desktop

        return run_desktop(options.paths)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return _guarded(command, options)


def _parser(command: str | None) -> argparse.ArgumentParser:
    if command is not None:
        parser = argparse.ArgumentParser(prog=f"grayplate {command}", description=COMMANDS[command])
        importlib.import_module(f"desktop.subcommands.{command}").add_arguments(parser)
        return parser
    parser = argparse.ArgumentParser(
        prog="grayplate",
        usage=_USAGE,
        description="Removes things from shots. Without a subcommand it opens the desktop.",
        epilog="Exit codes: 0 done, 2 bad input or usage, 1 failed, 130 cancelled.",
    )
    parser.add_argument("paths", nargs="*", metavar="PROJECT | MEDIA", help="a .otio project, movies, image sequences")
    parser.add_argument("--version", action="version", version=f"grayplate {version('grayplate')}")
    return parser


def _guarded(command: str, options: argparse.Namespace) -> int:
    """Run a subcommand; whatever goes wrong becomes one line on stderr and the documented exit code."""
    from desktop.subcommands.exit_codes import EXIT_CANCELLED, EXIT_FAILED, KNOWN_ERRORS, exit_code

    try:
        return importlib.import_module(f"desktop.subcommands.{command}").run(options)
    except KeyboardInterrupt:
        print("grayplate: cancelled", file=sys.stderr)
        return EXIT_CANCELLED
    except KNOWN_ERRORS as error:
        print(f"grayplate: {_one_line(error)}", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError:  # `grayplate effects | head`
        sys.stderr.close()
        return EXIT_FAILED
    except Exception as error:
        logging.getLogger("grayplate").debug("unexpected error", exc_info=True)
        print(
            f"grayplate: internal error in '{command}': {type(error).__name__}: {_one_line(error)}; "
            "please report it with the command that you ran",
            file=sys.stderr,
        )
        return EXIT_FAILED


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
