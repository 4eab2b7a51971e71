"""`cross_validate`: fit each model without the rows of each fold, and predict these rows."""

import inspect
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from blrzoo.checks import Choice, Flag, Integer, OneOf, Seed
from blrzoo.diagnostics.convergence import convergence_messages
from blrzoo.prediction import log_score, predict, score
from blrzoo.progress import track
from blrzoo.sampling import sample
from blrzoo.summaries.table import check_interval
from blrzoo.validation.columns import check_unchanged, of_fit
from blrzoo.validation.data import Data
from blrzoo.validation.folds import Fold, read_folds
from blrzoo.validation.results import Results

__all__ = ["cross_validate"]

_KEEP_DRAWS = OneOf(
    (Flag(), Integer(1)), default=False, advice="It is a number of draws per chain."
)
_KEEP = Choice(
    ("draws",),
    default="draws",
    advice="Scores need predictive draws; the draws of a fold are dropped once it is scored.",
)

Factory = Callable[..., pm.Model]

_log = logging.getLogger(__name__)


def cross_validate(
    models: Factory | Mapping[str, Factory],
    X: Any,
    y: Any,
    *,
    folds: Any = 5,
    covariates: Any = None,
    weights: Any = None,
    ci_prob: float = 0.95,
    keep_draws: bool | int = False,
    random_seed: int | Sequence[int] | np.random.Generator | None = None,
    quiet: bool = False,
    **sample_kwargs: Any,
) -> xr.DataTree:
    r"""Compare models by how well they predict rows that they were not fitted to.

    Parameters
    ----------
    models : callable, or mapping of str to callable
        Functions that make a model of data: ``factory(X, y)`` returns a `pm.Model`, such as
        ``blr.spike_slab``; with further arguments, ``functools.partial(blr.spike_slab, h2=0.3)``.
        `covariates` and `weights` are passed by name if they are given. All data are passed as
        pandas objects with their labels. A function may select columns, ``X[names]``: those of the
        held-out rows are selected by name. It must not change values, because those of the held-out
        rows would not be changed.
    X : array-like (obs, feature)
        Features: NumPy, pandas, xarray or a SciPy sparse matrix. The rows of all data are joined by
        label where they have labels, else by position.
    y : array-like (obs[, trait])
        Response. Rows whose y is missing (for all traits) are neither trained on nor tested;
        missing values of single traits are passed to the model and not scored.
    covariates : array-like (obs, covariate), optional
        Covariates, passed to the models.
    weights : array-like (obs,), optional
        Relative precisions of the rows, passed to the models. Default: 1.
    folds : int, array-like (obs,), or iterable of (train, test), default 5
        The number of folds, to which rows are assigned at random, in (nearly) equal numbers; or the
        fold of each row, joined by label if it has labels; or pairs of positions, as
        ``KFold(5).split(X)`` of scikit-learn gives. All models have the same folds. Related rows
        (families, repeated records) belong in one fold.
    ci_prob : float, default 0.95
        Probability of the equal-tailed predictive intervals, in (0, 1).
    keep_draws : bool or int, default False
        Keep the predictive draws, or this number of them per chain, evenly spaced. They take 8
        bytes for each model, draw, row and trait.
    random_seed : int, list of int, numpy.random.Generator or None, optional
        Seed of folds, fits and predictions. The results of a model do not depend on the other
        models. Default: a new one at each call.
    quiet : bool, default False
        Show no progress bar, no convergence warnings and no warnings of the functions.
    **sample_kwargs
        Passed to `blrzoo.sample`: draws, tune, chains, cores, ...; not ``keep="summary"``, which
        leaves no predictive draws to score.

    Returns
    -------
    xarray.DataTree
        The scores are those of `score` (``n``, ``r2``, ``correlation``, ``rmse``, ``mae``,
        ``coverage``, ``width``, ``crps``) and ``log_score`` (mean log predictive density), in the
        groups

        - ``overall``, dims (model[, trait]): scores of all held-out rows together, and their
          standard errors over folds, ``rmse_se`` and so on
        - ``difference`` (several models), dims (model[, trait]): mean over folds of the score
          minus that of the first model, with its standard error, paired by fold
        - ``scores``, dims (model, fold[, trait])
        - ``predictions``, dims (model, obs[, trait]): held-out ``mean``, ``sd``, ``lower``,
          ``upper``, ``crps``, ``log_score``, and the response ``y``; the coordinate ``fold``
        - ``draws`` (with `keep_draws`), dims (model, chain, draw, obs[, trait]): ``y``

    Raises
    ------
    TypeError, ValueError
        For models, data, folds or other arguments that are refused; for a function that changes the
        values of X, covariates or y, or renames columns.
    Exception
        What a fit raises. If fits were finished before, the attribute ``partial`` of the exception
        is their DataTree.

    Warns
    -----
    UserWarning
        If it was interrupted (Ctrl-C): the finished fits are returned, and the others are NaN.
        ``overall`` and ``difference`` are then of the folds that are finished for all models.

    Notes
    -----
    The standard errors are the SD of the scores of the k folds divided by :math:`\sqrt{k}`. They
    are rough: there are few folds, whose training sets overlap, and there is no unbiased estimator
    [1]_. ``r2`` of a small fold is noisy: look at ``overall``.

    `arviz.loo_kfold` computes the log score of one model, from a wrapper that refits it. This
    function compares several models on the same folds, and has the predictions and other scores.

    References
    ----------
    .. [1] Bengio & Grandvalet (2004). No unbiased estimator of the variance of k-fold
       cross-validation. Journal of Machine Learning Research 5:1089-1105.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.validation import cross_validate
    >>> data = blr.simulate(n=60, p=10, n_causal=2, h2=0.8, random_seed=1)
    >>> models = {"ridge": blr.single_component, "selection": blr.spike_slab}
    >>> settings = dict(draws=100, tune=50, chains=1, random_seed=1, quiet=True)
    >>> result = cross_validate(models, data.X, data.y, folds=2, **settings)
    >>> list(result.children), dict(result.scores.sizes)
    (['scores', 'overall', 'difference', 'predictions'], {'model': 2, 'fold': 2})
    """
    ci_prob = check_interval(ci_prob)
    keep_draws = _KEEP_DRAWS.check("keep_draws", keep_draws)
    _KEEP.check("keep", sample_kwargs.get("keep", "draws"))
    quiet = Flag(default=False).check("quiet", quiet)
    Seed().check("random_seed", random_seed)
    factories = _factories(models)
    data = Data.read(X, y, covariates, weights)
    rng = np.random.default_rng(random_seed)
    plan = read_folds(folds, data.obs, data.known, rng)
    seeds = rng.integers(2**31, size=(len(plan), 2)).tolist()
    results = Results(list(factories), plan, data)
    settings = {"compute_convergence_checks": not quiet} | sample_kwargs
    steps = list(product(enumerate(plan), factories.items()))
    try:
        for (k, fold), (name, factory) in track(steps, not quiet, _step_name):
            model = _model(factory, name, data.rows(fold.train), quiet)
            idata = _fit(model, seeds[k][0], settings)
            _report(idata, f"{name}, fold {fold.label}", settings)
            held_out = of_fit(data.rows(fold.test), idata)
            results.add(name, k, *_test(idata, held_out, seeds[k][1], ci_prob, keep_draws))
    except KeyboardInterrupt:
        if not len(results):
            raise
        _warn_interrupted(results)
    except Exception as error:
        if len(results):
            error.partial = results.tree()  # type: ignore[attr-defined]
            error.add_note(f"{len(results)} fits before it are in the attribute 'partial' of this.")
        raise
    return results.tree()


