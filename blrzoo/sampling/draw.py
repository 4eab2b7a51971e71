"""`pm.sample` with the defaults that wide models need."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pymc as pm
import xarray as xr

from blrzoo.checks import Flag
from blrzoo.description import describe_priors
from blrzoo.diagnostics.convergence import convergence_messages
from blrzoo.evaluate import ONCE
from blrzoo.gibbs.spec import find_spec, spec_of
from blrzoo.gibbs.step import BLRGibbs
from blrzoo.progress import shown
from blrzoo.sampling.arguments import OTHER_STEPS, check_arguments, check_model
from blrzoo.sampling.recorder import Recorder, recorder
from blrzoo.sampling.sharing import arrays_by_file, arrays_of
from blrzoo.sampling.starts import check_initvals, dispersed
from blrzoo.sampling.summary_recorder import SummaryRecorder, add_summaries, summary_recorder

__all__ = ["draw", "finish", "log_convergence", "name_traits", "sample"]

_log = logging.getLogger("blrzoo.sampling")


def sample(
    model: pm.Model | None = None,
    *more: object,
    chains: int = 4,
    keep: Literal["draws", "summary"] = "draws",
    var_names: list[str] | None = None,
    moves: str | Sequence[str] | None = None,
    thin: int | None = None,
    compute_convergence_checks: bool = True,
    quiet: bool = False,
    **kwargs: Any,
) -> xr.DataTree:
    """Draw from the posterior: ``pm.sample`` with defaults for models with many features.

    It records ``beta``, the indicators and the hyperparameters. Mixtures of several traits also
    have ``alpha``, the effects before the pattern of affected traits is applied. It is not
    recorded, because its excluded elements carry no information. In the result it is ``beta``
    itself (the same memory), so that what PyMC computes from draws of all variables, such as the
    posterior predictive, is correct.

    Each chain starts at effects drawn from their prior, so that R-hat compares chains with
    different starts. If such a draw is larger than 1e60 (very heavy-tailed priors), the chain has
    PyMC's start. Convergence is checked in seconds where ``pm.sample`` takes minutes: variables
    with more than 200 elements are screened with the classic split R-hat [1]_, and ArviZ's
    rank-normalized R-hat [2]_ is computed for the worst 200 only.

    The log shows the priors of the hyperparameters, those by default with their numbers.

    Parameters
    ----------
    model : pm.Model, optional
        The model. Default: the model on the context.
    *more
        None: all other arguments are passed by name.
    chains : int, default 4
        Number of chains.
    keep : {"draws", "summary"}, default "draws"
        What to keep of the variables with the dim ``feature`` (effects, indicators, variances of
        features). "draws": each draw. "summary": running means, SDs and PIPs, for fits whose draws
        would not fit into memory; the Notes list what they can be used for. All other variables
        and the sample statistics are recorded draw by draw with both.
    var_names : list of str, optional
        Variables to keep, at least one. Default: all, with ``alpha`` as described above.
    moves : str or list of str, optional
        Moves that a sweep makes besides, so that chains mix faster; none changes the posterior.
        "pairs": two correlated features together. "scale": all effects and their variances.
        "collapsed": variances with the effects integrated out. See `blrzoo.BLRGibbs`. Default: all
        that the model has a use for; an empty list is for none.
    thin : int, optional
        Number of sweeps of a draw after tuning, of which the last is kept: more of them make draws
        more informative and take no memory. Default: 1 for a ridge whose effects are drawn jointly;
        else by the size of the model, from 25 for small ones to 1, as in `blrzoo.BLRGibbs`.
        ``sample_stats`` has it as ``sweeps``.
    compute_convergence_checks : bool, default True
        Check R-hat, ESS, divergences and the agreement of the chains on the included features, and
        log what is wrong. `blrzoo.diagnose` makes more checks, and also reports what is right.
    quiet : bool, default False
        Show no progress bar and log nothing, except errors after the last draw.
    **kwargs
        Any other argument of ``pm.sample``: draws (default 1000), tune (default 1000), cores,
        random_seed, step, initvals, ... `idata_kwargs` may have the keys ``log_likelihood`` (not
        with ``keep="summary"``) and ``include_transformed``.

    Returns
    -------
    xarray.DataTree
        The InferenceData: posterior, sample_stats, observed_data, constant_data, and with
        ``keep="summary"`` posterior_summary. If something fails after the last draw (the log
        likelihood, the checks), the error is logged and the draws are returned.

    Raises
    ------
    TypeError, ValueError
        Before the first draw, if an argument has the wrong type or value, or if data are passed in
        the place of a model; the message names the argument and says how to correct it.
    pymc.exceptions.SamplingError
        If a draw is not finite; the message names the variable.

    Notes
    -----
    **Memory.** With ``keep="draws"`` a draw takes 8 bytes for each effect and 1 for each indicator
    or label, also during tuning: 50,000 features in four chains of 1000 draws after 1000 of tuning
    take 4 x 2000 x 50,000 x 9 bytes = 3.6 GB, and half of that again for the result. With
    ``keep="summary"`` a chain takes 152 bytes for each effect and 113 for each indicator, sums and
    result together, for any number of draws: the same fit takes 4 x 50,000 x 265 bytes = 53 MB.
    Each trait has effects and indicators of its own, another variable with the dim ``feature``
    counts as an effect, and labels of K components take 12 K bytes more.

    **The group posterior_summary** has sums over the draws after tuning, by chain. ``draws``
    (chain, batch) is the number of draws in each of 8 batches, which differ by at most one draw.
    For each variable with the dim ``feature``, such as beta, there are ``beta_mean`` and
    ``beta_sd`` (chain, feature[, trait]), and the means of the batches, ``beta_batch_mean`` (chain,
    batch, feature[, trait]), for Monte Carlo errors. For indicators there are ``pip``,
    ``pip_batch_mean``, ``changes`` (how often the indicator changed from one draw to the next),
    with several traits ``pip_any`` (included for any of them), and for labels ``label_frequency``
    (chain, feature, component). Means, SDs and PIPs equal those of the draws, up to rounding, for
    any number of cores. A fit that is interrupted has the sums of the draws until then. To combine
    fits, concatenate each group along ``chain``.

    Such a fit can be passed to `blrzoo.pip`, `blrzoo.effect_table` (without intervals),
    `blrzoo.diagnose`, `blrzoo.indicator_table`, `blrzoo.bayesian_fdr`,
    `blrzoo.evidence.bayes_factor_inclusion`, `blrzoo.plot_pip`, `blrzoo.predict` (means only), and
    all functions of hyperparameters, the model size or the genetic variance. Functions that need
    joint draws of effects or indicators (intervals, credible sets, groups of features, patterns,
    variances by group, scores, `blrzoo.sample_more`) refuse it. PyMC's own functions do not know of
    it: ``pm.sample_posterior_predictive`` would draw the effects from their prior.

    References
    ----------
    .. [1] Gelman & Rubin (1992). Inference from iterative simulation using multiple sequences.
       Statistical Science 7:457-472.
    .. [2] Vehtari et al. (2021). Rank-normalization, folding, and localization: an improved R-hat
       for assessing convergence of MCMC. Bayesian Analysis 16:667-718.

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
    options = {"moves": moves, "thin": thin}
    check_arguments(model, chains, var_names, keep, options, kwargs)
    checks = Flag(default=True).check("compute_convergence_checks", compute_convergence_checks)
    quiet = Flag(default=False).check("quiet", quiet)
    find_spec(model)
    if not quiet:
        _log.info("Priors: %s", "; ".join(describe_priors(model)))
    if "initvals" in kwargs:
        check_initvals(model, kwargs["initvals"], chains)
    else:
        kwargs["initvals"] = dispersed(model, chains, kwargs.get("random_seed"))
    extra = dict(kwargs.pop("idata_kwargs", None) or {})
    likelihood = extra.pop("log_likelihood", False)
    kwargs |= {"chains": chains, "quiet": quiet, "idata_kwargs": extra}
    idata = draw(model, var_names, keep, options, **kwargs)
    names = None if likelihood is True else likelihood
    if likelihood:
        finish("the log likelihood", lambda: _add_log_likelihood(idata, model, names))
    if checks and not quiet:
        log_convergence(idata)
    return idata


