"""What X, y and covariates may be: NumPy, pandas and xarray in, checked arrays and labels out.

This is the boundary of the package. Whatever passes `check_data` is in the form of its design
(float64 for all but X), finite, joined by label and of a workable scale, so nothing after it has to
check data again. Each argument is first read into a `Table` (a matrix with its labels, see
`blrzoo.tables`); the tables are then joined.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from blrzoo.checks import Choice
from blrzoo.labels import show
from blrzoo.response import refuse_swapped
from blrzoo.storage.forms import Stored, as_float, form_of, is_sparse, take_rows
from blrzoo.storage.moments import Moments, column_moments
from blrzoo.tables import Table, join, read_table
from blrzoo.values import check_covariates, check_features, check_response, check_weights

__all__ = ["RegressionData", "check_data"]


@dataclass(frozen=True, eq=False)
class RegressionData:
    """Checked data of a regression. Made by `check_data`.

    Parameters
    ----------
    X : ndarray or csc_array (obs, feature)
        Features as given, neither centered nor scaled, in the form of their design
        (`blrzoo.storage.forms`): float64 by default.
    y : ndarray (obs,) or (obs, trait)
        Response, float64. With several traits NaN where one was not measured.
    W : ndarray (obs, covariate)
        Covariates without the intercept, float64; shape (n, 0) if there are none.
    coords : dict of str to ndarray
        Labels of "obs" and "feature", and of "covariate", "trait" (also as "trait_bis") and
        "obs_missing" if there are any.
    weights : ndarray (obs,) or None
        Relative precisions of the observations; None: all 1.
    missing : RegressionData or None
        Rows without y, to be predicted (their y is NaN); None if there are none.

    Notes
    -----
    The arrays are copies, so later changes of the caller's data do not reach a model. Genotype
    codes in int8 are not copied: their memory is that of the caller. Dense arrays and codes are
    read-only here, so that the cached moments stay right.
    """

    X: Stored
    y: np.ndarray
    W: np.ndarray
    coords: dict[str, np.ndarray]
    weights: np.ndarray | None = None
    missing: "RegressionData | None" = None

    @property
    def n(self) -> int:
        """Number of observations."""
        return self.X.shape[0]

    @property
    def p(self) -> int:
        """Number of features."""
        return self.X.shape[1]

    @cached_property
    def y_variance(self) -> np.floating | np.ndarray:
        """Sample variance of the known values of y (divisor n - 1), a float or (trait,)."""
        # A float64 of NumPy: PyTensor tries a plain float as float32, where 1e39 overflows.
        return np.nanvar(self.y, axis=0, ddof=1)

    @cached_property
    def x_moments(self) -> Moments:
        """Weighted means, sample variances and ranges of the features, without missing codes."""
        codes = form_of(self.X) == "genotypes"
        return column_moments(self.X, self.weights, missing_code=codes)

    def block(self, rows: slice, columns: slice) -> np.ndarray:
        """A copy of a part of X as float64, with missing codes at the feature's mean."""
        found = np.array(as_float(self.X[rows, columns]))
        np.copyto(found, self.x_moments.mean[columns], where=np.isnan(found))
        return found

    @property
    def x_variance(self) -> np.ndarray:
        """Sample variance of every feature (divisor n - 1), (feature,)."""
        return self.x_moments.variance


