"""Words, flags and numbers at the edge: refused with the argument's name, the rule and a remedy."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(12, 4)), RNG.normal(size=(12, 2))
y, GROUPS = Y[:, 0], list("aabb")
HUGE, TINY = 10**400, 5e-324
DATASET = xr.Dataset({"a": ("feature", [1.0, 2.0, 3.0, 4.0])})


def one(**options: Any) -> pm.Model:
    return blr.single_component(X, y, **options)


def select(**options: Any) -> pm.Model:
    return blr.spike_slab(X, y, **options)


def mix(**options: Any) -> pm.Model:
    return blr.multiple_component(X, y, **options)


def grouped(**options: Any) -> pm.Model:
    return blr.hierarchical(X, y, GROUPS, **options)


def traits(**options: Any) -> pm.Model:
    return blr.multivariate(X, Y, **options)


def grouped_traits(**options: Any) -> pm.Model:
    return blr.hierarchical_multivariate(X, Y, GROUPS, **options)


def select_traits(**options: Any) -> pm.Model:
    return blr.multivariate_spike_slab(X, Y, **options)


def prior(make: Callable[..., blr.priors.Prior]) -> Callable[..., pm.Model]:
    return lambda **options: blr.regression(X, y, prior=make(**options))


Case = tuple[Callable[..., pm.Model], str, str]
WORDS: list[Case] = [
    (one, "update", r"'auto', 'joint' or 'single-site'"),
    (one, "missing", r"'error' or 'predict'"),
    (one, "residual", r"'full' or 'diagonal'"),
    (traits, "residual", r"'full' or 'diagonal'"),
    (traits, "missing", r"'error' or 'predict'"),
    (traits, "form", r"'full' or 'diagonal'"),
    (grouped_traits, "form", r"'full' or 'diagonal'"),
    (select_traits, "form", r"'full' or 'diagonal'"),
]
NO_WORDS = [np.array(["full", "auto"]), pd.Series(["error", "x"]), pd.NA, None, 1, ["full"], "x"]


@pytest.mark.parametrize("value", NO_WORDS, ids=repr)
@pytest.mark.parametrize(("make", "name", "rule"), WORDS)
def test_what_is_no_word_of_the_choice_is_refused(
    make: Callable[..., pm.Model], name: str, rule: str, value: Any
) -> None:
    pattern = rf"^{name} must be {rule}, got .*\. Leave it out for '\w+'\.$"
    with pytest.raises(ValueError, match=re.compile(pattern, re.DOTALL)):
        make(**{name: value})


FLAGS = [
    (mix, "null", "True"),
    (grouped, "pooled", "False"),
    (grouped, "shared_pi", "False"),
    (one, "center", "True"),
]
NO_FLAGS = ["yes", "False", 2, 0, None, pd.NA, np.array([True, False]), pd.Series([True])]


@pytest.mark.parametrize("value", NO_FLAGS, ids=repr)
@pytest.mark.parametrize(("make", "name", "default"), FLAGS)
def test_what_is_no_flag_is_refused(
    make: Callable[..., pm.Model], name: str, default: str, value: Any
) -> None:
    pattern = rf"^{name} must be True or False, got .* of type \w+\. Leave it out for {default}\.$"
    with pytest.raises(TypeError, match=re.compile(pattern, re.DOTALL)):
        make(**{name: value})


def test_a_numpy_flag_is_a_flag() -> None:
    assert blr.priors.MultipleComponent(null=np.False_).n_slabs == 4
    assert blr.priors.HierarchicalRidge(GROUPS, pooled=np.True_).pooled.on is True


ARRAY = np.array([1, 2])
WRONG: dict[str, tuple[Callable[..., pm.Model], dict[str, Any], type[Exception], str]] = {
    **{
        f"ratios-{k}": (mix, {"ratios": v}, TypeError, r"^ratios must be a sequence of numbers")
        for k, v in {
            "text": "a",
            "object": object(),
            "dict": {0: 1.0},
            "dist": pm.HalfNormal.dist(),
            "texts": ("a", "b"),
            "bool": True,
            "None": [None, 1.0],
        }.items()
    },
    "ratios-ragged": (mix, {"ratios": [[1], [1, 2]]}, TypeError, r"^ratios must be a sequence"),
    "ratios-number": (mix, {"ratios": 1.0}, ValueError, r"^ratios must be positive numbers"),
    "ratios-tiny": (mix, {"ratios": (TINY, 1)}, ValueError, r"^ratios must .*from 1e-250"),
    "ratios-many": (mix, {"ratios": np.ones(10**6)}, ValueError, r"^n_components .*2 to 100, got"),
    "ratios-count": (
        mix,
        {"ratios": (0.1, 1), "n_components": 5},
        ValueError,
        r"^n_components must be as many as ratios says, 3, got 5\. Leave it out, or pass 4 ratios",
    ),
    **{
        f"pi-{k}": (make, {"pi": v, **others}, ValueError, r"^pi must have a probability for each")
        for k, (make, v, others) in {
            "one": (mix, 1, {}),
            "zero-dim": (mix, np.array(1.0), {}),
            "one-grouped": (grouped, 1, {"n_components": 3}),
            "one-traits": (grouped_traits, np.array(1.0), {"n_components": 3}),
            "dataarray": (mix, xr.DataArray(1.0), {}),
        }.items()
    },
    "pi-null-only": (mix, {"pi": [1, 0, 0, 0]}, ValueError, r"^pi must leave components with eff"),
    "pi-null-kinds": (
        grouped_traits,
        {"n_components": 3, "pi": [1, 0, 0]},
        ValueError,
        r"^pi must leave components with effects",
    ),
    "pi-one-trait": (
        select_traits,
        {"patterns": "all", "pi": [0.5, 0.5, 0, 0]},
        ValueError,
        r"^pi must leave patterns of each trait with effects a probability of at least 1e-30",
    ),
    "n_components": (mix, {"n_components": 10**6}, ValueError, r"^n_components .*2 to 100, got"),
    "n_slabs-huge": (mix, {"n_components": HUGE}, ValueError, r"^n_components .*2 to 100.*1000"),
    "n-huge": (grouped, {"n_components": 10**6}, ValueError, r"^n_components .*from 1 to 100"),
    "n-zero": (grouped, {"n_components": 0}, ValueError, r"^n_components must be an int"),
    "n-array": (grouped, {"n_components": ARRAY}, TypeError, r"^n_components must be an int"),
    "n-text": (grouped, {"n_components": "3"}, TypeError, r"^n_components must be an int"),
    "components-traits": (
        grouped_traits,
        {"n_components": 10**6},
        ValueError,
        r"^n_components must be an int from 1 to 100, got 1000000 of type int\. Pass",
    ),
    "components-list": (
        grouped_traits,
        {"components": ["learned"] * 10**6},
        ValueError,
        r"^components must be 100 at most, got a list of 1000000\. Pass",
    ),
    "h2": (one, {"h2": HUGE}, ValueError, r"^h2 must be .* above 0 and below 1, got 1000"),
    "expected_size": (select, {"expected_size": HUGE}, ValueError, r"^expected_size .*finite"),
    "expected_size-tiny": (select, {"expected_size": TINY}, ValueError, r"^exp.*at least 1e-06"),
    "pi-tiny": (select, {"pi": TINY}, ValueError, r"^pi must be at least 1e-30 .*got 5e-324\. L"),
    "pi-tiny-traits": (select_traits, {"pi": TINY}, ValueError, r"^pi must be at least 1e-30"),
    "pi-tuple": (select, {"pi": (TINY, 1)}, ValueError, r"^pi: a must be at least 1e-06"),
    "tau2-nu": (select, {"tau2": (1e-300, 1)}, ValueError, r"^tau2: nu must be at least 1e-06"),
    "tau2-S2": (select, {"tau2": (4, TINY)}, ValueError, r"^tau2: S2 must be at least 1e-250"),
    "sigma2-tiny": (select, {"sigma2": TINY}, ValueError, r"^sigma2 must be at least 1e-250"),
    "sigma2-large": (select, {"sigma2": 1e300}, ValueError, r"^sigma2 must be within 1e\+250"),
    "mu-large": (select, {"mu": -1e300}, ValueError, r"^mu must be within 1e\+250"),
    "Sigma_b-tiny": (traits, {"Sigma_b": TINY}, ValueError, r"^Sigma_b must be a symmetric, pos"),
    "nu-tiny": (prior(blr.priors.BayesA), {"nu": TINY}, ValueError, r"^nu must .*least 1e-06, got"),
    "p0-tiny": (prior(blr.priors.Horseshoe), {"p0": TINY}, ValueError, r"^p0 must .*least 1e-06"),
    "eta0": (
        prior(lambda eta0: blr.priors.AnnotatedInclusion(X[0], eta0=eta0)),
        {"eta0": -800},
        ValueError,
        r"^eta0 must be at least -69, .*got -800\. Pass for instance",
    ),
    "inclusion-tiny": (
        select,
        {"inclusion": [TINY, 0, 0, 0]},
        ValueError,
        r"^inclusion must hold .* none between 0 and 1e-30, .*5e-324\. Pass numbers from 0 to 1",
    ),
    "inclusion-huge": (select, {"inclusion": [HUGE, 0, 0, 0]}, TypeError, r"^inclusion must hold"),
    "inclusion-dataset": (select, {"inclusion": DATASET}, TypeError, r"^inclusion .*of a Dataset"),
    "groups-dataset": (select, {"groups": DATASET}, TypeError, r"^groups must .*got Dataset\."),
    "groups-ragged": (select, {"groups": [["a"], ["a", "b"]]}, TypeError, r"^groups .*got list"),
    "annotations": (
        prior(lambda annotations: blr.priors.AnnotatedVariance(annotations)),
        {"annotations": DATASET},
        TypeError,
        r"^annotations must be NumPy, pandas or a DataArray, got Dataset\. Pass",
    ),
}  # fmt: skip


@pytest.mark.parametrize("id", WRONG)
def test_values_at_the_edge_are_refused(id: str) -> None:
    make, options, error, pattern = WRONG[id]
    with pytest.raises(error, match=pattern) as caught:
        make(**options)
    assert type(caught.value) is error


def test_a_group_may_have_no_effects_at_all() -> None:
    model = grouped(n_components=2, pi=[[1.0, 0.0], [0.5, 0.5]])
    node = model["tau2_slab"].owner
    _, scale = node.op.dist_params(node)
    assert np.isfinite(scale.eval(mode="FAST_COMPILE")).all()


@pytest.mark.parametrize("scale", [1e-58, 1e58])
def test_the_limits_are_beyond_what_features_of_any_allowed_scale_need(scale: float) -> None:
    tau2 = (float(y.std()) / scale) ** 2
    model = blr.single_component(X * scale, y, tau2=tau2)
    assert model["tau2"].eval(mode="FAST_COMPILE") == tau2
