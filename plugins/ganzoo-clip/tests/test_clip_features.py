"""Features against the package's own `encode_text` and `encode_image`, on tiny CLIPs of its class."""

import pytest
import torch
from ganzoo_clip.encoders import ClipImage, ClipText
from ganzoo_clip.package import CLIP

from ganzoo.specs import ImageSpec, TextSpec

CAPTIONS = [
    "a red apple",
    "a!;b is the loudest of all apples that hang on this tree, and the reddest, too",
    "two",
]


@pytest.fixture
def text(checkpoints):
    return ClipText(checkpoint=str(checkpoints["transformer"]), words=4).build()


@pytest.fixture(params=["transformer", "resnet"])
def kind(request):
    return request.param


@pytest.fixture
def image(kind, checkpoints):
    return ClipImage(checkpoint=str(checkpoints[kind])).build()


def test_sizes_are_those_of_the_checkpoint(checkpoints):
    path = str(checkpoints["transformer"])
    assert ClipText(checkpoint=path).yields() == TextSpec(20, 20)
    assert ClipImage(checkpoint=path).yields() == ImageSpec(20, 20)
    assert ClipText().yields() == TextSpec(512, 512) and ClipImage(model="RN50").yields() == ImageSpec(
        1024, 1024
    )


def test_sentences_are_the_package_s(clips, text):
    theirs = clips["transformer"].encode_text(CLIP.tokenize(CAPTIONS, 12, truncate=True))
    torch.testing.assert_close(text(text.tokenize(CAPTIONS)).sentence, theirs, rtol=0, atol=2e-6)
    alone = text(text.tokenize(CAPTIONS[1:2]))  # as long as the package reads: the same operations
    assert torch.equal(
        alone.sentence, clips["transformer"].encode_text(CLIP.tokenize(CAPTIONS[1:2], 12, truncate=True))
    )


def test_words_are_the_last_layer_s_without_start_and_end(clips, text):
    network, found = clips["transformer"], text(text.tokenize(CAPTIONS))
    assert found.words.shape == (3, 4, 20) and found.mask.sum(1).tolist() == [3, 4, 1]
    assert not found.words[~found.mask].any()
    hidden = []
    hook = network.ln_final.register_forward_hook(lambda *call: hidden.append(call[2]))
    network.encode_text(CLIP.tokenize(CAPTIONS, 12, truncate=True))
    hook.remove()
    theirs = hidden[0] @ network.text_projection
    for row, count in enumerate([3, 4, 1]):
        torch.testing.assert_close(found.words[row, :count], theirs[row, 1 : count + 1], rtol=0, atol=2e-6)


def test_a_caption_of_any_company(text):
    text = text.double()
    together = text(text.tokenize(CAPTIONS))
    for row, caption in enumerate(CAPTIONS):
        alone = text(text.tokenize([caption]))
        torch.testing.assert_close(alone.sentence[0], together.sentence[row], rtol=0, atol=1e-10)


def test_tokens_are_the_package_s_and_one(text):
    tokens = text.tokenize(CAPTIONS)
    theirs = CLIP.tokenize(CAPTIONS, 12, truncate=True)
    assert tokens.length.tolist() == [5, 12, 3] and (theirs[1] == 0).any()  # a '!' is its number 0
    assert tokens.ids[1].tolist() == (theirs[1] + 1).tolist()
    assert tokens.ids[0].tolist() == [*(theirs[0, :5] + 1).tolist(), *[0] * 7]


def test_pieces_are_spelt(text):
    assert text.spell(["a reddest apple", "two"]) == [
        ["a</w>", "red", "dest</w>", "apple</w>"],
        ["two</w>"],
    ]


def test_pictures_are_the_package_s(kind, clips, image):
    pixels = torch.rand(2, 3, image.side, image.side)
    normal = (pixels - torch.tensor(ClipImage.mean).view(3, 1, 1)) / torch.tensor(ClipImage.std).view(3, 1, 1)
    found = image(pixels * 2 - 1)
    torch.testing.assert_close(found.vector, clips[kind].encode_image(normal), rtol=1e-5, atol=1e-5)
    regions = {"transformer": 9, "resnet": 4}[kind]
    assert found.regions.shape == (2, regions, 20)


def test_regions_say_where(kind, image):
    """A change of one corner moves that corner's region the most."""
    image = image.double()
    flat = torch.zeros(1, 3, image.side, image.side, dtype=torch.float64)
    spotted = flat.clone()
    spotted[..., -image.side // 4 :, -image.side // 4 :] = 1
    moved = (image(spotted).regions - image(flat).regions).norm(dim=2)[0]
    assert moved.argmax() == len(moved) - 1


def test_the_pixels_are_those_of_the_package_s_own_transform(kind, image):
    from PIL import Image

    drawn = (64 + torch.rand(50, 50, 3) * 128).to(torch.uint8)  # PIL clips between its two passes
    theirs = CLIP.clip._transform(image.side)(Image.fromarray(drawn.numpy()))
    seen = []
    hook = image.visual.conv1.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    image(drawn.permute(2, 0, 1).unsqueeze(0) / 127.5 - 1)
    hook.remove()
    assert float((seen[0][0] - theirs).abs().max()) < 2.1 / 255 / 0.26  # theirs are rounded to 8 bits


def test_gradients_reach_the_pictures(image):
    pictures = (torch.rand(2, 3, 16, 16) * 2 - 1).requires_grad_()
    image(pictures).vector.sum().backward()
    assert pictures.grad.any() and not any(p.requires_grad for p in image.parameters())


def test_they_stay_frozen_and_in_eval_mode(image, text):
    for module in (image.train(), text.train()):
        assert not any(part.training for part in module.modules())
        assert not any(parameter.requires_grad for parameter in module.parameters())
