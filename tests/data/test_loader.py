from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganzoo.core.text import NGramsModule, PrecomputedModule
from ganzoo.data.cache import Packed
from ganzoo.data.captions import CaptionStore
from ganzoo.data.examples import Examples
from ganzoo.data.loader import Loader, mismatched_partners
from ganzoo.errors import GanzooError
from ganzoo.flow import Batch


def loader(n: int = 12, size: int = 4, **options: Any) -> Loader:
    """Pictures of one value each: example i is all i."""
    extra = {
        name: options.pop(name) for name in ("boxes", "keypoints", "embedding", "class_id") if name in options
    }
    captions = tuple((f"number {i}", f"number {i} again") for i in range(n))
    keys = tuple(f"{i}.png" for i in range(n))
    examples = Examples(keys, captions, lambda i: Image.new("RGB", (size, size)), "test", **extra)
    images = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 3, size, size)).copy()
    store = CaptionStore(examples)
    store.tokenize(PrecomputedModule(3) if "embedding" in extra else NGramsModule(5, 2, 6, 64))
    given = {"resolutions": (4,), "batch": 4, "seed": 7, **options}
    return Loader(examples=examples, packed=Packed(images, np.arange(n)), captions=store, **given)


def shown(images: torch.Tensor) -> list[int]:
    return images[:, 0, 0, 0].add(1).mul(127.5).round().int().tolist()


def equal(a: Batch, b: Batch) -> bool:
    left, right = [], []
    a.map(lambda x: left.append(x) or x)
    b.map(lambda x: right.append(x) or x)
    return a.keys == b.keys and all(torch.equal(x, y) for x, y in zip(left, right, strict=True))


EVERYTHING = {
    "size": 6, "resolutions": (2, 4), "flip": True, "average": 2, "mismatched": True,
    "class_id": np.arange(12) % 3, "boxes": np.full((12, 4), 0.5, np.float32),
    "keypoints": np.full((12, 2, 3), 0.5, np.float32),
}  # fmt: skip


def test_a_batch_holds_what_belongs_together() -> None:
    batch = loader(**EVERYTHING).batch_at(1)
    numbers = shown(batch.images[1])
    assert [image.shape for image in batch.images] == [(4, 3, 2, 2), (4, 3, 4, 4)]
    assert shown(batch.images[0]) == numbers and batch.keys == tuple(f"{i}.png" for i in numbers)
    assert batch.class_id is not None and batch.class_id.tolist() == [i % 3 for i in numbers]
    assert all(i % 3 != j % 3 for i, j in zip(numbers, shown(batch.mismatched[1]), strict=True))
    words = NGramsModule(5, 2, 6, 64).tokenize([f"number {i}" for i in numbers])
    assert torch.equal(batch.tokens.ids[:, :2], words.ids)
    assert batch.text is None and batch.layout is not None
    assert batch.layout.boxes is not None and batch.layout.boxes.shape == (4, 4)
    assert batch.layout.keypoints is not None and batch.layout.keypoints.shape == (4, 2, 3)


@given(st.integers(4, 30), st.integers(1, 4), st.integers(-5, 5), st.integers(0, 3))
def test_an_epoch_shows_every_example_at_most_once(n: int, batch: int, seed: int, epoch: int) -> None:
    own = loader(n, batch=batch, seed=seed)
    steps = range(epoch * own.steps_per_epoch, (epoch + 1) * own.steps_per_epoch)
    seen = [key for step in steps for key in own.batch_at(step).keys]
    assert len(set(seen)) == len(seen) == n // batch * batch


def test_epochs_and_seeds_differ() -> None:
    orders = [
        tuple(itertools.chain(*(loader(seed=seed).batch_at(step).keys for step in steps)))
        for seed, steps in ((0, range(3)), (0, range(3, 6)), (1, range(3)))
    ]
    assert len(set(orders)) == 3


@given(st.integers(0, 9))
def test_a_batch_depends_on_nothing_but_its_step(step: int) -> None:
    used = loader(**EVERYTHING)
    for other in (5, 0, step + 1):
        used.batch_at(other)
    assert equal(used.batch_at(step), loader(**EVERYTHING).batch_at(step))


