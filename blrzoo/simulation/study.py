"""`simulate`: from arguments to an `xarray.Dataset` with the data and their true parameters."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.checks import Choice, Integer, Number
from blrzoo.simulation.draws import (
    draw_effects,
    draw_features,
    draw_missing,
    draw_noise,
    generator,
)
from blrzoo.simulation.plan import (
    FeatureGroups,
    Floats,
    TraitPlan,
    as_attribute,
    check_counts,
    check_groups,
    check_maf,
    check_missing,
    check_traits,
    latent_correlation,
    numbered,
)

__all__ = ["simulate"]

_DISTRIBUTIONS = ("gaussian", "genotype")
_EFFECTS = ("normal", "equal")
_PAIRS = ("trait", "trait_bis")


def simulate(
    n: int = 500,
    p: int = 100,
    *,
    n_traits: int | None = None,
    n_causal: int | None = None,
    h2: float | Sequence[float] = 0.5,
    genetic_correlation: float | ArrayLike = 0.0,
    residual_correlation: float | ArrayLike = 0.0,
    overlap: float = 1.0,
    n_groups: int | None = None,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    causal_weights: Mapping[Any, float] | Sequence[float] | np.ndarray | None = None,
    correlation: float = 0.0,
    distribution: Literal["gaussian", "genotype"] = "gaussian",
    maf: Sequence[float] | None = None,
    effects: Literal["normal", "equal"] = "normal",
    mu: float | Sequence[float] = 0.0,
    missing: float | Literal["disjoint"] = 0.0,
    random_seed: int | Sequence[int] | np.random.Generator | None = None,
) -> xr.Dataset:
    r"""Simulate a linear regression with known effects and a known share of explained variance.

    One trait, or T of them (`n_traits`):

    .. math::

        y_i = \mu + x_i'\beta + e_i, \qquad e_i \sim N(0, \sigma^2)

        y_{it} = \mu_t + x_i'\beta_t + e_{it}, \qquad e_i \sim N_T(0, \Sigma_e)

    `n_causal` features, chosen at random, have an effect; the others have none. The effects are
    scaled so that the variance of :math:`X\beta` over the `n` rows is exactly `h2`, and
    :math:`\sigma^2 = 1 - h2`: the response has a variance of about 1. With several traits this
    holds for each, and with :math:`\delta_{jt} = 1` for a causal feature and
    :math:`s_t > 0` the scale of trait t,

    .. math::

        \beta_{jt} = s_t \delta_{jt} \alpha_{jt}, \qquad \alpha_j \sim N_T(0, R_g), \qquad
        \Sigma_{e,tu} = R_{e,tu} \sqrt{(1 - h2_t)(1 - h2_u)}

    Parameters
    ----------
    n : int, default 500
        Number of observations, at least 2.
    p : int, default 100
        Number of features, at least 1.
    n_traits : int, optional
        Number of traits T, 1 to 5,000; the data then have a dim ``trait``, also if T is 1.
        Default: one trait, without that dim.
    n_causal : int, optional
        Number of features with an effect on a trait, the same for each, 0 to `p`; 0 if and only if
        `h2` is 0 (for all traits). With ``shared = round(overlap * n_causal)`` of them in common,
        ``shared + T * (n_causal - shared)`` features are causal, at most `p`.
        Default: the largest number up to 10 for which there are enough features (in groups whose
        `causal_weights` are positive); 0 if `h2` is 0.
    h2 : float, or (trait,) floats, default 0.5
        Share of variance that is due to `X` (heritability), ``0 <= h2 < 1``:
        ``var(X beta) / (var(X beta) + sigma2)``, with var the mean squared deviation over the rows.
        A trait whose `h2` is 0 has no causal features.
    genetic_correlation : float, or (trait, trait) floats, default 0.0
        :math:`R_g`: correlation between the effects, on two traits, of a feature that is causal for
        both; one number for all pairs, from ``-1 / (T - 1)`` to 1, or a matrix that is symmetric
        and positive semi-definite, with ones on the diagonal. For the correlation of ``X beta``,
        see Notes.
    residual_correlation : float, or (trait, trait) floats, default 0.0
        :math:`R_e`: correlation between the residuals of two traits; a number or a matrix,
        likewise.
    overlap : float, default 1.0
        Share of a trait's causal features that are causal for all traits, 0 to 1; the others are
        causal for this trait only. 1: all traits have the same causal features; 0: no two traits
        have one in common.
    n_groups : int, optional
        Number of groups, 1 to `p`: blocks of consecutive features of (nearly) equal sizes, with
        the labels ``"group1"``, ... Default: no groups, or those of `groups`.
    groups : (feature,) labels, optional
        List or array with the label of each feature's group, instead of `n_groups`. Default: no
        groups, or those of `n_groups`.
    causal_weights : dict, or (group,) floats, optional
        Relative probability that a feature of the group is causal: ``{"group1": 5}`` makes it 5
        times that of the other groups, which have weight 1. Numbers without labels are in the order
        of the groups' first features. Default: 1 for each group.
    correlation : float, default 0.0
        Correlation between neighboring features, ``-1 < correlation < 1``: features j and k
        have the correlation ``correlation ** abs(j - k)`` (a first-order autoregression). For
        genotypes it is the correlation of the latent normals; that of the genotypes is weaker (see
        Notes).
    distribution : {"gaussian", "genotype"}, default "gaussian"
        Standard normal features (float64), or counts 0, 1, 2 of an allele (int8).
    maf : (low, high), optional
        For ``distribution="genotype"`` only: the frequency of the counted allele is uniform
        between these bounds, ``0 < low <= high <= 0.5``. Default: ``(0.05, 0.5)``.
    effects : {"normal", "equal"}, default "normal"
        Before scaling, causal effects are N(0, 1), or 1 with a random sign. They are effects per
        unit of X: for genotypes, per copy of the allele.
    mu : float, or (trait,) floats, default 0.0
        Intercept: the mean of y where all features are 0 (X is not centered).
    missing : float or "disjoint", default 0.0
        Share of each trait's values that are missing (NaN), ``0 <= missing < 1``:
        ``round(missing * n)`` rows, drawn at random for each trait, so that all values of a row can
        be missing. ``"disjoint"``: only one trait of each row is measured, in row i trait
        ``i % T``. Each trait keeps at least 2 values.
    random_seed : int, list of int, numpy.random.Generator or None, optional
        Seed, at least 0; or the generator to draw from, which advances. Default: a seed is drawn
        and stored in the attributes, so that the same data can be simulated again.

    Returns
    -------
    xarray.Dataset
        - ``X`` (obs, feature), ``y`` (obs): the data.
        - ``beta`` (feature), ``causal`` (feature; bool), ``mu``, ``sigma2``, ``h2`` (realized):
          the true values. For genotypes also ``maf`` (feature), the frequency in the population.
        - With `n_traits`: ``y`` (obs, trait), ``beta`` and ``causal`` (feature, trait), ``mu`` and
          ``h2`` (trait); and (trait, trait_bis), in place of ``sigma2``, ``Sigma_e``,
          ``genetic_covariance`` and ``genetic_correlation``. The last two are realized, those of
          ``X beta`` over all `n` rows; a correlation is NaN if the `h2` of a trait is 0.
        - With `n_groups` or `groups`: ``groups`` (feature; str), the labels.
        - Coordinates ``obs`` (0 to n - 1) and ``feature`` (``"x001"``, or ``"snp001"``); with
          `n_traits` also ``trait`` and ``trait_bis`` (``"trait1"``).
        - Attributes: the arguments that apply, as numbers, str or lists of numbers. A matrix is
          listed row by row; `causal_weights` are in the order of the groups' first features;
          `groups` is a variable instead. `maf` is there for genotypes only, `missing` if it is not
          0. `random_seed` is a str if it is 2**63 or more, a list or a generator.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument is out of range or has the wrong shape; if correlations are not a correlation
        matrix; if there are too few features for the causal ones, or too few rows for the missing
        values; if an argument for several traits, or for groups, is given without them; or if a
        column of genotypes is constant in each of 1000 draws: `n` or `maf` very small, or `n`
        small and `correlation` close to -1.

    Notes
    -----
    A genotype is the sum of two independent haplotypes (Hardy-Weinberg equilibrium). A haplotype
    carries the counted allele where a latent stationary Gaussian autoregression along the features
    is below the normal quantile of the allele's frequency. Neighboring genotypes at frequency 1/2
    have the correlation ``2 / pi * arcsin(correlation)``, those of rarer alleles a weaker one. A
    constant column is drawn again, with a new frequency, given the column before it.

    The genetic correlation of two traits, that of ``X beta``, is near
    ``genetic_correlation * shared / n_causal`` if the features are uncorrelated and many are
    causal. With few causal features the realized one can be far from it, since :math:`R_g` is the
    correlation of the distribution that the effects are drawn from. With ``effects="equal"`` the
    signs of latent normals have this correlation; the correlation of these normals is
    ``sin(pi / 2 * R_g)``, which must be positive semi-definite as well.

    With `causal_weights` the causal features of all traits are drawn one after the other, without
    replacement, each with a probability proportional to its weight among the remaining ones;
    which of them are shared is random. If a large part of a group becomes causal, its share of the
    causal features is therefore smaller than its share of the weights. The variance that a group
    explains is roughly proportional to its number of causal features.

    For a given seed, `X` and the residuals (up to their SD) do not change with `n_causal`, `h2`,
    `genetic_correlation`, `overlap`, `n_groups`, `groups`, `causal_weights`, `effects` and `mu`,
    and none of the draws change with `missing`. The residuals of the first trait are those of a
    single trait, whatever `n_traits` and `residual_correlation` are.

    Examples
    --------
    >>> import numpy as np
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=200, p=50, n_causal=5, h2=0.4, correlation=0.8, random_seed=1)
    >>> data.X.shape, data.y.shape
    ((200, 50), (200,))
    >>> int(data.causal.sum()), round(float(data.h2), 10)
    (5, 0.4)
    >>> snps = blr.simulate(n=100, p=1000, distribution="genotype", correlation=0.9, random_seed=1)
    >>> snps.X.dtype, np.unique(snps.X).tolist(), str(snps.feature.values[0])
    (dtype('int8'), [0, 1, 2], 'snp0001')

    Three traits, with half of each one's 20 causal features in common, most of them in the first
    of four groups, and a tenth of the values missing:

    >>> study = blr.simulate(
    ...     n=200,
    ...     p=400,
    ...     n_traits=3,
    ...     n_causal=20,
    ...     h2=[0.6, 0.4, 0.2],
    ...     genetic_correlation=0.7,
    ...     residual_correlation=[[1.0, 0.3, 0.0], [0.3, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ...     overlap=0.5,
    ...     n_groups=4,
    ...     causal_weights={"group1": 10},
    ...     missing=0.1,
    ...     random_seed=1,
    ... )
    >>> study.y.dims, study.y.shape, study.y.isnull().sum("obs").values.tolist()
    (('obs', 'trait'), (200, 3), [20, 20, 20])
    >>> study.h2.values.round(10).tolist(), study.causal.sum("feature").values.tolist()
    ([0.6, 0.4, 0.2], [20, 20, 20])
    >>> int(study.causal.all("trait").sum()), int(study.causal.any("trait").sum())
    (10, 40)
    >>> study.genetic_correlation.dims, study.Sigma_e.sel(trait="trait1").values.round(2).tolist()
    (('trait', 'trait_bis'), [0.4, 0.15, 0.0])
    """
    n, p = Integer(2, default=500).check("n", n), Integer(1, default=100).check("p", p)
    traits = check_traits(n_traits, h2, mu, genetic_correlation, residual_correlation, overlap)
    grouping = check_groups(n_groups, groups, causal_weights, p)
    weights = None if grouping is None else grouping.feature_weights
    counts = check_counts(n_causal, p, traits, weights)
    correlation = Number(above=-1, below=1, default=0.0).check("correlation", correlation)
    Choice(_DISTRIBUTIONS, default="gaussian").check("distribution", distribution)
    Choice(_EFFECTS, default="normal").check("effects", effects)
    latent = latent_correlation("genetic_correlation", traits.genetic, effects)
    bounds = check_maf(maf, distribution)
    absent = check_missing(missing, n, traits.count)
    rng, seed = generator(random_seed)

    X, frequency = draw_features(n, p, correlation, bounds, rng)
    # X and the noise come first and use the generator in the same way for all effects, so that
    # studies of different h2 or n_causal share them. Missing values come last.
    noise = draw_noise(n, traits.residual, rng)
    beta, signal = draw_effects(X, traits.h2, counts, weights, latent, effects, rng)
    y = traits.mu + signal + np.sqrt(1.0 - traits.h2) * noise
    y[draw_missing(y.shape, absent, rng)] = np.nan

    attrs: dict[str, object] = dict(n=n, p=p, n_causal=counts.each, h2=as_attribute(h2))
    attrs |= dict(
        correlation=correlation, distribution=distribution, effects=effects, mu=as_attribute(mu)
    )
    attrs["random_seed"] = seed
    if traits.count is not None:
        attrs |= dict(n_traits=traits.count, overlap=traits.overlap)
        attrs["genetic_correlation"] = as_attribute(genetic_correlation)
        attrs["residual_correlation"] = as_attribute(residual_correlation)
    if bounds is not None:
        attrs["maf"] = list(bounds)
    if n_groups is not None:
        attrs["n_groups"] = int(n_groups)
    if grouping is not None:
        attrs["causal_weights"] = as_attribute(grouping.weights)
    if absent:
        attrs["missing"] = absent
    return _as_dataset(X, y, beta, signal, frequency, grouping, traits, attrs)


def _as_dataset(
    X: np.ndarray,
    y: Floats,
    beta: Floats,
    signal: Floats,
    frequency: Floats | None,
    groups: FeatureGroups | None,
    traits: TraitPlan,
    attrs: dict[str, object],
) -> xr.Dataset:
    """Dataset of data and true values; y, beta and signal have a column for each trait."""
    n, p = X.shape
    variables = _variables(X, y, beta, signal, traits)
    coords: dict[str, object] = {"obs": np.arange(n)}
    coords["feature"] = numbered("x" if frequency is None else "snp", p)
    if traits.count is not None:
        variables |= _covariances(signal, traits)
        coords["trait"] = coords["trait_bis"] = numbered("trait", traits.count)
    if frequency is not None:
        variables["maf"] = ("feature", frequency, {"long_name": "frequency of the counted allele"})
    if groups is not None:
        variables["groups"] = ("feature", groups.labels, {"long_name": "group of the feature"})
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _variables(
    X: np.ndarray, y: Floats, beta: Floats, signal: Floats, traits: TraitPlan
) -> dict[str, tuple[object, ...]]:
    one = traits.count is None
    dims: tuple[str, ...] = () if one else ("trait",)
    last = 0 if one else slice(None)
    explained, sigma2 = signal.var(axis=0), 1.0 - traits.h2
    h2 = explained / (explained + sigma2)
    variables: dict[str, tuple[object, ...]] = {
        "X": (("obs", "feature"), X),
        "y": (("obs", *dims), y[:, last]),
        "beta": (("feature", *dims), beta[:, last], {"long_name": "effect per unit of X"}),
        "causal": (("feature", *dims), beta[:, last] != 0.0, {"long_name": "has an effect"}),
        "mu": (dims, traits.mu[last], {"long_name": "intercept"}),
    }
    if one:
        variables["sigma2"] = (dims, sigma2[last], {"long_name": "residual variance"})
    return variables | {"h2": (dims, h2[last], {"long_name": "realized heritability"})}


def _covariances(signal: Floats, traits: TraitPlan) -> dict[str, tuple[object, ...]]:
    centered = signal - signal.mean(axis=0)
    covariance = centered.T @ centered / len(signal)
    sd = np.sqrt(np.diagonal(covariance))
    with np.errstate(invalid="ignore"):  # NaN for a trait without heritability
        correlation = covariance / np.outer(sd, sd)
    return {
        "genetic_covariance": (_PAIRS, covariance, {"long_name": "realized, of X beta"}),
        "genetic_correlation": (_PAIRS, correlation, {"long_name": "realized, of X beta"}),
        "Sigma_e": (_PAIRS, traits.residual_covariance, {"long_name": "residual covariance"}),
    }
