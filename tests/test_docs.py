"""What the README and the pages of docs/ show runs, prints what they say, and is complete."""

import contextlib
import io
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pytest

from blrzoo import zoo
from tests.public import qualified

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.M | re.S)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#]+)")
NUMBERED = re.compile(r"\[notebook (\d+)\]\(([^)#]+)")


class Block(NamedTuple):
    """A block of Python, where it begins, and what the page says it prints (None: nothing)."""

    line: int
    code: str
    output: str | None


def blocks_of(text):
    """Python blocks of a page; a text block right below one is its output."""
    found = list(FENCE.finditer(text))
    for this, following in pairwise([*found, None]):
        if this[1] != "python":
            continue
        below = following is not None and not text[this.end() : following.start()].strip()
        output = following[2] if below and following[1] == "text" else None
        yield Block(text.count("\n", 0, this.start(2)), this[2], output)


WITH_CODE = [page for page in PAGES if list(blocks_of(page.read_text(encoding="utf-8")))]


def agrees(printed, shown):
    """Equal words, and numbers that differ by no more than other random streams make them."""
    tokens, expected = printed.split(), shown.split()
    return len(tokens) == len(expected) and all(map(_alike, tokens, expected))


def _alike(token, expected):
    try:
        value = float(expected)
        return abs(float(token) - value) <= 0.03 * max(1.0, abs(value))
    except ValueError:
        return token == expected


@pytest.mark.slow
@pytest.mark.documents
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_examples_print_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for block in blocks_of(page.read_text(encoding="utf-8")):
        printed = io.StringIO()
        # the empty lines before it make the line numbers of a traceback those of the page
        code = compile("\n" * block.line + block.code, str(page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        printed = without_progress(printed.getvalue())
        assert agrees(printed, block.output or ""), f"{page.name}:{block.line}\n{printed}"
    plt.close("all")


def without_progress(printed):
    """Drop the progress bar of pm.sample, which goes to stdout where that is no terminal."""
    lines = printed.splitlines()
    bars = [i for i, line in enumerate(lines) if "━" in line or "─" in line]
    return "\n".join(lines[bars[-1] + 1 :] if bars else lines)


def test_the_readme_has_an_example_with_its_output_and_writes_its_figure():
    (example,) = blocks_of((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(example.code.strip().splitlines()) <= 10
    assert example.output is not None
    assert "plot_pip" in example.code
    assert (ROOT / "docs/images/pip.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("printed", "shown", "expected"),
    [
        ("bmi 1.00 23.92", "bmi   1.0  23.9", True),
        ("bmi 0.90 23.92", "bmi   1.0  23.9", False),
        ("bmi 1.00 20.00", "bmi   1.0  23.9", False),
        ("bp  1.00 23.92", "bmi   1.0  23.9", False),
        ("bmi 1.00", "bmi   1.0  23.9", False),
        ("", "bmi", False),
        ("bmi", "", False),
        ("", "", True),
    ],
)
def test_the_comparison_of_outputs_can_fail(printed, shown, expected):
    assert agrees(printed, shown) is expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    links = LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_notebook_has_the_number_that_its_link_says(page):
    links = NUMBERED.findall(page.read_text(encoding="utf-8"))
    assert all(Path(link).name.startswith(f"{number}_") for number, link in links)


def test_the_readme_lists_the_models_that_there_are():
    names = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert sorted(names) == sorted(zoo.__all__)


def test_every_public_name_has_one_entry_in_the_reference():
    page = (ROOT / "docs/api.md").read_text("utf-8")
    entries = re.findall(r"^::: blrzoo\.([\w.]+)$", page, re.M)
    assert len(entries) == len(set(entries))
    assert {*qualified()} <= {*entries}