def test_iterating_from_anywhere_gives_the_same_batches() -> None:
    own = loader(**EVERYTHING)
    for start in (0, 2, 7):
        batches = own.iterate(start)
        assert all(equal(next(batches), own.batch_at(step)) for step in range(start, start + 5))
        batches.close()


def test_the_loaders_thread_takes_no_threads_from_others() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        batches = loader().iterate()
        next(batches)
        with ThreadPoolExecutor(1) as other:
            assert torch.get_num_threads() == other.submit(torch.get_num_threads).result() == 3
        batches.close()
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_the_global_batch(world: int) -> None:
    for step in range(4):
        whole = loader(**EVERYTHING).batch_at(step)
        parts = [loader(**EVERYTHING, rank=rank, world=world).batch_at(step) for rank in range(world)]
        assert all(len(part.keys) == 4 // world for part in parts)
        assert sum((part.keys for part in parts), ()) == whole.keys
        assert torch.equal(torch.cat([part.images[0] for part in parts]), whole.images[0])
        assert torch.equal(torch.cat([part.mismatched[1] for part in parts]), whole.mismatched[1])


def test_the_draws_of_an_example_do_not_depend_on_the_batch_size() -> None:
    def rows(batch: int) -> dict[str, tuple[Any, ...]]:
        own = loader(**EVERYTHING, batch=batch)
        batches = [own.batch_at(step) for step in range(own.steps_per_epoch)]
        return {
            key: (b.layout.boxes[i].tolist(), b.tokens.ids[i].tolist(), b.mismatched[1][i].tolist())
            for b in batches
            if b.layout is not None and b.layout.boxes is not None
            for i, key in enumerate(b.keys)
        }

    assert rows(4) == rows(3) == rows(12)


def test_switching_one_draw_on_changes_no_other() -> None:
    plain = loader(class_id=np.arange(12) % 3).batch_at(0)
    more = loader(class_id=np.arange(12) % 3, flip=True, mismatched=True).batch_at(0)
    assert plain.keys == more.keys and torch.equal(plain.tokens.ids, more.tokens.ids)
    assert plain.mismatched == () and len(more.mismatched) == 1


def test_crops_and_flips_reach_every_place() -> None:
    boxes = np.tile(np.array([0.5, 0.5, 0.1, 0.1], np.float32), (200, 1))
    own = loader(200, 6, batch=200, flip=True, boxes=boxes)
    layout = own.batch_at(0).layout
    assert layout is not None and layout.boxes is not None
    places = {(round(x, 3), round(y, 3)) for x, y, *_ in layout.boxes.tolist()}
    xs = {round(x, 3) for o in range(3) for x in ((3 - o) / 4, 1 - (3.6 - o) / 4)}
    assert {x for x, _ in places} == xs and {y for _, y in places} == {0.25, 0.5, 0.75}


def test_features_come_with_the_batch(tmp_path: Any) -> None:
    own = loader(use_features=True)
    encoder = NGramsModule(5, 2, 6, 64)
    own._captions.encode(encoder, tmp_path)
    batch = own.batch_at(2)
    assert batch.text is not None and torch.equal(batch.text.sentence, encoder(batch.tokens).sentence)


def test_embeddings_of_the_data_come_as_tokens() -> None:
    embedding = np.arange(12 * 2 * 3, dtype=np.float32).reshape(12, 2, 3)
    batch = loader(embedding=embedding).batch_at(0)
    assert batch.text is None and batch.tokens.embedding is not None
    for i, row in zip(shown(batch.images[0]), batch.tokens.embedding.numpy(), strict=True):
        assert any((row == own).all() for own in embedding[i])


def test_floats_come_in_the_asked_dtype() -> None:
    batch = loader(**EVERYTHING, dtype=torch.float64).batch_at(0)
    assert batch.images[0].dtype == batch.mismatched[1].dtype == torch.float64
    assert batch.layout is not None and batch.layout.boxes is not None
    assert batch.layout.boxes.dtype == torch.float64 and batch.tokens.ids.dtype == torch.int64


@given(st.lists(st.integers(-2, 3), min_size=2, max_size=40), st.integers(0, 99))
def test_partners_are_of_other_classes(classes: list[int], seed: int) -> None:
    class_id = np.array(classes)
    partners = mismatched_partners(class_id, np.random.default_rng(seed).random(len(classes)))
    assert (partners != np.arange(len(classes))).all()
    if len(set(classes)) > 1:
        assert (class_id[partners] != class_id).all()


def test_partners_are_uniform_over_the_others() -> None:
    class_id = np.array([0, 1, 0, 2, 1])
    for i, others in ((0, [1, 3, 4]), (3, [0, 1, 2, 4])):
        k = len(others)
        drawn = [mismatched_partners(class_id, np.full(5, (j + 0.5) / k))[i] for j in range(k)]
        assert sorted(drawn) == others
    unknown = [mismatched_partners(None, np.full(5, (j + 0.5) / 4))[2] for j in range(4)]
    assert sorted(unknown) == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 13}, r"12 pictures do not fill one batch of 13; lower `data\.batch` to 12 or less"),
        ({"world": 3}, r"`data\.batch` is 4, which 3 processes cannot share evenly; make it a multiple of 3"),
        (
            {"resolutions": (4, 8)},
            r"packed at 4 x 4 pixels, but the finest stage draws 8; set `data\.load_size` to 8",
        ),
        ({"n": 1, "batch": 1, "mismatched": True}, "mismatched pictures need at least two examples"),
    ],
)
def test_impossible_requests_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GanzooError, match=message):
        loader(**options)


