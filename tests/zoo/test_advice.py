"""Calls that do not fit a function get its own name and a way on; so does a response of 0 and 1."""

import inspect
import re
import warnings

import numpy as np
import pandas as pd
import pytest

import blrzoo as blr
from blrzoo import zoo
from blrzoo.advice import prior_like, prior_names

RNG = np.random.default_rng(1)
X = pd.DataFrame(RNG.normal(size=(20, 3)), columns=["a", "b", "c"])
Y = RNG.normal(size=(20, 2))
GROUPS = ["g", "g", "h"]
ONE_TRAIT = ["single_component", "spike_slab", "multiple_component", "hierarchical"]


def call(name, *args, **kwargs):
    """Call a factory with data that it takes."""
    groups = {"groups": GROUPS} if name.startswith("hierarchical") else {}
    response = Y[:, 0] if name in ONE_TRAIT else Y
    return getattr(blr, name)(X, response, *args, **groups, **kwargs)


@pytest.mark.parametrize("name", zoo.__all__)
def test_unknown_arguments_are_answered_by_the_factory(name):
    with pytest.raises(TypeError) as caught:
        call(name, covariate=X)
    message = str(caught.value)
    start = f"{name}() got an unexpected argument 'covariate'. Did you mean 'covariates'? It takes "
    assert message.startswith(start), message
    assert {"tau2", "h2", "missing", "center"} <= set(re.findall(r"\w+", message[len(start) :]))
    with pytest.raises(TypeError, match=rf"^{name}\(\) got .* 'qqq'\. It takes"):
        call(name, qqq=1)


def test_near_matches():
    for key, near in {"expected_sise": "expected_size", "groupes": "groups"}.items():
        with pytest.raises(TypeError, match=f"argument '{key}'. Did you mean '{near}'"):
            blr.spike_slab(X, Y[:, 0], **{key: 3})
    with pytest.raises(TypeError, match=r"^regression\(\) got .* 'prio'\. Did you mean 'prior'"):
        blr.regression(X, Y[:, 0], prio=blr.priors.SpikeSlab())


@pytest.mark.parametrize("name", zoo.__all__)
def test_a_factory_has_a_prior_of_its_own(name):
    advice = r"prior of its own, got .*\. Call blr\.regression\(X, y, prior="
    for prior, remedy in {"horseshoe": r"blr\.priors\.Horseshoe\(\)", 3: r"\.\.\."}.items():
        with pytest.raises(TypeError, match=rf"^{name}\(\) has a {advice}{remedy}\)\.$"):
            call(name, prior=prior)
    with pytest.raises(TypeError, match=rf"{advice}blr\.priors\.BayesA\(\)\)\.$"):
        call(name, prior=blr.priors.BayesA())


def test_a_missing_prior_is_answered_with_all_priors():
    with pytest.raises(TypeError) as caught:
        blr.regression(X, Y[:, 0])
    message = str(caught.value)
    assert message.startswith("regression() needs prior, the prior of the effects. Pass ")
    bases = {"Prior", "MixturePrior", "MultivariatePrior", "MultivariateMixturePrior"}
    public = {name for name in blr.priors.__all__ if _is_prior(getattr(blr.priors, name))} - bases
    assert {*prior_names(("feature",)), *prior_names(("feature", "trait"))} == public
    assert set(re.findall(r"\w+", message)) >= public


def _is_prior(value):
    return isinstance(value, type) and issubclass(value, blr.priors.Prior)


@pytest.mark.parametrize("name", ["hierarchical", "hierarchical_multivariate"])
def test_missing_groups(name):
    response = Y[:, 0] if name in ONE_TRAIT else Y
    with pytest.raises(TypeError, match=rf"^{name}\(\) needs groups, .*Pass .*groups=\["):
        getattr(blr, name)(X, response)
    getattr(blr, name)(X, response, GROUPS)  # by position


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("horseshoe", "blr.priors.Horseshoe()"),
        ("hoarse shoe", "blr.priors.Horseshoe()"),
        ("spike_slab", "blr.priors.SpikeSlab()"),
        ("BayesC-pi", "blr.priors.SpikeSlab()"),
        ("lasso", "blr.priors.BayesianLasso()"),
        ("ridge", "blr.priors.SingleComponent()"),
        ("BayesRC", "blr.priors.HierarchicalMixture(groups)"),
        (blr.priors.HierarchicalRidge, "blr.priors.HierarchicalRidge(groups)"),
        (blr.priors.BayesB(), "blr.priors.BayesB()"),
        ("qqq", None),
        (3, None),
        (int, None),
    ],
)
def test_what_names_a_prior(value, remedy):
    assert prior_like(value) == remedy


def test_prior_by_name_is_answered_with_the_class():
    with pytest.raises(
        TypeError, match=r"got 'horseshoe' of type str\. .* blr\.priors\.Horseshoe\(\)\.$"
    ):
        blr.regression(X, Y[:, 0], prior="horseshoe")


def test_signatures_and_help_are_those_of_the_factories():
    assert list(inspect.signature(blr.spike_slab).parameters) == [
        *("X", "y", "tau2", "pi", "expected_size", "inclusion", "groups", "options")
    ]
    for name in zoo.__all__:
        function = getattr(blr, name)
        assert (function.__name__, function.__module__.split(".")[1]) == (name, "zoo")
        assert "Parameters\n" in inspect.getdoc(function)


# A response of zeros and ones

BINARY = (Y[:, 0] > 0).astype(float)
WARNING = (
    r"^y has only the values 0 and 1, and is treated as normal: this is a linear probability "
    r"model\. .*difference in the probability of a 1 .*PIPs.*heritability is on the observed scale"
)


@pytest.mark.parametrize("kind", [bool, np.int8, float, "boolean", object])
def test_zeros_and_ones_are_modelled_with_a_warning(kind):
    with pytest.warns(UserWarning, match=WARNING) as caught:
        blr.spike_slab(X, pd.Series(BINARY == 1).astype(kind))
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_zeros_and_ones_among_missing_values():
    y = BINARY.copy()
    y[3] = np.nan
    with pytest.warns(UserWarning, match=WARNING):
        blr.spike_slab(X, y, missing="predict")


def test_traits_of_zeros_and_ones_are_named():
    traits = pd.DataFrame({"height": Y[:, 0], "ill": BINARY})
    with pytest.warns(UserWarning, match=r"^Y has only the values 0 and 1 in trait \['ill'\], and"):
        blr.multivariate(X, traits)


def test_other_responses_are_modelled_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in (BINARY + 0.5, BINARY * 2, 2 * BINARY - 1 + (np.arange(20) == 0)):
            blr.spike_slab(X, y)
