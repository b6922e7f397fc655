import os
import pickle

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
        (None, "cannot be read: No such file"),
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


def write_pickle(folder, arrays):
    (folder / "embeddings.pickle").write_bytes(pickle.dumps(arrays, 2))


def test_a_pickle_has_an_array_a_picture(tmp_path):
    """As StackGAN's char-CNN-RNN-embeddings.pickle: in the order in which the table names the pictures."""
    make(tmp_path, None)
    table = np.arange(6 * 4, dtype=np.float32).reshape(3, 2, 4)
    write_pickle(tmp_path, list(table))
    data = Folder(embedding=4)
    np.testing.assert_array_equal(data.examples("train", tmp_path, 8).embedding, table[[1, 0]])
    np.testing.assert_array_equal(data.examples("test", tmp_path, 8).embedding, table[2:])
    np.save(tmp_path / "embeddings.npy", table.reshape(6, 4))
    with pytest.raises(GanzooError, match=r"has both embeddings\.npy and embeddings\.pickle; keep one"):
        data.examples("train", tmp_path, 8)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"a": 1}, "holds a dict; expected a list of 3 arrays, one a picture"),
        ([np.zeros((2, 4))] * 2, "holds a list of 2; expected a list of 3 arrays"),
        ([np.zeros((2, 4)), "x", 1], r"entry 1, of a.png, is str; expected floats of shape \(2, 4\)"),
        (
            [np.zeros((2, 4)), np.zeros((3, 4)), 1],
            r"entry 1, of a.png, is float64 of shape \(3, 4\); expected",
        ),
        ([np.zeros((2, 4)), np.zeros((2, 4), int), 1], "entry 1, of a.png, is int64 of shape"),
        ([np.full((2, 4), np.nan)] * 3, r"embeddings\.pickle holds values that are not finite numbers"),
        ([os.system], "is refused: it holds the global `posix.system`"),
    ],
)
def test_pickles_that_do_not_fit(tmp_path, arrays, message):
    make(tmp_path, None)
    write_pickle(tmp_path, arrays)
    with pytest.raises(GanzooError, match=message):
        Folder(embedding=4).examples("train", tmp_path, 8)


def test_a_header_that_lies(tmp_path):
    """Its array would take 96 TB; or it is a zip file of arrays, or a pickle, under that name."""
    make(tmp_path, np.zeros((6, 4)))
    path = tmp_path / "embeddings.npy"
    honest = path.read_bytes()
    lies = [
        honest.replace(b"(6, 4), }            ", b"(6, 2000000000000), }"),
        honest.replace(b"(6, 4)", b"(-6,4)"),
        honest.replace(b"'<f8'", b"'|O8'"),
        honest[:100],
        b"",
        pickle.dumps(np.zeros((6, 4))),
    ]
    np.savez(tmp_path / "x.npz", np.zeros((6, 4)))
    for lie in (*lies, (tmp_path / "x.npz").read_bytes()):
        assert lie != honest
        path.write_bytes(lie)
        with pytest.raises(GanzooError, match=r"cannot read .*embeddings\.npy: .*; expected what `numpy"):
            Folder(embedding=4).examples("train", tmp_path, 8)
