"""All checks of a fit in one call, with a verdict in plain words."""

import textwrap
from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from scipy import stats

from blrzoo.checks import Flag
from blrzoo.diagnostics.agreement import (
    THRESHOLDS,
    agreement_finding,
    pip_findings,
    stuck,
    undecided,
)
from blrzoo.diagnostics.convergence import convergence_findings, sampler_findings
from blrzoo.diagnostics.elements import sampled
from blrzoo.diagnostics.finding import LEVELS, Finding, Level, worst_level
from blrzoo.diagnostics.geweke_scores import start_against_end
from blrzoo.diagnostics.measures import FEWEST_DRAWS, Convergence, Extreme, measure
from blrzoo.summaries.inclusion import inclusion_table

__all__ = ["Diagnosis", "diagnose"]

Number = int | float | str
Numbers = dict[str, Number]

_WIDTH = 92
_CHANCE = 1e-3  # probability that any z-score of a converged fit exceeds the bound
_SUMMARY = {
    "good": "The draws look good.",
    "fair": "The draws are fair: read on before you rely on them.",
    "poor": "The draws are poor: do not rely on them yet.",
}
_INDENT = 8


class Diagnosis(Mapping[str, Number]):
    """The verdict on a fit: a level, findings in words, and the numbers by name.

    Parameters
    ----------
    findings : list of Finding
        Each has a ``level``, a ``text`` and an ``advice``.
    numbers : dict
        By name; see `diagnose`.

    Attributes
    ----------
    level : {"good", "fair", "poor"}
        Level of the worst finding.
    findings : tuple of Finding
        The worst first.

    Examples
    --------
    >>> from blrzoo.diagnostics.finding import Finding
    >>> from blrzoo.diagnostics.verdict import Diagnosis
    >>> verdict = Diagnosis([Finding("fair", "There is one chain.")], {"chains": 1})
    >>> verdict.level, verdict["chains"]
    ('fair', 1)
    >>> verdict
    Diagnosis: fair
      chains  1
    """

    def __init__(self, findings: list[Finding], numbers: Mapping[str, Number]) -> None:
        order = sorted(findings, key=lambda finding: -LEVELS.index(finding.level))
        self.findings = tuple(order)
        self.level: Level = worst_level(findings)
        self._numbers = dict(numbers)

    def __getitem__(self, name: str) -> Number:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        """Table of the numbers."""
        width = max(map(len, self._numbers), default=0)
        rows = [f"  {name:<{width}}  {_rounded(value)}" for name, value in self.items()]
        return "\n".join([f"Diagnosis: {self.level}", *rows])

    def __str__(self) -> str:
        """The verdict in words; advice that several findings share is printed once."""
        lines, given = [_SUMMARY[self.level]], {""}
        for finding in self.findings:
            lines += _wrapped(finding.level, finding.text)
            lines += [] if finding.advice in given else _wrapped("", f"-> {finding.advice}")
            given.add(finding.advice)
        return "\n".join(lines)


