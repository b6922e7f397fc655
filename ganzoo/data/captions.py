"""Captions of one split: tokenised once, encoded once by a frozen text encoder, picked by index."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganzoo import untrusted
from ganzoo.data.array_files import map_array
from ganzoo.data.cache import appearing, digest, discard
from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError
from ganzoo.flow import TextFeatures, Tokens

CHUNK = 256  # captions tokenised or encoded at a time
FEATURES = {"sentence": 2, "words": 3, "mask": 2}  # the arrays of a cache, and their numbers of axes
LARGEST_META = 10_000  # bytes

log = logging.getLogger("ganzoo")


class CaptionStore:
    """All captions of n examples. A *slot* is a place in the list of all captions, example after example.

    Equal captions are tokenised and encoded once; embeddings that come with the data belong to slots.

    Raises GanzooError: an example without a caption, an empty caption, embeddings that are not one a caption.
    """

    def __init__(self, examples: Examples) -> None:
        _check(examples)
        captions = [caption for own in examples.captions for caption in own]
        rows: dict[str, int] = {}
        self._row = np.array([rows.setdefault(caption, len(rows)) for caption in captions], np.int64)
        self._count = np.array([len(own) for own in examples.captions], np.int64)
        self._start = np.cumsum(self._count) - self._count
        self.distinct: tuple[str, ...] = tuple(rows)
        self._tokens: Tokens | None = None
        self._features: dict[str, NDArray[Any]] = {}
        self._embedding = examples.embedding
        if examples.embedding is not None:
            self._embedding = examples.embedding.reshape(len(captions), -1)

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self._count)

    def choose(self, examples: NDArray[np.int64], draws: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Slots, shaped like `draws`, one of the captions of each of `examples` [b].

        `draws`: uniform in [0, 1), [b], or [b, average] for several captions of one example with replacement.
        """
        shape = (-1, *[1] * (draws.ndim - 1))
        count, start = self._count[examples].reshape(shape), self._start[examples].reshape(shape)
        return start + np.minimum((draws * count).astype(np.int64), count - 1)

    def tokenize(self, encoder: nn.Module) -> None:
        """Tokens of all distinct captions, by the text encoder's `tokenize(list[str]) -> Tokens`."""
        tokenize: Callable[[list[str]], Tokens] = encoder.tokenize  # type: ignore[assignment]
        parts = [
            tokenize(list(self.distinct[start : start + CHUNK]))
            for start in range(0, len(self.distinct), CHUNK)
        ]
        width = max(part.ids.shape[1] for part in parts)
        ids = [nn.functional.pad(part.ids.cpu(), (0, width - part.ids.shape[1])) for part in parts]
        self._tokens = Tokens(torch.cat(ids), torch.cat([part.length.cpu() for part in parts]))

    def tokens(self, slots: NDArray[np.int64]) -> Tokens:
        """Tokens [b, t] of `slots` [b], or of the first of each row of [b, average].

        Where the data brings embeddings they come with them, averaged over the row. Call `tokenize` first.
        """
        assert self._tokens is not None, "tokenize comes before tokens"
        first = torch.from_numpy(self._row[slots if slots.ndim == 1 else slots[:, 0]])
        embedding = None
        if self._embedding is not None:
            own = self._embedding[slots]
            embedding = torch.from_numpy(own if slots.ndim == 1 else own.mean(axis=1))
        return Tokens(self._tokens.ids[first], self._tokens.length[first], embedding)

    def encode(
        self,
        encoder: nn.Module,
        folder: Path,
        *,
        device: torch.device | str = "cpu",
        progress: Callable[[int, int], None] | None = None,
        words: bool = True,
    ) -> Path:
        """Features of all distinct captions by a frozen text encoder that lies on `device`, in eval mode.

        They are kept as float32 below `folder` under a key made of the encoder's weights, buffers,
        structure and plain attributes, the captions and their tokens, and whether word features are kept
        (`words`). `progress(done, total)` is called while encoding. Call `tokenize` first. Returns the folder
        they lie in.

        Raises GanzooError when `folder` is full or cannot be written.
        """
        assert self._tokens is not None, "tokenize comes before encode"
        target = folder / self._key(encoder, words)
        features = _reopen(target, len(self.distinct))
        if features is None:
            try:
                discard(target)
                with appearing(target) as building:
                    self._write(encoder, building, device, progress, words)
            except OSError as error:
                raise GanzooError(
                    f"cannot write the captions' features to {folder}: {error.strerror}; "
                    "set GANZOO_CACHE to a folder with room that you may write to"
                ) from error
            features = _reopen(target, len(self.distinct))
            assert features is not None, "features just written open"
        self._features = features
        return target

    def features(self, slots: NDArray[np.int64]) -> TextFeatures:
        """Features of `slots` [b]; of [b, average] the mean sentence, without words. Call `encode` first."""
        assert self._features, "encode comes before features"
        sentence = self._features["sentence"][self._row[slots]]
        if slots.ndim == 2 and slots.shape[1] > 1:
            return TextFeatures(torch.from_numpy(sentence.mean(axis=1)))
        rows = self._row[slots.reshape(len(slots))]
        kept = {name: torch.from_numpy(array[rows]) for name, array in self._features.items()}
        return TextFeatures(kept["sentence"], kept.get("words"), kept.get("mask"))

    def _key(self, encoder: nn.Module, words: bool) -> str:
        assert self._tokens is not None
        state = hashlib.sha256(f"{_describe(encoder)}\nwords {words}\n".encode())
        for name, tensor in [*encoder.named_parameters(), *encoder.named_buffers()]:
            state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            state.update(_bytes(tensor))
        state.update(json.dumps(self.distinct).encode())
        state.update(_bytes(self._tokens.ids))
        return state.hexdigest()[:32]

    @torch.no_grad()
    def _write(
        self,
        encoder: nn.Module,
        building: Path,
        device: torch.device | str,
        progress: Callable[[int, int], None] | None,
        words: bool,
    ) -> None:
        """Encode chunk after chunk into `sentence.npy`, `words.npy`, `mask.npy`, and their digests."""
        assert self._tokens is not None
        total, longest = self._tokens.ids.shape
        training = encoder.training
        encoder.eval()
        with ExitStack() as files:
            open_files: dict[str, BinaryIO] = {}
            for start in range(0, total, CHUNK):
                part = slice(start, min(start + CHUNK, total))
                arrays = _arrays(encoder(self._tokens.rows(part).to(device)), longest, words)
                for name, array in arrays.items():
                    if name not in open_files:
                        open_files[name] = files.enter_context((building / f"{name}.npy").open("wb"))
                        _header(open_files[name], array, total)
                    open_files[name].write(array.tobytes())
                if progress:
                    progress(part.stop, total)
        encoder.train(training)
        digests = {name: digest(building / f"{name}.npy") for name in open_files}
        (building / "meta.json").write_text(json.dumps(digests))


