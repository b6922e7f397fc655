"""A CLIP of the package's class: downloaded by the package, read from a local state dict, or random."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import Tensor, nn

from ganzoo import untrusted
from ganzoo.errors import GanzooError
from ganzoo.weight_files import read_weights
from ganzoo_clip.models import RANDOM, RANDOM_WIDTH, Which
from ganzoo_clip.package import CLIP

HEAD = 64  # channels of an attention head in every CLIP
NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size")  # numbers among OpenAI's tensors
CONVERT = (
    'python -c "import clip, torch; '
    "torch.save(clip.load('ViT-B/32', device='cpu')[0].state_dict(), 'clip.pt')\""
)


def load(which: Which) -> Any:
    """The CLIP on the CPU in float32, frozen, with norms that compute in any precision.

    Raises GanzooError: no connection and no file; a file that is damaged, runs code, or is no CLIP.
    """
    with torch.random.fork_rng(devices=[]):
        if which.checkpoint is not None:
            network = _from_state(read(which.checkpoint), which.checkpoint)
        elif which.model == RANDOM:
            torch.manual_seed(0)
            network = CLIP.model.CLIP(**_random_sizes())
        else:
            network = _downloaded(which.model, which.folder)
    _plain_norms(network)
    return network.float().requires_grad_(False).eval()


def read(checkpoint: str) -> dict[str, Tensor]:
    """The named tensors of a local file but numbers that are no weights. GanzooError as `load` has it."""
    path = Path(checkpoint).expanduser()
    untrusted.check_regular(path)
    if _is_script(path):
        raise GanzooError(
            f"{path} is a TorchScript archive, as OpenAI publishes CLIP: reading it can run code. Name "
            "`model` instead and put the file into `folder` (~/.cache/clip) under its own name, where its "
            f"checksum is compared; or give a state dict: {CONVERT}"
        )
    return {name: tensor for name, tensor in read_weights(path).items() if name not in NOT_WEIGHTS}


def width_of(checkpoint: str) -> int:
    """The width of the CLIP in a local file. Raises GanzooError as `load` does."""
    path = Path(checkpoint).expanduser()
    untrusted.check_regular(path)
    facts = path.stat()
    return _width(checkpoint, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=16)
def _width(checkpoint: str, *_when: int) -> int:
    return int(_sizes(read(checkpoint), checkpoint)["embed_dim"])


def _is_script(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def _from_state(state: Mapping[str, Tensor], shown: str) -> Any:
    """Not by the package's `build_model`, which rounds weights to half precision."""
    sizes = _sizes(state, shown)
    try:
        network = CLIP.model.CLIP(**sizes)
        network.load_state_dict(state)
    except (RuntimeError, AssertionError, ValueError, ZeroDivisionError) as error:
        reason = str(error).replace("\t", "").split("\n")
        raise GanzooError(f"{shown} is no CLIP that can be built: {' '.join(reason[:3])}") from error
    return network


def _sizes(state: Mapping[str, Tensor], shown: str) -> dict[str, Any]:
    """What the constructor asks for, by the shapes of the weights."""
    try:
        text_width = state["ln_final.weight"].shape[0]
        sizes = {
            "embed_dim": state["text_projection"].shape[1],
            "context_length": state["positional_embedding"].shape[0],
            "vocab_size": state["token_embedding.weight"].shape[0],
            "transformer_width": text_width,
            "transformer_heads": text_width // HEAD,
            "transformer_layers": _count(state, "transformer.resblocks.", 2),
        }
        return sizes | (_transformer(state) if "visual.proj" in state else _resnet(state))
    except ValueError as error:
        raise GanzooError(f"{shown} is no CLIP: a weight has another number of axes ({error})") from error
    except (KeyError, IndexError) as error:
        raise GanzooError(
            f"{shown} is no CLIP: it lacks {error}; expected the state dict of the package's "
            f"clip.model.CLIP, as written by {CONVERT}"
        ) from error


def _transformer(state: Mapping[str, Tensor]) -> dict[str, Any]:
    width, _, _, patch = state["visual.conv1.weight"].shape
    grid = round((state["visual.positional_embedding"].shape[0] - 1) ** 0.5)
    return {
        "image_resolution": patch * grid,
        "vision_layers": _count(state, "visual.transformer.resblocks.", 3),
        "vision_width": width,
        "vision_patch_size": patch,
    }


def _resnet(state: Mapping[str, Tensor]) -> dict[str, Any]:
    grid = round((state["visual.attnpool.positional_embedding"].shape[0] - 1) ** 0.5)
    return {
        "image_resolution": grid * 32,
        "vision_layers": tuple(_count(state, f"visual.layer{number}.", 2) for number in (1, 2, 3, 4)),
        "vision_width": state["visual.layer1.0.conv1.weight"].shape[0],
        "vision_patch_size": None,
    }


def _count(state: Mapping[str, Tensor], prefix: str, place: int) -> int:
    return len({name.split(".")[place] for name in state if name.startswith(prefix)})


def _random_sizes() -> dict[str, Any]:
    return {
        "embed_dim": RANDOM_WIDTH, "image_resolution": 32, "vision_layers": 2, "vision_width": HEAD,
        "vision_patch_size": 8, "context_length": 77, "vocab_size": 49408, "transformer_width": HEAD,
        "transformer_heads": 1, "transformer_layers": 2,
    }  # fmt: skip


def _downloaded(model: str, folder: str | None) -> Any:
    """By the package's `load`: with a progress bar, its checksum compared; of several processes, once."""
    root = Path(folder or "~/.cache/clip").expanduser()
    url = CLIP.clip._MODELS[model]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".ganzoo.lock"), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # torch.jit.load is deprecated; a checksum that differs: see below
            network, _ = CLIP.load(model, device="cpu", jit=False, download_root=str(root))
    except (OSError, RuntimeError) as error:
        raise GanzooError(
            f"clip cannot get the weights of {model} from {url}: {error}; without a connection put that "
            f"file, as it is, into {root}, or give `checkpoint`, a state dict on disk"
        ) from error
    return network


def _plain_norms(module: nn.Module) -> None:
    """Torch's layer norms for the package's, which compute in float32 whatever they are given."""
    for name, child in module.named_children():
        if isinstance(child, CLIP.model.LayerNorm):
            plain = nn.LayerNorm(child.normalized_shape, child.eps)
            plain.weight, plain.bias = child.weight, child.bias
            setattr(module, name, plain)
        else:
            _plain_norms(child)
