"""When sums over observations agree."""

from typing import Any

import numpy as np
import xarray as xr


def same_sums(got: xr.Dataset, wanted: xr.Dataset, rtol: float = 1e-10) -> None:
    """All variables agree, cross-products relative to the root of both sums of squares."""
    xr.testing.assert_equal(got.coords.to_dataset(), wanted.coords.to_dataset())
    assert set(got.data_vars) == set(wanted.data_vars)
    for name, array in wanted.data_vars.items():
        scale: Any = np.abs(array)
        if len(str(name)) == 2:
            left, right = (np.sqrt(_squares(wanted, side)) for side in str(name))
            scale = np.multiply.outer(left, right)
        assert got[name].dims == array.dims
        assert (np.abs(got[name].values - array.values) <= rtol * np.asarray(scale) + 1e-13).all()


def _squares(of: xr.Dataset, side: str) -> np.ndarray:
    products_ = of[side * 2].values
    return np.diagonal(products_) if products_.ndim else products_