def _check(examples: Examples) -> None:
    """Every example has a caption, no caption is empty, embeddings are one a caption."""
    for key, own in zip(examples.keys, examples.captions, strict=True):
        if not own:
            raise GanzooError(f"{key} has no caption; every picture needs at least one")
        if not all(caption.strip() for caption in own):
            raise GanzooError(f"{key} has an empty caption; write one, or remove the empty line")
    if examples.embedding is not None:
        n, each = examples.embedding.shape[:2]
        if n != len(examples) or any(len(own) != each for own in examples.captions):
            raise GanzooError(
                f"the data brings {each} sentence embeddings for each of {n} pictures; "
                f"expected one a caption of {len(examples)} pictures"
            )


def _describe(encoder: nn.Module) -> str:
    """What a module is beside its tensors: the classes, structure and plain attributes of all its parts."""
    lines = [repr(encoder)]
    for name, part in encoder.named_modules():
        plain = {
            attribute: value
            for attribute, value in sorted(vars(part).items())
            if isinstance(value, bool | int | float | str) and attribute != "training"
        }
        lines.append(f"{name}: {type(part).__module__}.{type(part).__qualname__} {plain}")
    return "\n".join(lines)


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _arrays(features: TextFeatures, longest: int, words: bool) -> dict[str, NDArray[Any]]:
    """Features as arrays of one width for all chunks: words and mask padded to `longest`."""
    kept = {"sentence": features.sentence.float()}
    if words and features.words is not None:
        assert features.mask is not None, "words come with their mask"
        short = longest - features.words.shape[1]
        assert short >= 0, "a text encoder gives no more words than there are tokens"
        kept["words"] = nn.functional.pad(features.words.float(), (0, 0, 0, short))
        kept["mask"] = nn.functional.pad(features.mask, (0, short))
    return {name: tensor.cpu().numpy() for name, tensor in kept.items()}


def _header(file: BinaryIO, array: NDArray[Any], total: int) -> None:
    """The .npy header of an array like `array` with `total` rows, which are written after it."""
    shape = (total, *array.shape[1:])
    fields = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, fields)


def _reopen(target: Path, total: int) -> dict[str, NDArray[Any]] | None:
    """The arrays at `target`, memory-mapped; None where there are none, or (logged) damaged ones."""
    if not target.exists():
        return None
    try:
        digests = untrusted.read_json(target / "meta.json", LARGEST_META)
        if "sentence" not in digests or not digests.keys() <= FEATURES.keys():
            raise ValueError("meta.json names other features than a sentence, words and their mask")
        for name, expected in digests.items():
            if digest(target / f"{name}.npy") != expected:
                raise ValueError(f"{name}.npy is not what was written")
        arrays = {name: map_array(target / f"{name}.npy") for name in digests}
        for name, array in arrays.items():
            kind = "b" if name == "mask" else "f"
            if (array.ndim, len(array), array.dtype.kind) != (FEATURES[name], total, kind):
                raise ValueError(f"{name}.npy holds {array.dtype} of shape {array.shape}")
        return arrays
    except (GanzooError, OSError, ValueError) as error:
        log.warning("the captions' features in %s are damaged (%s); encoding them again", target, error)
        return None
