"""Findings on convergence: whether the chains agree, and whether there are enough draws."""

import xarray as xr

from blrzoo.diagnostics.agreement import agreement_finding
from blrzoo.diagnostics.cures import help_for_variance
from blrzoo.diagnostics.finding import Finding, Level, more_draws, some
from blrzoo.diagnostics.measures import ENOUGH, FEWEST_DRAWS, Convergence, Extreme, measure

__all__ = ["convergence_findings", "convergence_messages", "sampler_findings"]

_GOOD_RHAT, _POOR_RHAT = 1.01, 1.05
_POOR_ESS = 25  # effective draws per chain
_MANY_DIVERGENCES = 0.01  # of the draws
_DRAW_MORE = "Draw more (draws=, tune=), and look at az.plot_trace_dist."
_MODES = (
    "Each chain by itself moves well: the posterior has several modes, and a chain stays in the "
    "one where it began. Longer chains alone will hardly help; correlated features are the usual "
    "reason: look at az.plot_trace_dist, and at blr.group_pip or blr.credible_sets."
)


def convergence_messages(idata: xr.DataTree) -> list[str]:
    """Messages about what is wrong with the convergence of a fit."""
    measured = measure(idata)
    found = [*sampler_findings(measured), *convergence_findings(measured)]
    return [str(finding) for finding in found if finding.level != "good"]


def sampler_findings(measured: Convergence) -> list[Finding]:
    """Judge divergences, and draws that are not finite."""
    found = []
    if measured.not_finite:
        text = f"Some draws are not finite (NaN or infinite): {some(measured.not_finite)}."
        found.append(Finding("poor", text, "Look for what is wrong in the data or the prior."))
    if (count := measured.divergences) > 0:
        many = count > _MANY_DIVERGENCES * measured.chains * measured.draws
        text = (
            f"NUTS had {count} divergent transition{'s' * (count > 1)}: it may have missed a part "
            "of the posterior."
        )
        advice = "Draw again with target_accept=0.95 or more, or change the prior."
        found.append(Finding("poor" if many else "fair", text, advice))
    return found


def convergence_findings(measured: Convergence) -> list[Finding]:
    """Judge the number of chains and draws, R-hat, ESS and the agreement on indicators."""
    if measured.draws < FEWEST_DRAWS:
        text = f"{measured.draws} draws per chain are too few to judge; it takes {FEWEST_DRAWS}."
        return [Finding("poor", text, "Draw more (draws=).")]
    found = [_one_chain() if measured.chains == 1 else _rhat_finding(measured)]
    found.append(_ess_finding(measured))
    if measured.indicators is not None:
        cure = measured.causes.cure
        found.append(agreement_finding(measured.indicators, measured.ess_per_chain, cure))
    return [finding for finding in found if finding is not None]


def _one_chain() -> Finding:
    return Finding(
        "fair",
        "There is one chain: R-hat cannot be computed, and whether a chain with another start "
        "would agree is unknown.",
        "Draw four (chains=4).",
    )


def _rhat_finding(measured: Convergence) -> Finding | None:
    extremes = [measured.rhat, measured.rhat_effects]
    known = [extreme for extreme in extremes if extreme.name]
    if not known:
        return None
    worst = max(known, key=lambda extreme: extreme.value)
    if worst.value <= _GOOD_RHAT:
        return Finding("good", f"R-hat is at most {_shown(worst)}; good is up to {_GOOD_RHAT}.")
    level: Level = "fair" if worst.value <= _POOR_RHAT else "poor"
    how = "quite agree yet" if level == "fair" else "agree"
    text = f"The chains do not {how}: R-hat is {_shown(worst)}, above {_GOOD_RHAT}."
    if worst is not measured.rhat:
        return Finding(level, text, measured.causes.cure or _DRAW_MORE)
    modes = level == "poor" and measured.each_mixes
    advice = measured.causes.cure or (_MODES if modes else _DRAW_MORE)
    return Finding(level, f"{text} {measured.apart}".strip(), advice)


def _shown(extreme: Extreme) -> str:
    value = "above 10" if extreme.value > 10 else f"{extreme.value:.3f}"
    return f"{value} for {extreme.name}"


def _ess_finding(measured: Convergence) -> Finding:
    bulk, tail = measured.ess_bulk, measured.ess_tail
    if not bulk.name:
        text = "No hyperparameter, model size or genetic variance varies or was kept"
        return Finding("fair", f"{text}: effective sample sizes were not checked.")
    kinds = {"bulk": bulk, "tail": tail} if tail.name else {"bulk": bulk}
    kind, worst = min(kinds.items(), key=lambda item: item[1].value)
    per_chain = worst.value / measured.chains
    shown = f"{worst.value:.0f} ({kind}, {worst.name})"
    if per_chain >= ENOUGH:
        return Finding("good", f"Enough draws: the effective sample size is at least {shown}.")
    text = (
        f"The effective sample size is only {shown}, below {ENOUGH} per chain: means and "
        "quantiles are rough."
    )
    level: Level = "poor" if per_chain < _POOR_ESS else "fair"
    if measured.causes.polygenic:
        return Finding(level, text, measured.causes.polygenic)
    helps = help_for_variance(worst.name, selects=measured.indicators is not None)
    return Finding(level, text, f"{more_draws(ENOUGH / per_chain)} {helps}".strip())
