"""Table of what the models for several traits refuse, with the messages that say why."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

import blrzoo as blr

TE, VE, NIE = TypeError, ValueError, NotImplementedError
NAN, INF = float("nan"), float("inf")
Row = tuple[str, Callable[[], Any], type[Exception], str]

N, P = 12, 4
RNG = np.random.default_rng(21)
X = np.round(RNG.normal(size=(N, P)), 3)
Y = np.round(X[:, :2] + RNG.normal(size=(N, 2)), 3)
IDS, FEATURES, TRAITS = [f"i{i}" for i in range(N)], list("wxyz"), ["height", "weight"]
GROUPS = ["a", "a", "b", "b"]
EYE, THREE = np.eye(2), np.eye(3)
with pm.Model():
    NAMED = pm.HalfNormal("named", 1.0)


def ridge(**kwargs: Any) -> Callable[[], pm.Model]:
    return lambda: blr.multivariate(X, Y, **kwargs)


def select(**kwargs: Any) -> Callable[[], pm.Model]:
    return lambda: blr.multivariate_spike_slab(X, Y, **kwargs)


def grouped(groups: Any = GROUPS, **kwargs: Any) -> Callable[[], pm.Model]:
    return lambda: blr.hierarchical_multivariate(X, Y, groups, **kwargs)


def mixture(**kwargs: Any) -> Callable[[], pm.Model]:
    return grouped(**({} if "components" in kwargs else {"n_components": 3}) | kwargs)


def response(Y: Any, X: Any = X, **kwargs: Any) -> Callable[[], pm.Model]:
    return lambda: blr.multivariate(X, Y, **kwargs)


def rows(name: str, make: Callable[..., Any], bad: dict[str, Any], **others: Any) -> list[Row]:
    """One row for each bad value of an argument."""
    return [
        (f"{name}-{make.__name__}-{k}", make(**{name: value}, **others), error, pattern)
        for k, (value, error, pattern) in bad.items()
    ]


# Covariances

MATRIX = r"must be a symmetric, positive definite matrix \(or a positive variance, or one for each"
COVARIANCES = {
    "zero": (0, VE, MATRIX + r".*got 0\. Leave .* out .*\(nu, S\).*\.dist\(\)"),
    "negative": (-1.0, VE, MATRIX + r".*got -1\.0"),
    "negative-of-one": ([1, -1], VE, MATRIX + r".*got \[1, -1\]"),
    "indefinite": ([[1, 2], [2, 1]], VE, MATRIX + r".*got \[\[1, 2\], \[2, 1\]\]"),
    "singular": ([[1, 1], [1, 1]], VE, MATRIX),
    "not-symmetric": ([[1, 0.5], [0.2, 1]], VE, MATRIX + r".*got \[\[1, 0\.5\]"),
    "nan": ([[1, NAN], [NAN, 1]], VE, r"must be finite, got \[\[1, nan\]"),
    "inf": (np.diag([1, INF]), VE, r"must be finite"),
    "text": ("1", TE, r"must be a number, a tuple or a \.dist\(\), got '1' of type str"),
    "text-matrix": (EYE.astype(str), TE, r"must be a number.*type ndarray"),
    "bool": (True, TE, r"must be a number.* got True of type bool"),
    "ragged": ([[1, 2], [3]], TE, r"must be a number.* got \[\[1, 2\], \[3\]\]"),
    "three-traits": (THREE, VE, r"shape \(\) or \(2,\) or \(2, 2\).*2 trait.*\(3, 3\)\. Pass a m"),
    "three-variances": ([1, 2, 3], VE, r"must have shape .* got shape \(3,\)\. Pass a matrix"),
    "stack": (np.stack([EYE] * 5), VE, r"must have shape .* got shape \(5, 2, 2\)"),
    "frame-names": (pd.DataFrame(EYE, list("ab"), list("ab")), VE, r"labels .*\['a', 'b'"),
    "tuple-one": ((5,), VE, r"must be a tuple .*\(nu, S\), got 1 value\(s\): \(5,\)"),
    "tuple-three": ((5, 1, 1), VE, r"must be a tuple .*got 3 value"),
    "nu-zero": ((0, 1.0), VE, r": nu must be positive, got 0 in \(0, 1\.0\)"),
    "nu-small": ((1.0, EYE), VE, r": nu must be above the number of traits minus one, 1, got 1.*5"),
    "nu-nan": ((NAN, EYE), VE, r": nu must be finite, got nan"),
    "nu-text": (("5", EYE), TE, r": nu must be a number, got '5' of type str"),
    "nu-array": (([5, 6], EYE), VE, r": nu must be one number, got shape \(2,\)\. Pass one"),
    "S-zero": ((5, 0), VE, ": S " + MATRIX + r".*got 0 in \(5, 0\)\. Pass the scale .*mean is S /"),
    "S-indefinite": ((5, [[1, 2], [2, 1]]), VE, ": S " + MATRIX),
    "S-not-symmetric": ((5, [[1, 0.5], [0.2, 1]]), VE, ": S " + MATRIX),
    "S-nan": ((5, [[1, NAN], [NAN, 1]]), VE, r": S must be finite"),
    "S-None": ((5, None), TE, r": S must be a number, got None"),
    "S-three": ((5, THREE), VE, r": S must have shape .* got shape \(3, 3\)"),
    "S-frame": ((5, pd.DataFrame(EYE, list("ab"), list("ab"))), VE, r": S must have the labels"),
    "named": (NAMED, VE, r"must be an unnamed \.dist\(\).* got the model variable 'named'"),
    "expression": (NAMED * EYE, TE, r"must be a number, a tuple or a \.dist\(\)"),
    "class": (blr.priors.InverseWishart, TE, r"must be a number.*InverseWishart"),
    "dist-scalar": (pm.HalfNormal.dist(), VE, r"shape \(2, 2\), got a \.dist\(\) of sh.*\(\)\. M"),
    "dist-three": (blr.priors.InverseWishart.dist(6, THREE), VE, r"shape \(2, 2\), got .*\(3, 3\)"),
    "dist-normal": (pm.MvNormal.dist(np.zeros(2), EYE), VE, MATRIX + r".* prior centered at \[0"),
}  # fmt: skip
#: Of groups and components: shapes are longer, and messages name the argument, not "Sigma_slab".
SLABS = {
    "three-traits": (THREE, VE, r"^Sigma_b must have shape .*\(2, 2, 2, 2\) for.*\(3, 3\)"),
    "stack": (np.stack([EYE] * 5), VE, r"^Sigma_b must have shape .*got shape \(5, 2, 2\)"),
    "nu-small": ((0.5, EYE), VE, r"^Sigma_b: nu must be above"),
    "nu-array": (([5, 6, 7], EYE), VE, r"^Sigma_b: nu must be one number, or have shape \(2, 2\)"),
    "dist": (
        blr.priors.InverseWishart.dist(6, EYE),
        VE,
        r"^Sigma_b must have shape \(2, 2, 2, 2\), got",
    ),
}
LEFT_OUT = {
    "tau2-full": (ridge(tau2=1.0), r"^tau2 must be left out with form='full', got 1.*Pass Sigma_b"),
    "Sigma_b-diagonal": (
        select(form="diagonal", Sigma_b=1.0),
        r"^Sigma_b must be left out with form='diagonal', got 1\.0 of type float\. Pass tau2",
    ),
    "sigma2-full": (ridge(sigma2=1.0), r"^sigma2 must be left out with residual='full'.*Sigma_e"),
    "Sigma_e-diagonal": (
        grouped(residual="diagonal", Sigma_e=EYE),
        r"^Sigma_e must be left out with residual='diagonal'.*Pass sigma2",
    ),
    "Sigma_b-canonical": (
        mixture(components=["null", "equal"], Sigma_b=EYE),
        r"^Sigma_b must be left out where no component is learned, with .*, got .*add 'learned'",
    ),
    "pi-ridge": (grouped(pi=0.5), r"^pi must be left out with n_components=1, .*got 0\.5.*compon"),
    "mixture-form": (
        mixture(form="diagonal"),
        r"^form must be left out for a mixture, got 'diagonal'",
    ),
    "mixture-tau2": (mixture(tau2=1.0), r"^tau2 must be left out for a mixture, got 1\.0"),
    "gamma-alone": (ridge(gamma=0.0), r"^gamma must be left out where .* no covariates"),
    "one-trait-Sigma_e": (
        lambda: blr.spike_slab(X, Y[:, 0], Sigma_e=EYE),
        r"^Sigma_e must be left out for one trait, .*got an array of shape \(2, 2\).*Pass sigma2",
    ),
    "one-trait-residual": (
        lambda: blr.single_component(X, Y[:, 0], residual="diagonal"),
        r"^residual must be left out for one trait, .*got 'diagonal'",
    ),
}
VARIANCES = {
    "zero": (0, VE, r"must be positive, got 0"),
    "nan": (NAN, VE, r"must be finite, got nan"),
    "text": ("1", TE, r"must be a number, .* got '1' of type str"),
    "three": ([1, 2, 3], VE, r"must have shape \(\) or .*\(2,\), got shape \(3,\)\. Pass one"),
    "tuple-one": ((4,), VE, r"must be a tuple .*\(nu, S2\), got 1 value"),
    "tuple-three": ((4, [1, 2, 3]), VE, r"must have shape .* got shape \(3,\)"),
    "tuple-negative": ((4, -1), VE, r": S2 must be positive, got -1"),
    "dist-scalar": (pm.HalfNormal.dist(), VE, r"must have shape .*2.*, got shape \(\)\. Make the"),
}
FORMS = {
    "unknown": (
        "block",
        VE,
        r"must be 'full' or 'diagonal', got 'block' of type str\. Leave it out for 'full'",
    ),
    "None": (None, VE, r"must be 'full' or 'diagonal', got None"),
    "array": (np.array(["full", "diagonal"]), VE, r"must be 'full' or 'diagonal', got array"),
}

# Patterns, components, probabilities, groups

ARRAY = r"must be an array \(pattern, trait\) of 0 and 1 for the 2 traits"
PATTERNS = {
    "unknown": ("any", VE, r"must be .* or 'restrictive', got 'any' .*array of 0 and 1"),
    "None": (None, TE, ARRAY + r", got None of type NoneType\. Pass for instance patterns='all'"),
    "number": (3, VE, ARRAY + r", two rows at least, got shape \(\)"),
    "wide": ([[0, 0, 0], [1, 1, 1]], VE, ARRAY + r", two rows at least, got shape \(2, 3\)"),
    "one-row": ([[1, 1]], VE, ARRAY + r", two rows at least, got shape \(1, 2\)"),
    "empty": ([], VE, ARRAY + r", two rows at least, got shape \(0,\)"),
    "two": ([[0, 0], [1, 2]], VE, ARRAY + r", got \[2\] in it"),
    "half": ([[0, 0], [0.5, 1]], VE, ARRAY + r", got \[0\.5\] in it"),
    "nan": ([[0, 0], [NAN, 1]], VE, ARRAY + r", got \[nan\] in it"),
    "repeated": ([[0, 0], [1, 1], [1, 1]], VE, ARRAY + r", each row once, got .*\[\[0, 0\]"),
    "never": ([[0, 0], [1, 0]], VE, ARRAY + r", each trait affected in some row, got"),
    "text": ([["0", "0"], ["1", "1"]], TE, ARRAY + r", got .* of type list"),
    "strings": (["00", "11"], TE, ARRAY + r", got \['00', '11'\] of type list"),
    "ragged": ([[0, 0], [1]], VE, ARRAY + r", rows of one length, got \[\[0, 0\], \[1\]\]"),
    "names": (pd.DataFrame(EYE, columns=["b", "a"]), VE, r"labels .*\[0, 1\].*\['b', 'a'\]: mis"),
}  # fmt: skip
COUNTS = {
    "zero": (0, VE, r"must be an int from 1 to 100, got 0 of type int"),
    "float": (3.0, TE, r"must be an int .*, got 3\.0 of type float"),
    "bool": (True, TE, r"must be an int .*, got True of type bool"),
    "text": ("3", TE, r"must be an int .*, got '3' of type str"),
    "list": (["equal"], TE, r"must be an int .*, got \['equal'\] of type list"),
}  # fmt: skip
COMPONENTS = {
    "number": (3, TE, r"must be a list .*, got 3 of .*Pass for instance n_components=3, or comp"),
    "text": ("equal", TE, r"must be a list .*, got 'equal' of type str"),
    "array": (EYE, TE, r"must be a list .*, got an array of shape \(2, 2\)"),
    "unknown": (["null", "same"], VE, r"must be among null, equal, .* or matrices, got 'same'"),
    "empty": ([], VE, r"must have at least one with effects, got \[\]"),
    "null-only": (["null", "null"], VE, r"must have at least one with effects, got \['null', 'nu"),
    "indefinite": ([[[1, 2], [2, 1]]], VE, r"matrices of 2 by 2 numbers, positive semi-def.*2\.0"),
    "not-symmetric": ([[[1, 0.2], [0.5, 1]]], VE, r"positive semi-definite, got \[\[1\.0, 0\.2\]"),
    "zeros": ([np.zeros((2, 2))], VE, r"positive semi-definite, got \[\[0.*not zero"),
    "nan": ([[[1, NAN], [NAN, 1]]], VE, r"positive semi-definite, got \[\[1\.0, nan\]"),
    "three": (["null", THREE], VE, r"must have names, or matrices of 2 by 2 .*shape \(3, 3\)"),
    "number-in-list": (["null", 3], VE, r"must have names, or matrices .*got 3 of shape \(\)"),
    "text-matrix": (["null", [["a", "b"], ["c", "d"]]], TE, r"matrices of 2 by 2 numbers, got"),
    "labels": ([pd.DataFrame(EYE, list("ab"), list("ab"))], VE, r"must have the labels .*\[0, 1\]"),
}  # fmt: skip
INDICATORS = {
    "zero": (0, VE, r"must be strictly between 0 and 1, got 0\. Leave pi out"),
    "nan": (NAN, VE, r"must be finite, got nan"),
    "text": ("0.5", TE, r"must be a number.* got '0\.5' of type str"),
    "three": ([0.5, 0.5, 0.5], VE, r"must have shape \(\) or \(2,\), got shape \(3,\)\. Pass one"),
    "matrix": (np.full((2, 2), 0.5), VE, r"must have shape \(\) or \(2,\), got shape \(2, 2\)"),
    "tuple-three": ((1, 1, 1), VE, r"must be a tuple .*\(a, b\), got 3 value"),
    "tuple-wide": (([1, 1, 1], 1), VE, r"must have shape \(\) or \(2,\), got shape \(3,\)"),
    "tuple-negative": ((1, -1), VE, r": b must be positive, got -1"),
    "dist-scalar": (pm.Beta.dist(1, 1), VE, r"must have shape \(2,\), got shape \(\)\. Make"),
}
FOUR = r"must have a value for each of the 4 (patterns|components), got shape "
WEIGHTS = {
    "number": (0.5, VE, r"must have a probability for each .*, got 0\.5\. Pass a list .*sum to 1"),
    "integer": (1, VE, r"must have a probability for each .*, got 1\. Pass"),
    "three": ([0.5, 0.25, 0.25], VE, FOUR + r"\(3,\)\. The (patterns|components) are .*0.*, .*1"),
    "sum": ([0.5, 0.5, 0.5, 0.5], VE, r"must be probabilities that sum to 1, got \[0\.5"),
    "negative": ([-0.5, 0.5, 0.5, 0.5], VE, r"must be probabilities that sum to 1"),
    "text": ("0.5", TE, r"must be a number.* got '0\.5'"),
    "tuple-two": ((1, 9), VE, FOUR + r"\(2,\)"),
    "tuple-none": ((), VE, r"must have a probability for each .*, got \(\)\. Pass"),
    "tuple-ragged": (([1, 1], [1]), VE, r"must have a probability for each .*\[1, 1\], \[1\]"),
    "tuple-negative": ((1, 1, 1, -1), VE, r": a must be positive"),
    "tuple-nan": ((1, 1, 1, NAN), VE, r": a must be finite"),
    "dist-three": (
        pm.Dirichlet.dist(np.ones(3)),
        VE,
        r"a value for each of the 4 .*, got shape \(3,\)",
    ),
}
LABELS = {
    "short": (GROUPS[:3], VE, r"must have one value for each of the 4 .* got shape \(3,\)"),
    "matrix": ([GROUPS], VE, r"must have one value for each .* got shape \(1, 4\)\. Pass a vector"),
    "text": ("aabb", VE, r"must have one value for each .* got shape \(\)"),
    "missing": (["a", None, "b", "b"], VE, r"must name a group for each .* 1 missing .*position 1"),
    "series": (pd.Series(GROUPS, FEATURES), VE, r"must have all .* missing \[0, 1, 2, 3\]"),
    "twice": (pd.Series(GROUPS, [0, 0, 1, 2]), VE, r"must have all .* once.* repeated \[0\]"),
}  # fmt: skip

# The data


def frame(columns: Any = TRAITS, **others: Any) -> pd.DataFrame:
    return pd.DataFrame(Y, index=IDS, columns=columns).assign(**others)


def put(value: Any, *at: Any) -> np.ndarray:
    changed = Y.copy()
    changed[at] = value
    return changed


XF, YF = pd.DataFrame(X, index=IDS, columns=FEATURES), frame()
CONSTANT, ONE = frame(extra=1.0), frame(extra=[1.0] + [NAN] * (N - 1))
RESPONSES = {
    "text": (frame(sex=["f", "m"] * 6), TE, r"text in trait \['sex'\]\. Rem.*to_numeric.*drop"),
    "category": (frame(sex=pd.Categorical([1, 2] * 6)), TE, r"categories in trait \['sex'\]"),
    "complex": (Y * 1j, TE, r"complex numbers in trait \[0, 1\]"),
    "constant": (CONSTANT, VE, r"must vary .* 12 times the value 1 in trait \['extra'\].*drop"),
    "one-known": (ONE, VE, r"known for at least 2 obs.* 1 of 12 in trait \['extra'\].*drop the tr"),
    "none-known": (frame(extra=NAN), VE, r"known for at least 2 .* 0 of 12 in trait \['extra'\]"),
    "all-missing": (put(NAN, ...), VE, r"known for at least 2 .* 0 of 12 in trait \[0, 1\]"),
    "twice": (frame(["a", "a"]), VE, r"different label for every trait; got \['a'\] more"),
    "one-row": (Y[:1], VE, r"must have at least 2 observations \(rows\); got shape \(1, 2\)"),
    "no-rows": (Y[:0], VE, r"must have at least 2 observations .*got shape \(0, 2\)"),
    "no-traits": (Y[:, :0], VE, r"must have at least one trait; got shape \(12, 0\)"),
    "empty-row": (put(NAN, 3), VE, r"known value in each row; got 1 row.*obs \[3\]\. .*='predict'"),
    "inf": (put(INF, 1, 1), VE, r"finite or missing .*1 infinite .*obs \[1\], trait \[1\]\..*NaN"),
    "cube": (Y[None], VE, r"must have dimensions \(obs,\) or \(obs, trait\); got .*\(1, 12, 2\)"),
    "None": (None, VE, r"must have dimensions .*; got NoneType"),
    "dict": ({"a": Y[:, 0]}, TE, r"must be a plain NumPy .*; got dict\. Pass pd\.DataFrame\(Y\)"),
    "transposed": (Y.T, VE, r"one row per observation of X; got 2 rows in Y and 12 in X"),
    "huge": (Y * [1, 1e200], VE, r"must have a scale .* in trait \[1\]\. Rescale"),
    "two-levels": (
        frame(pd.MultiIndex.from_product([["u"], TRAITS])),
        VE,
        r"plain labels; got a MultiIndex .*Y\.columns = ",
    ),
}  # fmt: skip
HOLES_AND_INF = put([[NAN], [INF]], [[0], [1]], [[1]])
DATA_ROWS: list[Row] = [
    *[
        (f"Y-{k}", response(value), error, "^Y .*" + r)
        for k, (value, error, r) in RESPONSES.items()
    ],
    # NaN are allowed: they are not counted, and do not hide the infinite value
    (
        "Y-holes-and-inf",
        response(HOLES_AND_INF),
        VE,
        r"^Y .*got 1 infinite value\(s\), .*obs \[1\]",
    ),
    ("Y-other-labels", response(frame().rename({"i0": "z"}), XF), VE, r"^Y .*\['i0'\].*\['z'\]"),
    ("Y-fewer-labels", response(frame()[:9], XF), VE, r"^Y .*\(9 for 12\): missing \['i9', 'i10'"),
    ("Y-one-trait-model", lambda: blr.spike_slab(X, Y), VE, r"^y must be a vector.*multivariate"),
    ("Y-predict-none", response(put(NAN, np.arange(11)), missing="predict"), VE, r"^Y .* 1 of 12"),
    ("missing-drop", response(Y, missing="drop"), VE, r"^missing must be 'error' or 'predict'"),
    ("weights-matrix", ridge(weights=np.ones((N, 2))), VE, r"^weights must be a vector; got shape"),
    ("h2-by-trait", ridge(h2=[0.5, 0.4]), TE, r"^h2 must be a number .*got \[0\.5, 0\.4\]"),
    ("mu-three", ridge(mu=[1, 2, 3]), VE, r"^mu must have shape \(\) or \(2,\), got shape \(3,\)"),
    ("mu-matrix", ridge(mu=EYE), VE, r"^mu must have shape \(\) or \(2,\), got shape \(2, 2\)"),
    ("mu-dist", ridge(mu=pm.Normal.dist()), VE, r"^mu must have shape \(2,\), got shape \(\)"),
    (
        "gamma-matrix",
        ridge(gamma=np.ones((2, 1)), covariates=X[:, :1] ** 2),
        VE,
        r"^gamma must have shape \(\) or \(1, 2\) or \(2,\), got shape \(2, 1\)",
    ),
    (
        "patterns-many-traits",
        lambda: blr.multivariate_spike_slab(X, RNG.normal(size=(N, 7)), patterns="all"),
        VE,
        r"^patterns must be .*for more than 6 traits, got 'all' with 7 traits, .*128.*Pass the",
    ),
    (
        "prior-class",
        lambda: blr.regression(X, Y, prior=blr.priors.Multivariate),
        TE,
        r"^prior must be an instance .*Make an instance: blr\.priors\.Multivariate\(\)",
    ),
    (
        "n_components-of-prior",
        lambda: blr.priors.HierarchicalMultivariateMixture(GROUPS, n_components=1),
        VE,
        r"^n_components must be an int from 2 to 100, got 1 .*Pass for instance n_components=3",
    ),
    (
        "n_components-and-list",
        grouped(n_components=2, components=["null", "equal"]),
        VE,
        r"^n_components must be left out where components are listed, got 2 of type int\. Pass one",
    ),
    (
        "n_components-and-list-of-prior",
        lambda: blr.priors.HierarchicalMultivariateMixture(
            GROUPS, n_components=4, components=["equal"]
        ),
        VE,
        r"^n_components must be left out where components are listed, got 4 of type int",
    ),
]

# Priors of the user's own


class Returns(blr.priors.MultivariatePrior):
    """Whatever it is given for the covariance and the groups."""

    def __init__(self, value: Any, index: Any = None) -> None:
        self.value, self.group_index = value, index

    def variables(self) -> dict:
        return {}

    def covariance(self, v: dict) -> Any:
        return self.value


class Mixes(blr.priors.MultivariateMixturePrior):
    """Whatever it is given for projections, covariances and weights."""

    def __init__(self, projections: Any, covariances: Any, weights: Any) -> None:
        self.given = projections, covariances, weights

    def variables(self) -> dict:
        return {}

    def projections(self) -> Any:
        return np.stack(self.given[0])

    def components(self, v: dict) -> Any:
        return np.stack(self.given[1]), np.log(self.given[2])


class NoCovariance(blr.priors.MultivariatePrior):
    def variables(self) -> dict:
        return {}


def own(*args: Any) -> Callable[[], pm.Model]:
    make = Mixes if len(args) == 3 else Returns
    return lambda: blr.regression(X, Y, prior=make(*args))


STACK, ZERO, HALVES = np.stack([EYE, EYE]), np.zeros((2, 2)), [0.5, 0.5]
RETURN = r"^prior must return covariances of shape "
OWN_ROWS: list[Row] = [
    ("own-none", lambda: blr.regression(X, Y, prior=NoCovariance()), NIE, r"define covariance\("),
    ("own-three", own(THREE, None), VE, RETURN + r"\(2, 2\), got shape \(3, 3\) from Returns"),
    ("own-vector", own(np.ones(2), None), VE, RETURN + r"\(2, 2\), got shape \(2,\)"),
    ("own-None", own(None, None), VE, RETURN + r"\(2, 2\), got None from Returns"),
    # without an index the sweep would have given the first covariance to all features
    ("own-by-feature", own(np.stack([EYE] * 4), None), VE, RETURN + r".*\(4, 2, 2\).*group_index"),
    ("own-no-index", own(STACK, None), VE, RETURN + r".*got shape \(2, 2, 2\).*group_index"),
    # T = p: with the index one matrix would have been taken for four groups' rows
    ("own-one-matrix", own(EYE, [0] * 4), VE, RETURN + r"\(1, 2, 2\), got shape \(2, 2\)"),
    ("own-index-long", own(STACK, [0, 1, 0, 1, 0]), VE, r"^prior must have a group_index .*\(5,\)"),
    ("own-index-text", own(STACK, GROUPS), VE, r"^prior must have a group_index .*np\.unique"),
    ("own-index-minus", own(STACK, [0, 1, -1, 0]), VE, r"^prior must have a group_index .*-1"),
    ("own-index-beyond", own(STACK, [0, 1, 5, 0]), VE, RETURN + r"\(6, 2, 2\), got .*\(2, 2, 2\)"),
    ("own-projection", own([ZERO, ZERO + 1], [EYE, EYE], HALVES), VE, r"orthogonal proj.* .*P @"),
    ("own-projections", own([THREE] * 2, [EYE, EYE], HALVES), VE, r"orthogonal.*\(2, 3, 3\)"),
    ("own-slabs", own([ZERO, EYE], [EYE] * 3, HALVES), VE, RETURN + r"\(2, 2, 2\), got .*\(3, 2"),
    ("own-weights", own([ZERO, EYE], [EYE] * 2, [0.3, 0.3, 0.4]), VE, r"log weights of .*\(2,\)"),
]  # fmt: skip

ROWS: list[Row] = [
    *rows("Sigma_b", ridge, COVARIANCES),
    *rows("Sigma_e", select, COVARIANCES),
    *rows("Sigma_b", mixture, SLABS),
    *[(id, call, VE, pattern) for id, (call, pattern) in LEFT_OUT.items()],
    *rows("tau2", ridge, VARIANCES, form="diagonal"),
    *rows("tau2", grouped, VARIANCES, form="diagonal"),
    *rows("sigma2", select, VARIANCES, residual="diagonal"),
    *rows("form", ridge, FORMS),
    *rows("residual", ridge, FORMS),
    *rows("patterns", select, PATTERNS),
    *rows("n_components", grouped, COUNTS),
    *rows("components", mixture, COMPONENTS),
    *rows("pi", select, INDICATORS),
    *rows("pi", select, WEIGHTS, patterns="all"),
    *[(f"pi-mixture-{row[0]}", *row[1:]) for row in rows("pi", mixture, WEIGHTS, n_components=4)],
    *rows("groups", grouped, {k: row for k, row in LABELS.items() if k != "None"}),
    *DATA_ROWS,
    *OWN_ROWS,
]
ROWS = [(f"{i}-{row[0]}", *row[1:]) for i, row in enumerate(ROWS)]
