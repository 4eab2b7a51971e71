"""Checked arguments of a simulation: traits, causal features, groups and missing values."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from blrzoo.checks import Choice, Instance, Integer, LeftOut, Number, OneOf

__all__ = [
    "CausalCounts",
    "FeatureGroups",
    "Floats",
    "TraitPlan",
    "as_attribute",
    "check_counts",
    "check_groups",
    "check_maf",
    "check_missing",
    "check_traits",
    "latent_correlation",
    "n_missing",
    "numbered",
]

Floats = NDArray[np.float64]

_DEFAULT_CAUSAL = 10
_DEFAULT_MAF = (0.05, 0.5)
_MISSING = OneOf((Number(least=0, below=1), Choice(("disjoint",))), default=0.0)
_NO_NUMBER = LeftOut("with groups, the labels of the features", advice="Pass one of the two.")
_LEAST_KNOWN = 2  # values of a trait: fewer have no variance
_MOST_TRAITS = 5_000  # a matrix of their correlations takes 200 MB, its eigenvalues a minute or so
_ROUNDING = 1e-8  # of a correlation matrix that was computed, or typed
_REMEDY = {1: "lower n_causal or raise p", 2: "lower n_causal or n_traits, or raise p or overlap"}


def as_attribute(value: ArrayLike) -> float | list[float]:
    """Numbers as read back from NetCDF: one as a number, several as a list (row by row)."""
    numbers = np.asarray(value, dtype=np.float64).ravel().tolist()
    return numbers[0] if len(numbers) == 1 else numbers


def numbered(prefix: str, count: int) -> list[str]:
    """Labels ``prefix1``, ..., padded with zeros so that they sort."""
    return [f"{prefix}{i:0{len(str(count))}d}" for i in range(1, count + 1)]


def _entries(value: list | tuple | np.ndarray) -> list:
    return np.atleast_1d(value).tolist() if isinstance(value, np.ndarray) else list(value)


def check_maf(maf: object, distribution: str) -> tuple[float, float] | None:
    """Bounds of the allele frequencies, None unless features are genotypes."""
    if distribution != "genotype":
        if maf is None:
            return None
        raise ValueError(
            f"maf must be left out unless distribution='genotype', got maf={maf!r} and "
            f"distribution={distribution!r}: leave maf out or pass distribution='genotype'."
        )
    given = _DEFAULT_MAF if maf is None else maf
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise TypeError(
            f"maf must be a pair (low, high), got {maf!r} ({type(maf).__name__}): "
            f"pass a tuple of two numbers."
        )
    low, high = (Number(default=_DEFAULT_MAF[i]).check(f"maf[{i}]", given[i]) for i in (0, 1))
    if not 0.0 < low <= high <= 0.5:
        raise ValueError(
            f"maf must satisfy 0 < low <= high <= 0.5, got {maf!r}: "
            f"pass frequencies such as maf={_DEFAULT_MAF}."
        )
    return low, high


# ---- traits ----


@dataclass(frozen=True)
class TraitPlan:
    """Parameters of the traits, of which there may be only one."""

    count: int | None  # None: one trait, and no dim "trait" in the data
    h2: Floats
    mu: Floats
    genetic: Floats  # correlations of the effects, (trait, trait_bis)
    residual: Floats  # correlations of the noise
    overlap: float  # share of a trait's causal features that are causal for all the traits

    @property
    def residual_covariance(self) -> Floats:
        """Covariance of the noise, (trait, trait_bis): total variances are 1."""
        sigma2 = 1.0 - self.h2
        return self.residual * np.sqrt(np.outer(sigma2, sigma2))


def check_traits(
    n_traits: object,
    h2: object,
    mu: object,
    genetic_correlation: object,
    residual_correlation: object,
    overlap: object,
) -> TraitPlan:
    """Check the arguments about traits."""
    if n_traits is None:
        _refuse_for_one_trait("genetic_correlation", genetic_correlation, 0.0)
        _refuse_for_one_trait("residual_correlation", residual_correlation, 0.0)
        _refuse_for_one_trait("overlap", overlap, 1.0)
    else:
        n_traits = Integer(1, _MOST_TRAITS, advice="Leave it out for one trait.").check(
            "n_traits", n_traits
        )
    size = n_traits or 1
    return TraitPlan(
        n_traits,
        h2=_check_per_trait("h2", h2, n_traits, Number(least=0, below=1, default=0.5)),
        mu=_check_per_trait("mu", mu, n_traits, Number(default=0.0)),
        genetic=_check_correlation("genetic_correlation", genetic_correlation, size),
        residual=_check_correlation("residual_correlation", residual_correlation, size),
        overlap=Number(least=0, most=1, default=1.0).check("overlap", overlap),
    )


def _refuse_for_one_trait(name: str, value: object, default: float) -> None:
    if not isinstance(value, Real) or value != default:
        raise ValueError(
            f"{name} must be left out without n_traits, got {value!r} and n_traits=None: "
            f"pass n_traits too, the number of traits."
        )


def _check_per_trait(name: str, value: object, n_traits: int | None, each: Number) -> Floats:
    """A number for each trait (trait,), from one number or one for each."""
    if not isinstance(value, list | tuple | np.ndarray):
        return np.full(n_traits or 1, each.check(name, value))
    if n_traits is None:
        raise TypeError(
            f"{name} must be one number for one trait, got {value!r} ({type(value).__name__}): "
            f"pass a float, or the number of traits as n_traits too."
        )
    numbers = _entries(value)
    if len(numbers) != n_traits:
        raise ValueError(
            f"{name} must be a number or one for each trait, got {value!r} for "
            f"n_traits={n_traits}: pass {n_traits} numbers."
        )
    return np.array([each.check(f"{name}[{t}]", number) for t, number in enumerate(numbers)])


def _check_correlation(name: str, value: object, n_traits: int) -> Floats:
    """Correlation matrix (trait, trait), from one number for all pairs or from a matrix."""
    if isinstance(value, list | tuple | np.ndarray):
        return _check_matrix(name, value, n_traits)
    least = -1.0 / max(n_traits - 1, 1)
    advice = f"It is of all pairs of {n_traits} traits."
    number = Number(least=least, most=1, default=0.0, advice=advice).check(name, value)
    return np.where(np.eye(n_traits, dtype=bool), 1.0, number)


def _check_matrix(name: str, value: object, n_traits: int) -> Floats:
    try:
        matrix = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be a number or a matrix of numbers, got {value!r}: pass an array of "
            f"shape ({n_traits}, {n_traits})."
        ) from error
    if matrix.shape != (n_traits, n_traits):
        raise ValueError(
            f"{name} must be a number or have a row and a column for each trait, got shape "
            f"{matrix.shape} for n_traits={n_traits}: pass shape ({n_traits}, {n_traits})."
        )
    _check_entries(name, matrix)
    _check_semidefinite(name, matrix, "Move the correlations towards 0.")
    matrix = (matrix + matrix.T) / 2.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _check_entries(name: str, matrix: Floats) -> None:
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite, got {matrix.tolist()}: give every correlation.")
    if abs(matrix - matrix.T).max() > _ROUNDING:
        i, j = np.unravel_index(np.argmax(abs(matrix - matrix.T)), matrix.shape)
        raise ValueError(
            f"{name} must be symmetric, got {matrix[i, j]} in row {i}, column {j} and "
            f"{matrix[j, i]} in row {j}, column {i}: make them equal."
        )
    if abs(np.diagonal(matrix) - 1.0).max() > _ROUNDING:
        raise ValueError(
            f"{name} must have ones on its diagonal, got {np.diagonal(matrix).tolist()}: "
            f"pass correlations, not covariances."
        )


def _check_semidefinite(name: str, matrix: Floats, remedy: str) -> None:
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -_ROUNDING:
        raise ValueError(
            f"{name} must be positive semi-definite (correlations that the traits can have "
            f"together), got a matrix whose smallest eigenvalue is {least:.3g}. {remedy}"
        )


def latent_correlation(name: str, matrix: Floats, effects: str) -> Floats:
    """Correlation of the normals that effects with this correlation are made from."""
    if effects != "equal":
        return matrix
    # The signs of two normals with correlation r correlate 2 / pi * arcsin(r).
    latent = np.where(np.eye(len(matrix), dtype=bool), 1.0, np.sin(np.pi / 2.0 * matrix))
    subject = f"sin(pi / 2 * {name}), the correlation of normals whose signs are the effects,"
    _check_semidefinite(subject, latent, f"Move {name} towards 0, or use effects='normal'.")
    return latent


# ---- causal features and their groups ----


@dataclass(frozen=True)
class CausalCounts:
    """Numbers of features that are causal for each trait, and for all traits."""

    each: int
    shared: int
    n_traits: int

    @property
    def total(self) -> int:
        """Number of features that are causal for some trait."""
        return self.shared + self.n_traits * (self.each - self.shared)


def check_counts(
    n_causal: int | None, p: int, traits: TraitPlan, weights: Floats | None
) -> CausalCounts:
    """Return the counts; refuse those that need more features than may be causal."""
    h2, allowed = traits.h2, p if weights is None else int((weights > 0).sum())
    tried = (_counts(each, traits) for each in range(min(_DEFAULT_CAUSAL, p), 0, -1))
    default = next((c.each for c in tried if c.total <= allowed), 1) if h2.any() else 0
    n_causal = default if n_causal is None else n_causal
    n_causal = Integer(0, default=default).check("n_causal", n_causal)
    if (n_causal == 0) == h2.any():
        raise ValueError(
            f"n_causal must be 0 if and only if h2 is 0, got n_causal={n_causal} and "
            f"h2={as_attribute(h2)}: leave n_causal out, or set both to 0, or neither."
        )
    found = _counts(n_causal, traits)
    if found.total > allowed:
        raise ValueError(
            f"n_causal must leave enough features, got n_causal={found.each}: with {h2.size} "
            f"traits that have {found.shared} of them in common, {found.total} features are "
            f"causal, and only {allowed} of p={p} may be (those of groups whose causal_weights "
            f"are not 0): {_REMEDY[min(h2.size, 2)]}."
        )
    return found


def _counts(each: int, traits: TraitPlan) -> CausalCounts:
    return CausalCounts(each, round(traits.overlap * each), traits.h2.size)


@dataclass(frozen=True)
class FeatureGroups:
    """Groups of features, in the order of their first feature."""

    index: NDArray[np.intp]  # number of each feature's group, (feature,)
    names: NDArray[np.str_]
    weights: Floats  # relative probability that a feature of the group is causal, (group,)

    @property
    def labels(self) -> NDArray[np.str_]:
        """Label of each feature's group, (feature,)."""
        return self.names[self.index]

    @property
    def feature_weights(self) -> Floats | None:
        """Weight of each feature, (feature,), or None if all are equal."""
        equal = (self.weights == self.weights[0]).all()
        return None if equal else self.weights[self.index]


