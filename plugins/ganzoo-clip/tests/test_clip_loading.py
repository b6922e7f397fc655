"""Where weights come from: the package's download, local files, fixed draws; and what is refused."""

import hashlib
import re
import subprocess
import sys
import warnings

import pytest
import torch
from ganzoo_clip import package
from ganzoo_clip.encoders import ClipImage, ClipText
from ganzoo_clip.loading import read
from ganzoo_clip.models import WIDTHS
from safetensors.torch import save_file

import ganzoo
from ganzoo.errors import GanzooError
from ganzoo.plugins import load


def test_they_are_offered():
    assert load().get("text_encoders", "clip/text") is ClipText
    assert load().get("image_encoders", "clip/image") is ClipImage


def test_names_and_widths_are_known_without_torch_and_clip():
    code = (
        "import sys, ganzoo_clip; "
        "[made().yields() for made in (*ganzoo_clip.ganzoo_text_encoders().values(), "
        "*ganzoo_clip.ganzoo_image_encoders().values())]; assert not {'torch', 'clip'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_names_are_the_package_s():
    assert list(WIDTHS) == package.CLIP.available_models()


def test_other_names_are_refused():
    recipe = ganzoo.recipe("gan-int-cls-shapes").set("text", {"use": "clip/text", "model": "ViT-B/23"})
    with pytest.raises(GanzooError, match=r"no CLIP is called 'ViT-B/23'; did you mean .*ViT-B/32"):
        ganzoo.plan(recipe)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_named_model_is_the_package_s_file_by_its_checksum(clips, tmp_path, monkeypatch, dtype):
    """The file lies in the folder already; the table of addresses, which hold checksums, is told of it."""
    target = tmp_path / "ViT-B-32.pt"
    state = {name: tensor.to(dtype) for name, tensor in clips["transformer"].state_dict().items()}
    torch.save(state, target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    url = f"https://example.org/clip/{digest}/ViT-B-32.pt"
    monkeypatch.setitem(package.CLIP.clip._MODELS, "ViT-B/32", url)
    text = ClipText(folder=str(tmp_path)).build()
    half = state["text_projection"].half().float()  # the package's own loader rounds
    assert torch.equal(text.projection, half) and text.projection.dtype == torch.float32
    target.write_bytes(b"damaged")
    with pytest.raises(GanzooError, match=rf"weights of ViT-B/32 from {re.escape(url)}: .*no connection"):
        ClipText(folder=str(tmp_path)).build()


def test_without_a_connection(tmp_path):
    with pytest.raises(GanzooError) as caught:
        ClipImage(folder=str(tmp_path / "clip")).build()
    assert re.search(
        rf"cannot get the weights of ViT-B/32 from https://.*ViT-B-32\.pt: .*no connection.*; without a "
        rf"connection put that file, as it is, into {re.escape(str(tmp_path / 'clip'))}, or give ",
        str(caught.value),
    )


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GanzooError, match="cannot get the weights of RN50 "):
        ClipText(model="RN50", folder=str(tmp_path / "file" / "in")).build()


@pytest.mark.parametrize("kind", ["transformer", "resnet"])
def test_a_checkpoint_keeps_its_precision(clips, checkpoints, tmp_path, kind):
    weights = dict(clips[kind].state_dict())
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, tmp_path / "clip.safetensors")
    for path in (checkpoints[kind], tmp_path / "clip.safetensors"):
        visual = ClipImage(checkpoint=str(path)).build().visual.state_dict()
        assert all(torch.equal(visual[name], weights[f"visual.{name}"]) for name in visual)


def test_openai_s_numbers_among_the_tensors_are_left_out(clips, tmp_path):
    torch.save({**clips["transformer"].state_dict(), "vocab_size": torch.tensor(49408)}, tmp_path / "clip.pt")
    assert ClipText(checkpoint=str(tmp_path / "clip.pt")).build().longest == 12
    assert "vocab_size" not in read(str(tmp_path / "clip.pt"))


def test_random_weights_are_always_the_same_and_draw_nothing():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, other = (ClipText(model="random").build().state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(before, torch.get_rng_state())


def test_a_script_is_not_run(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(tmp_path / "ViT-B-32.pt"))
    with pytest.raises(
        GanzooError, match=r"is a TorchScript archive, .* put the file into `folder` .*state_dict"
    ):
        ClipText(checkpoint=str(tmp_path / "ViT-B-32.pt")).yields()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_projection": None}, "is no CLIP: it lacks 'text_projection'; expected the state dict"),
        ({"visual.conv1.weight": torch.zeros(3)}, "is no CLIP"),
        ({"ln_final.weight": torch.zeros(32), "x": torch.zeros(1)}, "is no CLIP that can be built"),
        ({"visual.proj": torch.zeros(64, 21)}, r"is no CLIP that can be built: .*visual\.proj"),
    ],
)
def test_files_of_other_networks(clips, tmp_path, change, message):
    state = {**clips["transformer"].state_dict(), **change}
    torch.save({k: v for k, v in state.items() if v is not None}, tmp_path / "other.pt")
    with pytest.raises(GanzooError, match=message):
        ClipText(checkpoint=str(tmp_path / "other.pt")).build()


def test_files_that_are_none(tmp_path):
    for path in (tmp_path / "absent.pt", tmp_path):
        with pytest.raises(GanzooError, match="cannot be read"):
            ClipText(checkpoint=str(path)).yields()
    (tmp_path / "clip.pt").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(GanzooError, match="is damaged"):
        ClipImage(checkpoint=str(tmp_path / "clip.pt")).yields()


@pytest.mark.parametrize(
    "code",
    ["raise ModuleNotFoundError(\"No module named 'pkg_resources'\")", "tokens = 1"],
    ids=["too-new-setuptools", "another-package"],
)
def test_a_missing_package_is_named_with_its_command(tmp_path, monkeypatch, code):
    (tmp_path / "clip.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "clip")
    with pytest.raises(GanzooError, match=re.escape(package.INSTALL)):
        package.imported()
