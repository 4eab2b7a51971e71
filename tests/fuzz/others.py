"""Rows of the table for functions that are neither factories, priors nor readers of a fit."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from hypothesis import strategies as st

import blrzoo as blr
from blrzoo.statistics import check_statistics
from tests.fuzz import fits
from tests.fuzz.oracle import check_table, same_labels
from tests.fuzz.readers import GENES, INTERVAL, PROBABILITY, table, variants
from tests.fuzz.rows import DATA, FLAG, RULES, Row, given
from tests.fuzz.tables import FEATURES, Given, X, Y, frame, tables
from tests.fuzz.values import junk, number, whole

EXTEND = {"cores": 1, "progressbar": False, **fits.FAST}
TINY = blr.single_component(X[:3, :1], Y[:3, 0], mu=(0, 1), tau2=1.0, sigma2=1.0)
SEED = {"random_seed": junk(1, np.random.default_rng(1))}
MODEL = st.sampled_from(sorted(fits.MODELS)).map(
    lambda kind: Given(fits.model(kind), label=f"model {kind}")
)
ANY_MODEL = st.one_of(MODEL, junk(pm.Model()))
MOVES = junk([], "scale", ["pairs", "collapsed"], ["scale", "scale"])


def model(kind: str) -> Given:
    return Given(fits.model(kind), label=f"model {kind}")


def nothing(outcome: Any, arguments: Mapping[str, Any]) -> None:
    """Accept any outcome."""


def _ols(outcome: xr.Dataset, arguments: Mapping[str, Any]) -> None:
    columns = arguments["X"].columns
    assert same_labels(
        outcome["feature"].values, range(outcome.sizes["feature"]) if columns is None else columns
    )
    for name, array in outcome.data_vars.items():
        assert set(array.dims) <= {"feature", "covariate", "obs", "obs_new"}
        if not name.endswith(("_t", "_p", "r2")):  # 0/0 if the fit is perfect
            assert np.isfinite(array.values).all(), name


def _tree(outcome: xr.DataTree, arguments: Mapping[str, Any]) -> None:
    fit = outcome["estimate"]
    assert fit["beta"].dims == ("feature",)
    assert all(np.isfinite(array.values).all() for array in fit.data_vars.values())


def _finite(outcome: xr.Dataset, arguments: Mapping[str, Any]) -> None:
    for name, array in outcome.data_vars.items():
        if array.dtype.kind == "f" and name != "y":
            assert np.isfinite(array.values).all(), name


def _sampled(outcome: Any, arguments: Mapping[str, Any]) -> None:
    posterior = outcome["posterior"]
    assert posterior.sizes["draw"] == 5
    _finite(posterior, arguments)


def _simulated(outcome: xr.Dataset, arguments: Mapping[str, Any]) -> None:
    assert outcome["X"].dims == ("obs", "feature")
    assert outcome["y"].dims[0] == "obs"
    assert np.isfinite(outcome["X"].values).all()
    assert np.isfinite(outcome["beta"].values).all()


def _statistics(outcome: xr.Dataset, arguments: Mapping[str, Any]) -> None:
    check_statistics(outcome)
    columns = arguments["X"].columns
    assert same_labels(
        outcome["feature"].values, range(outcome.sizes["feature"]) if columns is None else columns
    )
    assert same_labels(outcome["feature_bis"].values, outcome["feature"].values)
    xr.Dataset.from_dict(json.loads(json.dumps(outcome.to_dict(), default=str)))


def _merged(outcome: xr.Dataset, arguments: Mapping[str, Any]) -> None:
    check_statistics(outcome)
    assert outcome["n"] >= PART["n"]


def _gibbs(outcome: Any, arguments: Mapping[str, Any]) -> None:
    assert outcome.vars


def _sample(**options: Any) -> Any:
    return blr.sample(**{**fits.SETTINGS, "draws": 5, "tune": 2, **options})


def _cross_validate(**options: Any) -> Any:
    settings = {**fits.SETTINGS, "draws": 5, "tune": 2}
    ridge = lambda X, y, **more: blr.single_component(X, y, tau2=0.5, **more)  # noqa: E731
    return blr.cross_validate(ridge, **{**settings, **options})


def _verdict(test: Callable[..., Any], **options: Any) -> Any:
    """Call a test that may fail, as it must with rtol=1e-300."""
    try:
        return test(**options)
    except AssertionError:
        return None


def _wishart(nu: Any = 5.0, S: Any = np.eye(2)) -> Any:  # noqa: B008
    return blr.priors.InverseWishart.dist(nu, S)


def _new(**more: Any) -> dict[str, Any]:
    return {
        "idata": Given(fits.fit("select"), label="select"),
        "X_new": frame("X"),
        "covariates": frame("covariates"),
        **more,
    }


NEW = {
    "idata": variants("select"),
    "X_new": tables("X"),
    "covariates": tables("covariates"),
    "weights": tables("weights"),
}
NEW_WORDS = ("idata", "X_new", "X", "covariates", "y_true")
DRAWS = xr.DataArray(
    np.random.default_rng(2).normal(size=(2, 20, len(X))), dims=("chain", "draw", "obs")
)
PART = blr.sufficient_statistics(pd.DataFrame(X, columns=FEATURES), Y[:, 0])
PARTS: list[Any] = [
    *([PART], (PART, PART), [PART] * 3, PART, [], {"a": PART}, [PART, None], [PART.to_dict()]),
    *([PART, PART * 2], [PART, PART.isel(feature=[1, 0], feature_bis=[1, 0])], [PART["XX"]]),
    *([PART, PART.assign_attrs(format_version=9)], [PART, PART.assign(XX=-PART["XX"])]),
    *([PART, PART.isel(feature=[3, 1, 0, 2, 4], feature_bis=[3, 1, 0, 2, 4])], [PART] * 9),
    *([PART, PART.assign(n=-5)], [PART, PART.assign(yy=np.nan)], [PART, PART.assign_coords(a=1)]),
    *([PART, PART.astype("f4")], [PART.drop_vars("feature")], [PART.expand_dims("draw")]),
]
GENE_TABLE = pd.DataFrame({"start": [1, 3], "end": [2, 5]}, index=["A", "B"])
Z = pd.Series([1.0, 2.0, -1.0, 0.5, 3.0], FEATURES)

OTHERS = {
    "ols": Row(
        blr.ols,
        given("X", "y"),
        {
            "data": st.nothing(),
            **PROBABILITY,
            "X_new": tables("X"),
            "covariates_new": tables("covariates"),
        },
        _ols,
        RULES,
        data=DATA[:3],
    ),
    "fit_em": Row(
        blr.fit_em,
        lambda: {"model": model("ridge")},
        {
            "model": ANY_MODEL,
            "tol": number(1e-9, 0.1),
            "max_iter": junk(1, 3, 50),
            "accelerate": FLAG,
        },
        _tree,
        ("model", "tau2", "sigma2"),
        share=0.5,
    ),
    "sufficient_statistics": Row(
        blr.sufficient_statistics,
        given("X", "y"),
        {"data": st.nothing(), "quiet": FLAG},
        _statistics,
        RULES,
    ),
    "merge_statistics": Row(
        blr.merge_statistics, lambda: {"parts": [PART, PART]}, {"parts": junk(*PARTS)}, _merged
    ),
    "simulate": Row(
        lambda n=20, p=6, **options: blr.simulate(n, p, **options),
        dict,
        {
            "n": whole(2, 30),
            "p": whole(1, 9),
            "n_traits": junk(1, 2, 3),
            "n_causal": whole(0, 6),
            "h2": number(0.0, 0.99),
            "genetic_correlation": number(-1, 1),
            "residual_correlation": number(-1, 1),
            "overlap": number(0, 1),
            "n_groups": junk(2, 3),
            "groups": junk(["a", "a", "b", "b", "b", "b"]),
            "causal_weights": junk({"group1": 2.0}, [1.0, 2.0]),
            "correlation": number(0, 0.99),
            "distribution": junk("gaussian", "genotype"),
            "maf": junk([0.1, 0.2, 0.3, 0.4, 0.5, 0.2]),
            "effects": junk("normal", "equal"),
            "mu": number(-3, 3),
            "missing": number(0, 0.9),
            **SEED,
        },
        _simulated,
        ("n", "p", "n_traits", "n_groups", "n_causal", "distribution", "missing"),
    ),
    "load_diabetes": Row(
        blr.load_diabetes,
        dict,
        {"quadratic": FLAG, "standardize": FLAG},
        lambda outcome, arguments: check_table(
            outcome[["X", "y"]], {"X": ("obs", "feature"), "y": ("obs",)}, None
        ),
        (),
        share=0.3,
    ),
    "predict": Row(
        blr.predict,
        _new,
        NEW | PROBABILITY | {"quantity": junk("response", "mean"), "summary": junk(True)} | SEED,
        table("obs", "mean sd lower upper", "sd", **{"": "chain draw obs"}),
        NEW_WORDS,
    ),
    "log_score": Row(
        blr.evidence.log_score,
        lambda: _new(y_true=frame("y")),
        NEW | {"y_true": tables("y")},
        nothing,
        NEW_WORDS,
    ),
    "score": Row(
        blr.score,
        lambda: {"y_true": Given(Y[:, 0]), "predictions": DRAWS},
        {
            "y_true": tables("y"),
            "predictions": junk(DRAWS, DRAWS[:, :0], DRAWS[0], DRAWS * np.nan, DRAWS[..., :3]),
            **PROBABILITY,
            "pointwise": FLAG,
        },
        nothing,
        ("y_true", "predictions"),
    ),
    "summary_table": Row(
        blr.summary_table,
        lambda: {"draws": DRAWS},
        {"draws": junk(DRAWS, DRAWS[:, :0], DRAWS[0], DRAWS.astype(str), DRAWS > 0), **INTERVAL},
        lambda outcome, arguments: None,
    ),
    "log_marginal_likelihood": Row(
        blr.evidence.log_marginal_likelihood,
        lambda: {"model": model("fixed"), "method": "exact"},
        {
            "model": ANY_MODEL,
            "method": junk("exact"),
            **{name: junk() for name in ("stones", "draws", "tune", "chains", "random_seed")},
            "progressbar": junk(True, False),
        },
        _finite,
        ("model",),
        share=0.5,
    ),
    "bayes_factors": Row(
        blr.evidence.bayes_factors,
        lambda: {"models": {"a": fits.model("ridge"), "b": fits.model("fixed")}},
        {
            "models": junk({"a": fits.MODELS}, {"a": None, "b": 1}),
            "reference": junk("a", "b"),
            "prior": junk({"a": 0.5, "b": 0.5}, {"a": 1}, {"a": 1, "b": np.nan}),
        },
        _finite,
        (),
        share=0.5,
    ),
    "compare": Row(
        blr.evidence.compare,
        lambda: {
            "fits": {kind: (fits.model(kind), fits.fit(kind)) for kind in ("ridge", "mixture")}
        },
        {"fits": junk({"a": fits.SETTINGS}, {"a": (1, 2), "b": (3, 4)})},
        nothing,
        (),
        share=0.3,
    ),
    "cross_validate": Row(
        _cross_validate,
        lambda: {"X": frame("X"), "y": frame("y"), "folds": 2},
        {
            "X": tables("X"),
            "y": tables("y"),
            "folds": junk(),
            "ci_prob": junk(),
            "keep_draws": junk(),
            "random_seed": junk(),
            "quiet": junk(),
        },
        nothing,
        ("X", "y", "folds"),
        share=0.2,
    ),
    "sample": Row(
        _sample,
        lambda: {"model": model("fixed")},
        {
            "model": ANY_MODEL,
            "chains": junk(1),
            "var_names": junk(["beta"], [], ["?"], [[1]]),
            "random_seed": junk(1, [1, 2]),
            "initvals": junk({"beta": np.zeros(5)}, {"?": 1}, {"beta": np.ones(2)}),
            "moves": MOVES,
            "thin": junk(1, 3),
        },
        _sampled,
        ("model",),
        share=0.3,
    ),
    "sample_more": Row(
        lambda **options: blr.sample_more(**{"draws": 5, **EXTEND, **options}),
        lambda: {"idata": Given(fits.fit("fixed"), label="fixed"), "model": model("fixed")},
        {
            "idata": variants("fixed"),
            "model": ANY_MODEL,
            "draws": junk(3),
            "tune": junk(2),
            "random_seed": junk(1),
            "moves": MOVES,
            "thin": junk(1, 3),
        },
        nothing,
        ("idata", "model"),
        share=0.3,
    ),
    "BLRGibbs": Row(
        lambda model, vars=None, **options: blr.BLRGibbs(vars, model=model, **options),
        lambda: {"model": model("select")},
        {"model": ANY_MODEL, "vars": junk([]), "blocked": FLAG, "moves": MOVES, "thin": junk(1, 3)},
        _gibbs,
        ("model", "vars"),
        share=0.3,
    ),
    "InverseWishart": Row(
        _wishart,
        dict,
        {
            "nu": number(1.1, 9),
            "S": junk(np.eye(2), np.eye(3), -np.eye(2), np.array([[1, 2], [0, 1]])),
        },
        lambda outcome, arguments: None,
    ),
    "gene_set_model": Row(
        blr.gene_sets.gene_set_model,
        lambda: {"y": pd.Series(Y[:, 0], [f"g{k}" for k in range(len(Y))]), "sets": SETS},
        {
            "y": tables("y"),
            "sets": junk({"s": ["g1"]}, {"s": []}, {"s": ["?"]}, {"s": "g1"}),
            "covariates": tables("covariates"),
            "gene_correlation": junk(np.eye(len(Y)), -np.eye(len(Y))),
            "min_size": whole(0, 5),
            "max_size": whole(0, 5),
        },
        nothing,
        ("y", "sets", "gene", "genes"),
    ),
    "assign_to_genes": Row(
        blr.gene_sets.assign_to_genes,
        lambda: {"positions": pd.Series(range(5), FEATURES), "genes": GENE_TABLE},
        {
            "positions": tables("feature numbers"),
            "genes": junk(GENE_TABLE, GENE_TABLE[["start"]], -GENE_TABLE, GENE_TABLE.astype(str)),
            "window": junk(1, (0, 2), (1, -1)),
            "chromosome": junk(list("11122")),
        },
        nothing,
        ("positions", "genes"),
    ),
    "gene_z_scores": Row(
        blr.gene_sets.gene_z_scores,
        lambda: {"z": Z, "genes": {"A": ["a", "b"], "B": ["c"]}, "correlation": np.eye(5)},
        {
            "z": tables("feature numbers"),
            **GENES,
            "correlation": junk(np.eye(5), -np.eye(5), np.ones((5, 5))),
            "scores": junk("z", "p"),
            "gene_correlation": FLAG,
        },
        _finite,
        ("z", "genes", "correlation", "X"),
    ),
    "check_conditionals": Row(
        lambda **options: _verdict(blr.testing.check_conditionals, **options),
        lambda: {"model": model("fixed")},
        {"model": junk(), "points": junk(1), "features": junk(1), "rtol": number(1e-9, 0.1)},
        nothing,
        ("model",),
        share=0.2,
    ),
    "geweke_joint": Row(
        lambda **options: _verdict(blr.testing.geweke_joint, **options),
        lambda: {"model": Given(TINY, label="a small model"), "draws": 10, "chains": 1} | EXTEND,
        {"model": junk()},  # a valid model would run for seconds
        nothing,
        ("model", "chains", "draws"),
        share=0.3,
    ),
}
SETS = {"s": [f"g{k}" for k in range(4)], "t": [f"g{k}" for k in range(3, 9)]}

#: Public names without a row, with the reason.
LEFT_OUT = {
    **dict.fromkeys(
        ("Prior", "MixturePrior", "MultivariatePrior", "MultivariateMixturePrior"),
        "a base class, without arguments",
    ),
    "describe": "takes a model only; tests/description has models of all kinds",
    "membership": "takes the sets of gene_set_model, which has a row",
}
