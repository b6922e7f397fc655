"""The char-CNN-RNN's recurrent networks: Reed et al. 2016, arXiv:1605.05395, section 4.2.

Neither is one of torch's: the gated one resets the state before its linear layer, the first step of both has
no state before it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

States = Float[Tensor, "b n c"]


class Gated(nn.Module):
    """h = z tanh(W x + U (r h)) + (1 - z) h, with z = sigmoid(Wz x + Uz h), r likewise; first h = tanh(W x).

    Source: reedscot/icml2016 FixedGRU.lua.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.candidate, self.candidate_state = nn.Linear(width, width), nn.Linear(width, width)
        self.update, self.update_state = nn.Linear(width, width), nn.Linear(width, width)
        self.reset, self.reset_state = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: States) -> States:
        """The state at each of n places."""
        candidates, updates, resets = self.candidate(x), self.update(x), self.reset(x)
        h = candidates[:, 0].tanh()
        states = [h]
        for place in range(1, x.shape[1]):
            z = (updates[:, place] + self.update_state(h)).sigmoid()
            r = (resets[:, place] + self.reset_state(h)).sigmoid()
            new = (candidates[:, place] + self.candidate_state(r * h)).tanh()
            h = z * new + (1 - z) * h
            states.append(h)
        return torch.stack(states, 1)


class Rectified(nn.Module):
    """h = relu(W x + U h); first h = relu(W x). Source: reedscot/cvpr2016 FixedRNN.lua."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.given, self.state = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: States) -> States:
        """The state at each of n places."""
        given = self.given(x)
        h = given[:, 0].relu()
        states = [h]
        for place in range(1, x.shape[1]):
            h = (given[:, place] + self.state(h)).relu()
            states.append(h)
        return torch.stack(states, 1)
