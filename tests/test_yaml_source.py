from __future__ import annotations

import math

import pytest

from ganzoo.errors import GanzooError
from ganzoo.yaml_source import DEEPEST, LARGEST_FILE, parse, read


def test_scalars_follow_yaml_1_2():
    text = """
    - 1e-4
    - -2.5E+3
    - .inf
    - .nan
    - 08
    - 'no'
    - no
    - 1_000
    - 2001-01-01
    - ~
    - True
    - "1"
    -
    """
    values = parse(text, "x.yaml").data
    assert math.isnan(values.pop(3))
    assert values == [1e-4, -2500.0, math.inf, 8, "no", "no", "1_000", "2001-01-01", None, True, "1", None]


def test_lines():
    source = parse("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n", "x.yaml")
    assert source.where(("a", "c", 1, "y")) == "x.yaml:5"
    assert source.where(("a", "c", 1, "nothing")) == "x.yaml:5"
    assert source.where(("nothing",)) == "x.yaml:1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: &x 2", "x.yaml:2: anchors and aliases (& and *) are not allowed; use `extends`"),
        ("a: 1\nb: *x", "x.yaml:2: anchors and aliases"),
        ("&x a: 1", "x.yaml:1: anchors and aliases"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "x.yaml:4: `c` is given twice, first in line 3"),
        ("a: !!python/object/apply:os.getcwd []", "x.yaml:1: the tag tag:yaml.org,2002:python/object/apply"),
        ("a: !thing 1", "x.yaml:1: the tag !thing is not allowed"),
        ("a: 1\n---\nb: 2", "x.yaml:2: a second document (`---`) is not allowed"),
        ("? [1, 2]\n: 3", "x.yaml:1: a key must be a word, not a list or a mapping"),
        ("a: [1,\nb: 2", "x.yaml:2: not valid YAML: "),
        ("a: 1\n\tb: 2", "x.yaml:2: not valid YAML: "),
        ("a: \x00", "x.yaml: not valid YAML: "),
        ("[" * 1000, f"x.yaml:1: nested deeper than {DEEPEST} levels"),
        ("? " * 1000 + "a", "x.yaml:1: a key must be a word, not a list or a mapping"),
        ("- " * 1000 + "a", f"x.yaml:1: nested deeper than {DEEPEST} levels"),
        ("- 1\n" * 30_000, "x.yaml:20000: more than 20,000 values in one file"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "x.yaml:1: anchors and aliases"),
        ("a: !!binary aGVsbG8=", "x.yaml:1: the tag tag:yaml.org,2002:binary is not allowed"),
        ("a: \x1b[31m", "x.yaml: not valid YAML: "),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(GanzooError) as caught:
        parse(text, "x.yaml")
    assert said in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(GanzooError, match=r"none\.yaml cannot be read: No such file"):
        read(tmp_path / "none.yaml")
    (tmp_path / "large.yaml").write_text("#" * (LARGEST_FILE + 1))
    with pytest.raises(GanzooError, match=r"large\.yaml is larger than 1,000,000 bytes"):
        read(tmp_path / "large.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(GanzooError, match=r"latin\.yaml is not UTF-8 text"):
        read(tmp_path / "latin.yaml")
