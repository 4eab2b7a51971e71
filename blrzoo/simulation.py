"""Simulated data with a known truth, as `xarray.Dataset`."""

from collections.abc import Callable, Sequence
from math import isfinite, sqrt
from numbers import Integral, Real
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["simulate"]

_DEFAULT_CAUSAL = 10
_DEFAULT_MAF = (0.05, 0.5)
_KINDS = ("gaussian", "genotype")
_EFFECTS = ("normal", "equal")
_MAX_TRIES = 1_000  # redraws of a column of genotypes before it is declared hopeless
_MAX_NETCDF_INT = 2**63

Floats = NDArray[np.float64]


def simulate(
    n: int = 500,
    p: int = 100,
    *,
    n_causal: int | None = None,
    h2: float = 0.5,
    correlation: float = 0.0,
    kind: Literal["gaussian", "genotype"] = "gaussian",
    maf: Sequence[float] | None = None,
    effects: Literal["normal", "equal"] = "normal",
    mu: float = 0.0,
    random_seed: int | np.random.Generator | None = None,
) -> xr.Dataset:
    r"""Simulate a linear regression whose effects, and whose share of variance, are known.

    .. math:: y = \mu + X \beta + e, \qquad e_i \sim N(0, \sigma^2)

    `n_causal` features, chosen at random, have an effect; the others have none. The effects are
    scaled so that the variance of :math:`X\beta` over the `n` rows is exactly `h2`, and
    :math:`\sigma^2 = 1 - h2`: the response has a variance of about 1.

    Parameters
    ----------
    n : int, default 500
        Number of observations, at least 2.
    p : int, default 100
        Number of features, at least 1.
    n_causal : int, optional
        Number of features with an effect, 0 to `p`; 0 if and only if `h2` is 0.
        Default: ``min(10, p)``, or 0 if `h2` is 0.
    h2 : float, default 0.5
        Share of variance that is due to `X` (heritability), ``0 <= h2 < 1``:
        ``var(X beta) / (var(X beta) + sigma2)``, with var the mean squared deviation over the rows.
    correlation : float, default 0.0
        Correlation between neighbouring features, ``-1 < correlation < 1``: features j and k
        correlate ``correlation ** abs(j - k)`` (a first-order autoregression). For genotypes it is
        the correlation of the latent normals; that of the genotypes is weaker (see Notes).
    kind : {"gaussian", "genotype"}, default "gaussian"
        Standard normal features (float64), or counts 0, 1, 2 of an allele (int8).
    maf : (low, high), optional
        For ``kind="genotype"`` only: the counted allele's frequency is uniform between these
        bounds, ``0 < low <= high <= 0.5``. Default: ``(0.05, 0.5)``.
    effects : {"normal", "equal"}, default "normal"
        Before scaling, causal effects are N(0, 1), or 1 with a random sign. They are effects per
        unit of X: for genotypes, per copy of the allele.
    mu : float, default 0.0
        Intercept: the mean of y where all of X is zero (X is not centred).
    random_seed : int, numpy.random.Generator or None, optional
        Seed, a non-negative int; or the generator to draw from, which advances. With None a seed
        is drawn and noted in the attributes, so that the data can be had again.

    Returns
    -------
    xarray.Dataset
        - ``X`` (obs, feature), ``y`` (obs): the data.
        - ``beta`` (feature), ``causal`` (feature; bool), ``mu``, ``sigma2``, ``h2`` (realised):
          the truth. For genotypes also ``maf`` (feature), the frequency in the population.
        - Coordinates ``obs`` (0 to n - 1) and ``feature`` (``"x001"``, or ``"snp001"``).
        - Attributes: the arguments. `maf` is there for genotypes only; `random_seed` is a str if
          it is 2**63 or more, or was a generator.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument is out of range, or if no column of genotypes could be found that is not
        constant: `n` or `maf` very small, or `n` small and `correlation` close to -1.

    Notes
    -----
    A genotype is the sum of two independent haplotypes (Hardy-Weinberg equilibrium). A haplotype
    carries the counted allele where a latent stationary Gaussian autoregression along the features
    is below the quantile of the allele's frequency. Neighbouring genotypes at frequency 1/2
    correlate ``2 / pi * arcsin(correlation)``, rarer alleles less. A column that comes out
    constant is drawn again, its frequency included, given the one before it.

    For one seed, `X` and the noise (up to its SD) do not change with `n_causal`, `h2`, `effects`
    and `mu`.

    Examples
    --------
    >>> import numpy as np
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=200, p=50, n_causal=5, h2=0.4, correlation=0.8, random_seed=1)
    >>> data.X.shape, data.y.shape
    ((200, 50), (200,))
    >>> int(data.causal.sum()), round(float(data.h2), 10)
    (5, 0.4)
    >>> snps = blr.simulate(n=100, p=1000, kind="genotype", correlation=0.9, random_seed=1)
    >>> snps.X.dtype, np.unique(snps.X).tolist(), str(snps.feature.values[0])
    (dtype('int8'), [0, 1, 2], 'snp0001')
    """
    n, p = _check_integer("n", n, 2), _check_integer("p", p, 1)
    h2 = _check_real("h2", h2, "0 <= h2 < 1", lambda value: 0 <= value < 1)
    n_causal = _check_n_causal(n_causal, p, h2)
    rule = "-1 < correlation < 1"
    correlation = _check_real("correlation", correlation, rule, lambda value: -1 < value < 1)
    mu = _check_real("mu", mu, "mu finite", lambda _: True)
    _check_choice("kind", kind, _KINDS)
    _check_choice("effects", effects, _EFFECTS)
    bounds = _check_maf(maf, kind)
    rng, seed = _generator(random_seed)

    X, frequency = _features(n, p, correlation, bounds, rng)
    # X and the noise come first and consume the generator in the same way whatever the effects
    # are: studies that vary h2 or n_causal then compare like with like.
    noise = rng.standard_normal(n)
    beta, signal = _effects(X, n_causal, h2, effects, rng)
    attrs: dict[str, Any] = dict(n=n, p=p, n_causal=n_causal, h2=h2, correlation=correlation)
    attrs |= dict(kind=kind, effects=effects, mu=mu, random_seed=seed)
    if bounds is not None:
        attrs["maf"] = list(bounds)
    y = mu + signal + sqrt(1.0 - h2) * noise
    return _as_dataset(X, y, beta, signal, frequency, attrs)


