from __future__ import annotations

import pytest

from ganzoo.data.splits import numbered, of_shards
from ganzoo.errors import GanzooError


@pytest.mark.parametrize(
    ("shards", "learnt", "held_out"),
    [
        (["train/0.tar", "test/0.tar"], ["train/0.tar"], ["test/0.tar"]),
        (["train-0.tar", "train-1.tar", "val-0.tar"], ["train-0.tar", "train-1.tar"], ["val-0.tar"]),
        (["train.parquet", "validation.parquet", "test.parquet"], ["train.parquet"], ["test.parquet"]),
        (["data/train-00000-of-00001.parquet"], ["data/train-00000-of-00001.parquet"], []),
        (["00000.tar", "00001.tar"], ["00000.tar", "00001.tar"], []),
        (["00000.tar", "test_0.tar"], ["00000.tar"], ["test_0.tar"]),
        (["training-0.tar", "train-0.tar"], ["train-0.tar"], []),
    ],
)
def test_shards_belong_to_the_split_they_are_called(
    shards: list[str], learnt: list[str], held_out: list[str]
) -> None:
    assert of_shards(shards, "", "") == (learnt, held_out)


def test_splits_can_be_named() -> None:
    shards = ["unlabeled-0.tar", "train-0.tar", "test-0.tar", "mini-0.tar"]
    assert of_shards(shards, "unlabeled", "mini") == (["unlabeled-0.tar"], ["mini-0.tar"])
    with pytest.raises(GanzooError, match=r"no shard belongs to the split `tran`; did you mean `train`\?"):
        of_shards(shards, "tran", "")
    with pytest.raises(
        GanzooError, match=r"every shard is held out by its name: test-0\.tar; name the split"
    ):
        of_shards(["test-0.tar"], "", "")
    assert of_shards(["test-0.tar"], "test", "") == (["test-0.tar"], [])


def test_class_names_are_numbered_in_order() -> None:
    assert numbered(["10", "2", "2", "owl", "crow"]) == {"crow": 0, "owl": 1, "2": 2, "10": 3}
