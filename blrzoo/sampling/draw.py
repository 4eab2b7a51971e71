"""`pm.sample` with the defaults that wide models need."""

import logging
from collections.abc import Callable
from typing import Any, Literal

import pymc as pm
import xarray as xr

from blrzoo.checks import Flag
from blrzoo.description import describe_priors
from blrzoo.diagnostics.convergence import convergence_messages
from blrzoo.evaluate import ONCE
from blrzoo.gibbs.spec import find_spec, spec_of
from blrzoo.gibbs.step import BLRGibbs
from blrzoo.sampling.arguments import check_arguments, check_model
from blrzoo.sampling.recorder import Recorder, recorder
from blrzoo.sampling.sharing import arrays_by_file, arrays_of
from blrzoo.sampling.starts import check_initvals, dispersed
from blrzoo.sampling.summary_recorder import SummaryRecorder, add_summaries, summary_recorder

__all__ = ["draw", "finish", "log_convergence", "name_traits", "sample"]

_log = logging.getLogger("blrzoo.sampling")


def sample(
    model: pm.Model | None = None,
    *more: Any,
    chains: int = 4,
    keep: Literal["draws", "summary"] = "draws",
    var_names: list[str] | None = None,
    compute_convergence_checks: bool = True,
    quiet: bool = False,
    **kwargs: Any,
) -> xr.DataTree:
    """Draw from the posterior: ``pm.sample`` with defaults for models with many features.

    It keeps ``beta``, the indicators and the hyperparameters. Mixtures of several traits have
    ``alpha`` too, the effects before the pattern of affected traits is applied. It is not
    recorded: its excluded elements mean nothing. In the result it is ``beta`` itself (the same
    memory), so that what PyMC computes from draws of all variables, as the posterior predictive,
    is right.

    Each chain starts at effects drawn from their prior, so that R-hat compares chains from
    different places; where draws of a very heavy-tailed prior are beyond 1e60, PyMC's start
    serves. Convergence is checked in seconds where ``pm.sample`` takes minutes: wide variables
    are screened with the classic split R-hat [1]_, and ArviZ's rank-normalised R-hat [2]_ is
    computed for the worst elements only.

    The log says which priors the hyperparameters have, defaults with their numbers.

    Parameters
    ----------
    model : pm.Model, optional
        Default: the model on the context.
    *more
        Nothing: all other arguments go by name.
    chains : int, default 4
        Number of chains.
    keep : {"draws", "summary"}, default "draws"
        What to keep of the variables of single features: effects, indicators, variances of
        features. "draws": each draw. "summary": running means, SDs and PIPs, for fits whose draws
        would not fit into memory; see the notes for what they serve. All other variables and the
        sample statistics are recorded draw by draw with both.
    var_names : list of str, optional
        Variables to keep, at least one. Default: all, ``alpha`` as said above.
    compute_convergence_checks : bool, default True
        Whether to check R-hat, ESS, divergences and whether the chains agree on what is
        included, and log what is wrong. `blrzoo.diagnose` checks more, and says what is right.
    quiet : bool, default False
        No progress bar and no log, but of what fails after sampling.
    **kwargs
        Any other argument of ``pm.sample`` (draws, tune, cores, random_seed, step, initvals, ...).
        Of `idata_kwargs` it takes ``log_likelihood`` (not with ``keep="summary"``) and
        ``include_transformed``.

    Returns
    -------
    xarray.DataTree
        The InferenceData: posterior, sample_stats, observed_data, constant_data, and with
        ``keep="summary"`` posterior_summary. Whatever fails after the last draw (the log
        likelihood, the checks) is logged, and the draws are returned.

    Raises
    ------
    TypeError, ValueError
        Before the first draw, where an argument is refused: the message names it, says why, and
        what to do. Data in the place of the model are refused too: build a model of them first.
    pymc.exceptions.SamplingError
        Where a draw is not finite; says which variable.

    Notes
    -----
    **Memory.** With ``keep="draws"`` a draw takes 8 bytes for each effect and 1 for each indicator
    or label, in tuning too: 50,000 features in four chains of 1000 draws after 1000 of tuning take
    4 x 2000 x 50,000 x 9 bytes = 3.6 GB, and half of that again for the result. With
    ``keep="summary"`` a chain takes 152 bytes for each effect and 113 for each indicator, sums and
    result together, whatever the number of draws: the same fit takes 4 x 50,000 x 265 bytes =
    53 MB. Each trait has effects and indicators of its own, another variable of features counts
    as an effect, and labels of K components take 12 K bytes more.

    **The group posterior_summary** has sums over the draws after tuning, by chain. ``draws``
    (chain, batch) is their number in each of 8 batches, of equal length but for one draw. For
    each variable of the features, such as beta, there are ``beta_mean`` and ``beta_sd`` (chain,
    feature[, trait]) and the means of the batches, ``beta_batch_mean`` (chain, batch, feature[,
    trait]), whose spread tells Monte Carlo errors. Of indicators there are ``pip``,
    ``pip_batch_mean``, ``changes`` (how often the indicator changed from one draw to the next),
    with several traits ``pip_any`` (included for any of them), and of labels
    ``label_frequency`` (chain, feature, component). Means, SDs and PIPs are those of the draws,
    to rounding, and the same for any number of cores. A fit that is interrupted has the sums up to
    there. Fits are put together along ``chain``, group by group.

    It serves `blrzoo.pip`, `blrzoo.effect_table` (without intervals), `blrzoo.diagnose`,
    `blrzoo.indicator_table`, `blrzoo.bayesian_fdr`, `blrzoo.evidence.bayes_factor_inclusion`,
    `blrzoo.plot_pip` and the means of `blrzoo.predict`; what reads hyperparameters, the model size
    or the genetic variance reads them as ever. Whatever needs draws of effects or indicators
    together (intervals, credible sets, groups of features, patterns, variances of parts, scores,
    `blrzoo.sample_more`) refuses such a fit. PyMC's own functions do not know of it:
    ``pm.sample_posterior_predictive`` would draw the effects from their prior.

    References
    ----------
    .. [1] Gelman & Rubin (1992). Statistical Science 7:457-472.
    .. [2] Vehtari et al. (2021). Rank-normalization, folding, and localization: an improved
       R-hat. Bayesian Analysis 16:667-718.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.spike_slab(data.X, data.y)
    >>> idata = blr.sample(model, draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> sorted(idata.posterior.data_vars)
    ['beta', 'delta', 'mu', 'pi', 'sigma2', 'tau2']
    """
    model = check_model(model, more)
    check_arguments(model, chains, var_names, keep, kwargs)
    checks = Flag(default=True).check("compute_convergence_checks", compute_convergence_checks)
    quiet = Flag(default=False).check("quiet", quiet)
    find_spec(model)
    if not quiet:
        _log.info("Priors: %s", "; ".join(describe_priors(model)))
    if "initvals" in kwargs:
        check_initvals(model, kwargs["initvals"], chains)
    else:
        kwargs["initvals"] = dispersed(model, chains, kwargs.get("random_seed"))
    asked = dict(kwargs.pop("idata_kwargs", None) or {})
    likelihood = asked.pop("log_likelihood", False)
    kwargs |= {"chains": chains, "quiet": quiet, "idata_kwargs": asked}
    idata = draw(model, var_names, keep, **kwargs)
    names = None if likelihood is True else likelihood
    if likelihood:
        finish("the log likelihood", lambda: _add_log_likelihood(idata, model, names))
    if checks and not quiet:
        log_convergence(idata)
    return idata