def _features(
    n: int, p: int, correlation: float, maf: tuple[float, float] | None, rng: np.random.Generator
) -> tuple[NDArray[Any], Floats | None]:
    """Draw X (n, p), stored feature by feature; for genotypes also the alleles' frequencies (p)."""
    if maf is None:
        return _gaussian(n, p, correlation, rng).T, None
    counts, frequency = _genotypes(n, p, correlation, maf, rng)
    return counts.T, frequency


def _gaussian(n: int, p: int, correlation: float, rng: np.random.Generator) -> Floats:
    columns = rng.standard_normal((p, n))
    if correlation != 0.0:
        innovation = _innovation_sd(correlation)
        for j in range(1, p):
            columns[j] *= innovation
            columns[j] += correlation * columns[j - 1]
    return columns


def _innovation_sd(correlation: float) -> float:
    return sqrt((1.0 - correlation) * (1.0 + correlation))


def _genotypes(
    n: int, p: int, correlation: float, maf: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.int8], Floats]:
    counts, frequency = np.empty((p, n), dtype=np.int8), np.empty(p)
    # Only one column of latent normals is kept; a row for each of the two haplotypes.
    latent = np.zeros((2, n))
    for j in range(p):
        # The first column has none before it; with one it could be constant for good.
        link = correlation if j > 0 else 0.0
        counts[j], frequency[j], latent = _next_genotype(latent, link, maf, rng)
    return counts, frequency


def _next_genotype(
    latent: Floats, correlation: float, maf: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.int8], float, Floats]:
    for _ in range(_MAX_TRIES):
        innovation = rng.standard_normal(latent.shape)
        proposal = correlation * latent + _innovation_sd(correlation) * innovation
        frequency = rng.uniform(*maf)
        carried = proposal < NormalDist().inv_cdf(frequency)
        counts = carried.sum(axis=0, dtype=np.int8)
        if counts.min() < counts.max():
            return counts, frequency, proposal
    raise ValueError(
        f"maf, n and correlation must let genotypes vary, got maf={maf}, n={latent.shape[1]} and "
        f"correlation={correlation}: a column was constant {_MAX_TRIES} times in a row. Use a "
        f"larger n, larger frequencies, or a correlation closer to 0."
    )


