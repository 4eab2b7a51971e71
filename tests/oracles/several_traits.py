"""Exact posteriors of small problems with several traits, computed without blrzoo.

Given the covariances and the component of each feature, the model is a linear regression of vec(Y)
with known residual covariance, in which any element of Y may be missing.
"""

import itertools

import numpy as np
from scipy import special

from tests.oracles.one_trait import Exact


def enumerate_covariances(X, Y, *, covariances, pi, Sigma_e, mu=(0.0, 10.0), included=None):
    """Exact posterior over all K^p label vectors; effects of feature j ~ N(0, covariances[k]).

    covariances: (component, trait, trait), positive semi-definite. pi: (component,) or (feature,
    component). included: (component, trait), whether a component affects a trait. The result has
    the elements (feature, trait) in C order.
    """
    p, K = X.shape[1], len(covariances)
    T = Y.shape[1]
    pi = np.broadcast_to(pi, (p, K))
    included = np.ones((K, T)) if included is None else np.asarray(included)
    rows = []
    for labels in itertools.product(range(K), repeat=p):
        labels = np.array(labels)
        with np.errstate(divide="ignore"):
            prior = np.log(pi[np.arange(p), labels]).sum()
        evidence, mean, sd = normal_posterior(X, Y, covariances[labels], Sigma_e, mu)
        rows.append((prior + evidence, included[labels].ravel(), mean, sd, labels))
    logs, on, means, sds, labels = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.exp(logs - special.logsumexp(logs))
    return Exact(weights, on, means, sds, {"label": labels, "log_evidence": logs})


def normal_posterior(X, Y, covariances, Sigma_e, mu=(0.0, 10.0)):
    """Log evidence, and mean and SD of each effect, for known covariances, (feature, T, T).

    Computed from the covariance of Y, so that covariances of effects may be singular.
    """
    n, T = Y.shape
    X = X - X.mean(axis=0)
    design = np.kron(X, np.eye(T))  # vec of rows: (obs, trait) by (feature, trait)
    prior = np.zeros((X.shape[1] * T,) * 2)
    for j, covariance in enumerate(covariances):
        prior[j * T : (j + 1) * T, j * T : (j + 1) * T] = covariance
    ones = np.kron(np.ones((n, 1)), np.eye(T))
    total = design @ prior @ design.T + np.kron(np.eye(n), Sigma_e) + mu[1] ** 2 * ones @ ones.T
    known = ~np.isnan(Y).ravel()
    e = Y.ravel()[known] - mu[0]
    V, C = total[np.ix_(known, known)], (prior @ design.T)[:, known]
    solved = np.linalg.solve(V, e)
    evidence = -0.5 * (known.sum() * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + e @ solved)
    variance = np.diag(prior - C @ np.linalg.solve(V, C.T))
    return evidence, C @ solved, np.sqrt(np.clip(variance, 0, None))


def elements(idata):
    """Effects and indicators with one dim, (feature, trait) in C order."""
    posterior = idata.posterior.dataset
    kept = [name for name in ("beta", "delta") if name in posterior]
    flat = posterior[kept].stack(element=("feature", "trait"), create_index=False)
    flat = flat.drop_vars(["feature", "trait"]).rename(element="feature")
    flat = flat.assign_coords(feature=np.arange(flat.sizes["feature"]))
    return flat.transpose("chain", "draw", "feature")
