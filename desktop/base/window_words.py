"""What the window says where a message of the engine tells a person to type something: there is a dialog for it.

Pairs of a template of ``resources/translations/templates.json`` and what stands in its place. The command line keeps
the messages as they are; a translation is of what the window says.
"""

from __future__ import annotations

from collections.abc import Mapping

_PAIRS = (
    # models
    (
        "get one with `grayplate models get sam2.1-tiny` (facebook/sam2.1-hiera-tiny, 0.2 GB, Apache-2.0), or add a "
        "folder with its config.json and .safetensors files: `grayplate models add DIR`",
        "get SAM 2.1 tiny (0.2 GB) in Edit > Models, or add a folder of your own there",
    ),
    (
        "{fitting} fit; get one with `grayplate models get wan2.1-vace-1.3b` and name it with --param "
        "model=wan2.1-vace-1.3b, or point to your own folder or .safetensors file with --model DIR, the parameter "
        "'model' or the environment variable {model_variable}",
        "get one in Edit > Models, or add a folder or .safetensors file of your own there",
    ),
    (
        "there is no LoRA {path}; choose a .safetensors file or a name in `grayplate models list`",
        "there is no LoRA {path}; choose a .safetensors file, or a name in Edit > Models",
    ),
    (
        "{repository} cannot be downloaded ({reason}); check the connection and run `grayplate models get {name}` "
        "again: it goes on where it stopped",
        "{repository} cannot be downloaded ({reason}); check the internet connection and press Go On or Download "
        "again: it goes on where it stopped",
    ),
    (
        "{rfilename} of {repository} arrived damaged (its checksum differs) and was removed; run `grayplate models "
        "get {name}` again",
        "{rfilename} of {repository} arrived damaged (its checksum differs) and was removed; download it again",
    ),
    (
        "the download takes {total} GB and {folder} has {free} GB free; make room or set GRAYPLATE_HOME to a larger "
        "disk",
        "the download takes {total} GB and {folder} has {free} GB free; make room or choose another folder in Edit > "
        "Models",
    ),
    (
        "'{name}' is the name of {path} already; give another one with --name",
        "'{name}' is the name of {path} already; take that one off the list first, or rename the file",
    ),
    (
        "`hf download {fitting} --local-dir DIR`",
        "Edit > Models has it",
    ),
    (
        "this is the starter model, a small study model: what it paints is soft; where other frames show what is "
        "hidden use clean-plate, otherwise install a Wan VACE model (grayplate models list)",
        "this is the starter model, a small one for study: what it paints is soft; where other frames show what is "
        "hidden use the clean plate, otherwise get a Wan VACE model",
    ),
    # what is not installed
    (
        "click to matte needs {missing}: run `pip install 'grayplate[vace]'`",
        "click to matte needs {missing}, which is not installed; ask whoever set up Grayplate for 'VACE, GPU, "
        "models' of its README",
    ),
    (
        "downloads need huggingface_hub, which is not installed: run `pip install 'grayplate[vace]'`",
        "downloads need huggingface_hub, which is not installed; ask whoever set up Grayplate for 'VACE, GPU, "
        "models' of its README",
    ),
    (
        "the vace effect needs {missing}, which {missing2} not installed: run `pip install 'grayplate[vace]'`; for a "
        "GPU read the README's GPU section first",
        "VACE needs {missing}, which {missing2} not installed; ask whoever set up Grayplate for 'VACE, GPU, models' "
        "of its README",
    ),
    (
        "{path} is a GGUF file, for which the package gguf is missing: pip install gguf",
        "{path} is a GGUF file, for which the package gguf is missing; ask whoever set up Grayplate for 'VACE, GPU, "
        "models' of its README",
    ),
    (
        "{path} holds a SentencePiece tokenizer, for which the package is missing: pip install sentencepiece",
        "{path} holds a SentencePiece tokenizer, for which the package sentencepiece is missing; ask whoever set up "
        "Grayplate for 'VACE, GPU, models' of its README",
    ),
    # the engine
    (
        "no engine serves {path}; start one with: grayplate-engine serve",
        "no engine serves {path}; press Retry to start one",
    ),
    (
        "no engine answers on {path} ({error}); start one with: grayplate-engine serve",
        "no engine answers on {path} ({error}); press Retry to start one",
    ),
    (
        "the engine on {socket} does not answer ({error}); see {paths} and start it again with: grayplate-engine serve",
        "the render engine does not answer ({error}); press Retry to start it again; {paths} says what came before",
    ),
    (
        "the engine could not be started: {last_log_line}; run `grayplate-engine serve --socket {socket}` to see "
        "what it says",
        "the engine could not be started: {last_log_line}; press Retry, and see Help > Show Log if it happens again",
    ),
    # folders
    (
        "a finished frame cannot be written to {folder}: {reason}; free space there or set GRAYPLATE_CACHE to a "
        "larger disk, then start again: finished frames are kept",
        "a finished frame cannot be written to {folder}: {reason}; free space there or choose another cache folder "
        "in the preferences, then start again: finished frames are kept",
    ),
    (
        "a recovered frame cannot be kept in {parent}: {strerror}; free space there or set GRAYPLATE_CACHE to a "
        "larger disk, then start again: finished frames are kept",
        "a recovered frame cannot be kept in {parent}: {strerror}; free space there or choose another cache folder "
        "in the preferences, then start again: finished frames are kept",
    ),
    (
        "the folder {folder} cannot be made ({strerror}); set GRAYPLATE_HOME",
        "the folder {folder} cannot be made ({strerror}); choose another one in Edit > Models",
    ),
    (
        "{path} cannot be written ({strerror}); set {home_variable} to a folder that you may write",
        "{path} cannot be written ({strerror}); choose a folder that you may write in Edit > Models",
    ),
    # settings, by the names that the inspector gives them
    (
        "'{effect}' has no preset '{name}' of your own; `grayplate effects` lists them",
        "'{effect}' has no preset '{name}' of your own; it may have been deleted already",
    ),
    (
        "out of GPU memory with {frame_count} frames; lower pixel_budget_px or context_frames, turn on vae_tiling, "
        "or use the 1.3B model",
        "out of GPU memory with {frame_count} frames; lower 'Pixel budget' or 'Context frames', turn on 'VAE "
        "tiling', or use the 1.3B model",
    ),
    (
        "the model in {model} does not fit into the memory of {device}; raise blocks_to_swap, set weights_storage to "
        "fp8, close other programs that use the GPU or take Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        "the model in {model} does not fit into the memory of {device}; raise 'Blocks to swap', set 'Weights in "
        "memory' to fp8, close other programs that use the GPU or take the 1.3B model",
    ),
    (
        "{missing}, and no setting makes it fit; lower pixel_budget_px or take the 1.3B model",
        "{missing}, and no setting makes it fit; lower 'Pixel budget' or take the 1.3B model",
    ),
)

WINDOW_WORDS: Mapping[str, str] = dict(_PAIRS)