def check_data(
    X: Any,
    y: Any,
    covariates: Any = None,
    *,
    weights: Any = None,
    missing: str = "error",
    traits: bool = False,
    form: str | None = None,
    part: bool = False,
) -> RegressionData:
    """Check the data of a regression, join them by label and convert them to float64.

    Parameters
    ----------
    X : array_like, DataFrame, DataArray or, with `form`, SciPy sparse (obs, feature)
        Numbers or booleans of any width. A DataArray may have its dims in any order if one of them
        is called "obs" or "feature"; otherwise the first one is obs.
    y : array_like, Series, DataFrame or DataArray (obs,)
        One value per row of X. A matrix with a single column counts as a vector. With `traits`,
        (obs, trait); messages call it Y.
    covariates : array_like, Series, DataFrame or DataArray (obs, covariate), optional
        Columns whose effects are always included; a vector is one column. The model has an
        intercept of its own, so none may be constant.
    weights : array_like, Series or DataArray (obs,), optional
        Relative precisions, positive: an observation's residual variance is sigma2 / weight.
    missing : {"error", "predict"}, default "error"
        What to do with rows whose y is missing (NaN): refuse them, or set them apart.
    traits : bool, default False
        Whether y holds several traits. Then a row's y is missing if all its traits are; rows with
        some missing traits (NaN) are always allowed.
    form : {"auto", "dense", "float32", "sparse", "genotypes"}, optional
        Form in which X is kept, see `blrzoo.storage.forms`. Default: float64.
    part : bool, default False
        Whether the rows are a part of the data of a model. Then y, covariates and features may be
        constant, and covariates collinear or too many: in the whole data they need not be.

    Returns
    -------
    RegressionData

    Raises
    ------
    TypeError
        The container is not supported (Dataset, dict, SciPy sparse but for X with a `form`), or its
        content is not real numbers (text, categories, dates, complex, other objects).
    ValueError
        Wrong number of dimensions or observations, missing or infinite values, labels that do not
        match or are duplicated, a constant y, only constant features, covariates that are collinear
        with each other or the intercept or too many (n > k + 1 is needed), weights that are not
        positive, a response known for fewer than 2 observations, numbers that do not fit the form
        of X, or a scale so extreme (above 1e60 or below 1e-60) that squares leave the range of
        floating point.

    Warns
    -----
    UserWarning
        Some features are constant, or exact copies of another one (constant ones are not counted
        as copies), traits are linear combinations of others (they are kept), or y is 0 or 1 only.

    Notes
    -----
    Labels are a DataFrame's or Series' index, a DataFrame's columns and a DataArray's dimension
    coordinates; NumPy arrays, lists and dims without coordinates have none. Arguments that both
    carry obs labels are joined by them, and the order is that of X. One without labels is joined by
    position. A pandas default index 0..n-1 is a set of labels like any other. The "obs" coordinate
    is X's, else y's, else the covariates', else 0..n-1.

    A column counts as constant if max - min <= 1e-12 max |x|.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [30, 41, 52], "bmi": [21.5, 30.1, 24.0]}, index=["a", "b", "c"])
    >>> y = pd.Series([3.0, 1.0, 2.0], index=["c", "a", "b"])
    >>> data = check_data(X, y)
    >>> data.y
    array([1., 2., 3.])
    >>> data.n, data.p, float(data.y_variance)
    (3, 2, 1.0)
    >>> list(data.coords["feature"])
    ['age', 'bmi']
    """
    Choice(("error", "predict"), default="error").check("missing", missing)
    refuse_swapped(X, y, "Y" if traits else "y")
    given = {"X": X, "Y" if traits else "y": y, "covariates": covariates, "weights": weights}
    holes = {"Y"} if traits else {"y"} if missing == "predict" else set()
    obs, joined = join(
        [
            read_table(name, value, missing=name in holes, form=form if name == "X" else None)
            for name, value in given.items()
            if value is not None or name in ("X", "y", "Y")
        ]
    )
    tables = {table.name: table for table in joined}
    known = _known_rows(obs, _response(tables), missing)
    if known.all():
        return _checked(obs, tables, part)
    apart = _select(obs, tables, ~known)
    return replace(
        _checked(*_select(obs, tables, known), part),
        missing=_arrays(*apart),
        coords=_coords(*apart, obs[known]),
    )


def _response(tables: dict[str, Table]) -> Table:
    return tables["Y"] if "Y" in tables else tables["y"]


def _known_rows(obs: pd.Index, table: Table, missing: str) -> np.ndarray:
    """Mask of the rows with a known response, for any trait."""
    measured = ~np.isnan(table.values)
    few = measured.sum(axis=0) < 2
    if few.any():
        raise ValueError(
            f"{table.name} must be known for at least 2 observations; got "
            f"{measured.sum(axis=0)[few][0]} of {len(measured)} in {table.where(few)}. Pass more "
            f"observations{', or drop the trait' if table.name == 'Y' else ''}."
        )
    known = measured.any(axis=1)
    if missing == "error" and not known.all():
        raise ValueError(
            f"{table.name} must have a known value in each row; got {(~known).sum()} row(s) "
            f"without any, obs {show(obs[~known])}. Drop these observations from all arguments, or "
            f"predict them: missing='predict'."
        )
    return known


def _select(
    obs: pd.Index, tables: dict[str, Table], rows: np.ndarray
) -> tuple[pd.Index, dict[str, Table]]:
    chosen = {
        name: replace(table, values=take_rows(table.values, rows), obs=obs[rows])
        for name, table in tables.items()
    }
    return obs[rows], chosen


def _checked(obs: pd.Index, tables: dict[str, Table], part: bool) -> RegressionData:
    """Check the numbers that enter the likelihood."""
    check_response(_response(tables), part)
    check_features(tables["X"], part)
    if "covariates" in tables:
        check_covariates(tables["covariates"], part)
    if "weights" in tables:
        check_weights(tables["weights"])
    return _arrays(obs, tables)


def _arrays(obs: pd.Index, tables: dict[str, Table]) -> RegressionData:
    W = tables["covariates"].values if "covariates" in tables else np.empty((len(obs), 0))
    weights = tables["weights"].values[:, 0] if "weights" in tables else None
    response = tables["Y"].values if "Y" in tables else tables["y"].values[:, 0]
    return RegressionData(
        X=_read_only(tables["X"].values),
        y=_read_only(response),
        W=_read_only(W),
        coords=_coords(obs, tables),
        weights=None if weights is None else _read_only(weights),
    )


def _read_only[A: (np.ndarray, csc_array)](array: A) -> A:
    """A read-only view; a sparse array as it is, as nothing else refers to it."""
    if is_sparse(array):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def _coords(
    obs: pd.Index, tables: dict[str, Table], known: pd.Index | None = None
) -> dict[str, np.ndarray]:
    """Labels; with `known`, `obs` are the rows without y."""
    coords = {"obs": (obs if known is None else known).to_numpy()}
    if known is not None:
        coords["obs_missing"] = obs.to_numpy()
    coords["feature"] = tables["X"].columns.to_numpy()
    if "Y" in tables:
        coords["trait"] = coords["trait_bis"] = tables["Y"].columns.to_numpy()
    if "covariates" in tables and tables["covariates"].values.shape[1]:
        coords["covariate"] = tables["covariates"].columns.to_numpy()
    return coords
