"""Spike-and-slab without blrzoo: the sampler of textbooks, and the model for JAGS."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numba import njit

__all__ = ["JAGS_NAMES", "find_jags", "jags", "single_site"]


@njit
def single_site(rows, y, a, b, nu_tau, s_tau, nu_sigma, s_sigma, sd_mu, draws, rng):
    """Draws of sigma2, tau2 and model size; `rows` are the centered features, (feature, obs)."""
    p, n = rows.shape
    beta, included, r = np.zeros(p), np.zeros(p, dtype=np.bool_), y.copy()
    squares = (rows**2).sum(axis=1)
    mu, pi, tau2, sigma2 = 0.0, a / (a + b), s_tau, s_sigma
    kept = np.empty((draws, 3))
    for t in range(draws):
        for j in range(p):
            r += rows[j] * beta[j]  # the residual without feature j
            precision = squares[j] / sigma2 + 1 / tau2
            mean = (rows[j] @ r) / sigma2 / precision
            log_odds = np.log(pi / (1 - pi))
            log_odds += 0.5 * (precision * mean**2 - np.log(precision * tau2))
            included[j] = rng.random() < 1 / (1 + np.exp(-log_odds))
            beta[j] = mean + rng.normal() / np.sqrt(precision) if included[j] else 0.0
            r -= rows[j] * beta[j]
        size = included.sum()
        scale = 0.5 * (nu_tau * s_tau + (beta**2).sum())
        tau2 = scale / rng.standard_gamma(0.5 * (nu_tau + size))
        pi = rng.beta(a + size, b + p - size)
        r += mu
        precision = n / sigma2 + 1 / sd_mu**2
        mu = r.sum() / sigma2 / precision + rng.normal() / np.sqrt(precision)
        r -= mu
        sigma2 = (
            0.5 * (nu_sigma * s_sigma + (r**2).sum()) / rng.standard_gamma(0.5 * (nu_sigma + n))
        )
        kept[t, 0], kept[t, 1], kept[t, 2] = sigma2, tau2, size
    return kept


JAGS_NAMES = ("sigma2", "tau2", "size")

MODEL = """
model {
  for (i in 1:n) { y[i] ~ dnorm(mu + inprod(X[i, ], beta), 1 / sigma2) }
  for (j in 1:p) {
    beta[j] <- delta[j] * b[j]
    delta[j] ~ dbern(pi)
    b[j] ~ dnorm(0, 1 / tau2)
  }
  size <- sum(delta)
  mu ~ dnorm(0, 1 / pow(sd_mu, 2))
  pi ~ dbeta(a, b0)
  inverse_tau2 ~ dgamma(nu_tau / 2, nu_tau * s_tau / 2)
  inverse_sigma2 ~ dgamma(nu_sigma / 2, nu_sigma * s_sigma / 2)
  tau2 <- 1 / inverse_tau2
  sigma2 <- 1 / inverse_sigma2
}
"""


def find_jags() -> str | None:
    """Path of the program `jags`, or None."""
    return shutil.which("jags")


def jags(
    data: dict[str, np.ndarray], draws: int, tune: int, chains: int, seed: int
) -> tuple[dict[str, np.ndarray], float]:
    """Draws by name, (chain, draw), and CPU seconds of the process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "model.bug").write_text(MODEL)
        (path / "data.R").write_text("\n".join(_dump(k, v) for k, v in data.items()) + "\n")
        for chain in range(1, chains + 1):
            rng = f'".RNG.name" <- "base::Mersenne-Twister"\n".RNG.seed" <- {seed + chain}\n'
            (path / f"start{chain}.R").write_text(rng)
        (path / "run.cmd").write_text(_commands(draws, tune, chains))
        start = sum(os.times()[2:4])
        command = [str(find_jags()), "run.cmd"]
        done = subprocess.run(command, cwd=path, capture_output=True, text=True)
        if not (path / "CODAindex.txt").exists():
            raise RuntimeError(f"JAGS failed:\n{done.stdout}{done.stderr}")
        return _read(path, chains), sum(os.times()[2:4]) - start


def _commands(draws: int, tune: int, chains: int) -> str:
    starts = [f"parameters in start{c}.R, chain({c})" for c in range(1, chains + 1)]
    monitors = [f"monitor {name}" for name in JAGS_NAMES]
    lines = ["load glm", "model in model.bug", "data in data.R", f"compile, nchains({chains})"]
    lines += [*starts, "initialize", f"update {tune}", *monitors, f"update {draws}", "coda *"]
    return "\n".join([*lines, "exit", ""])


def _dump(name: str, value: np.ndarray) -> str:
    numbers = ", ".join(repr(float(v)) for v in np.ravel(value, order="F"))
    vector = f"c({numbers})"
    if np.ndim(value) == 2:
        vector = f"structure({vector}, .Dim = c({', '.join(map(str, np.shape(value)))}))"
    return f'"{name}" <- {vector}'


def _read(path: Path, chains: int) -> dict[str, np.ndarray]:
    index = [line.split() for line in (path / "CODAindex.txt").read_text().splitlines()]
    found = [np.loadtxt(path / f"CODAchain{c}.txt")[:, 1] for c in range(1, chains + 1)]
    return {
        name: np.array([draws[int(first) - 1 : int(last)] for draws in found])
        for name, first, last in index
    }
