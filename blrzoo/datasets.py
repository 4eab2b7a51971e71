"""Data sets that come with blrzoo, as `xarray.Dataset`."""

from importlib.resources import files
from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.checks import Flag

__all__ = ["load_diabetes"]

_TARGET = "progression"

# name: (description, unit of the raw column); sources are in datasets_files/README.md
_MEASUREMENTS = {
    "age": ("age", "years"),
    "sex": ("sex, coded 1 and 2", ""),
    "bmi": ("body mass index", "kg/m2"),
    "bp": ("average blood pressure", "mm Hg"),
    "tc": ("total serum cholesterol", "mg/dL"),
    "ldl": ("low-density lipoproteins", "mg/dL"),
    "hdl": ("high-density lipoproteins", "mg/dL"),
    "tch": ("total cholesterol / HDL", ""),
    "ltg": ("natural logarithm of serum triglycerides", "log(mg/dL)"),
    "glu": ("blood sugar", "mg/dL"),
}
_DICHOTOMOUS = {"sex"}

_ATTRS = {
    "title": "Diabetes data of the LARS paper: 442 patients",
    "reference": (
        "Efron, B., Hastie, T., Johnstone, I. and Tibshirani, R. (2004). Least angle regression. "
        "Annals of Statistics 32(2), 407-499. https://doi.org/10.1214/009053604000000067"
    ),
    "source": (
        "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html, "
        "by way of the raw copy in scikit-learn 1.9.1"
    ),
    "licence": "The original states none; scikit-learn's copy is under BSD-3-Clause.",
}


def load_diabetes(*, quadratic: bool = False, standardize: bool = True) -> xr.Dataset:
    """Load the diabetes data of Efron et al. (2004): 442 patients, 10 measurements.

    The response is a quantitative measure of disease progression one year after baseline. The data
    come with blrzoo; nothing is downloaded.

    Parameters
    ----------
    quadratic : bool, default False
        Return the 64 columns of the LARS paper: the 10 measurements, the squares of the 9 that are
        not dichotomous (``"bmi^2"``; `sex` has none), and the 45 products of two (``"bmi:bp"``).
        Squares and products are those of the standardized measurements, and are standardized
        again.
    standardize : bool, default True
        Center each column and scale it to a sample standard deviation of 1 (divisor n - 1), so that
        an effect is the change of `y` per standard deviation. The columns of the LARS paper and of
        scikit-learn have sums of squares of 1 instead: they are these divided by sqrt(441). With
        False the measurements are in their original units.

    Returns
    -------
    xarray.Dataset
        - ``X`` (obs, feature): float64.
        - ``y`` (obs): float64, from 25 to 346, mean 152.13; not standardized.
        - Coordinates ``obs`` (0 to 441), ``feature`` (names), and along `feature` also
          ``description`` and ``unit`` (``"SD"`` if standardized; an empty string for none).
        - Attributes ``title``, ``reference``, ``source``, ``licence``.

        Every call returns new arrays, which may be changed.

    Raises
    ------
    TypeError
        If an argument is not a bool.
    ValueError
        If ``quadratic=True`` is passed with ``standardize=False``: squares and products have no
        original units, and those of raw columns would be nearly collinear with these.

    Notes
    -----
    `sex` is coded 1 and 2 before standardization; the original does not say which is which (the R
    package biglars: 1 female, 2 male). Nor does it state units: those of the serum measurements
    follow from Friedewald's formula, which the data obey. More in ``datasets_files/README.md``.

    References
    ----------
    Efron, B., Hastie, T., Johnstone, I. and Tibshirani, R. (2004). Least angle regression. Annals
    of Statistics 32(2), 407-499. https://doi.org/10.1214/009053604000000067

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.load_diabetes()
    >>> data.X.shape
    (442, 10)
    >>> print(*data.feature.values)
    age sex bmi bp tc ldl hdl tch ltg glu
    >>> float(data.X.sel(feature="bmi").std(ddof=1).round(6))
    1.0
    >>> blr.load_diabetes(standardize=False).X.sel(obs=0, feature=["age", "bmi"]).values
    array([59. , 32.1])
    >>> blr.load_diabetes(quadratic=True).feature.values[[9, 10, 11, 12, 63]].tolist()
    ['glu', 'age^2', 'bmi^2', 'bp^2', 'ltg:glu']
    """
    _check_flags(quadratic, standardize)
    table = _read_diabetes()
    X, y = table.drop(columns=_TARGET), table[_TARGET]
    if standardize:
        X = _standardize(X)
    if quadratic:
        X = X.join(_standardize(_second_order(X)))
    return _as_dataset(X, y, standardize)


def _check_flags(quadratic: bool, standardize: bool) -> None:
    Flag(default=False).check("quadratic", quadratic)
    Flag(default=True).check("standardize", standardize)
    if quadratic and not standardize:
        raise ValueError(
            "quadratic=True needs standardize=True, got standardize=False: squares and products "
            "are taken of standardized measurements and have no original units. Leave standardize "
            "out, or take load_diabetes(standardize=False) and form the products you want."
        )


def _read_diabetes() -> pd.DataFrame:
    # Relative to the package, so that the file is found in a wheel too.
    path = files(__package__) / "datasets_files" / "diabetes.csv"
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=np.float64)[[*_MEASUREMENTS, _TARGET]]


def _standardize(columns: pd.DataFrame) -> pd.DataFrame:
    return (columns - columns.mean()) / columns.std(ddof=1)


def _second_order(columns: pd.DataFrame) -> pd.DataFrame:
    squares = {f"{a}^2": columns[a] ** 2 for a in columns if a not in _DICHOTOMOUS}
    products = {f"{a}:{b}": columns[a] * columns[b] for a, b in combinations(columns, 2)}
    return pd.DataFrame(squares | products)


def _describe(feature: str) -> str:
    if feature in _MEASUREMENTS:
        return _MEASUREMENTS[feature][0]
    if feature.endswith("^2"):
        return f"square of standardized {feature.removesuffix('^2')}"
    return "product of standardized {} and {}".format(*feature.split(":"))


def _as_dataset(X: pd.DataFrame, y: pd.Series, standardize: bool) -> xr.Dataset:
    names = list(X.columns)
    units = ["SD" if standardize else _MEASUREMENTS[name][1] for name in names]
    scale = "standardized: mean 0, sample SD 1" if standardize else "original units"
    response = "disease progression one year after baseline"
    return xr.Dataset(
        {
            "X": (("obs", "feature"), X.to_numpy(copy=True), {"long_name": f"columns, {scale}"}),
            "y": ("obs", y.to_numpy(copy=True), {"long_name": response}),
        },
        coords={
            "obs": ("obs", np.arange(len(y)), {"long_name": "patient"}),
            "feature": names,
            "description": ("feature", [_describe(name) for name in names]),
            "unit": ("feature", units, {"long_name": "unit of the column of X"}),
        },
        attrs=dict(_ATTRS),
    )