def _effects(
    X: NDArray[Any], n_causal: int, h2: float, effects: str, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw the effects (p) and give their sum X beta (n), whose variance is h2."""
    n, p = X.shape
    if n_causal == 0:
        return np.zeros(p), np.zeros(n)
    causal = np.sort(rng.permutation(p)[:n_causal])
    columns = X[:, causal].astype(np.float64)
    # The effects of genotypes can cancel (two equal columns, opposite signs): draw again then.
    variance, tiny = 0.0, 1e-12 * float(columns.var(axis=0).max())
    while variance < tiny:
        normal = rng.standard_normal((p,))[causal]
        drawn = np.sign(normal) if effects == "equal" else normal
        variance = float((columns @ drawn).var())
    beta = np.zeros(p)
    beta[causal] = drawn * sqrt(h2 / variance)
    return beta, columns @ beta[causal]


def _as_dataset(
    X: NDArray[Any],
    y: Floats,
    beta: Floats,
    signal: Floats,
    frequency: Floats | None,
    attrs: dict[str, Any],
) -> xr.Dataset:
    n, p = X.shape
    explained, sigma2 = float(signal.var()), 1.0 - attrs["h2"]
    prefix = "x" if frequency is None else "snp"
    data: dict[str, Any] = {
        "X": (("obs", "feature"), X),
        "y": ("obs", y),
        "beta": ("feature", beta, {"long_name": "effect per unit of X"}),
        "causal": ("feature", beta != 0.0, {"long_name": "has an effect"}),
        "mu": ((), attrs["mu"], {"long_name": "intercept"}),
        "sigma2": ((), sigma2, {"long_name": "residual variance"}),
        "h2": ((), explained / (explained + sigma2), {"long_name": "realised heritability"}),
    }
    if frequency is not None:
        data["maf"] = ("feature", frequency, {"long_name": "frequency of the counted allele"})
    labels = [f"{prefix}{j:0{len(str(p))}d}" for j in range(1, p + 1)]
    return xr.Dataset(data, coords={"obs": np.arange(n), "feature": labels}, attrs=attrs)


def _generator(
    random_seed: int | np.random.Generator | None,
) -> tuple[np.random.Generator, int | str]:
    """Return the generator, and what the attributes say of it (NetCDF holds ints of 64 bits)."""
    if isinstance(random_seed, np.random.Generator):
        return random_seed, "numpy.random.Generator"
    if random_seed is None:
        random_seed = int(np.random.default_rng().integers(2**32))
    seed = _check_integer("random_seed", random_seed, 0, "an int, a numpy.random.Generator or None")
    return np.random.default_rng(seed), seed if seed < _MAX_NETCDF_INT else str(seed)


def _check_integer(name: str, value: Any, least: int, types: str = "an int") -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(
            f"{name} must be {types}, got {value!r} ({type(value).__name__}): "
            f"pass a whole number such as {name}={max(least, 1)}."
        )
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}: use a larger {name}.")
    return int(value)


def _check_real(name: str, value: Any, rule: str, holds: Callable[[float], bool]) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a real number with {rule}, got {value!r} ({type(value).__name__}): "
            f"pass a float."
        )
    number = float(value)
    if not (isfinite(number) and holds(number)):
        raise ValueError(f"{name} must satisfy {rule}, got {value!r}: choose it in that range.")
    return number


def _check_n_causal(n_causal: Any, p: int, h2: float) -> int:
    if n_causal is None:
        return min(_DEFAULT_CAUSAL, p) if h2 > 0 else 0
    count = _check_integer("n_causal", n_causal, 0, "an int or None")
    if count > p:
        raise ValueError(
            f"n_causal must be at most p, got n_causal={count} and p={p}: "
            f"lower n_causal or raise p."
        )
    if (count == 0) != (h2 == 0):
        raise ValueError(
            f"n_causal must be 0 if and only if h2 is 0, got n_causal={count} and h2={h2}: "
            f"leave n_causal out, or set both to 0, or neither."
        )
    return count


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    allowed = " or ".join(map(repr, choices))
    if not isinstance(value, str):
        raise TypeError(
            f"{name} must be a str, got {value!r} ({type(value).__name__}): pass {allowed}."
        )
    if value not in choices:
        raise ValueError(f"{name} must be {allowed}, got {value!r}: pass one of these.")


def _check_maf(maf: Any, kind: str) -> tuple[float, float] | None:
    if kind != "genotype":
        if maf is None:
            return None
        raise ValueError(
            f"maf must be left out unless kind='genotype', got maf={maf!r} and kind={kind!r}: "
            f"leave maf out or pass kind='genotype'."
        )
    low, high = _check_pair("maf", _DEFAULT_MAF if maf is None else maf)
    if not 0.0 < low <= high <= 0.5:
        raise ValueError(
            f"maf must satisfy 0 < low <= high <= 0.5, got {maf!r}: "
            f"pass frequencies such as maf={_DEFAULT_MAF}."
        )
    return low, high


def _check_pair(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise TypeError(
            f"{name} must be a pair (low, high), got {value!r} ({type(value).__name__}): "
            f"pass a tuple of two numbers."
        )
    rule = f"low and high of {name} finite"
    low, high = (_check_real(f"{name}[{i}]", value[i], rule, lambda _: True) for i in (0, 1))
    return low, high
