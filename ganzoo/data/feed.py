"""What training reads, made ready once: packed pictures, tokenised captions, a frozen encoder's features."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import nn

from ganzoo.data.cache import Packed, cache_folder, pack
from ganzoo.data.captions import CaptionStore
from ganzoo.data.examples import Examples
from ganzoo.data.loader import Loader, hidden, layout_of
from ganzoo.errors import GanzooError
from ganzoo.plan import PhasePlan, Plan
from ganzoo.processes import main_first
from ganzoo.progress import counting

if TYPE_CHECKING:
    from ganzoo.flow import Layout, Tokens
    from ganzoo.model import Model

log = logging.getLogger("ganzoo")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out captions with their tokens, real pictures [n, r, r, 3].

    Classes [n], boxes and keypoints where they are known; without those that `data.hide` hides.
    """

    captions: list[str]
    tokens: Tokens
    real: NDArray[np.uint8]
    class_id: torch.Tensor | None
    layout: Layout | None


class Feed:
    """A plan's training split on disk and in memory, and a few held-out captions to draw.

    In several processes the main one packs and encodes first, the others then open what it made.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path | None,
        compute: Accelerator,
        *,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        skip_broken: bool = False,
    ) -> None:
        self.plan, self._folder, self._compute = plan, folder, compute
        self._seed, self._dtype, self._skip_broken = seed, dtype, skip_broken
        size = plan.data.load_size or max(plan.resolutions)
        if size < max(plan.resolutions):
            raise GanzooError(
                f"`data.load_size` is {size}, smaller than the finest stage's {max(plan.resolutions)} pixels"
            )
        self._packed, self._examples = self._pack("train", size)
        self._captions = CaptionStore(self._examples)

    def _pack(self, split: str, size: int) -> tuple[Packed, Examples]:
        examples = self.plan.data.examples(split, self._folder, size)
        with main_first(self._compute), counting(f"packing {split} pictures") as progress:
            packed = pack(
                examples, size, cache_folder() / "pictures", skip_broken=self._skip_broken, progress=progress
            )
        return packed, packed.select(examples)

    @property
    def pictures(self) -> Packed:
        """The packed training pictures."""
        return self._packed

    @property
    def captions(self) -> tuple[str, ...]:
        """All distinct training captions."""
        return self._captions.distinct

    def batch_of(self, phase: PhasePlan) -> int:
        """Examples in one batch of a phase, over all processes."""
        return phase.batch or self.plan.data.batch

    def steps_of(self, phase: PhasePlan) -> int:
        """How many steps a phase takes."""
        an_epoch = len(self._examples) // self.batch_of(phase)
        return phase.steps or (phase.epochs or 0) * an_epoch // phase.accumulate

    def loader(self, model: Model, phase: PhasePlan) -> Loader:
        """Batches for `phase`; with text features made once, where it does not train the text encoder."""
        self._captions.tokenize(model.text_encoder)
        trained = any(update.name == "encoders" for update in phase.updates)
        frozen = self.plan.text.pretrained or not trained
        use_features = frozen and "embedding" not in self.plan.text.requires()
        if use_features:
            self.encode(model.text_encoder, model.device)
        return Loader(
            examples=self._examples,
            packed=self._packed,
            captions=self._captions,
            resolutions=self.plan.resolutions,
            batch=self.batch_of(phase),
            seed=self._seed,
            flip=self.plan.data.flip,
            average=self.plan.data.average,
            mismatched=phase.reads_mismatched and self.plan.data.mismatched == "images",
            pairs=self.plan.data_spec.pairs if self.plan.data.layout == "exact" else None,
            hide=self.plan.data.hide,
            use_features=use_features,
            device=self._compute.device,
            dtype=self._dtype,
            rank=self._compute.process_index,
            world=self._compute.num_processes,
        )

    def encode(self, text_encoder: nn.Module, device: torch.device) -> Path:
        """Have the features of all captions by a frozen text encoder on `device`; the folder they lie in."""
        self._captions.tokenize(text_encoder)
        with main_first(self._compute), counting("encoding captions") as progress:
            return self._captions.encode(
                text_encoder,
                cache_folder() / "captions",
                device=device,
                progress=progress,
                words=self.plan.reads_words,
            )

    def held_out_pictures(self, count: int) -> tuple[Packed, Examples]:
        """So many examples, or all there are, spread evenly over the test split.

        Where the data has no test split the training split serves, and the log says so.
        """
        examples = self.plan.data.examples("test", self._folder, max(self.plan.resolutions))
        if not len(examples):
            log.info("the data has no test split: sample grids show training captions")
            examples = self._examples
        count = min(count, len(examples))
        rows = np.linspace(0, len(examples) - 1, count).round().astype(np.int64)
        chosen = Packed(self._packed.images[:0], rows).select(examples)
        with main_first(self._compute):
            packed = pack(
                chosen, max(self.plan.resolutions), cache_folder() / "pictures", skip_broken=self._skip_broken
            )
        return packed, packed.select(chosen)

    def held_out(self, model: Model, count: int) -> HeldOut:
        """So many of them with tokens and layouts, to be drawn or measured."""
        packed, chosen = self.held_out_pictures(count)
        store = CaptionStore(chosen)
        store.tokenize(model.text_encoder)
        slots = store.choose(np.arange(len(chosen)), np.zeros(len(chosen)))
        real = packed.images.transpose(0, 2, 3, 1)
        classes = None if chosen.class_id is None else torch.from_numpy(chosen.class_id)
        captions = [own[0] for own in chosen.captions]
        layout = layout_of(chosen)
        if self.plan.data.hide and layout is not None and layout.keypoints is not None:
            draws = np.random.default_rng(0).random(layout.keypoints.shape[:2])
            layout = hidden(layout, draws < self.plan.data.hide)
        return HeldOut(captions, store.tokens(slots), real, classes, layout)
