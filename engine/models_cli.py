"""``python -m engine.models_cli``: what ``grayplate models`` runs, in a process of its own like all of the engine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from engine.errors import EngineError
from engine.model_catalog import CATALOGUE, CatalogueEntry, add_model, find_entry
from engine.model_library import STARTER_LICENCE, STARTER_PURPOSE, STARTER_TITLE
from engine.model_registry import STARTER_NAME, InstalledModel, installed_models

_STARTER_LABEL = f"{STARTER_TITLE}: {STARTER_PURPOSE}"
EXIT_BY_KIND = {"bad_input": 2, "failed": 1, "cancelled": 130}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0 done, 2 bad input, 1 failed, 130 cancelled."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "list":
            _list(options.json)
        elif options.command == "add":
            _say(add_model(options.path, options.name))
        else:
            _say(_get(options.model))
    except KeyboardInterrupt:
        print("grayplate: cancelled; the same command goes on where it stopped", file=sys.stderr)
        return EXIT_BY_KIND["cancelled"]
    except EngineError as error:
        print(f"grayplate: {error}", file=sys.stderr)
        return EXIT_BY_KIND[error.kind]
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="grayplate models", description="The models of vace and of click to matte.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="list | add | get")
    listing = commands.add_parser("list", help="what is installed, and what can be downloaded")
    listing.add_argument("--json", action="store_true", help="print it as JSON")
    adding = commands.add_parser("add", help="check a model or LoRA that is on this machine and give it a name")
    adding.add_argument("path", type=Path, metavar="PATH", help="a folder in diffusers' layout, .safetensors or .gguf")
    adding.add_argument("--name", default="", help="its name; default: the file's")
    getting = commands.add_parser("get", help="download one from the Hugging Face hub")
    getting.add_argument("model", metavar="NAME", help="a name from the list")
    return parser


def _list(as_json: bool) -> None:
    installed = installed_models()
    known = {entry.name: entry for entry in CATALOGUE}
    rows = []
    for name in dict.fromkeys((*known, *installed)):
        entry, here = known.get(name), installed.get(name)
        rows.append(
            {
                "name": name,
                "kind": here.kind if here else entry.kind if entry else "",
                "size_gb": round(here.size_bytes / 1e9, 2) if here else entry.size_gb if entry else 0.0,
                "licence": entry.licence if entry else STARTER_LICENCE if name == STARTER_NAME else "",
                "label": _label(entry) if entry else _STARTER_LABEL if name == STARTER_NAME else "",
                "unconfirmed": list(entry.unconfirmed) if entry and not here else [],
                "path": here.path if here else "",
            }
        )
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(box=None)
    table.add_column("Name", no_wrap=True)
    for heading in ("Kind", "GB, about", "Licence"):
        table.add_column(heading)
    table.add_column("Where", overflow="fold")
    for row in rows:
        table.add_row(
            str(row["name"]),
            str(row["kind"]),
            f"{row['size_gb']:g}{_doubt(row, 'size')}",
            f"{row['licence']}{_doubt(row, 'licence')}",
            str(row["path"]) or f"{row['label']} (grayplate models get {row['name']})",
        )
    Console().print(table)
    if any(row["unconfirmed"] for row in rows):
        print("? as far as known, not compared with the publisher's page")


def _label(entry: CatalogueEntry) -> str:
    return ": ".join(part for part in (entry.title, entry.label) if part)


def _doubt(row: Mapping[str, object], what: str) -> str:
    unconfirmed = row["unconfirmed"]
    return "?" if isinstance(unconfirmed, list) and what in unconfirmed else ""


def _get(name: str) -> InstalledModel:
    entry = find_entry(name)
    from engine.model_download import download_model

    columns = (TextColumn("{task.fields[file]}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=None, file=entry.repository)

        def report(file: str, done: int, total: int) -> None:
            bars.update(task, completed=done, total=total, file=file)

        print(f"{entry.repository}, licence {entry.licence}", file=sys.stderr)
        return download_model(entry, report)


def _say(entry: InstalledModel) -> None:
    if entry.kind == "segment":
        print(f"{entry.name} ({entry.size_bytes / 1e9:.1f} GB) in {entry.path}")
        print(f"use it with grayplate matte --model {entry.name}")
        return
    parameters = {"lora": "lora_1", "base": "base_model", "encoder": "text_encoder", "vae": "vae"}
    parameter = parameters.get(entry.kind, "model")
    print(f"{entry.name} ({entry.kind}, {entry.size_bytes / 1e9:.1f} GB) in {entry.path}")
    print(f"use it with --param {parameter}={entry.name}")


if __name__ == "__main__":
    sys.exit(main())
