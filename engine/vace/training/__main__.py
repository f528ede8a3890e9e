"""The training's command line."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from engine.vace.training.configuration import Configuration, load_configuration

_VALIDATION_SHOTS = 32


def main() -> None:
    """Runs one part of a training, or goes on with it; see --help."""
    parser = argparse.ArgumentParser(prog="python -m engine.vace.training", description=main.__doc__)
    parser.add_argument("part", choices=("vae", "transformer", "export"))
    parser.add_argument("--configuration", type=Path, default=Path(__file__).parent / "configurations" / "starter.json")
    parser.add_argument("--work", type=Path, required=True, help="folder for states, caches and pictures")
    parser.add_argument("--out", type=Path, help="export: the model folder to write")
    parser.add_argument("--threads", type=int, help="threads of the CPU to use")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    configuration = load_configuration(options.configuration)
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    if options.part == "export" and options.out is None:
        parser.error("export needs --out, the model folder to write")
    _run(options.part, configuration, options.work, options.out)


def _run(part: str, configuration: Configuration, work: Path, out: Path) -> None:
    from engine.vace.training.export import export_model
    from engine.vace.training.transformer_training import train_transformer
    from engine.vace.training.vae_training import train_vae
    from engine.vace.training.validation import validate

    vae = train_vae(configuration, work)
    if part == "transformer":
        transformer = train_transformer(configuration, work, vae)
        size = configuration.transformer.stages[-1].sizes[0]
        validate(transformer, vae, configuration, size, _VALIDATION_SHOTS, work / "transformer-samples.png")
    elif part == "export":
        export_model(configuration, work, vae, out)


if __name__ == "__main__":
    main()