def diagnose(idata: xr.DataTree, *, quiet: bool = False) -> Diagnosis:
    """Check a fit, and say in words whether its draws can be relied on.

    It prints a verdict ("good"; "fair": read the reasons; "poor": do not use), the reasons, and
    what to do. The verdict is on the draws only: whether the model suits the data is another
    question (`blrzoo.ppc_table`, `blrzoo.evidence.compare`).

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData of any model. What it lacks (indicators, sample statistics) is not
        checked.
    quiet : bool, default False
        Do not print.

    Returns
    -------
    Diagnosis
        ``level``, ``findings``, and as a mapping the numbers (NaN for what could not be
        computed; those of indicators only if there are some):

        - ``chains``, ``draws``, and if known ``sweeps``: the number that the draws of a chain took
        - ``r_hat``: the largest R-hat of the hyperparameters, the model size and the genetic
          variance; ``r_hat_effects``: the largest of the effects
        - ``ess_bulk``, ``ess_tail``: the smallest effective sample sizes of the hyperparameters,
          the model size and the genetic variance
        - ``r_hat_of``, ``r_hat_effects_of``, ``ess_bulk_of``, ``ess_tail_of``: the names of the
          elements that have these values
        - ``geweke_z``: the largest z-score of `blrzoo.geweke` in size; ``geweke_z_of``: its element
          and chain; ``geweke_bound``: the bound that it should not exceed; ``geweke_beyond``: the
          number of z-scores that exceed it
        - ``pip_error``: the largest error bound of a PIP; ``undecided_0.5``, ``undecided_0.9``: the
          number of PIPs that are closer to that threshold than their error bound; ``pip_spread``:
          the largest range of a PIP across chains; ``stuck``: the number of indicators that never
          change in a chain although other chains say that they should
        - ``model_size`` and ``genetic_variance`` (of each trait): posterior mean, and bulk
          effective sample size (``..._ess``)
        - ``divergences``: the number of divergent transitions of NUTS

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `quiet` is not a bool.
    ValueError
        If it has no posterior, or one without the dims chain and draw.

    See Also
    --------
    blrzoo.indicator_table : The error of each PIP.
    blrzoo.geweke : All z-scores.

    Notes
    -----
    ====================================== ================= ================
    check                                  fair              poor
    ====================================== ================= ================
    chains                                 1
    draws per chain                                          below 100
    R-hat [1]_                             above 1.01        above 1.05
    effective sample size per chain [1]_   below 100         below 25
    Geweke's z [2]_                        beyond the bound  ... with 1 chain
    error bound of a PIP                   above 0.1         above 0.3
    range of a PIP across chains           0.3 or more       0.5 or more
    indicators stuck in some chain                           any
    no indicator or size ever changed      yes
    divergences of NUTS                    any               above 1 %
    draws that are not finite                                any
    ====================================== ================= ================

    Among thousands of effects, the 200 with the largest classic split R-hat get ArviZ's
    rank-normalized one. The effect of a feature that is rarely included has no R-hat (a single
    visit would make it large): the error of its PIP is judged instead.

    The bound on Geweke's z is the one that any of the scores of converged, independent chains
    exceeds with a probability of 0.1 % (Bonferroni). It is strict because there are many scores,
    and those of chains with fewer than 50 effective draws, or of skewed variables, have heavier
    tails than a normal.

    A fit with ``keep="summary"`` (see `blrzoo.sample`) has no draws of its features. The R-hat of
    the effects is then the classic split R-hat, exact from the means and SDs of the halves of the
    chains; the errors of PIPs are computed from batches (see `blrzoo.indicator_table`); and
    features that take each other's place are not looked for. All else is the same.

    References
    ----------
    .. [1] Vehtari et al. (2021). Rank-normalization, folding, and localization: an improved R-hat
       for assessing convergence of MCMC. Bayesian Analysis 16:667-718.
    .. [2] Geweke (1992). Evaluating the accuracy of sampling-based approaches to the calculation
       of posterior moments. In: Bayesian Statistics 4, Oxford University Press, 169-193.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> from blrzoo.diagnostics.verdict import diagnose
    >>> draws = np.random.default_rng(1).normal(size=(4, 500))
    >>> draws[3] += 5.0
    >>> verdict = diagnose(az.from_dict({"posterior": {"sigma2": draws}}), quiet=True)
    >>> verdict.level, round(verdict["r_hat"], 1)
    ('poor', 1.5)
    >>> print(verdict.findings[0].text)
    The chains do not agree: R-hat is 1.527 for sigma2, above 1.01. Chain 3 lies apart from ...
    """
    quiet = Flag(default=False).check("quiet", quiet)
    measured = measure(idata)
    found = [*sampler_findings(measured), *convergence_findings(measured), *_extent(measured)]
    numbers = _convergence_numbers(measured)
    chains = [str(name) for name in sampled(idata)["chain"].values]
    findings, more = _geweke_check(measured, chains)
    found, numbers = found + findings, numbers | more
    if measured.indicators is not None:
        findings, more = _pip_check(measured, inclusion_table(idata))
        found, numbers = found + findings, numbers | more
    findings, more = _quantity_check(measured)
    found, numbers = found + findings, numbers | more
    numbers["divergences"] = measured.divergences
    verdict = Diagnosis(found, numbers)
    if not quiet:
        print(verdict)
    return verdict


def _extent(measured: Convergence) -> list[Finding]:
    """How long the chains are."""
    if measured.sweeps is None:
        return []
    chains = f"{measured.chains} chain{'s' * (measured.chains > 1)}"
    text = f"Length: {chains} of {measured.draws} draws and {measured.sweeps} sweeps each."
    return [Finding("good", text)]


