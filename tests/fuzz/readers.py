"""Rows of the table for readers of a fit: dims of what they return, and where NaN is allowed."""

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import blrzoo as blr
from tests.fuzz import fits
from tests.fuzz.oracle import check_table
from tests.fuzz.rows import FLAG, Row, Strategies
from tests.fuzz.tables import GROUPS, Given, tables
from tests.fuzz.values import junk, number, whole

Check = Callable[[Any, Mapping[str, Any]], None]
PROBABILITY: Strategies = {"ci_prob": number(0.01, 0.99)}
INTERVAL = {**PROBABILITY, "ci_kind": junk("eti", "hdi")}
PROGRESS: Strategies = {"progressbar": FLAG}
X: Strategies = {"X": tables("X")}
GROUP: Strategies = {"groups": tables("groups")}
TRAIT: Strategies = {"trait": junk("t1", "t2", ["t1"], 0)}
TOP: Strategies = {"top": whole(1, 5)}
WHICH: Strategies = {"definition": junk("both", "fit", "components")}
AX: Strategies = {"ax": junk()}
ANY: Strategies = {"any": junk("trait", ["trait"], "feature", "group")}
GENES: Strategies = {
    "genes": junk(
        {"A": ["a", "b"], "B": ["c"]}, {"A": "a"}, {"A": []}, {"A": ["?"]}, {1: ["a", "a"], "B": []}
    )
}
#: Names in errors about the contents of a fit.
WITHIN = ("idata", "X", "groups", "group_index", "trait", "sort_by")


def table(default: str, names: str, nan: str = "", **others: str) -> Check:
    """Check variables with the dims `default`, or those in `others`; those in `nan` may be NaN."""
    dims = {name: tuple(default.split()) for name in names.split()}
    dims |= {name: tuple(own.split()) for name, own in others.items()}

    def check(outcome: Any, arguments: Mapping[str, Any]) -> None:
        fit = arguments["idata"].value if "idata" in arguments else None
        check_table(outcome, dims, fit, nan.split())

    return check


def array(dims: str) -> Check:
    return table("", "", **{"": dims})


def figure(outcome: Any, arguments: Mapping[str, Any]) -> None:
    """Check that the outcome is Axes, or an array of them, of a figure that can be drawn."""
    first = np.ravel(np.asarray(outcome, dtype=object))[0]
    assert isinstance(first, Axes)
    assert isinstance(first.figure, Figure)
    first.figure.canvas.draw()
    plt.close("all")


def variants(kind: str) -> st.SearchStrategy[Given]:
    """A fit that was changed before it is read."""
    return st.sampled_from(sorted(fits.VARIANTS)).map(
        lambda name: Given(fits.VARIANTS[name](fits.fit(kind)), label=f"{kind}, {name}")
    )


def reader(
    call: Callable[..., Any], kind: str, check: Check, own: Strategies | None = None, **base: Any
) -> Row:
    """A row for a function whose first argument is an InferenceData."""

    def valid() -> dict[str, Any]:
        return {"idata": Given(fits.fit(kind), label=kind), **base}

    tried = {"idata": variants(kind), **(own or {})}
    return Row(call, valid, tried, check, WITHIN)


SUMMARY = "mean sd lower upper mcse_mean"
PIPS = "pip mcse_pip error_bound pip_spread changes"
PIPS_NAN = "mcse_pip error_bound pip_spread mcse_expected_size"
POSITIONS: Strategies = {
    "positions": junk([1, 2, 3, 4, 5], range(5), [np.nan] * 5, pd.Series(range(5), list("edcba"))),
    "width": number(0.5, 5.0),
    "step": number(0.5, 3.0),
    "chromosome": junk(GROUPS, ["1"] * 4),
}
QUANTITIES = "mu sigma2 tau2 genetic_variance"
BETA = "chain feature"
BY_TRAIT = "chain draw trait trait_bis"

