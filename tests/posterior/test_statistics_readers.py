"""Every public read-out of a fit of sufficient statistics: as of rows, or refused with the reason.

The same draws are made of X and y and of their statistics, so that what is read of both is the
same.
"""

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr
from tests.posterior.readers import FITS, plain
from tests.public import unqualified

_rng = np.random.default_rng(1)
FEATURES = [f"snp{j}" for j in range(6)]
GROUPS = ["chr1"] * 3 + ["chr2"] * 3
GENES = {"A": FEATURES[:3], "B": FEATURES[3:]}
X = pd.DataFrame(_rng.integers(0, 3, (60, 6)).astype(float), columns=FEATURES)
X["snp2"] = np.where(_rng.random(60) < 0.9, X["snp0"], X["snp2"])  # correlated, for credible sets
Y = pd.DataFrame({"a": X["snp0"], "b": X["snp1"] - X["snp0"]}) + _rng.normal(size=(60, 2))
NEW = X[:5] + 0.5

SETTINGS = {"draws": 120, "tune": 20, "chains": 2, "random_seed": 1, "quiet": True, "cores": 1}
SLOW = {"compile_kwargs": {"mode": "FAST_COMPILE"}}  # a few draws, which nothing is compiled for


def model_of(traits: int, sums: bool) -> pm.Model:
    y = Y["a"] if traits == 1 else Y
    data = [blr.sufficient_statistics(X, y), None] if sums else [X, y]
    if traits == 1:
        return blr.spike_slab(*data)
    scale = (6, np.eye(2))
    return blr.multivariate_spike_slab(*data, Sigma_b=scale, Sigma_e=scale)


@cache
def fit(traits: int, sums: bool = True) -> tuple[pm.Model, xr.DataTree]:
    model = model_of(traits, sums)
    return model, blr.sample(model, **SETTINGS, **SLOW)


@cache
def prior_of(traits: int) -> xr.DataTree:
    """Draws of the prior, as what asks for them says."""
    model, idata = fit(traits)
    with pytest.raises(ValueError, match=r"pm\.sample_prior_predictive") as error:
        blr.plot_prior_posterior(idata)
    call = str(error.value).split("prior=")[1].removesuffix(".")
    return eval(call, {"pm": _Cheap, "model": model})


def with_prior(idata: xr.DataTree) -> xr.DataTree:
    prior = prior_of(2 if "trait" in idata["posterior"].dims else 1)
    return xr.DataTree.from_dict({**idata.children, "prior": prior["prior"]})


class _Cheap:
    """PyMC, for a few draws that nothing is compiled for."""

    @staticmethod
    def sample_prior_predictive(draws: int, **options: Any) -> xr.DataTree:
        mode = {"mode": "FAST_COMPILE"}
        return pm.sample_prior_predictive(20, random_seed=1, compile_kwargs=mode, **options)


def y_of(idata: xr.DataTree) -> Any:
    return Y[:5] if "trait" in idata.posterior.dims else Y["a"][:5]


