"""The cure that a diagnosis names, applied, makes the verdict better."""

import re

import numpy as np
import pytest

import blrzoo as blr
from blrzoo.diagnostics import diagnose
from tests.builders import tree
from tests.diagnostics.chains import CHAINS, faults, parts, two_state

SETTINGS = {"draws": 500, "tune": 300, "random_seed": 1, "quiet": True, "cores": 1}


def chained(rng, n, p, correlation):
    """Features in a row, each correlated with the one before."""
    X = rng.normal(size=(n, p))
    for j in range(1, p):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    return X


def judged(model, **settings):
    idata = blr.sample(model, **(SETTINGS | settings))
    return idata, diagnose(idata, quiet=True)


def advice(verdict):
    return " ".join(finding.advice for finding in verdict.findings)


@pytest.mark.slow
def test_a_prior_that_lets_in_too_many_features():
    rng = np.random.default_rng(1)
    X = chained(rng, 80, 120, 0.9)
    y = 0.7 * X[:, 30] - 0.7 * X[:, 90] + rng.normal(size=80)
    _, before = judged(blr.spike_slab(X, y, pi=(1, 1), tau2=(4, 0.5 * y.var() / 60)))
    assert before.level == "poor"
    size = re.search(r"too polygenic.* of 120 features.*expected_size=(\d+)", advice(before))
    assert size is not None
    _, after = judged(blr.spike_slab(X, y, expected_size=int(size[1])))
    assert "too polygenic" not in advice(after)
    assert after["model_size_ess"] > 2 * before["model_size_ess"]
    assert after["model_size"] < before["model_size"] / 2


@pytest.mark.slow
def test_features_that_swap():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 80))
    columns = [f + 0.1 * rng.normal(size=80) for f in (first, first, second, second)]
    X = np.column_stack([*columns, rng.normal(size=(80, 4))])
    y = X[:, 0] - X[:, 3] + 0.5 * rng.normal(size=80)
    model = blr.spike_slab(X, y, pi=0.2)
    idata, before = judged(model, moves=[])
    assert before.level != "good"
    named = re.search(r"group_pip\(idata, {'set': \[(\d+), (\d+)\]}\)", advice(before))
    assert named is not None
    pair = [int(label) for label in named.groups()]
    assert pair in ([0, 1], [2, 3])
    single = blr.indicator_table(idata)["error_bound"].sel(feature=pair)
    together = blr.group_pip(idata, {"set": pair})["error_bound"]
    assert float(together.max()) < float(single.max()) / 3
    _, after = judged(blr.spike_slab(np.delete(X, [1, 2], axis=1), y, pi=0.2), moves=[])
    assert after.level == "good", after
    _, in_pairs = judged(model)
    assert in_pairs.level == "good", in_pairs


def test_too_few_draws():
    arrays = parts()
    arrays["delta"][..., 1] = two_state(0.5, arrays["delta"].shape[:2], 5, stay=0.98)
    before = diagnose(tree(**arrays), quiet=True)
    assert before["pip_error"] > 0.1
    times = max(int(n) for n in re.findall(r"Draw about (\d+) times as many", advice(before)))
    longer = parts(draws=1000 * times)
    longer["delta"][..., 1] = two_state(0.5, (CHAINS, 1000 * times), 6, stay=0.98)
    after = diagnose(tree(**longer), quiet=True)
    assert after["pip_error"] <= 0.1
    assert after["ess_bulk"] > times / 2 * before["ess_bulk"]
    assert len(faults(after)) < len(faults(before))


@pytest.mark.slow
def test_a_slow_variance_of_a_ridge():
    rng = np.random.default_rng(3)
    X = chained(rng, 80, 40, 0.97)
    y = X @ rng.normal(scale=0.2, size=40) + rng.normal(size=80)
    _, before = judged(blr.single_component(X, y, update="single-site"))
    assert before["ess_bulk_of"] == "tau2"
    assert "update='joint'" in advice(before)
    _, after = judged(blr.single_component(X, y, update="joint"))
    assert after["ess_bulk"] > 1.5 * before["ess_bulk"]


@pytest.mark.slow
def test_a_slow_covariance_of_effects():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 80))
    Y = X @ rng.normal(scale=0.05, size=(80, 2)) + rng.normal(size=(60, 2))
    _, before = judged(blr.multivariate(X, Y), moves=[])
    assert before.level == "poor"
    assert "larger nu" in advice(before)
    _, after = judged(blr.multivariate(X, Y, Sigma_b=(50, 50 * 0.0025 * np.eye(2))), moves=[])
    assert after.level != "poor"
    assert after["ess_bulk"] > 2 * before["ess_bulk"]
    _, collapsed = judged(blr.multivariate(X, Y))
    assert collapsed["ess_bulk"] > 10 * before["ess_bulk"]