SUMMARIES = {
    "pip": reader(blr.pip, "select", array("feature"), ANY),
    "pip of traits": reader(blr.pip, "traits", array("feature trait"), {"any": junk(None)}),
    "pip of mixture": reader(blr.pip, "mixture", array("feature")),
    "model_size": reader(blr.model_size, "select", array("chain draw")),
    "model_size of traits": reader(blr.model_size, "traits", array("chain draw")),
    "effect_table": reader(
        blr.effect_table,
        "select",
        table("feature", f"{SUMMARY} pip mcse_pip", "mcse_mean mcse_pip sd"),
        {**INTERVAL, "sort_by": junk("pip", "mean", "sd")},
    ),
    "effect_table of ridge": reader(
        blr.effect_table, "ridge", table("feature", SUMMARY, "mcse_mean sd"), INTERVAL
    ),
    "bayesian_fdr": reader(
        blr.bayesian_fdr,
        "select",
        table("feature", "pip selected", "threshold", threshold="", fdr="", n_selected=""),
        {"level": number(0.01, 0.5)},
    ),
    "bayes_factor_inclusion": reader(
        blr.evidence.bayes_factor_inclusion,
        "select",
        table("feature", "bayes_factor lower upper bound pip prior", "bayes_factor lower upper"),
        {"prior": number(0.01, 0.9)},
    ),
    "group_pip": reader(
        blr.group_pip,
        "select",
        table("group", f"{PIPS} expected_size mcse_expected_size n_features", PIPS_NAN),
        GROUP,
    ),
    "window_pip": reader(
        blr.window_pip,
        "mixture",
        table("window", f"{PIPS} expected_size mcse_expected_size n_features", PIPS_NAN),
        POSITIONS,
        positions=[1, 2, 3, 4, 5],
        width=2,
    ),
    "gene_set_table": reader(
        blr.gene_sets.gene_set_table,
        "select",
        table("set", f"{SUMMARY} pip mcse_pip positive", "mcse_mean mcse_pip sd"),
        {**INTERVAL, "sort_by": junk("pip", None)},
    ),
    "credible_sets": reader(
        blr.credible_sets,
        "select",
        table(
            "set",
            "lead size coverage mcse_coverage expected_size purity mean_abs_corr",
            "mcse_coverage",
            members="set feature",
            **dict.fromkeys(("pip", "credible_set", "place", "reason"), "feature"),
        ),
        {
            **X,
            **TRAIT,
            **PROGRESS,
            "coverage": number(0.5, 0.99),
            "min_abs_corr": number(0.0, 1.0),
            "threshold": number(0.0, 1.0),
        },
    ),
    "pleiotropy_table": reader(
        blr.pleiotropy_table,
        "traits",
        table(
            "pattern",
            f"{SUMMARY} share traits",
            "mcse_mean sd affected share",
            probability="feature pattern",
            affected="pattern trait",
        ),
        {**INTERVAL, "most": whole(1, 9)},
    ),
    "heritability": reader(
        blr.heritability, "select", table("chain draw", "h2_fit h2_components"), X | WHICH
    ),
    "genetic_covariance": reader(
        blr.genetic_covariance, "traits", table(BY_TRAIT, "cov_fit cov_components"), X | WHICH
    ),
    "genetic_correlation": reader(
        blr.genetic_correlation,
        "traits",
        table(BY_TRAIT, "rg_fit rg_components", "rg_fit rg_components"),
        X | WHICH | PROGRESS,
    ),
    "residual_correlation": reader(blr.residual_correlation, "traits", array(BY_TRAIT)),
    "variance_explained": reader(
        blr.variance_explained,
        "mixture",
        table("chain draw group", "variance share apportioned", "share apportioned"),
        X | GROUP | PROGRESS,
    ),
    "variance_table": reader(
        blr.variance_table,
        "mixture",
        table("quantity group", SUMMARY, SUMMARY),
        X | GROUP | INTERVAL,
    ),
    "enrichment_table": reader(
        blr.enrichment_table,
        "mixture",
        table("group", f"{SUMMARY} probability features", f"{SUMMARY} probability"),
        {**X, **GROUP, **INTERVAL, "of": junk("share", "apportioned")},
    ),
    "indicator_table": reader(
        blr.indicator_table,
        "select",
        table(
            "feature",
            PIPS,
            f"{PIPS_NAN} r_hat ess_bulk ess_tail mcse_mean sd",
            **dict.fromkeys("mean sd r_hat ess_bulk ess_tail mcse_mean".split(), "quantity"),
        ),
    ),
    "ppc_table": reader(
        blr.ppc_table,
        "ridge",
        table("statistic", "observed mean sd lower upper p_value", "sd"),
        {
            "statistics": junk(["mean", 0.5], {"top": np.max}, "mean", {"x": lambda y: "x"}),
            "residuals": FLAG,
            "ci_prob": number(0.01, 0.99),
        },
    ),
    "geweke": reader(
        blr.geweke,
        "ridge",
        table("chain", QUANTITIES, f"{QUANTITIES} beta more", beta=BETA, more=BETA),
        {
            "first": number(0.42, 0.5),
            "last": number(0.42, 0.5),
            "var_names": junk("mu", ["mu", "beta"], ["?"]),
        },
        first=0.45,
        last=0.45,
    ),
    "diagnose": reader(
        blr.diagnose,
        "select",
        lambda outcome, arguments: None,
        {"quiet": FLAG},
        quiet=True,
    ),
    "gene_statistics": reader(
        blr.gene_sets.gene_statistics,
        "select",
        table(
            "gene",
            "variance variance_sd mcse_variance sum_squares pip mcse_pip expected_size n_snps "
            "n_effective",
            "mcse_variance mcse_pip variance_sd",
            covariates="gene covariate",
        ),
        X | GENES,
        genes={"A": ["a", "b"], "B": ["c"]},
    ),
}
VIEW = {**AX, **TOP}
PLOTS = {
    "plot_effects": reader(
        blr.plot_effects,
        "select",
        figure,
        {
            **VIEW,
            **INTERVAL,
            **TRAIT,
            "features": junk(["a", "c"], ["?"], [0]),
            "sort_by": junk("abs_mean", "pip", None),
            "pips": FLAG,
        },
    ),
    "plot_geweke": reader(
        blr.plot_geweke,
        "ridge",
        figure,
        {**AX, "first": number(0.42, 0.5), "var_names": junk("mu", ["mu", "beta"])},
        first=0.45,
        last=0.45,
    ),
    "plot_patterns": reader(
        blr.plot_patterns,
        "traits",
        figure,
        {
            **VIEW,
            **X,
            "show": junk("patterns", "pairs", "correlation"),
            "ci_prob": number(0.1, 0.9),
        },
    ),
    "plot_pip": reader(
        blr.plot_pip,
        "select",
        figure,
        {
            **VIEW,
            **GROUP,
            **TRAIT,
            "positions": POSITIONS["positions"],
            "threshold": number(0.0, 1.0),
            "credible_sets": junk(),
            "error_bars": FLAG,
            "labels": FLAG,
        },
    ),
    "plot_prior_posterior": reader(
        blr.plot_prior_posterior,
        "select",
        figure,
        {**AX, "prior": junk(), "var_names": junk("tau2", ["pi", "sigma2"], ["?"])},
    ),
    "plot_shrinkage": reader(
        blr.plot_shrinkage,
        "ridge",
        figure,
        {**VIEW, "least_squares": tables("feature numbers"), **TRAIT},
    ),
    "plot_variance": reader(
        blr.plot_variance,
        "mixture",
        figure,
        {
            **VIEW,
            **X,
            **GROUP,
            **INTERVAL,
            "quantity": junk("share", "apportioned", "variance", "enrichment"),
            "reference": FLAG,
        },
    ),
}
