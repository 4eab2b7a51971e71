"""Docstrings of the factories: complete by themselves, and alike where the factories are."""

import inspect
import re
from typing import get_type_hints

import pytest

import blrzoo as blr
from blrzoo import zoo
from blrzoo.model import Options, TraitOptions

SEVERAL = [name for name in zoo.__all__ if "multivariate" in name]
ONE = [name for name in zoo.__all__ if name not in SEVERAL]


def sections(name):
    """Text by section of the docstring, "" the one before the first."""
    parts = re.split(r"^(\w+)\n-{3,}$", inspect.getdoc(getattr(blr, name)), flags=re.M)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(text):
    """What is said of each argument."""
    found = re.split(r"^(\w+(?:, \w+)*) : ", text, flags=re.M)
    return {key: value.strip() for key, value in zip(found[1::2], found[2::2], strict=True)}


def keywords(name):
    return [*get_type_hints(TraitOptions if name in SEVERAL else Options)]


@pytest.mark.parametrize("name", zoo.__all__)
def test_docstrings_are_complete(name):
    text = sections(name)
    assert text[""].count(".. math::") >= 2, "the likelihood and the prior of the effects"
    assert "Other names\n" in text[""]
    assert {"Returns", "Raises", "Warns", "References", "Examples"} <= {*text}
    assert "[1]" in text["References"]
    assert "blrzoo." not in text["Parameters"], "sends the reader elsewhere"


@pytest.mark.parametrize("name", zoo.__all__)
def test_each_argument_has_its_entry_and_each_default_is_said(name):
    own = [key for key in inspect.signature(getattr(blr, name)).parameters if key != "options"]
    found = entries(sections(name)["Parameters"])
    assert [*found] == [*own, *sorted(keywords(name), key=[*found].index)]
    for key, text in found.items():
        kind, _, said = text.partition("\n")
        assert len(said.split()) > 5, key
        required = key in ("X", "y", "Y") or (key == "groups" and name.startswith("hierarchical"))
        assert required or "optional" in kind or "efault" in text, key
        if "(nu, S" in kind or "(mean, sd)" in kind:
            assert re.search(r"[Dd]efault\s+``\(", said), f"{key}: the formula"


@pytest.mark.parametrize("names", [ONE, SEVERAL], ids=["one trait", "several"])
def test_what_the_factories_share_they_say_in_the_same_words(names):
    shared = {"X", "y", "Y", "update", *keywords(names[0])}
    said = {}
    for name in names:
        for key, text in entries(sections(name)["Parameters"]).items():
            if key in shared:
                assert said.setdefault(key, text) == text, (name, key)
    notes = {sections(name)["Notes"].strip().split("\n\n")[0] for name in names}
    assert len(notes) == 1
