"""All bad input in one table: what is refused, and that the message says why and what to do."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import blrzoo as blr
from tests.zoo.bad_data import ERRORS, W, X, Y
from tests.zoo.refusals import message_of

TE, VE = TypeError, ValueError
NAN, INF = float("nan"), float("inf")
Row = tuple[str, Callable[[], Any], type[Exception], str]

with pm.Model():
    NAMED = pm.HalfNormal("named", 1.0)


def select(**kwargs: Any) -> Callable[[], pm.Model]:
    return lambda: blr.spike_slab(X, Y, **kwargs)


def regress(**kwargs: Any) -> Callable[[], pm.Model]:
    return lambda: blr.regression(X, Y, **kwargs)


def data_row(id: str, data: tuple, error: type[Exception], pattern: str) -> Row:
    features, response, covariates = (*data, None)[:3]
    call = lambda: blr.spike_slab(features, response, covariates=covariates)  # noqa: E731
    return f"data-{id}", call, error, pattern


def rows(name: str, bad: dict[str, tuple[Any, type[Exception], str]], **others: Any) -> list[Row]:
    """One row for each bad value of an argument of `blr.spike_slab`."""
    return [(f"{name}-{k}", select(**{name: v}, **others), e, r) for k, (v, e, r) in bad.items()]


# Parameters

VARIANCES = {
    "zero": (0, VE, r"must be positive, got 0\. Leave .* out .*\(nu, S2\).*\.dist\(\)"),
    "negative": (-1.0, VE, r"must be positive, got -1\.0"),
    "nan": (NAN, VE, r"must be finite, got nan"),
    "inf": (INF, VE, r"must be finite, got inf"),
    "text": ("1", TE, r"must be a number, a tuple or a \.dist\(\), got '1' of type str"),
    "bytes": (b"1", TE, r"must be a number.* got b'1' of type bytes"),
    "bool": (True, TE, r"must be a number.* got True of type bool"),
    "numpy-bool": (np.True_, TE, r"must be a number.* got np\.True_"),
    "complex": (1j, TE, r"must be a number.* got 1j"),
    "dict": ({"nu": 4}, TE, r"must be a number.* got \{'nu': 4\} of type dict"),
    "too-big": (10**400, TE, r"must be a number"),
    "array-text": (np.array(["1"]), TE, r"must be a number.* type ndarray"),
    "list": ([4, 0.5], VE, r"must have shape \(\), got shape \(2,\)\. Pass one number, or a tuple"),
    "array": (np.ones(3), VE, r"must have shape \(\), got shape \(3,\)"),
    "array-empty": (np.ones(0), VE, r"must be a number, a tuple or a .dist\(\), got nothing"),
    "tuple-none": ((), VE, r"must be a tuple .*\(nu, S2\), got 0 value\(s\): \(\)"),
    "tuple-one": ((4,), VE, r"must be a tuple .*\(nu, S2\), got 1 value\(s\): \(4,\)"),
    "tuple-three": ((4, 1, 1), VE, r"must be a tuple .*got 3 value\(s\)"),
    "tuple-zero": ((4, 0), VE, r": S2 must be positive, got 0 in \(4, 0\)"),
    "tuple-negative": ((-4, 1), VE, r": nu must be positive, got -4 in \(-4, 1\)"),
    "tuple-nan": ((NAN, 1), VE, r": nu must be finite, got nan"),
    "tuple-inf": ((4, INF), VE, r": S2 must be finite, got inf"),
    "tuple-text": (("4", 1), TE, r": nu must be a number, got '4' of type str"),
    "tuple-bool": ((4, True), TE, r": S2 must be a number, got True"),
    "tuple-None": ((None, 1), TE, r": nu must be a number, got None"),
    "tuple-array": ((4, np.ones(3)), VE, r"must have shape \(\), got shape \(3,\)"),
    "named": (NAMED, VE, r"must be an unnamed \.dist\(\).* got the model variable 'named'"),
    "expression": (NAMED**2, TE, r"must be a number, a tuple or a \.dist\(\)"),
    "class": (pm.HalfNormal, TE, r"must be a number.*HalfNormal"),
    "dist-shape": (pm.HalfNormal.dist(1, shape=3), VE, r"shape \(\), got shape \(3,\)\. Make"),
    "dist-support": (pm.Normal.dist(0, 1), VE, r"must be positive, got a prior centered at 0\.0"),
}  # fmt: skip
PROBABILITIES = {
    "zero": (0, VE, r"must be strictly between 0 and 1, got 0\. Leave pi out .*\(a, b\)"),
    "one": (1, VE, r"must be strictly between 0 and 1, got 1"),
    "negative": (-0.1, VE, r"must be strictly between 0 and 1, got -0\.1"),
    "above": (1.5, VE, r"must be strictly between 0 and 1, got 1\.5"),
    "nan": (NAN, VE, r"must be finite, got nan"),
    "text": ("0.5", TE, r"must be a number.* got '0\.5' of type str"),
    "bool": (True, TE, r"must be a number.* got True"),
    "tuple-zero": ((0, 1), VE, r": a must be positive, got 0 in \(0, 1\)"),
    "tuple-one": ((1,), VE, r"must be a tuple .*\(a, b\), got 1 value"),
    "tuple-three": ((1, 1, 1), VE, r"must be a tuple .*\(a, b\), got 3 value"),
    "array": (np.full(3, 0.5), VE, r"must have shape \(\), got shape \(3,\)"),
    "named": (NAMED, VE, r"must be an unnamed \.dist\(\).* 'named'"),
    "dist-shape": (pm.Beta.dist(1, 1, shape=3), VE, r"must have shape \(\), got shape \(3,\)"),
    "dist-support": (pm.Normal.dist(0, 1), VE, r"must be strictly .* got a prior centered at 0"),
}
LOCATIONS = {
    "nan": (NAN, VE, r"must be finite, got nan\. Leave .*\(mean, sd\) for the normal"),
    "inf": (INF, VE, r"must be finite, got inf"),
    "text": ("0", TE, r"must be a number.* got '0' of type str"),
    "bool": (False, TE, r"must be a number.* got False"),
    "tuple-one": ((0,), VE, r"must be a tuple .*\(mean, sd\), got 1 value"),
    "tuple-zero": ((0, 0), VE, r": sd must be positive, got 0 in \(0, 0\)"),
    "tuple-negative": ((0, -1), VE, r": sd must be positive, got -1 in \(0, -1\)"),
    "tuple-nan": ((NAN, 1), VE, r": mean must be finite, got nan"),
    "named": (NAMED, VE, r"must be an unnamed \.dist\(\).* 'named'"),
    "array": (np.zeros(3), VE, r"must have shape .*, got shape \(3,\)"),
    "tuple-array": ((0, np.ones(3)), VE, r"must have shape .*, got shape \(3,\)"),
    "dist-shape": (pm.Normal.dist(shape=3), VE, r"must have shape .*, got shape \(3,\)"),
}
GAMMAS = LOCATIONS | {
    "matrix": (np.zeros((2, 1)), VE, r"shape \(\) or \(2,\), got shape \(2, 1\)\. .* for each"),
    "dist-scalar": (pm.Normal.dist(), VE, r"shape \(2,\), got shape \(\)\. .*shape=\(2,\)"),
}
NO_COVARIATES = {
    "number": (0.0, VE, r"must be left out .* no covariates, got .*\. Pass covariates="),
    "tuple": ((0, 1), VE, r"must be left out .* no covariates"),
    "array": (np.zeros(2), VE, r"must be left out .* no covariates"),
}

# Other arguments of the factories

SHARES = {
    **{str(v): (v, VE, rf"above 0 and below 1, got {v} of type int\.") for v in (0, 1, -1, 2)},
    "nan": (NAN, VE, r"above 0 and below 1, got nan"),
    "text": ("0.5", TE, r"must be a number .* got '0\.5' of type str\. It is the share"),
    "bool": (True, TE, r"must be a number .* got True of type bool"),
    "tuple": ((0.5,), TE, r"must be a number .* got \(0\.5,\)"),
}  # fmt: skip
CENTERS = {
    "text": ("yes", TE, r"must be True or False, got 'yes' of type str\. Leave"),
    "number": (1, TE, r"must be True or False, got 1 of type int"),
    "None": (None, TE, r"must be True or False, got None"),
}


class FeatureRidge(blr.priors.Prior):
    """A variance for each feature, or whatever it is given."""

    def __init__(self, variance: Any) -> None:
        self.value = variance

    def variables(self) -> dict:
        return {}

    def variance(self, v: dict) -> Any:
        return self.value


class NoVariables(blr.priors.Prior):
    def variance(self, v: dict) -> Any:
        return 1.0


class NoVariance(blr.priors.Prior):
    def variables(self) -> dict:
        return {}


class NoComponents(blr.priors.MixturePrior):
    def variables(self) -> dict:
        return {}


class NoReturn(NoVariables):
    def variables(self) -> Any:
        pass


NIE = NotImplementedError
JOINT = r"^update must be 'single-site' or 'auto' .* got 'joint' with "
RETURN = r"^prior must return a "
SINGLE, SLAB = blr.priors.SingleComponent(), blr.priors.SpikeSlab()
BY_FEATURE = FeatureRidge(np.ones(3))
MODEL_ROWS: list[Row] = [
    ("update-text", regress(prior=SINGLE, update="fast"), VE, r"^update must be .* got 'fast'"),
    ("update-None", regress(prior=SINGLE, update=None), VE, r"'joint' or 'single-site', got None"),
    ("update-joint", regress(prior=SLAB, update="joint"), VE, JOINT + "SpikeSlab, .* several"),
    ("update-feature", regress(prior=BY_FEATURE, update="joint"), VE, JOINT + "FeatureRidge"),
    ("prior-class", regress(prior=blr.priors.SpikeSlab), TE, r"blr\.priors\.SpikeSlab\(\)"),
    ("prior-None", regress(prior=None), TE, r"^prior must be .*got None .*Pass an instance"),
    ("prior-text", regress(prior="ridge"), TE, r"^prior must be .*got 'ridge' of type str"),
    ("prior-function", regress(prior=blr.spike_slab), TE, r"^prior must be .*of type function"),
    ("no-variables", regress(prior=NoVariables()), NIE, r"^NoVariables must define variables\("),
    ("no-variance", regress(prior=NoVariance()), NIE, r"^NoVariance must define variance\("),
    ("no-components", regress(prior=NoComponents()), NIE, r"^NoComp.* must define components\("),
    ("no-return", regress(prior=NoReturn()), TE, RETURN + r"dict from var.* got None from NoRe"),
    ("variance-None", regress(prior=FeatureRidge(None)), VE, RETURN + r"variance .* got None"),
    ("variance-shape", regress(prior=FeatureRidge(np.ones(4))), VE, RETURN + r".* shape \(4,\)"),
]  # fmt: skip


# Sampling

SHORT = {"draws": 2, "tune": 2, "chains": 1, "cores": 1, "progressbar": False}


def plain() -> pm.Model:
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("mu"), 1.0, observed=Y)
    return model


def draw(**kwargs: Any) -> Callable[[], Any]:
    return lambda: blr.sample(plain(), **kwargs)


def gibbs(make: Callable[[], pm.Model], *names: str) -> Callable[[], Any]:
    """Make the step method for some variables of a model."""

    def call() -> Any:
        model = make()
        return blr.BLRGibbs([model[name] for name in names] or None, model=model)

    return call


def added(add: Callable[[pm.Model], Any], step: Callable[[], Any]) -> Callable[[], Any]:
    """Add a term to a model of the zoo and then take a step method, or sample."""

    def call() -> Any:
        with blr.spike_slab(X, Y) as model:
            add(model)
            return step()

    return call


def potential(model: pm.Model) -> None:
    pm.Potential("positive", pm.math.sum(model["beta"]))


def observed(model: pm.Model) -> None:
    pm.Normal("second", model["beta"].sum(), 1.0, observed=1.0)


def free(model: pm.Model) -> None:
    pm.Normal("child", model["sigma2"])


def sample() -> Any:
    return pm.sample(**SHORT)


def half_normal() -> pm.Model:
    return blr.spike_slab(X, Y, tau2=pm.HalfNormal.dist(1))


def gibbs_by_name() -> Any:
    return blr.BLRGibbs(["delta"], model=blr.spike_slab(X, Y))


MODEL, FREE = r"^model must be a pm\.Model, got ", r"^vars must be free random variables .* got "
NO_MODEL = r"^model must be a pm\.Model, given or on the context, got "
TERM = r"^model must have no added term .*; got "
ON_BETA = r"which depends on beta\. Write"
SAMPLING_ROWS: list[Row] = [
    ("sample-number", lambda: blr.sample(1000), TE, NO_MODEL + r"1000 .*draws=1000"),
    ("sample-no-model", blr.sample, TE, NO_MODEL + r"None of .*Pass model="),
    ("chains-0", draw(chains=0), VE, r"^chains must be an int from 1 .*, got 0 of type int"),
    ("chains-text", draw(chains="4"), TE, r"^chains must be an int .*, got '4'"),
    ("var_names-list", draw(var_names=["nu"]), VE, r"got \['nu'\]\. Choose from \['mu'\]"),
    ("var_names-text", draw(var_names="mu"), VE, r"^var_names must be a list .* got 'mu'"),
    ("gibbs-plain", gibbs(plain), VE, r"^model must be one of blrzoo, .* blrzoo\.regression"),
    ("gibbs-plain-vars", gibbs(plain, "mu"), VE, r"^model must be one of blrzoo"),
    ("vars-delta", gibbs(select(), "delta"), VE, r"beta and delta together.* got \['delta'\]\."),
    ("vars-name", gibbs_by_name, VE, FREE + r"\['delta'\]\. Pass variables"),
    ("vars-beta", gibbs(select(), "beta"), VE, r"together.* got \['beta'\]\. Give both"),
    ("vars-fixed", gibbs(select(tau2=1), "tau2"), VE, FREE + r"\[tau2\]"),
    ("vars-nuts", gibbs(half_normal, "tau2"), VE, r"have full cond.* got tau2, .*Leave it out"),
    ("potential-gibbs", added(potential, blr.BLRGibbs), VE, TERM + "'positive', " + ON_BETA),
    ("potential-sample", added(potential, sample), VE, TERM + "'positive', " + ON_BETA),
    ("observed-gibbs", added(observed, blr.BLRGibbs), VE, TERM + "'second', " + ON_BETA),
    ("observed-sample", added(observed, sample), VE, TERM + "'second', " + ON_BETA),
    ("free-sample", added(free, sample), VE, TERM + "'child', which depends on sigma2"),
]  # fmt: skip

ROWS: list[Row] = [
    *[data_row(*row) for row in ERRORS],
    *rows("tau2", VARIANCES),
    *rows("sigma2", VARIANCES),
    *rows("pi", PROBABILITIES),
    *rows("mu", LOCATIONS),
    *rows("gamma", GAMMAS, covariates=W),
    *rows("gamma", {f"alone-{k}": v for k, v in NO_COVARIATES.items()}),
    *rows("h2", SHARES),
    *rows("center", CENTERS),
    *MODEL_ROWS,
    *SAMPLING_ROWS,
]
ARGUMENT = (
    "X|y|covariates|tau2|sigma2|pi|mu|gamma|h2|center|update|prior|model|vars|chains|var_names"
)


@pytest.mark.parametrize(("id", "call", "error", "pattern"), ROWS, ids=[row[0] for row in ROWS])
def test_refused_with_argument_rule_value_and_remedy(
    id: str, call: Callable[[], Any], error: type[Exception], pattern: str
) -> None:
    message = message_of(call, error, pattern, ARGUMENT)
    argument = id.split("-")[0]
    assert argument not in ARGUMENT.split("|") or message.startswith(argument), message


def test_rows_have_names_of_their_own() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS)


# What looks odd and is right, so that the rules above refuse no more than they say

ODD: dict[str, dict[str, Any]] = {
    "numpy-scalars": {"tau2": np.float32(1), "sigma2": np.int64(2), "h2": np.float32(0.5)},
    "fraction": {"pi": Fraction(1, 3), "h2": Fraction(1, 2), "center": np.True_},
    "0-d arrays": {"tau2": np.array(1.0), "mu": (np.array(0), 1)},
    "series": {"gamma": pd.Series([0.0, 1.0])},
    "list": {"gamma": [0, 1]},
    "tuple of arrays": {"gamma": (np.zeros(2), 1)},
    "dists": {
        "gamma": pm.Laplace.dist(0, 1, shape=2),
        "mu": pm.StudentT.dist(3),
        "tau2": pm.Uniform.dist(0, 3),
        "sigma2": pm.Truncated.dist(pm.Normal.dist(0, 1), lower=0),
        "pi": pm.Truncated.dist(pm.Normal.dist(0.2, 1), lower=0, upper=1),
    },
}


@pytest.mark.parametrize("id", ODD)
def test_odd_but_right_arguments_make_a_proper_model(id: str) -> None:
    model = blr.spike_slab(X, Y, covariates=W, **ODD[id])
    for name in ("tau2", "sigma2", "pi", "mu"):
        assert model[name].type.shape == ()
    assert model["gamma"].type.shape in ((2,), (None,))
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))


def test_terms_that_leave_the_conditionals_right_are_accepted() -> None:
    """Given the effects, a term of the effects says nothing of tau2 and pi."""
    with blr.spike_slab(X, Y) as model:
        potential(model)
        pm.Normal("other", pm.HalfNormal("scale"), 1.0, observed=1.0)
        step = blr.BLRGibbs([model[name] for name in ("mu", "sigma2", "tau2", "pi")])
    assert sorted(step.names) == ["mu", "pi", "sigma2", "tau2"]