def _model(factory: Factory, name: str, train: Data, quiet: bool) -> pm.Model:
    with warnings.catch_warnings():
        if quiet:  # about copies and the like, in each fit
            warnings.simplefilter("ignore", UserWarning)
        model = factory(train.X, train.y, **train.more)
    if not isinstance(model, pm.Model):
        raise TypeError(
            f"models must be functions that return a pm.Model; got {type(model).__name__} from "
            f"{_name(factory)}. Return the model, not its draws."
        )
    check_unchanged(model, train, repr(name))
    return model


def _fit(model: pm.Model, seed: int, settings: dict[str, Any]) -> xr.DataTree:
    idata = sample(
        model,
        **settings | {"random_seed": seed, "quiet": True, "compute_convergence_checks": False},
    )
    default = inspect.signature(pm.sample).parameters["draws"].default
    wanted = settings.get("draws", default), settings.get("chains", 4)
    got = tuple(idata["posterior"].sizes[dim] for dim in ("draw", "chain"))
    if got[0] < wanted[0] or got[1] < wanted[1]:
        raise KeyboardInterrupt  # pm.sample returned the draws until then
    return idata


def _report(idata: xr.DataTree, fit: str, settings: Mapping[str, object]) -> None:
    """Log what is wrong with the convergence of a fit."""
    if settings["compute_convergence_checks"]:
        for message in convergence_messages(idata):
            _log.warning("%s: %s", fit, message)


def _test(
    idata: xr.DataTree, test: Data, seed: int, ci_prob: float, keep_draws: bool | int
) -> tuple[xr.Dataset, xr.DataArray | None]:
    """Pointwise scores, and draws to keep."""
    draws = predict(idata, test.X, summary=False, random_seed=seed, **test.more)
    assert isinstance(draws, xr.DataArray)
    rows = score(test.y, draws, ci_prob=ci_prob, pointwise=True)
    rows = rows.assign(log_score=log_score(idata, test.X, test.y, **test.more))
    if keep_draws is False:
        return rows, None
    return rows, draws if keep_draws is True else _thin(draws, keep_draws)


def _thin(draws: xr.DataArray, keep: int) -> xr.DataArray:
    size = draws.sizes["draw"]
    chosen = np.linspace(0, size - 1, min(keep, size)).round().astype(int)
    return draws.isel(draw=chosen)


def _warn_interrupted(results: Results) -> None:
    warnings.warn(
        f"Interrupted after {len(results)} of {len(results.models) * len(results.folds)} fits: "
        f"the others are missing (NaN) in the result.",
        UserWarning,
        stacklevel=3,
    )


def _step_name(step: tuple[tuple[int, Fold], tuple[str, Factory]]) -> str:
    (_, fold), (name, _) = step
    return f"{name}, fold {fold.label}"


def _factories(models: object) -> dict[str, Factory]:
    named = models if isinstance(models, Mapping) else {_name(models): models}
    wrong = [
        value for value in named.values() if not callable(value) or isinstance(value, pm.Model)
    ]
    if wrong or not all(isinstance(name, str) for name in named):
        got = f"{type(wrong[0]).__name__}" if wrong else f"names {list(named)}"
        raise TypeError(
            f"models must be a function (X, y) that makes a pm.Model, or a dict of them by name "
            f"(str); got {got}. Pass blr.spike_slab, not blr.spike_slab(X, y)."
        )
    if not named:
        raise ValueError("models must be at least one, got an empty dict. Add a factory.")
    return dict(named)


def _name(factory: object) -> str:
    """Name of a function, also of a partial one."""
    name = getattr(getattr(factory, "func", factory), "__name__", "model")
    return "model" if name == "<lambda>" else name
