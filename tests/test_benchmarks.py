"""Benchmarks: that they can be imported, and what does not depend on the machine."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy, page, tables

FOLDER = Path(accuracy.__file__).parent
SCRIPTS = {"chains"}  # text that other versions of the package run


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("[a-z]*.py")))
def test_each_can_be_imported_and_says_what_it_is_for(name):
    module = importlib.import_module(f"benchmarks.{name}")
    assert module.__doc__
    assert name in SCRIPTS or hasattr(module, "main") or module.__all__


def test_tables_as_text_and_as_markdown(capsys):
    rows = [["dense", 1234.5, 2], ["gram", 0.00012, ""]]
    tables.print_table(["design", "CPU s", "runs"], rows, markdown=False)
    assert capsys.readouterr().out == (
        "design    CPU s  runs\ndense     1,234     2\ngram    1.2e-04\n\n"
    )
    tables.print_table(["design", "CPU s", "runs"], rows, markdown=True)
    assert capsys.readouterr().out == (
        "| design |   CPU s | runs |\n|---|---:|---:|\n"
        "| dense  |   1,234 |    2 |\n| gram   | 1.2e-04 |      |\n\n"
    )


@pytest.mark.parametrize("kind", ["independent", "blocks"])
def test_data_of_a_seed_are_the_same_and_correlated_as_stated(kind):
    data, priors = accuracy.simulate(kind, 200, 300, seed=1)
    again, _ = accuracy.simulate(kind, 200, 300, seed=1)
    np.testing.assert_array_equal(data["X"], again["X"])
    assert data["X"].shape == (200, 300)
    assert priors["pi"] == (1.0, 29.0)
    correlation = np.corrcoef(data["X"][:, 100:200].T)
    assert abs(np.diagonal(correlation, 1).mean() - 0.95 * (kind == "blocks")) < 0.03


def test_the_page_has_both_outputs_and_the_commit_that_was_compared_with():
    text = page.page("| independent | 91b7e7f | 1 |", "some programs", "91b7e7f")
    assert page.commit_of(text) == "91b7e7f"
    assert "some programs" in text
    with pytest.raises(ValueError, match="has no table"):
        page.commit_of("independent")
