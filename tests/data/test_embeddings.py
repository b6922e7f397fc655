import numpy as np
import pytest
from PIL import Image

from ganzoo.data.folder import Folder
from ganzoo.errors import GanzooError


def make(folder, embeddings, captions=2):
    rows = ["file,caption,split"]
    for name in ("b.png", "a.png", "c.png"):
        Image.new("RGB", (8, 8), "red").save(folder / name)
        rows += [f"{name},{name[0]} {i},{'test' if name == 'c.png' else 'train'}" for i in range(captions)]
    (folder / "captions.csv").write_text("\n".join(rows))
    if embeddings is not None:
        np.save(folder / "embeddings.npy", embeddings)


def test_embeddings_follow_their_captions(tmp_path):
    table = np.arange(6 * 4, dtype=np.float64).reshape(6, 4)
    make(tmp_path, table)
    data = Folder(embedding=4)
    train, test = data.examples("train", tmp_path, 8), data.examples("test", tmp_path, 8)
    assert data.yields().embedding == 4
    assert train.keys == ("a.png", "b.png") and train.captions[0] == ("a 0", "a 1")
    assert train.embedding.dtype == np.float32 and train.embedding.shape == (2, 2, 4)
    np.testing.assert_array_equal(train.embedding[0], table[2:4])
    np.testing.assert_array_equal(test.embedding[0], table[4:6])


@pytest.mark.parametrize(
    "embeddings, message",
    [
        (None, "cannot read"),
        (np.zeros((6, 3)), r"shape \(6, 3\); expected floats of shape \(6, 4\)"),
        (np.zeros((5, 4)), r"shape \(5, 4\)"),
        (np.zeros((6, 4), int), "holds int64"),
        (np.array([[object()] * 4] * 6), "cannot read"),
    ],
)
def test_embeddings_that_do_not_fit(tmp_path, embeddings, message):
    make(tmp_path, embeddings)
    with pytest.raises(GanzooError, match=message):
        Folder(embedding=4).examples("train", tmp_path, 8)


def test_embeddings_need_a_table(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a caption")
    with pytest.raises(GanzooError, match="there is no such table"):
        Folder(embedding=4, test_share=0).examples("train", tmp_path, 8)


def test_as_many_captions_a_picture(tmp_path):
    make(tmp_path, np.zeros((6, 4)))
    (tmp_path / "captions.csv").write_text(
        "file,caption\na.png,x\nb.png,x\nb.png,y\nc.png,x\nc.png,y\nc.png,z"
    )
    with pytest.raises(GanzooError, match="the same number of captions each"):
        Folder(embedding=4, test_share=0).examples("train", tmp_path, 8)
