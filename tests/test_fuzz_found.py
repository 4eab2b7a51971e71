"""What the fuzz test found, one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import sparse

import blrzoo as blr
from blrzoo.description import describe_priors
from tests.fuzz import fits
from tests.fuzz.tables import FEATURES, GROUPS, X, Y

y = Y[:, 0]
GENE_TABLE = pd.DataFrame({"start": [1], "end": [2]}, index=["A"])
TOO_BIG = 10**400
FACTORIES = {
    "single_component": blr.single_component,
    "spike_slab": blr.spike_slab,
    "multiple_component": blr.multiple_component,
    "lasso": lambda X, y: blr.regression(X, y, prior=blr.priors.BayesianLasso()),
    "horseshoe": lambda X, y: blr.regression(X, y, prior=blr.priors.Horseshoe()),
}


@pytest.mark.parametrize("scale", [1e-50, 1e50])
@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES)
def test_defaults_of_any_scale_are_made_without_a_warning(
    make: Callable[..., pm.Model], scale: float
) -> None:
    model = make(X, y * scale)
    node = model["sigma2"].owner
    wanted = model.named_vars["sigma2"].owner.op.dist_params(node)[1].eval(mode="FAST_COMPILE")
    assert wanted == pytest.approx(0.5 * np.var(y * scale, ddof=1), rel=1e-12)
    assert describe_priors(model)


def test_independent_genes_are_no_special_case() -> None:
    genes = [f"g{k}" for k in range(len(y))]
    response = pd.Series(y, genes)
    sets = {"s": genes[:4], "t": genes[3:9]}
    plain = blr.gene_sets.gene_set_model(response, sets)
    model = blr.gene_sets.gene_set_model(response, sets, gene_correlation=np.eye(len(y)))
    assert describe_priors(model) == describe_priors(plain)
    np.testing.assert_array_equal(model["X"].data, plain["X"].data)


def test_labels_of_several_kinds_are_labels() -> None:
    fit = fits.fit("select")
    mixed = [0, "b", 2.5, "d", ("e", 1)]
    labels = pd.Index(mixed, dtype=object, tupleize_cols=False)
    fit["posterior"] = xr.DataTree(fit["posterior"].to_dataset().assign_coords(feature=labels))
    assert list(blr.effect_table(fit)["feature"].values) == mixed


def test_draws_without_labels_are_extended() -> None:
    fit = fits.fit("fixed")
    bare = xr.DataTree.from_dict(
        {
            name: fit[name].to_dataset().drop_vars(["chain", "draw"])
            for name in ("posterior", "sample_stats")
        }
    )
    longer = blr.sample_more(
        bare, fits.model("fixed"), 3, cores=1, progressbar=False, quiet=True, **fits.FAST
    )
    draws = fit["posterior"].sizes["draw"]
    assert longer["posterior"]["draw"].values.tolist() == list(range(draws + 3))
    old = longer["posterior"]["beta"].isel(draw=slice(draws))
    np.testing.assert_array_equal(old, fit["posterior"]["beta"])


def of_fit(reader: Callable[..., Any], kind: str = "select", **options: Any) -> Callable[[], Any]:
    return lambda: reader(fits.fit(kind), **options)


TE, VE = TypeError, ValueError
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "tol": (
        lambda: blr.fit_em(fits.model("ridge"), tol=TOO_BIG),
        VE,
        "^tol must be a finite number above 0",
    ),
    "components": (
        lambda: blr.hierarchical(X, y, GROUPS, n_components=0),
        VE,
        "^n_components must be an int from 1 to 100, got 0",
    ),
    "share": (
        of_fit(blr.credible_sets, min_abs_corr=TOO_BIG),
        VE,
        "^min_abs_corr must be a number from",
    ),
    "bar": (
        of_fit(blr.variance_explained, progressbar=pd.NA),
        TE,
        "^progressbar must be True or False",
    ),
    "quiet": (of_fit(blr.diagnose, quiet=np.ones(2)), TE, "^quiet must be True or False"),
    "names": (of_fit(blr.geweke, var_names=0), TE, "^var_names must be a name or a list of names"),
    "plotted": (of_fit(blr.plot_prior_posterior, var_names=(4.0,)), TE, "^var_names must be a"),
    "ax": (of_fit(blr.plot_effects, ax=xr.Dataset()), TE, "^ax must be matplotlib axes"),
    "ax-geweke": (of_fit(blr.plot_geweke, "ridge", ax=0, first=0.45), TE, "^ax must be matplotlib"),
    "statistics": (of_fit(blr.ppc_table, "ridge", statistics=0), TE, "^statistics must be a"),
    "scale": (of_fit(blr.heritability, X=X * 1e200), VE, r"^X must be within 1e\+60"),
    "estimates": (
        of_fit(blr.plot_shrinkage, "ridge", least_squares=np.array([1, 1j, 1, 1, 1], dtype=object)),
        TE,
        "^least_squares must hold numbers",
    ),
    "prior": (
        of_fit(blr.evidence.bayes_factor_inclusion, prior=xr.Dataset()),
        TE,
        "^prior must have one value for each",
    ),
    "sparse groups": (
        of_fit(blr.group_pip, groups=sparse.csr_matrix(np.eye(5))),
        TE,
        "^groups must be labels",
    ),
    "seed": (
        of_fit(blr.predict, "ridge", X_new=pd.DataFrame(X, columns=FEATURES), random_seed="a"),
        TE,
        "^random_seed must be None, an int",
    ),
    "reference": (
        lambda: blr.evidence.bayes_factors(
            {"a": fits.model("ridge"), "b": fits.model("fixed")}, reference=np.ones(2)
        ),
        VE,
        "^reference must be None or 'a' or 'b'",
    ),
    "points": (
        lambda: blr.testing.check_conditionals(fits.model("fixed"), points=()),
        TE,
        "^points must be an int",
    ),
    "alpha": (
        lambda: blr.testing.geweke_joint(fits.model("fixed"), alpha="a"),
        TE,
        "^alpha must be a number",
    ),
    "no variables": (
        lambda: blr.BLRGibbs([], model=fits.model("select")),
        VE,
        "^vars must be one variable or more",
    ),
    "expected_size": (
        lambda: blr.spike_slab(X, y, expected_size=-TOO_BIG),
        VE,
        "^expected_size must be",
    ),
    "level": (of_fit(blr.bayesian_fdr, level=TOO_BIG), VE, "^level must be a number above 0"),
    "window": (
        lambda: blr.gene_sets.assign_to_genes(pd.Series([1.0], ["a"]), GENE_TABLE, window=TOO_BIG),
        VE,
        "^window must be a finite number of at least 0",
    ),
    "nu": (
        lambda: blr.priors.InverseWishart.dist(TOO_BIG, np.eye(2)),
        TE,
        "nu must be real numbers",
    ),
    "any": (of_fit(blr.pip, any=pm.HalfNormal.dist()), VE, "^any must name dims"),
    "ragged model": (lambda: blr.sample([[1], [1, 2]]), TE, "^model must be a pm.Model"),
    "text": (
        lambda: blr.sample_more(fits.VARIANTS["text"](fits.fit("fixed")), fits.model("fixed")),
        VE,
        "^idata must hold numbers",
    ),
    "folds": (
        lambda: blr.cross_validate(blr.single_component, X, y, folds=pm.HalfNormal.dist()),
        TE,
        "^folds must be a number",
    ),
    "blocked": (
        lambda: blr.BLRGibbs(model=fits.model("select"), blocked=pd.Series([1.0])),
        TE,
        "^blocked must be True or False",
    ),
    "no probabilities": (
        lambda: blr.multiple_component(X, y, pi=pd.DataFrame()),
        VE,
        "^pi must be .*, got nothing",
    ),
    "no pi": (lambda: blr.spike_slab(X, y, pi=np.array([])), VE, "^pi must be .*, got nothing"),
    "tiny step": (
        of_fit(blr.window_pip, positions=range(5), width=2, step=5e-324),
        VE,
        "^step must leave at most 1,000,000 windows per chromosome",
    ),
    "huge step": (
        of_fit(blr.window_pip, positions=range(5), width=2, step=TOO_BIG),
        VE,
        "^step must be a finite number above 0",
    ),
    "no tree": (lambda: blr.genetic_covariance(None), TE, "^idata must be an InferenceData"),
    "n": (lambda: blr.simulate(n=2**63), VE, r"^n must be an int from 2 to 1,000,000,000"),
    "correlation": (
        lambda: blr.simulate(correlation=TOO_BIG),
        VE,
        "^correlation must be a number above -1",
    ),
    "large annotations": (
        lambda: blr.priors.AnnotatedInclusion(X * 1e200),
        VE,
        "^annotations must be within 1e\\+60",
    ),
    "large X_new": (
        of_fit(blr.predict, "ridge", X_new=X * 1e200),
        VE,
        "^X_new is read as X of a model: X must have a scale",
    ),
    "foreign model": (
        lambda: blr.testing.geweke_joint(pm.Model()),
        VE,
        "^model must be one of blrzoo",
    ),
    "y to predict": (
        lambda: blr.testing.geweke_joint(pm.do(fits.model("fixed"), {"y": y})),
        VE,
        "^model must have an observed y",
    ),
    "count": (
        lambda: blr.sample(fits.model("fixed"), draws=TOO_BIG),
        VE,
        "^draws must be an int from 1 to 1,000,000,000",
    ),
}


@pytest.mark.parametrize("id", REFUSED)
def test_what_is_refused_names_the_argument(id: str) -> None:
    call, error, pattern = REFUSED[id]
    with pytest.raises(error, match=pattern) as caught:
        call()
    assert type(caught.value) is error


def test_the_labels_of_true_values_are_named_by_their_argument() -> None:
    X_new = pd.DataFrame(X, [f"i{k}" for k in range(len(X))], FEATURES)
    with pytest.raises(ValueError, match=r"^y_true must have the obs labels of predictions"):
        blr.evidence.log_score(fits.fit("ridge"), X_new, pd.Series(y, ["r"] * len(y)))