#: By name of the function and of its use: the call, of the fit and its model.
SAME: dict[str, Callable[[xr.DataTree, pm.Model], Any]] = {
    "bayes_factor_inclusion": lambda i, m: blr.evidence.bayes_factor_inclusion(i, prior=0.3),
    "bayes_factor_inclusion by prior": lambda i, m: blr.evidence.bayes_factor_inclusion(
        with_prior(i)
    ),
    "bayesian_fdr": lambda i, m: blr.bayesian_fdr(i),
    "diagnose": lambda i, m: str(blr.diagnose(i, quiet=True)),
    "summary_table": lambda i, m: blr.summary_table(i["posterior"].to_dataset()[["mu", "pi"]]),
    "effect_table": lambda i, m: blr.effect_table(i),
    "gene_set_table": lambda i, m: blr.gene_sets.gene_set_table(i),
    "geweke": lambda i, m: blr.geweke(i),
    "group_pip": lambda i, m: blr.group_pip(i, GROUPS),
    "heritability": lambda i, m: blr.heritability(i),
    "heritability components": lambda i, m: blr.heritability(i, definition="components"),
    "indicator_table": lambda i, m: blr.indicator_table(i),
    "log_score": lambda i, m: blr.evidence.log_score(i, NEW, y_of(i)),
    "model_size": lambda i, m: blr.model_size(i),
    "pip": lambda i, m: blr.pip(i),
    "plot_effects": lambda i, m: blr.plot_effects(i),
    "plot_geweke": lambda i, m: blr.plot_geweke(i),
    "plot_pip": lambda i, m: blr.plot_pip(i),
    "plot_prior_posterior": lambda i, m: blr.plot_prior_posterior(with_prior(i)),
    "predict": lambda i, m: blr.predict(i, NEW, random_seed=1),
    "score": lambda i, m: blr.score(y_of(i), blr.predict(i, NEW, summary=False, random_seed=1)),
    "window_pip": lambda i, m: blr.window_pip(i, positions=None, width=3),
    "sample_more": lambda i, m: blr.sample_more(
        i, m, 5, random_seed=2, quiet=True, cores=1, **SLOW
    )["posterior"].to_dataset(),
}
#: The same of several traits only.
SAME_OF_TRAITS = {
    "genetic_correlation": lambda i, m: blr.genetic_correlation(i, definition="components"),
    "genetic_covariance": lambda i, m: blr.genetic_covariance(i, definition="components"),
    "pleiotropy_table": lambda i, m: blr.pleiotropy_table(i),
    "plot_patterns": lambda i, m: blr.plot_patterns(i),
    "plot_patterns of pairs": lambda i, m: blr.plot_patterns(i, show="pairs"),
    "residual_correlation": lambda i, m: blr.residual_correlation(i),
}
#: What needs rows, and takes them as X=.
NEEDS_X: dict[str, Callable[..., Any]] = {
    "credible_sets": blr.credible_sets,
    "enrichment_table": partial(blr.enrichment_table, groups=GROUPS),
    "gene_statistics": partial(blr.gene_sets.gene_statistics, genes=GENES),
    "plot_variance": partial(blr.plot_variance, groups=GROUPS),
    "variance_explained": partial(blr.variance_explained, groups=GROUPS),
    "variance_table": partial(blr.variance_table, groups=GROUPS),
}
NEEDS_X_OF_TRAITS: dict[str, Callable[..., Any]] = {
    "genetic_correlation": partial(blr.genetic_correlation, definition="fit"),
    "genetic_covariance": partial(blr.genetic_covariance, definition="fit"),
    "plot_patterns": partial(blr.plot_patterns, show="correlation"),
}
OBSERVATIONS = r"^model must be of observations {}.*, got one of sufficient statistics, which have"
#: What no argument makes up for, and what is said.
REFUSED: dict[str, tuple[Callable[[xr.DataTree, pm.Model], Any], str]] = {
    "compare": (
        lambda i, m: blr.evidence.compare({"one": (m, i), "other": (m, i)}),
        r"^fits must be of observations, each of which is left out .* 'one'\. Fit X and y, .*score",
    ),
    "bayes_factors": (
        lambda i, m: blr.evidence.bayes_factors({"one": m, "other": m}),
        OBSERVATIONS.format("for its marginal likelihood"),
    ),
    "log_marginal_likelihood": (
        lambda i, m: blr.evidence.log_marginal_likelihood(m),
        OBSERVATIONS.format("for its marginal likelihood"),
    ),
    "fit_em": (lambda i, m: blr.fit_em(m), OBSERVATIONS.format("for fit_em")),
    "plot_shrinkage": (
        lambda i, m: blr.plot_shrinkage(i),
        r"^least_squares must be given for a fit of sufficient statistics, .*np\.linalg\.solve\(",
    ),
    "ppc_table": (
        lambda i, m: blr.ppc_table(i),
        r"^idata must be a fit of observations, .* which have no rows\. Fit X and y, .*score",
    ),
    "ppc_table of residuals": (
        lambda i, m: blr.ppc_table(i, residuals=True),
        r"^idata must be a fit of observations",
    ),
    "sample with the log likelihood": (
        lambda i, m: blr.sample(m, **SETTINGS, idata_kwargs={"log_likelihood": True}),
        OBSERVATIONS.format("for idata_kwargs with log_likelihood"),
    ),
    "testing": (
        lambda i, m: blr.testing.geweke_joint(m, draws=20),
        OBSERVATIONS.format("that can be drawn anew"),
    ),
    "posterior predictive of PyMC": (
        lambda i, m: pm.sample_posterior_predictive(i, model=m, progressbar=False),
        r"^model must have observations to draw y from, .*predict rows with blrzoo\.predict",
    ),
    "prior predictive of PyMC": (
        lambda i, m: pm.sample_prior_predictive(3, model=m),
        r"^model must have observations to draw y from, .*the parameters alone, .*\(var_names\)",
    ),
}
of_both = pytest.mark.parametrize("traits", [1, 2])


def test_the_table_has_every_public_read_out() -> None:
    takes = FITS | {"model", "models"}
    readers = {
        name
        for name, function in unqualified().items()
        if inspect.isfunction(function) and takes & set(inspect.signature(function).parameters)
    } - {"cross_validate", "describe", *blr.testing.__all__}  # without a fit
    tables = (SAME, SAME_OF_TRAITS, NEEDS_X, NEEDS_X_OF_TRAITS, REFUSED)
    assert readers - {"sample"} <= {name.split()[0] for table in tables for name in table}


