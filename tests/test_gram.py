"""Models of sums over the observations: draw by draw the posterior of the observations."""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo import model as models
from blrzoo.gibbs.spec import find_spec
from tests.table import PRIORS, TRAIT_NARROW, small_data
from tests.test_forms import assert_same

#: Rows of the table of priors whose data or options sums cannot hold, and why.
REFUSED = {
    "ridge-joint": "^update must be 'single-site' or 'auto' with the design 'gram'",
    "ridge-weights": "^update must be",
    "multivariate-joint": "^update must be",
    "ridge-not-centred": "^center must be left out with sufficient statistics",
    "weights-and-missing": "^missing must be left out",
    "traits-restrictive": "^missing must be left out",
    "multivariate-holes": "^y must be complete, .* would be sums over other rows",
    "traits-all": "^y must be complete",
}


def of_sums(X: Any, y: Any, **options: Any) -> Any:
    return models_read_source(X, y, **options | {"design": "gram"})


models_read_source = models.read_source


def row(name: str, monkeypatch: pytest.MonkeyPatch, sums: bool = True) -> Any:
    """The model of a row of the table, of sums or of rows, never drawn jointly by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(models, "_JOINT_LIMIT", 0.0)
        if sums:
            patch.setattr(models, "read_source", of_sums)
        return PRIORS[name](*small_data(n=8))


def sweeps(model: pm.Model, n: int = 4) -> dict[str, np.ndarray]:
    """The last of some draws of all that the step draws, in NumPy: nothing is compiled."""
    step = blr.BLRGibbs(model=model, compile_kwargs={"mode": "FAST_COMPILE"})
    step.setup_chain(np.random.default_rng(1), 0, 0)
    point = model.initial_point()
    for _ in range(n):
        point, _ = step.step(point)
    return point


@pytest.mark.parametrize("name", [name for name in PRIORS if name not in REFUSED])
def test_sums_draw_as_rows_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row of the table of priors, of one trait and several."""
    model = row(name, monkeypatch)
    assert find_spec(model).design.name == "gram"
    assert_same(sweeps(row(name, monkeypatch, sums=False)), sweeps(model), atol=1e-9)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_sums_cannot_hold_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=REFUSED[name]):
        row(name, monkeypatch)
