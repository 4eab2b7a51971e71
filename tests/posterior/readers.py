"""One table of the public functions that read a fit, and fits with everything that they read.

The fits are made of random numbers, not sampled: they test how a fit is read.
"""

from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

import blrzoo as blr

N, P = 30, 8
FEATURES = [f"snp{j}" for j in range(P)]
TRAITS = ["height", "weight"]
GROUPS = np.repeat(["chr1", "chr2"], [3, 5])
GENES = {"A": FEATURES[:3], "B": FEATURES[3:]}
DRAWN = ("posterior", "sample_stats", "posterior_predictive", "log_likelihood")

_rng = np.random.default_rng(0)
X = _rng.normal(size=(N, P))
X[:, 1] = X[:, 0] + 0.1 * X[:, 1]  # correlated, for credible sets
Y = X[:, [0, 4]] + _rng.normal(size=(N, 2))


def one_trait(seed=0, chains=2, draws=120):
    """A fit of one trait with indicators."""
    rng = np.random.default_rng(seed)
    size = (chains, draws)
    first = rng.random(size) < 0.6  # copies take each other's place
    delta = rng.random((*size, P)) < np.linspace(0.2, 0.8, P)
    delta[..., 0], delta[..., 1] = first, ~first
    beta = delta * rng.normal(1.0, 0.2, size=delta.shape)
    y = rng.normal(size=(*size, N))
    posterior = {
        "beta": (("chain", "draw", "feature"), beta),
        "delta": (("chain", "draw", "feature"), delta.astype(int)),
        **_hyperparameters(rng, size, []),
        "tau2": (("chain", "draw"), rng.gamma(5.0, size=size)),
    }
    size_of = delta.sum(axis=-1)
    stats = {
        "model_size": (("chain", "draw"), size_of),
        "genetic_variance": (("chain", "draw"), (beta @ X.T).var(axis=-1)),
        "diverging": (("chain", "draw"), np.zeros(size, bool)),
    }
    return _tree(posterior, stats, Y[:, 0], y, [])


def traits(seed=0, chains=2, draws=120):
    """A fit of two traits with an indicator for each."""
    rng = np.random.default_rng(seed)
    size = (chains, draws)
    delta = rng.random((*size, P, 2)) < np.linspace(0.2, 0.8, 2 * P).reshape(P, 2)
    beta = delta * rng.normal(1.0, 0.2, size=delta.shape)
    dims = ("chain", "draw", "trait", "trait_bis")
    posterior = {
        "beta": (("chain", "draw", "feature", "trait"), beta),
        "delta": (("chain", "draw", "feature", "trait"), delta.astype(int)),
        **_hyperparameters(rng, size, ["trait"]),
        "Sigma_b": (dims, _covariances(rng, size)),
        "Sigma_e": (dims, _covariances(rng, size)),
    }
    del posterior["sigma2"]
    return _tree(posterior, {}, Y, rng.normal(size=(*size, N, 2)), ["trait"])


def _hyperparameters(rng, size, dims):
    shape, dims = (*size, *[2] * len(dims)), ("chain", "draw", *dims)
    return {
        "mu": (dims, rng.normal(size=shape)),
        "pi": (dims, rng.random(shape)),
        "sigma2": (dims, rng.gamma(5.0, size=shape)),
    }


def _covariances(rng, size):
    A = rng.normal(size=(*size, 2, 4))
    return A @ np.swapaxes(A, -1, -2)


def _tree(posterior, stats, observed, y, dims):
    chains, draws = y.shape[:2]
    steps = {"chain": range(chains), "draw": range(draws)}
    labels = {"feature": FEATURES} | ({"trait": TRAITS, "trait_bis": TRAITS} if dims else {})
    rows = {"obs": np.arange(N)} | ({"trait": TRAITS} if dims else {})
    of_y = ("chain", "draw", "obs", *dims)
    likelihood = -0.5 * (y**2).reshape(*y.shape[:2], N, -1).sum(axis=-1)
    constant = {
        "X": (("obs", "feature"), X),
        "X_center": ("feature", X.mean(axis=0)),
        "group_index": ("feature", pd.factorize(GROUPS)[0]),
    }
    prior = np.random.default_rng(9).random((1, 100, *[2] * len(dims)))
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior, steps | labels),
            "sample_stats": xr.Dataset(stats, steps),
            "posterior_predictive": xr.Dataset({"y": (of_y, y)}, steps | rows),
            "log_likelihood": xr.Dataset({"y": (of_y[:3], likelihood)}, steps | {"obs": range(N)}),
            "observed_data": xr.Dataset({"y": (("obs", *dims), observed)}, rows),
            "constant_data": xr.Dataset(
                constant, {"feature": FEATURES, "obs": range(N), "group": ["chr1", "chr2"]}
            ),
            "prior": xr.Dataset(
                {"pi": (("chain", "draw", *dims), prior)}, {"trait": TRAITS} if dims else {}
            ),
        }
    )