def _convergence_numbers(measured: Convergence) -> Numbers:
    extremes = {
        "r_hat": measured.rhat,
        "r_hat_effects": measured.rhat_effects,
        "ess_bulk": measured.ess_bulk,
        "ess_tail": measured.ess_tail,
    }
    out: Numbers = {"chains": measured.chains, "draws": measured.draws}
    out |= {} if measured.sweeps is None else {"sweeps": measured.sweeps}
    for name, extreme in extremes.items():
        out |= {name: extreme.value, f"{name}_of": extreme.name}
    return out


def _geweke_check(measured: Convergence, chains: list[str]) -> tuple[list[Finding], Numbers]:
    """Finding on, and numbers of, the largest z-score of hyperparameters and quantities."""
    scores = {}
    if measured.draws >= FEWEST_DRAWS:
        for name, draws in measured.scalars.items():
            for chain, z in zip(chains, start_against_end(draws), strict=True):
                scores[f"{name}, chain {chain}"] = float(z)
    scores = {name: z for name, z in scores.items() if np.isfinite(z)}
    name = max(scores, key=lambda key: abs(scores[key]), default="")
    worst = Extreme(name, scores.get(name, np.nan))
    bound = float(stats.norm.isf(_CHANCE / 2 / len(scores))) if scores else np.nan
    beyond = sum(abs(z) > bound for z in scores.values())
    return _geweke_findings(worst, bound, len(chains)), {
        "geweke_z": worst.value,
        "geweke_z_of": worst.name,
        "geweke_bound": bound,
        "geweke_beyond": beyond,
    }


def _geweke_findings(worst: Extreme, bound: float, chains: int) -> list[Finding]:
    if not worst.name:
        return []
    if abs(worst.value) <= bound:
        text = (
            f"No drift: start and end of the chains agree (Geweke's z is at most "
            f"{abs(worst.value):.1f} in size; by chance up to {bound:.1f})."
        )
        return [Finding("good", text)]
    text = (
        f"A chain drifts: its start differs from its end (Geweke's z is {worst.value:.1f} for "
        f"{worst.name}; by chance up to {bound:.1f})."
    )
    return [
        Finding(
            "poor" if chains == 1 else "fair",
            text,
            "Tune longer (tune=), or drop the first draws; look at az.plot_trace_dist.",
        )
    ]


def _pip_check(measured: Convergence, table: xr.Dataset) -> tuple[list[Finding], Numbers]:
    """Findings on the errors of the PIPs, and numbers of the indicators."""
    indicators = measured.indicators
    assert indicators is not None
    several = measured.chains > 1
    spread = float(indicators.spread.max())
    moved = bool((indicators.changes > 0).any()) or spread > 0
    numbers: Numbers = {
        "pip_error": float(table["error_bound"].max()),
        **{f"undecided_{t}": int(undecided(table, t).sum()) for t in THRESHOLDS},
        "pip_spread": spread if several else np.nan,
        "stuck": int(stuck(indicators, measured.ess_per_chain).sum()),
    }
    finding = agreement_finding(indicators, measured.ess_per_chain)
    agree = finding is None or finding.level == "good"
    found = pip_findings(table, moved=moved, agree=agree, cure=measured.causes.cure)
    return found, numbers


def _quantity_check(measured: Convergence) -> tuple[list[Finding], Numbers]:
    """Means and effective sample sizes of the model size and the genetic variance."""
    rows = {
        name: row
        for name, row in measured.table.items()
        if name.startswith(("model_size", "genetic_variance"))
    }
    numbers: Numbers = {}
    parts = []
    for name, row in rows.items():
        numbers |= {name: row["mean"], f"{name}_ess": row["ess_bulk"]}
        error = f" ± {row['mcse_mean']:.2g}" if np.isfinite(row["mcse_mean"]) else ""
        parts.append(f"{name} {row['mean']:.4g}{error}")
    text = f"Means and their Monte Carlo standard errors: {', '.join(parts)}."
    return ([Finding("good", text)] if parts else []), numbers


def _rounded(value: Number) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _wrapped(label: str, text: str) -> list[str]:
    indent = " " * _INDENT
    return textwrap.wrap(
        text, _WIDTH, initial_indent=f"{label:<{_INDENT}}", subsequent_indent=indent
    )