#: Rounding breaks ties of ranks.
LOOSE = {"indicator_table": 0.1}


def assert_close(got: Any, expected: Any, rtol: float = 1e-6) -> None:
    if isinstance(got, xr.DataArray | xr.Dataset):
        text = [name for name in getattr(got, "data_vars", ()) if got[name].dtype.kind in "OU"]
        for name in text:
            assert (got[name].values == expected[name].values).all()
        got, expected = (one.drop_vars(text) if text else one for one in (got, expected))
        xr.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-9)
    elif isinstance(got, str):
        assert got == expected
    else:
        for one, other in zip(_numbers(got), _numbers(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def _numbers(picture: Any) -> list[np.ndarray]:
    """The numbers of a picture, of all its panels."""
    flat = [plain(one) for one in np.atleast_1d(picture)]
    return [np.asarray(part, float) for one in flat for part in one if not isinstance(part, str)]


@of_both
def test_draws_are_those_of_rows(traits: int) -> None:
    one, other = (fit(traits, sums)[1]["posterior"].to_dataset() for sums in (True, False))
    assert_close(one, other)


@pytest.mark.parametrize(
    ("name", "traits"),
    [*((name, t) for name in SAME for t in (1, 2)), *((name, 2) for name in SAME_OF_TRAITS)],
)
def test_what_needs_no_rows_is_the_same(name: str, traits: int) -> None:
    read = (SAME | SAME_OF_TRAITS)[name]
    results = [read(*reversed(fit(traits, sums))) for sums in (True, False)]
    assert_close(*results, rtol=LOOSE.get(name, 1e-6))


@pytest.mark.parametrize(
    ("name", "read", "traits"),
    [
        *((name, read, t) for name, read in NEEDS_X.items() for t in (1, 2)),
        *((name, read, 2) for name, read in NEEDS_X_OF_TRAITS.items()),
    ],
)
def test_what_needs_rows_takes_them(name: str, read: Callable[..., Any], traits: int) -> None:
    idata = fit(traits)[1]
    match = r"^X must be given .*, as here: it is a fit of sufficient statistics\. Pass X=, the fea"
    with pytest.raises(ValueError, match=match):
        read(idata)
    with pytest.raises(TypeError, match=r"Pass the features of individuals .* are no rows"):
        read(idata, X=blr.sufficient_statistics(X, Y))
    assert_close(read(idata, X=X), read(fit(traits, sums=False)[1]))


@pytest.mark.compiled  # draws of y are refused where they are compiled
@of_both
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_had_is_refused_with_the_reason(name: str, traits: int) -> None:
    call, match = REFUSED[name]
    model, idata = fit(traits)
    with pytest.raises(ValueError, match=match):
        call(idata, model)


def test_what_is_left_out_says_why() -> None:
    found = blr.genetic_correlation(fit(2)[1])
    assert set(found) == {"rg_components"}
    assert found.attrs["rg_fit"] == "left out: there is no X in constant_data, and none was given"


@of_both
def test_least_squares_of_the_remedy(traits: int) -> None:
    statistics = blr.sufficient_statistics(X, Y["a"] if traits == 1 else Y)
    idata = fit(traits)[1]
    with pytest.raises(ValueError, match=r"without covariates least_squares=") as error:
        blr.plot_shrinkage(idata)
    call = str(error.value).split("covariates least_squares=")[1].removesuffix(".")
    estimates = eval(call, {"np": np, "statistics": statistics})
    ax = blr.plot_shrinkage(idata, estimates)
    assert_close(ax, blr.plot_shrinkage(fit(traits, sums=False)[1]))


@of_both
def test_functions_of_x_and_y_say_that_they_need_rows(traits: int) -> None:
    statistics = blr.sufficient_statistics(X, Y["a"] if traits == 1 else Y)
    for function in (blr.ols, partial(blr.cross_validate, blr.spike_slab)):
        with pytest.raises(TypeError, match=r"Pass the observations that these statistics"):
            function(statistics, None)
    factory = blr.spike_slab if traits == 1 else blr.multivariate
    with pytest.raises(ValueError, match=r"^model must be of observations whose values are compar"):
        blr.cross_validate(partial(factory, design="gram"), X, Y["a"] if traits == 1 else Y)


@of_both
def test_models_of_sums_have_graphs_and_parameters_from_the_prior(traits: int) -> None:
    model, _ = fit(traits)
    assert "Xy" in pm.model_to_graphviz(model).source
    found = _Cheap.sample_prior_predictive(3, model=model, var_names=["beta"])
    assert np.isfinite(found["prior"]["beta"]).all()


@of_both
def test_conditionals_hold(traits: int) -> None:
    errors = blr.testing.check_conditionals(fit(traits)[0], random_seed=1)
    assert max(errors.values()) < 1e-9
