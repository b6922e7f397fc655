"""Sample grids while training."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe as find
from ganzoo.data.feed import Feed
from ganzoo.ema import Ema
from ganzoo.errors import GanzooError
from ganzoo.pictures import LABEL_WIDTH, PADDING, enlarged
from ganzoo.preview import CAPTIONS, SEEDS, Preview
from ganzoo.run import Run
from ganzoo.runtime import accelerator


@pytest.fixture
def model(plan):
    return plan.build()


@pytest.fixture
def preview(plan, model, tmp_path):
    return Preview(Feed(plan, None, accelerator("cpu", "fp32")), model, Run(tmp_path))


def grid(tmp_path, step):
    with Image.open(tmp_path / "samples" / f"step-{step:08d}.png") as picture:
        return np.asarray(picture)[:, LABEL_WIDTH:]


def test_real_pictures_and_seeds(preview, model, tmp_path):
    preview.draw(model, None, 7)
    sheet = grid(tmp_path, 7)
    assert sheet.shape[0] >= CAPTIONS * 96 and sheet.shape[1] >= (1 + len(SEEDS)) * 96
    assert len(np.unique(sheet[20:, :96].reshape(-1, 3), axis=0)) > 20, "drawn shapes, not white"


def test_the_same_each_time(preview, model, tmp_path):
    model.train()
    preview.draw(model, None, 1)
    preview.draw(model, None, 2)
    assert np.array_equal(grid(tmp_path, 1), grid(tmp_path, 2))
    assert model.training


def test_averaged_weights_draw_and_live_ones_stay(preview, model, tmp_path):
    ema = Ema(model.generator, 0.9)
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.add_(1.0)
    live = {name: value.clone() for name, value in model.state_dict().items()}
    preview.draw(model, ema, 1)
    preview.draw(model, None, 2)
    assert not np.array_equal(grid(tmp_path, 1), grid(tmp_path, 2))
    assert all(torch.equal(value, live[name]) for name, value in model.state_dict().items())


def test_stages_stand_side_by_side(registry, tmp_path):
    """16 pixels before the finest of 32; and the first stage alone while only it trains."""
    recipe = find("stackgan-pp-shapes")
    for level, channels in enumerate((8, 4)):
        recipe = recipe.set(f"stages.{level}.discriminator.channels", channels)
    plan = assemble(recipe.set("stages.0.stage.channels", 8), registry)
    model = plan.build()
    preview = Preview(Feed(plan, None, accelerator("cpu", "fp32")), model, Run(tmp_path))
    preview.draw(model, None, 1)
    preview.draw(model, None, 2, depth=1)
    coarse = model.generate_stages(preview._held_out.tokens, SEEDS[0])[0]
    cell = max(plan.resolutions) * round(96 / max(plan.resolutions)) + PADDING
    for step, columns in ((1, 2 + len(SEEDS)), (2, 1 + len(SEEDS))):
        sheet = grid(tmp_path, step)
        assert sheet.shape[1] == columns * cell + PADDING
        shown = sheet[20 : 20 + cell - PADDING, cell : 2 * cell - PADDING]
        assert np.array_equal(shown, enlarged(coarse[:1], cell - PADDING)[0])


def test_folder_that_cannot_be_written(plan, model, tmp_path):
    (tmp_path / "file").write_text("")
    preview = Preview(Feed(plan, None, accelerator("cpu", "fp32")), model, Run(tmp_path / "file"))
    with pytest.raises(GanzooError, match="cannot write the picture"):
        preview.draw(model, None, 1)