def test_mismatched_pictures_bring_their_own_layout() -> None:
    boxes = np.stack([np.arange(12) / 12, np.zeros(12), np.full(12, 1 / 24), np.ones(12)], 1).astype("f4")
    batch = loader(boxes=boxes, mismatched=True).batch_at(0)
    assert batch.layout is not None and batch.layout.boxes is not None
    assert batch.mismatched_layout is not None and batch.mismatched_layout.boxes is not None
    for layout, images in ((batch.layout, batch.images), (batch.mismatched_layout, batch.mismatched)):
        assert layout.boxes is not None
        assert layout.boxes[:, 0].mul(12).round().int().tolist() == shown(images[0])


@pytest.mark.parametrize("pairs", [(), ((0, 1),), None])
def test_keypoints_of_a_mirrored_picture(pairs: Any) -> None:
    points = np.tile(np.array([[0.25, 0.5, 1], [0.75, 0.5, 0]], np.float32), (200, 1, 1))
    own = loader(200, 4, batch=200, flip=True, keypoints=points, pairs=pairs).batch_at(0).layout
    assert own is not None and own.keypoints is not None
    rows = {tuple(map(tuple, row)) for row in own.keypoints.tolist()}
    seen, hidden = (0.25, 0.5, 1.0), (0.0, 0.0, 0.0)
    there = {
        (): {(seen, hidden), ((0.75, 0.5, 1.0), hidden)},
        ((0, 1),): {(seen, hidden), (hidden, (0.75, 0.5, 1.0))},
    }
    gawwn = {(seen, (0.75, 0.5, 0.0)), ((1.0, 0.5, 1.0), (0.5, 0.5, 0.0))}
    assert rows == (gawwn if pairs is None else there[pairs])


def test_hidden_keypoints_are_drawn_anew_each_epoch() -> None:
    points = np.full((200, 3, 3), 0.5, np.float32)
    own = loader(200, 4, batch=200, keypoints=points, hide=0.25)
    first, second = own.batch_at(0), own.batch_at(1)
    shares = []
    for batch in (first, second):
        assert batch.layout is not None and batch.layout.keypoints is not None
        assert batch.shown is not None and batch.shown.keypoints is not None
        assert (batch.layout.keypoints == 0.5).all()  # the real ones stay
        there = batch.shown.keypoints.sum(-1)
        assert set(there.unique().tolist()) == {0.0, 1.5}
        shares.append(float((there == 0).float().mean()))
    assert all(0.15 < share < 0.35 for share in shares) and shares[0] != shares[1]
    assert loader(200, 4, batch=200, keypoints=points).batch_at(0).shown is None
