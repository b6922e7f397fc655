"""The char-CNN-RNN by the authors' names: paths in the Torch7 module tree of HybridCNN(Long).lua."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.components import Importer
from ganzoo.errors import GanzooError
from ganzoo.official import Network, copies, fill
from ganzoo_char_cnn_rnn.recurrence import Gated
from ganzoo_char_cnn_rnn.text_encoder import CharCnnRnnModule

CONVOLUTIONS = ("2.1", "2.4", "2.7")
GATED = {
    "candidate": "4.2.1", "update": "4.5.1", "update_state": "4.6.1", "reset": "4.10.1",
    "reset_state": "4.11.1", "candidate_state": "4.15.1",
}  # fmt: skip
RECTIFIED = {"given": "4.2.1", "state": "4.6.1"}
OUTPUT = "6"


@dataclass(frozen=True, kw_only=True)
class Authors(Importer):
    """The authors' text encoder: {"text_encoder": {name: tensor}}.

    Names are paths in their module tree, "2.1.weight" the first convolution's; layers that the steps share
    have the path of their first one. Both variants, at any width.

    Source: reedscot/icml2016 HybridCNNLong.lua, FixedGRU.lua; reedscot/cvpr2016 HybridCNN.lua, FixedRNN.lua.
    """

    source: ClassVar[str] = "reedscot/icml2016 HybridCNNLong.lua, reedscot/cvpr2016 HybridCNN.lua"
    recipe: ClassVar[str] = "char-cnn-rnn-birds"

    def load(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Fill `model`. Raises GanzooError, with every name that does not fit, before anything is changed."""
        if unknown := sorted(set(state) - {"text_encoder"}):
            raise GanzooError(f"char-CNN-RNN has a text_encoder alone; the weights have {', '.join(unknown)}")
        if "text_encoder" in state:
            fill([Network("text encoder", state["text_encoder"], slots(model))])

    def export(self, model: nn.Module) -> Mapping[str, Any]:
        """The model's weights under the authors' names."""
        return {"text_encoder": copies(slots(model))}


def slots(model: nn.Module) -> dict[str, Tensor]:
    """The text encoder's own tensors by the authors' name. Raises GanzooError for another encoder."""
    encoder = getattr(model, "text_encoder", None)
    if not isinstance(encoder, CharCnnRnnModule):
        raise GanzooError(
            f"the authors' text encoder fits char_cnn_rnn/text; that of the model is {type(encoder).__name__}"
        )
    return {
        f"{path}.{name}": tensor
        for path, layer in _layers(encoder)
        for name, tensor in layer.state_dict(keep_vars=True).items()
    }


def _layers(encoder: CharCnnRnnModule) -> Iterator[tuple[str, nn.Module]]:
    yield from zip(CONVOLUTIONS, encoder.convolutions, strict=True)
    paths = GATED if isinstance(encoder.recurrence, Gated) else RECTIFIED
    yield from ((path, encoder.recurrence.get_submodule(name)) for name, path in paths.items())
    yield OUTPUT, encoder.output