def draw(
    model: pm.Model, var_names: list[str] | None, keep: str = "draws", **kwargs: Any
) -> xr.DataTree:
    """Draw, with ``alpha`` as another name of ``beta`` where nothing else was asked for."""
    alias = var_names is None and kwargs.get("trace") is None and _has_alpha(model)
    if alias:
        var_names = [rv.name for rv in model.unobserved_RVs if rv.name != "alpha"]
    kwargs |= _own_parts(model, var_names, keep, kwargs)
    with arrays_by_file(arrays_of(model)):
        idata = pm.sample(
            model=model, var_names=var_names, compute_convergence_checks=False, **kwargs
        )
    trace = kwargs["trace"]
    if isinstance(trace, SummaryRecorder):
        finish("the summary of the features", lambda: add_summaries(idata, trace, model))
    elif alias:
        finish("the alias alpha", lambda: add_alias(idata))
    finish("the name of the dim trait", lambda: name_traits(idata, model))
    return idata


def _own_parts(
    model: pm.Model, var_names: list[str] | None, keep: str, given: dict[str, Any]
) -> dict[str, Any]:
    """The recorder and the step, where the user gives none and nothing that decides them."""
    own: dict[str, Any] = {}
    if given.get("trace") is None:
        own["trace"] = _recorder(model, var_names, keep, given.get("draws", 1000))
    others = any(given.get(name) for name in ("step", "backend", "nuts_sampler"))
    if not others and all(map(spec_of, model.free_RVs)):
        # PyMC would derive the gradient of the log density, to see whether NUTS can draw.
        own["step"] = BLRGibbs(model=model, compile_kwargs=given.get("compile_kwargs"))
    return own


def _recorder(model: pm.Model, var_names: list[str] | None, keep: str, draws: int) -> Recorder:
    if keep == "summary":
        return summary_recorder(model, var_names, draws)
    return recorder(model, var_names)


def finish(what: str, task: Callable[[], None]) -> None:
    """Do something after the last draw: the draws, maybe of days, are never lost by an error."""
    try:
        task()
    except (Exception, KeyboardInterrupt) as error:
        _log.warning(
            "After sampling, %s failed (%s: %s). The draws are returned without it.",
            what,
            type(error).__name__,
            error,
        )


def log_convergence(idata: xr.DataTree) -> None:
    """Log what is wrong with the convergence of the chains."""

    def check() -> None:
        for message in convergence_messages(idata):
            _log.warning(message)

    finish("the check of convergence", check)


def add_alias(idata: xr.DataTree) -> None:
    """Let ``alpha`` be ``beta``, in the same memory."""
    idata["posterior"]["alpha"] = idata["posterior"]["beta"]


def _has_alpha(model: pm.Model) -> bool:
    """Whether the slab effects are blrzoo's, and not another variable of that name."""
    alpha = model.named_vars.get("alpha")
    return alpha in model.free_RVs and spec_of(alpha) is not None


def _add_log_likelihood(idata: xr.DataTree, model: pm.Model, names: Any) -> None:
    """Complete the result by itself: PyMC would do it before ``alpha`` is there."""
    pm.compute_log_likelihood(
        idata,
        var_names=names,
        model=model,
        progressbar=False,
        # One product and one density a draw: machine code would never leave memory again.
        compile_kwargs={"mode": ONCE},
    )


def name_traits(idata: xr.DataTree, model: pm.Model) -> None:
    """Name the dim of the genetic variance of several traits, which PyMC only numbers."""
    numbered = "genetic_variance_dim_0"
    if "sample_stats" in idata.children and numbered in idata["sample_stats"].dims:
        stats = idata["sample_stats"].to_dataset().drop_vars(numbered, errors="ignore")
        named = stats.rename_dims({numbered: "trait"}).assign_coords(
            trait=list(model.coords["trait"])
        )
        idata["sample_stats"] = xr.DataTree(named)
