"""Words and flags of the functions that read a fit: anything else is refused by name."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from tests.posterior.readers import GROUPS, X, Y, one_trait, traits

FIT, TRAITS = one_trait(), traits()
FLAGS = {
    "pointwise": lambda v: blr.score(Y[:, 0], FIT["posterior_predictive"]["y"], pointwise=v),
    "summary": lambda v: blr.predict(FIT, X, summary=v),
    "residuals": lambda v: blr.ppc_table(FIT, residuals=v),
    "gene_correlation": lambda v: blr.gene_sets.gene_z_scores(
        [1.0, 2.0], {"A": [0, 1]}, correlation=np.eye(2), gene_correlation=v
    ),
    "reference": lambda v: blr.plot_variance(FIT, reference=v),
    "pips": lambda v: blr.plot_effects(FIT, pips=v),
    "error_bars": lambda v: blr.plot_pip(FIT, error_bars=v),
    "quiet": lambda v: blr.cross_validate(blr.spike_slab, X, Y[:, 0], quiet=v),
}
WORDS = {
    "ci_kind": lambda v: blr.effect_table(FIT, ci_kind=v),
    "ci_kind of a table": lambda v: blr.summary_table(blr.heritability(FIT), ci_kind=v),
    "definition": lambda v: blr.heritability(FIT, definition=v),
    "definition of a correlation": lambda v: blr.genetic_correlation(TRAITS, definition=v),
    "quantity of a prediction": lambda v: blr.predict(FIT, X, quantity=v),
    "scores": lambda v: blr.gene_sets.gene_z_scores([1.0], {"A": [0]}, correlation=[[1]], scores=v),
    "show": lambda v: blr.plot_patterns(TRAITS, show=v),
    "of": lambda v: blr.enrichment_table(FIT, groups=GROUPS, of=v),
    "quantity": lambda v: blr.plot_variance(FIT, quantity=v),
    "sort_by of a table": lambda v: blr.effect_table(FIT, sort_by=v),
    "sort_by of a picture": lambda v: blr.plot_effects(FIT, sort_by=v),
    "method": lambda v: blr.evidence.log_marginal_likelihood(
        blr.single_component(X, Y[:, 0]), method=v
    ),
    "any": lambda v: blr.pip(TRAITS, any=v),
    "trait": lambda v: blr.plot_effects(TRAITS, trait=v),
}
JUNK = {
    "array": np.array(["eti", "hdi"]),
    "Series": pd.Series(["eti", "hdi"]),
    "DataArray": xr.DataArray(["eti", "hdi"]),
    "list": [["eti"], ["hdi"]],
    "NA": pd.NA,
    "number": 3,
    "text": "False",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
@pytest.mark.parametrize("name", [*FLAGS, *WORDS])
def test_what_is_no_word_or_flag_is_refused(name, junk):
    call, argument = (FLAGS | WORDS)[name], name.split()[0]
    error = TypeError if name in FLAGS else ValueError
    with pytest.raises(error, match=f"^{argument} must "):
        call(junk)


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("name", [name for name in FLAGS if name != "quiet"])
def test_flags_of_numpy_are_flags(name, flag):
    expected, got = FLAGS[name](flag), FLAGS[name](np.bool_(flag))
    assert type(got) is type(expected)
    if isinstance(got, xr.Dataset):
        assert list(got) == list(expected)


@pytest.mark.parametrize("threshold", ["0.5", np.array([0.5, 0.6])])
def test_a_threshold_is_a_number(threshold):
    with pytest.raises(TypeError, match="threshold must be None or a number from 0 to 1, got"):
        blr.plot_pip(FIT, threshold=threshold)


@pytest.mark.parametrize("labels", ["no", 1])
def test_labels_are_a_flag_or_none(labels):
    with pytest.raises(TypeError, match="labels must be True or False"):
        blr.plot_pip(FIT, labels=labels)
