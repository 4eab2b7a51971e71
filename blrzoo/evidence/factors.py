"""`bayes_factors`: comparison of models by their marginal likelihoods."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from blrzoo.checks import Choice, Instance, NoneOr, Seed
from blrzoo.evidence.marginal import log_marginal_likelihood
from blrzoo.evidence.observed import check_same, response_of
from blrzoo.evidence.power import check_model

__all__ = ["bayes_factors"]


def bayes_factors(
    models: Mapping[str, pm.Model | xr.Dataset],
    *,
    reference: str | None = None,
    prior: Mapping[str, float] | None = None,
    random_seed: int | Sequence[int] | np.random.Generator | None = None,
    **kwargs: Any,
) -> xr.Dataset:
    r"""Compare models of the same data by their marginal likelihoods.

    .. math:: \log BF_{m, r} = \log p(y | m) - \log p(y | r), \quad
       P(m | y) \propto P(m) \, p(y | m)

    A Bayes factor compares models **with their priors**, on which it depends however large the data
    are, unlike the posterior of a parameter. Choose the priors before you see y, and examine how
    the factor changes with them [1]_. The default priors of blrzoo are scaled by the variance of y,
    in the same way in all models.

    Parameters
    ----------
    models : mapping of str to pm.Model or xarray.Dataset
        Models by name, or what `log_marginal_likelihood` returned for them.
    reference : str, optional
        Name of the model r of the formula. Default: the one with the largest marginal likelihood.
    prior : mapping of str to float, optional
        Prior probability of each model, or anything proportional to it. Default: all equal.
    random_seed : int, list of int, Generator or None, optional
        Seed of the estimates. Default: a new one at each call.
    **kwargs
        Passed to `log_marginal_likelihood` for each model: method, stones, draws, tune, chains,
        progressbar, compile_kwargs.

    Returns
    -------
    xarray.Dataset
        Dims (model): ``log_marginal_likelihood`` with its Monte Carlo standard error ``se``,
        ``log_bayes_factor`` (natural logarithm) against the reference with
        ``log_bayes_factor_se``, and ``probability``, the posterior probability of each model among
        these, with ``probability_se``. The attribute ``reference`` is the name of the reference.

    Raises
    ------
    TypeError
        If `models` is not a mapping of models or such results.
    ValueError
        For fewer than two models, a `reference` that is not one of them, a `prior` that is not a
        positive number for each, models of different y, and models that blrzoo did not make.

    References
    ----------
    .. [1] Kass & Raftery (1995). Bayes factors. JASA 90:773-795.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.evidence.factors import bayes_factors
    >>> data = blr.simulate(n=100, p=5, n_causal=1, h2=0.7, random_seed=1)
    >>> narrow, wide = (blr.single_component(data.X, data.y, tau2=v) for v in (0.1, 10.0))
    >>> result = bayes_factors({"narrow": narrow, "wide": wide})
    >>> result.reference, result["log_bayes_factor"].sel(model="wide").item() < -5
    ('narrow', True)
    """
    _check_models(models)
    names = [str(name) for name in models]
    check_same({str(name): _response(model) for name, model in models.items()})
    NoneOr(Choice(names, advice="Leave it out for the best one.")).check("reference", reference)
    weights = _weights(prior, names)
    Seed().check("random_seed", random_seed)
    seeds = np.random.default_rng(random_seed).spawn(len(names))
    results = [
        log_marginal_likelihood(model, random_seed=seed, **kwargs)
        if isinstance(model, pm.Model)
        else model
        for model, seed in zip(models.values(), seeds, strict=True)
    ]
    logs, errors = (
        np.array([float(result[key]) for result in results])
        for key in ("log_marginal_likelihood", "se")
    )
    chosen = int(logs.argmax()) if reference is None else names.index(reference)
    return _table(names, logs, errors, weights, chosen)


def _table(
    names: list[str], logs: np.ndarray, errors: np.ndarray, weights: np.ndarray, chosen: int
) -> xr.Dataset:
    others = np.arange(len(names)) != chosen
    odds = np.log(weights) + logs
    probability = np.exp(odds - odds.max())
    probability /= probability.sum()
    # d p_i / d log p(y | j) = p_i (1{i = j} - p_j)
    slopes = probability[:, None] * (np.eye(len(names)) - probability)
    columns = {
        "log_marginal_likelihood": logs,
        "se": errors,
        "log_bayes_factor": logs - logs[chosen],
        "log_bayes_factor_se": others * np.hypot(errors, errors[chosen]),
        "probability": probability,
        "probability_se": np.sqrt((slopes**2) @ errors**2),
    }
    return xr.Dataset(
        {name: ("model", column) for name, column in columns.items()},
        coords={"model": names},
        attrs={"reference": names[chosen]},
    )


def _check_models(models: Mapping[str, pm.Model | xr.Dataset]) -> None:
    remedy = "Pass {'name': model, ...}."
    Instance(Mapping, "a mapping of names to models", advice=remedy).check("models", models)
    if len(models) < 2:
        raise ValueError(f"models must be two or more, got {len(models)}. {remedy}")
    for name, model in models.items():
        result = isinstance(model, xr.Dataset) and {"log_marginal_likelihood", "se", "y"} <= set(
            model.data_vars
        )
        if not result and not isinstance(model, pm.Model):
            raise TypeError(
                f"models must be models or results of log_marginal_likelihood, got "
                f"{type(model).__name__} for {name!r}. {remedy}"
            )


def _response(model: pm.Model | xr.Dataset) -> xr.DataArray:
    if isinstance(model, xr.Dataset):
        return model["y"]
    check_model(model)
    return response_of(model)


def _weights(prior: object, names: list[str]) -> np.ndarray:
    if prior is None:
        return np.ones(len(names))
    remedy = "Give each model a positive number, or leave prior out for equal ones."
    if not isinstance(prior, Mapping) or {str(key) for key in prior} != set(names):
        got = list(prior) if isinstance(prior, Mapping) else type(prior).__name__
        raise ValueError(f"prior must have a number for each of {names}, got {got}. {remedy}")
    weights = np.array([float({str(k): v for k, v in prior.items()}[name]) for name in names])
    if not ((weights > 0) & np.isfinite(weights)).all():
        raise ValueError(f"prior must be positive and finite, got {dict(prior)}. {remedy}")
    return weights
