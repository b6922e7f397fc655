import pytest

from ganzoo.errors import GanzooError
from ganzoo.settings import Settings


def test_what_is_not_given_has_its_default():
    assert Settings.of({}) == Settings.of({"seed": None, "compile": None}) == Settings()


def test_json_and_back():
    settings = Settings.of({"trackers": ["tensorboard"], "channels_last": False, "keep": 0})
    assert settings.trackers == ("tensorboard",) and settings.channels_last is False and settings.keep == 0


@pytest.mark.parametrize(
    "given, said",
    [
        ({"sead": 1}, "training has no setting `sead`; did you mean `seed`?"),
        ({"xyz": 1}, "training has no setting `xyz`; there is data, seed, "),
        ({"compile": "perhaps"}, "setting `compile` should be a valid boolean"),
        ({"trackers": 3}, "setting `trackers` should be a valid tuple; got 3"),
        ({"keep": -1}, "setting `keep` should be 0 or more; got -1"),
    ],
)
def test_mistakes(given, said):
    with pytest.raises(GanzooError) as error:
        Settings.of(given)
    assert said in str(error.value)
