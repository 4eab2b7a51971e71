"""Progress bars: when they appear, and where."""

import functools

import numpy as np
import pytest

import blrzoo as blr
from blrzoo import progress
from blrzoo.posterior import reader
from tests.builders import tree


class FakeBar:
    """Notes what a bar is told."""

    def __init__(self, total, name):
        self.task_ids, self.done, self.total, self.name, self.stopped = [0], [], total, name, False

    def update(self, _, completed):
        self.done.append(completed)

    def stop(self):
        self.stopped = True


@pytest.fixture
def bars(monkeypatch):
    """Bars that were shown; they need no patience."""
    shown = []

    def start(total, name):
        shown.append(FakeBar(total, name))
        return shown[-1]

    monkeypatch.setattr(progress, "_start_bar", start)
    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    return shown


def test_a_bar_comes_when_it_takes_long(bars, monkeypatch):
    assert list(progress.track(range(3), True, "Steps")) == [0, 1, 2]
    (bar,) = bars
    assert (bar.total, bar.name, bar.done, bar.stopped) == (3, "Steps", [0, 1, 2, 3], True)
    monkeypatch.setattr(progress, "_PATIENCE", 60.0)
    assert list(progress.track(range(3), True, "Steps")) == [0, 1, 2]
    assert bars == [bar]


def test_no_bar_is_shown_to_who_wants_none(bars):
    assert list(progress.track(range(3), False, "Steps")) == [0, 1, 2]
    with progress.shown(False):
        assert list(progress.track(range(3), True, "Steps")) == [0, 1, 2]
    assert not bars


def test_steps_within_steps_show_no_bar_of_their_own(bars):
    for _ in progress.track(range(2), True, "Outer"):
        assert list(progress.track(range(3), True, "Inner")) == [0, 1, 2]
    assert [bar.name for bar in bars] == ["Outer"]
    list(progress.track(range(3), True, "Next"))
    assert [bar.name for bar in bars] == ["Outer", "Next"]


def test_a_loop_that_is_left_ends_its_bar(bars):
    steps = progress.track(range(3), True, "Steps")
    next(steps)
    steps.close()
    assert bars[0].stopped
    assert list(progress.track(range(2), True, "Next")) == [0, 1]
    assert len(bars) == 2


@pytest.mark.parametrize(
    "read",
    [
        blr.diagnose,
        blr.effect_table,
        blr.indicator_table,
        functools.partial(blr.geweke, var_names="beta"),
    ],
    ids=["diagnose", "effect_table", "indicator_table", "geweke"],
)
def test_tables_of_many_features_show_a_bar(bars, monkeypatch, read):
    monkeypatch.setattr(reader, "_BLOCK_BYTES", 16000)  # some features a block
    rng = np.random.default_rng(1)
    delta = rng.random((2, 100, 40)) < 0.3
    read(tree(delta=delta.astype("int8"), beta=delta * rng.normal(size=delta.shape)))
    assert {bar.name for bar in bars} == {"Features"}
    assert all(bar.stopped for bar in bars)
    assert bars[0].total > 3
