"""The mode in which tests run.

In most tests PyTensor runs each Op by its NumPy reference, so that nothing is compiled: the same
graphs and formulas, at milliseconds per draw. Tests marked ``compiled`` or ``slow`` use numba, as
users do; with ``--compiled`` all tests do.

A draw is one sweep in tests that do not ask for another number, but for documents, which show what
users get.
"""

import gc
import os
from collections.abc import Iterator

import matplotlib
import matplotlib.pyplot as plt
import pytensor
import pytest
from _pytest.doctest import DoctestItem

from blrzoo.designs import pairs
from blrzoo.gibbs import compiled, thinning

matplotlib.use("Agg")

REFERENCE = "FAST_COMPILE"
MOST_SWEEPS = thinning.MOST


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --compiled."""
    parser.addoption("--compiled", action="store_true", help="compile in all tests")


def pytest_configure(config: pytest.Config) -> None:
    """Set the mode before any fixture is made, and for processes that are spawned."""
    pytensor.config.traceback__limit = 0  # where variables were made, a tenth of the time
    thinning.MOST = 1
    if not config.getoption("--compiled"):
        pytensor.config.mode = REFERENCE
        flags = os.environ.get("PYTENSOR_FLAGS", "")
        os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [flags, f"mode={REFERENCE}"]))


@pytest.fixture(autouse=True)
def _mode(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compile in tests that are marked for it."""
    asked = any(request.node.get_closest_marker(name) for name in ("compiled", "slow"))
    with pytensor.config.change_flags(mode="NUMBA" if asked else pytensor.config.mode):
        yield


@pytest.fixture(autouse=True)
def _sweeps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many sweeps of a draw as users get, in what documents show."""
    if isinstance(request.node, DoctestItem) or request.node.get_closest_marker("documents"):
        monkeypatch.setattr(thinning, "MOST", MOST_SWEEPS)


@pytest.fixture(autouse=True, scope="module")
def _free() -> Iterator[None]:
    """Let go of what a file compiled."""
    yield
    compiled._compile.cache_clear()
    gc.collect()


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close the figures of a test, and of a docstring's example before it."""
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that are hardly correlated, in few observations, are pairs too."""
    monkeypatch.setattr(pairs, "CORRELATION", 0.0)
    monkeypatch.setattr(pairs, "ERRORS", 0.0)
