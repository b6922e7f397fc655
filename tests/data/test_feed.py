"""Which phases read text features made once."""

import pytest

from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.data.feed import Feed
from ganzoo.plugins import load as load_plugins
from ganzoo.rehearse import tiny
from ganzoo.runtime import accelerator


@pytest.mark.parametrize(
    ("text", "kept"), [("core/ngrams", [True, True]), ("char_cnn_rnn/text", [False, True])]
)
def test_features_are_made_once_where_the_text_encoder_is_not_trained(text, kept):
    """Frozen beside an image encoder that learns, too."""
    recipe = find_recipe("char-cnn-rnn-shapes").set("text", text).set("data.count", 8).set("data.batch", 4)
    recipe = recipe.set("training.encoders.batch", 4)
    plan = assemble(tiny(recipe, load_plugins()), load_plugins())
    model, feed = plan.build(), Feed(plan, None, accelerator("cpu", "fp32"))
    batches = [next(feed.loader(model, phase).iterate(0)) for phase in plan.phases]
    assert [batch.text is not None for batch in batches] == kept