def check_groups(
    n_groups: int | None, groups: object, causal_weights: object, p: int
) -> FeatureGroups | None:
    """Groups of the p features, None if there are none."""
    if n_groups is None and groups is None:
        if causal_weights is None:
            return None
        raise ValueError(
            f"causal_weights must be left out without groups, got {causal_weights!r}: "
            f"pass n_groups or groups too."
        )
    if groups is None:
        n_groups = Integer(1, p, advice="Leave it out for no groups.").check("n_groups", n_groups)
        index, names = np.arange(p) * n_groups // p, np.array(numbered("group", n_groups))
    else:
        _NO_NUMBER.check("n_groups", n_groups)
        index, names = _check_labels(groups, p)
    return FeatureGroups(index, names, _check_weights(causal_weights, names))


def _check_labels(groups: object, p: int) -> tuple[NDArray[np.intp], NDArray[np.str_]]:
    remedy = "Pass n_groups for a number of groups."
    Instance((list, tuple, np.ndarray), "a list or an array of labels", advice=remedy).check(
        "groups", groups
    )
    # As objects: NumPy would turn the NaN in ["a", nan] into text.
    labels = np.array(groups, dtype=object)
    if labels.shape != (p,):
        raise ValueError(
            f"groups must have a label for each feature, got shape {labels.shape} for p={p}: "
            f"pass {p} labels, or n_groups."
        )
    absent = np.flatnonzero(pd.isna(labels))
    if absent.size:
        raise ValueError(
            f"groups must name a group for each feature, got {absent.size} missing labels, the "
            f"first at position {absent[0]}: give these features a group of their own."
        )
    index, names = pd.factorize(np.array([str(label) for label in labels], dtype=object))
    return index, np.array(names, dtype=np.str_)


