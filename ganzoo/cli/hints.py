"""What to do next with a run that is ready."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.recipe import Recipe

WHERE = {"boxes": "--box 0.2,0.2,0.6,0.6", "keypoints": "--keypoints FILE.json"}


def how_to_draw(recipe: Recipe, folder: Path) -> str:
    """The command that draws with the run at `folder`, or why there is none for it."""
    from ganzoo.assemble import assemble
    from ganzoo.layouts import draws_keypoints, needed
    from ganzoo.plugins import load

    plan = assemble(recipe, load())
    if "embedding" in plan.text.needs:
        return (
            "it was trained on sentence embeddings, not on words: draw with it in Python, from Tokens with "
            "an `embedding` (docs/data.md, Sentence embeddings made elsewhere)"
        )
    wanted = needed(plan) - ({"keypoints"} if draws_keypoints(plan) else set())
    places = [WHERE[need] for need in sorted(wanted)]
    words = ["ganzoo sample", shlex.quote(str(folder)), '"a caption of yours"', *places]
    return f"draw with it: {' '.join(words)} --out grid.png"
