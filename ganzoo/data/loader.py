"""Batches of real examples: a pure function of (seed, step), shared out among any number of processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.data.augment import augment, move_layout, move_layout_as_gawwn
from ganzoo.data.cache import Packed
from ganzoo.data.captions import CaptionStore
from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError
from ganzoo.flow import Batch, Layout

AHEAD = 2  # batches made in threads while one is in use
ON_DEVICE_BYTES = 2 << 30  # packed pictures up to this size are kept on the GPU


class Purpose(IntEnum):
    """What a draw is for. Each has a stream of its own, so switching one on changes no other."""

    ORDER = 0
    CAPTIONS = 1
    CROP = 2
    FLIP = 3
    PARTNER = 4
    PARTNER_CROP = 5
    PARTNER_FLIP = 6
    HIDE = 7


@dataclass(frozen=True, eq=False)
class Views:
    """Where each of n pictures is cut, `offsets` [n, 2] (top, left) in pixels, and mirrored, `flips` [n]."""

    offsets: NDArray[np.int64]
    flips: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Epoch:
    """All draws of one epoch. `order` [n] is that of the examples; the rest belongs to examples, not places.

    `slots`: [n, average] captions. `views`: of the pictures themselves; `partner_views`: of `partners` [n],
    the pictures that do not show the captions. `hidden`: [n, k] keypoints.
    """

    order: NDArray[np.int64]
    slots: NDArray[np.int64]
    views: Views
    partners: NDArray[np.int64] | None = None
    partner_views: Views | None = None
    hidden: NDArray[np.bool_] | None = None


class Loader:
    """Batches of one process, one `batch_at(step)` each. `batch` counts examples over all `world` processes.

    `examples`: those of `packed.images`, row for row (`Packed.select`). `captions`: tokenised; also encoded
    where `use_features` asks for `Batch.text`. `resolutions`: of the stages; random crops of the finest are
    cut where the packed pictures are larger. `flip`: mirror half of the pictures. `average`: so many
    captions a picture, drawn with replacement, their features averaged. `mismatched`: deliver pictures of
    other classes too (of any other example where classes are unknown or there is only one), with crops and
    flips of their own. `pairs`: left and right keypoints, as in `move_layout`; None = layouts move as in
    GAWWN's program. `hide`: the share of keypoints that are not in `Batch.shown`.

    Raises GanzooError: fewer examples than one batch; a batch that the processes cannot share evenly;
    pictures packed below the finest resolution; mismatched pictures asked of a single example.
    """

    def __init__(
        self,
        *,
        examples: Examples,
        packed: Packed,
        captions: CaptionStore,
        resolutions: tuple[int, ...],
        batch: int,
        seed: int,
        flip: bool = False,
        average: int = 1,
        mismatched: bool = False,
        pairs: tuple[tuple[int, int], ...] | None = (),
        hide: float = 0.0,
        use_features: bool = False,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        n, size = len(examples), packed.images.shape[-1]
        assert n == len(packed.images) == len(captions), "examples, pictures and captions belong together"
        _check(n, batch, world, size, resolutions, mismatched)
        self.steps_per_epoch = n // batch
        self._captions, self._class_id = captions, examples.class_id
        self._keys = np.array(examples.keys, dtype=object)
        self._layout, self._pairs, self._hide = layout_of(examples), pairs, hide
        self._resolutions, self._size, self._crops = resolutions, size, size - max(resolutions) + 1
        self._batch, self._seed, self._flip, self._average = batch, seed, flip, average
        self._mismatched, self._use_features = mismatched, use_features
        self._device, self._dtype, self._rank, self._world = torch.device(device), dtype, rank, world
        self._pictures = torch.from_numpy(packed.images)
        if self._device.type == "cuda" and packed.images.nbytes <= ON_DEVICE_BYTES:
            self._pictures = self._pictures.to(self._device)
        self._epoch = lru_cache(maxsize=2)(self._draw)

    def batch_at(self, step: int) -> Batch:
        """This process's rows of the global batch of `step` (0, 1, ...; epochs follow one another)."""
        epoch, place = divmod(step, self.steps_per_epoch)
        draws = self._epoch(epoch)
        local = self._batch // self._world
        start = place * self._batch + self._rank * local
        rows = draws.order[start : start + local]
        slots = draws.slots[rows]
        with torch.cuda.device(self._device) if self._device.type == "cuda" else nullcontext():
            mismatched: tuple[Tensor, ...] = ()
            elsewhere: Layout | None = None
            if draws.partners is not None and draws.partner_views is not None:
                mismatched = self._look(draws.partners[rows], rows, draws.partner_views)
                elsewhere = self._move(draws.partners[rows], rows, draws.partner_views)
            layout = self._move(rows, rows, draws.views)
            batch = Batch(
                images=self._look(rows, rows, draws.views),
                tokens=self._captions.tokens(slots),
                mismatched=mismatched,
                text=self._captions.features(slots) if self._use_features else None,
                class_id=None if self._class_id is None else torch.from_numpy(self._class_id[rows]),
                layout=layout,
                mismatched_layout=elsewhere,
                shown=None if draws.hidden is None else hidden(layout, draws.hidden[rows]),
                keys=tuple(self._keys[rows]),
            )
            return batch.to(self._device, self._dtype)

    def iterate(self, start: int = 0) -> Iterator[Batch]:
        """Batches of `start`, `start + 1`, ... without end; the next two are made in threads meanwhile.

        Each thread computes alone: while a model keeps all cores busy, waiting for others costs more than
        they bring.
        """
        threads = torch.get_num_threads()
        with ThreadPoolExecutor(AHEAD, "ganzoo-loader", torch.set_num_threads, (1,)) as pool:
            coming = deque(pool.submit(self.batch_at, start + ahead) for ahead in range(AHEAD))
            wait(coming)
            torch.set_num_threads(threads)  # for threads yet to come; the loader's keep their 1
            for step in count(start + AHEAD):
                batch = coming.popleft().result()
                coming.append(pool.submit(self.batch_at, step))
                yield batch

    def _draw(self, epoch: int) -> Epoch:
        """The draws of one epoch, over all examples, so that neither batch size nor processes change them."""
        n = len(self._keys)
        captions = self._uniform(epoch, Purpose.CAPTIONS, n, self._average)
        views = self._views(epoch, Purpose.CROP, Purpose.FLIP)
        order = self._generator(epoch, Purpose.ORDER).permutation(n)
        slots = self._captions.choose(np.arange(n), captions)
        hidden = None
        if self._hide and self._layout is not None and self._layout.keypoints is not None:
            hidden = self._uniform(epoch, Purpose.HIDE, *self._layout.keypoints.shape[:2]) < self._hide
        if not self._mismatched:
            return Epoch(order, slots, views, hidden=hidden)
        partners = mismatched_partners(self._class_id, self._uniform(epoch, Purpose.PARTNER, n))
        partner_views = self._views(epoch, Purpose.PARTNER_CROP, Purpose.PARTNER_FLIP)
        return Epoch(order, slots, views, partners, partner_views, hidden)

    def _views(self, epoch: int, crop: Purpose, flip: Purpose) -> Views:
        n = len(self._keys)
        offsets = (self._uniform(epoch, crop, n, 2) * self._crops).astype(np.int64)
        flips = self._uniform(epoch, flip, n) < 0.5 if self._flip else np.zeros(n, np.bool_)
        return Views(offsets, flips)

    def _uniform(self, epoch: int, purpose: Purpose, *shape: int) -> NDArray[np.float64]:
        return self._generator(epoch, purpose).random(shape)

    def _generator(self, epoch: int, purpose: Purpose) -> np.random.Generator:
        key = np.array([self._seed % 2**64, epoch], np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, purpose]))

    def _look(self, pictures: NDArray[np.int64], rows: NDArray[np.int64], views: Views) -> tuple[Tensor, ...]:
        """`pictures` [b] at every resolution on the device, in the views that belong to examples `rows`."""
        index = torch.from_numpy(pictures)
        offsets = torch.from_numpy(views.offsets[rows]).to(self._device, non_blocking=True)
        flips = torch.from_numpy(views.flips[rows]).to(self._device, non_blocking=True)
        source, place = self._pictures, index.to(self._pictures.device, non_blocking=True)
        if source.device.type != self._device.type:
            pinned = self._device.type == "cuda"
            host = torch.empty((len(index), *source.shape[1:]), dtype=torch.uint8, pin_memory=pinned)
            source = torch.index_select(source, 0, index, out=host).to(self._device, non_blocking=True)
            place = torch.arange(len(index), device=self._device)
        return augment(source, self._resolutions, offsets, flips, self._dtype, place)

    def _move(self, pictures: NDArray[np.int64], rows: NDArray[np.int64], views: Views) -> Layout | None:
        """Where things are in what `_look` gives."""
        if self._layout is None:
            return None
        own = self._layout.rows(torch.from_numpy(pictures))
        offsets, flips = torch.from_numpy(views.offsets[rows]), torch.from_numpy(views.flips[rows])
        if self._pairs is None:
            return move_layout_as_gawwn(own, self._size, max(self._resolutions), offsets, flips)
        return move_layout(own, self._size, max(self._resolutions), offsets, flips, self._pairs)