def draw(
    model: pm.Model,
    var_names: list[str] | None,
    keep: str,
    options: dict[str, Any],
    **kwargs: Any,
) -> xr.DataTree:
    """Draw; ``alpha`` becomes an alias of ``beta`` unless var_names or a trace is given."""
    alias = var_names is None and kwargs.get("trace") is None and _has_alpha(model)
    if alias:
        var_names = [rv.name for rv in model.unobserved_RVs if rv.name != "alpha"]
    kwargs |= _own_parts(model, var_names, keep, options, kwargs)
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
    model: pm.Model,
    var_names: list[str] | None,
    keep: str,
    options: dict[str, Any],
    given: dict[str, Any],
) -> dict[str, Any]:
    """Our recorder and step, with moves and thin, unless the user's arguments determine them."""
    own: dict[str, Any] = {}
    if given.get("trace") is None:
        own["trace"] = _recorder(model, var_names, keep, given.get("draws", 1000))
    others = any(given.get(name) for name in OTHER_STEPS)
    asked = any(value is not None for value in options.values())
    if asked or (not others and all(map(spec_of, model.free_RVs))):
        # Without it, PyMC derives the gradient of the log density, to see whether NUTS applies.
        with shown(bool(given.get("progressbar", True)) and not given.get("quiet")):
            own["step"] = BLRGibbs(
                model=model, compile_kwargs=given.get("compile_kwargs"), **options
            )
    return own


def _recorder(model: pm.Model, var_names: list[str] | None, keep: str, draws: int) -> Recorder:
    if keep == "summary":
        return summary_recorder(model, var_names, draws)
    return recorder(model, var_names)


def finish(what: str, task: Callable[[], None]) -> None:
    """Run a task after the last draw; an error is logged, so that the draws are not lost."""
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
    """Add ``alpha`` as ``beta``, in the same memory."""
    idata["posterior"]["alpha"] = idata["posterior"]["beta"]


def _has_alpha(model: pm.Model) -> bool:
    """Whether the slab effects are blrzoo's, and not another variable of that name."""
    alpha = model.named_vars.get("alpha")
    return alpha in model.free_RVs and spec_of(alpha) is not None


def _add_log_likelihood(idata: xr.DataTree, model: pm.Model, names: list[str] | None) -> None:
    """Add the log likelihood; ``pm.sample`` would do it before ``alpha`` is there."""
    pm.compute_log_likelihood(
        idata,
        var_names=names,
        model=model,
        progressbar=False,
        # One product and one density for each draw; machine code would stay in memory for good.
        compile_kwargs={"mode": ONCE},
    )


def name_traits(idata: xr.DataTree, model: pm.Model) -> None:
    """Name the dim of the genetic variance of several traits, which PyMC numbers."""
    numbered = "genetic_variance_dim_0"
    if "sample_stats" in idata.children and numbered in idata["sample_stats"].dims:
        stats = idata["sample_stats"].to_dataset().drop_vars(numbered, errors="ignore")
        named = stats.rename_dims({numbered: "trait"}).assign_coords(
            trait=list(model.coords["trait"])
        )
        idata["sample_stats"] = xr.DataTree(named)
