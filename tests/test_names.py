"""The public names: where they are, what they clash with, and what answers a wrong one."""

import importlib
import inspect
import pickle
import re

import arviz as az
import arviz_plots
import arviz_stats
import pymc as pm
import pytest

import blrzoo as blr
from blrzoo.advice import _OTHER_CALLS, _OTHER_NAMES
from tests.public import NAMESPACES, qualified, unqualified

TOP = """
    single_component spike_slab multiple_component hierarchical multivariate multivariate_spike_slab
    hierarchical_multivariate regression describe
    sample sample_more BLRGibbs fit_em ols
    effect_table pip group_pip window_pip credible_sets bayesian_fdr model_size pleiotropy_table
    summary_table heritability variance_table variance_explained enrichment_table
    genetic_correlation genetic_covariance residual_correlation
    diagnose geweke indicator_table predict score ppc_table cross_validate
    plot_effects plot_geweke plot_patterns plot_pip plot_prior_posterior plot_shrinkage
    plot_variance sufficient_statistics merge_statistics load_diabetes simulate
""".split()
#: Names that ArviZ or PyMC have too, and why they may stay.
SAME_MEANING = {
    "compare": "that of ArviZ, for fits whose log likelihood is computed first",
    "diagnose": "convergence of a fit in one call, as in ArviZ",
    "plot_prior_posterior": "prior and posterior in one picture, as in ArviZ",
    "sample": "pm.sample, with the Gibbs step",
}


def dunder(name):
    return name.startswith("__") and name.endswith("__")


def test_the_names_at_the_top():
    assert sorted(TOP) == sorted(blr.__all__)
    assert {name for name in dir(blr) if not dunder(name)} == {*TOP, *NAMESPACES}


@pytest.mark.parametrize("home", NAMESPACES)
def test_a_namespace_shows_its_names_and_no_modules(home):
    space = NAMESPACES[home]
    assert {name for name in dir(space) if not dunder(name)} == set(space.__all__)
    assert not set(space.__all__) & set(blr.__all__)


def test_each_name_has_one_place():
    assert len(unqualified()) == len(qualified()) - 1  # conjugate, a module


def test_names_of_arviz_and_pymc_have_their_meaning():
    theirs = {name for library in (az, arviz_plots, arviz_stats, pm) for name in dir(library)}
    assert {*unqualified()} & theirs == {*SAME_MEANING}


def test_no_argument_has_a_name_with_several_meanings():
    for name, one in unqualified().items():
        assert not {"kind", "prob"} & set(inspect.signature(one).parameters), name


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("BayesA", "blr.regression(X, y, prior=blr.priors.BayesA())"),
        ("bayes_b", "blr.regression(X, y, prior=blr.priors.BayesB())"),
        ("BayesC", "blr.spike_slab(X, y)"),
        ("BayesCpi", "blr.spike_slab(X, y)"),
        ("bayes_r", "blr.multiple_component(X, y)"),
        ("BayesRC", "blr.regression(X, y, prior=blr.priors.HierarchicalMixture(groups))"),
        ("lasso", "blr.regression(X, y, prior=blr.priors.BayesianLasso())"),
        ("bayesian_lasso", "blr.regression(X, y, prior=blr.priors.BayesianLasso())"),
        ("horseshoe", "blr.regression(X, y, prior=blr.priors.Horseshoe())"),
        ("ridge", "blr.single_component(X, y)"),
        ("BRR", "blr.single_component(X, y)"),
        ("rrBLUP", "blr.single_component(X, y)"),
        ("GBLUP", "blr.single_component(X, y)"),
        ("blr", "blr.regression(X, y, prior=blr.priors.SpikeSlab())"),
        (
            "annotations",
            "blr.regression(X, y, prior=blr.priors.AnnotatedInclusion(annotations))",
        ),
        ("SpikeSlab", "blr.regression(X, y, prior=blr.priors.SpikeSlab())"),
        ("Multivariate", "blr.regression(X, Y, prior=blr.priors.Multivariate())"),
        ("Prior", "blr.priors.Prior"),
        ("compare", "blr.evidence.compare"),
        ("gene_set_table", "blr.gene_sets.gene_set_table"),
        ("REML", "blr.fit_em(model)"),
        ("susie", "blr.spike_slab(X, y) and blr.credible_sets(idata)"),
    ],
)
def test_names_from_elsewhere_are_answered_with_what_to_write(name, use):
    with pytest.raises(AttributeError) as caught:
        getattr(blr, name)
    assert str(caught.value) == f"blrzoo has no {name!r}. Use {use}."


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("spike_slap", "spike_slab"),
        ("credible_set", "credible_sets"),
        ("plot_pips", "plot_pip"),
        ("multivariat", "multivariate"),
        ("Horsehoe", "priors.Horseshoe"),
        ("bayes_factor", "evidence.bayes_factors"),
    ],
)
def test_near_names_are_found(name, near):
    with pytest.raises(AttributeError, match=rf"^blrzoo has no '{name}'\. Did you mean '{near}'\?"):
        getattr(blr, name)


def test_answers_name_what_there_is():
    written = {
        name for call in _OTHER_CALLS.values() for name in re.findall(r"blr\.([\w.]+)", call)
    }
    assert written <= {*qualified()}
    assert {*_OTHER_NAMES.values()} <= {*blr.priors.__all__}


def test_what_is_near_nothing_is_answered_with_where_to_look():
    with pytest.raises(AttributeError, match=r"^blrzoo has no 'qqq'\. See dir\(blr\)\.$"):
        _ = blr.qqq


def test_tools_find_what_they_ask_for():
    assert not hasattr(blr, "__wrapped__")
    assert not hasattr(blr, "lasso")
    assert getattr(blr, "pytest_plugins", None) is None
    assert importlib.import_module("blrzoo.demo").__name__ == "blrzoo.demo"
    with pytest.raises(ImportError, match="cannot import name 'lasso'"):
        from blrzoo import lasso  # noqa: F401
    assert isinstance(pickle.loads(pickle.dumps(blr.priors.SpikeSlab())), blr.priors.SpikeSlab)