def _check_weights(causal_weights: object, names: NDArray[np.str_]) -> Floats:
    given = _weights_by_name(causal_weights, names.tolist())
    checked = [
        Number(least=0, default=1).check(f"causal_weights[{name!r}]", given.get(name, 1.0))
        for name in names.tolist()
    ]
    if not any(checked):
        raise ValueError(
            f"causal_weights must be positive for some group, got {checked}: "
            f"raise the weight of a group whose features may be causal."
        )
    return np.array(checked)


def _weights_by_name(causal_weights: object, known: list[str]) -> dict[str, object]:
    if causal_weights is None:
        return {}
    if isinstance(causal_weights, Mapping):
        given = {str(name): weight for name, weight in causal_weights.items()}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ValueError(
                f"causal_weights must be of groups that there are, got {unknown}: use {known}."
            )
        return given
    if not isinstance(causal_weights, list | tuple | np.ndarray):
        raise TypeError(
            f"causal_weights must be a dict or a list of numbers, got {causal_weights!r} "
            f"({type(causal_weights).__name__}): pass a weight for each group, "
            f"such as {dict.fromkeys(known[:1], 5.0)}."
        )
    weights = _entries(causal_weights)
    if len(weights) != len(known):
        raise ValueError(
            f"causal_weights must have a number for each group, got {causal_weights!r} for the "
            f"groups {known}: pass {len(known)} numbers, or a dict."
        )
    return dict(zip(known, weights, strict=True))


# ---- missing values ----


def check_missing(missing: object, n: int, n_traits: int | None) -> float | str:
    """Share of missing values, or "disjoint"; each trait must keep two known values."""
    share: float | str = _MISSING.check("missing", missing)
    if isinstance(share, str):
        if n_traits is None or n_traits < 2:
            raise ValueError(
                f"missing must be a share if there is one trait, got {missing!r} and "
                f"n_traits={n_traits}: pass a number, or n_traits=2 or more."
            )
        known = n // n_traits
    else:
        known = n - n_missing(share, n)
    if known < _LEAST_KNOWN:
        raise ValueError(
            f"missing must leave {_LEAST_KNOWN} known values of each trait, got {missing!r}, "
            f"which leaves {known} of n={n}: raise n, or let fewer be missing."
        )
    return share


def n_missing(share: float, n: int) -> int:
    """Number of missing values of a trait."""
    return round(share * n)