def _scored(idata):
    return blr.score(Y[:, 0], idata["posterior_predictive"]["y"])


def _compared(idata):
    return blr.evidence.compare({"this": idata, "other": one_trait(seed=8)})


def _tabled(idata):
    return blr.summary_table(idata["posterior"].to_dataset()[["sigma2", "pi"]])


_new = pd.DataFrame(X[:5] + 1.0, columns=FEATURES)

#: By function and variant: the fit that is read, and the call.
READERS = {
    "bayes_factor_inclusion": (one_trait, blr.evidence.bayes_factor_inclusion),
    "bayesian_fdr": (one_trait, blr.bayesian_fdr),
    "compare": (one_trait, _compared),
    "credible_sets": (one_trait, blr.credible_sets),
    "diagnose": (one_trait, partial(blr.diagnose, quiet=True)),
    "diagnose traits": (traits, partial(blr.diagnose, quiet=True)),
    "summary_table": (one_trait, _tabled),
    "effect_table": (one_trait, blr.effect_table),
    "effect_table traits": (traits, blr.effect_table),
    "enrichment_table": (one_trait, blr.enrichment_table),
    "gene_set_table": (one_trait, blr.gene_sets.gene_set_table),
    "gene_statistics": (one_trait, partial(blr.gene_sets.gene_statistics, genes=GENES)),
    "genetic_correlation": (traits, partial(blr.genetic_correlation, definition="fit")),
    "genetic_covariance": (traits, blr.genetic_covariance),
    "geweke": (one_trait, blr.geweke),
    "geweke of effects": (one_trait, partial(blr.geweke, var_names=["beta", "model_size"])),
    "group_pip": (one_trait, blr.group_pip),
    "heritability": (one_trait, blr.heritability),
    "heritability on X": (one_trait, partial(blr.heritability, X=X)),
    "heritability traits": (traits, blr.heritability),
    "indicator_table": (one_trait, blr.indicator_table),
    "log_score": (one_trait, partial(blr.evidence.log_score, X_new=_new, y_true=np.zeros(5))),
    "model_size": (one_trait, blr.model_size),
    "model_size traits": (traits, blr.model_size),
    "pip": (one_trait, blr.pip),
    "pip of any trait": (traits, partial(blr.pip, any="trait")),
    "pleiotropy_table": (traits, blr.pleiotropy_table),
    "plot_effects": (one_trait, blr.plot_effects),
    "plot_geweke": (one_trait, blr.plot_geweke),
    "plot_patterns": (traits, blr.plot_patterns),
    "plot_patterns pairs": (traits, partial(blr.plot_patterns, show="pairs")),
    "plot_patterns correlation": (traits, partial(blr.plot_patterns, show="correlation")),
    "plot_pip": (one_trait, blr.plot_pip),
    "plot_pip traits": (traits, partial(blr.plot_pip, groups=True)),
    "plot_prior_posterior": (one_trait, blr.plot_prior_posterior),
    "plot_shrinkage": (one_trait, blr.plot_shrinkage),
    "plot_variance": (one_trait, blr.plot_variance),
    "ppc_table": (one_trait, blr.ppc_table),
    "ppc_table of residuals": (one_trait, partial(blr.ppc_table, residuals=True)),
    "predict": (one_trait, partial(blr.predict, X_new=_new, random_seed=1)),
    "predict draws": (traits, partial(blr.predict, X_new=_new, summary=False, random_seed=1)),
    "residual_correlation": (traits, blr.residual_correlation),
    "score": (one_trait, _scored),
    "variance_explained": (one_trait, blr.variance_explained),
    "variance_table": (one_trait, blr.variance_table),
    "window_pip": (one_trait, partial(blr.window_pip, positions=None, width=3)),
}
#: Names of arguments that take a fit.
FITS = {"idata", "fits", "predictions", "draws"}


def plain(result):
    """A result as what can be compared: a table, a mapping, or the numbers of a picture."""
    if isinstance(result, np.ndarray):
        return [plain(one) for one in result]
    if not isinstance(result, Axes):
        return result
    lines = [line.get_xydata() for line in result.get_lines()]
    points = [np.asarray(c.get_offsets()) for c in result.collections]
    return [*lines, *points, *_texts(result)]


def _texts(ax):
    return [text.get_text() for text in [*ax.get_xticklabels(), *ax.get_yticklabels()]]