def hidden(layout: Layout | None, which: NDArray[np.bool_]) -> Layout:
    """The layout without the keypoints `which` [b, k]."""
    assert layout is not None and layout.keypoints is not None
    gone = torch.from_numpy(which)[..., None]
    return Layout(layout.boxes, layout.keypoints.masked_fill(gone, 0))


def mismatched_partners(class_id: NDArray[np.int64] | None, draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each of n examples another one, uniform over those of other classes by `draws` [n] in [0, 1).

    Over all others where `class_id` [n] is None or names only one class.
    """
    n = len(draws)
    if class_id is None or (class_id == class_id[0]).all():
        class_id = np.arange(n)
    _, group, size = np.unique(class_id, return_inverse=True, return_counts=True)
    by_class = np.argsort(group, kind="stable")
    first = (np.cumsum(size) - size)[group]  # where each example's own class begins in `by_class`
    own = size[group]
    place = (draws * (n - own)).astype(np.int64)
    partners: NDArray[np.int64] = by_class[place + own * (place >= first)]
    return partners


def _check(n: int, batch: int, world: int, size: int, resolutions: tuple[int, ...], mismatched: bool) -> None:
    if n < batch:
        raise GanzooError(f"{n} pictures do not fill one batch of {batch}; lower `data.batch` to {n} or less")
    if batch % world:
        raise GanzooError(
            f"`data.batch` is {batch}, which {world} processes cannot share evenly; "
            f"make it a multiple of {world}"
        )
    if size < max(resolutions):
        raise GanzooError(
            f"pictures are packed at {size} x {size} pixels, but the finest stage draws {max(resolutions)}; "
            f"set `data.load_size` to {max(resolutions)} or more"
        )
    if mismatched and n < 2:
        raise GanzooError("mismatched pictures need at least two examples; there is only one")


def layout_of(examples: Examples) -> Layout | None:
    """The boxes and keypoints of all examples."""
    if examples.boxes is None and examples.keypoints is None:
        return None
    return Layout(
        None if examples.boxes is None else torch.from_numpy(examples.boxes),
        None if examples.keypoints is None else torch.from_numpy(examples.keypoints),
    )
