"""The authors' numbers of both variants (golden/), and encoders of the same size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ganzoo_char_cnn_rnn.text_encoder import CharCnnRnn

from ganzoo.testing.golden import Golden

GOLDEN = Path(__file__).parent / "golden"


class Authors(Golden):
    """One variant's fixture."""

    @property
    def meta(self) -> dict[str, Any]:
        return json.loads((self.folder / "meta.json").read_text())

    @property
    def component(self) -> CharCnnRnn:
        dims = self.meta["dims"]
        return CharCnnRnn(
            variant="gru18" if self.meta["kind"] == "gru" else "rnn8",
            size=dims["emb"],
            channels=(dims["conv1"], dims["conv2"]),
            recurrent=dims["conv3_and_rnn"],
        )


@pytest.fixture(params=["gru18", "rnn8"])
def authors(request) -> Authors:
    return Authors(GOLDEN / f"char_cnn_rnn_{request.param}_a")
