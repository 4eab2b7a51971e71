"""Break the package on purpose and check that a test fails: python -m tests.strength [NAME ...].

Each fault changes one place in a copy of the checkout, in which the tests named for it are run. One
of them must fail, as run by `make test` or else by `make test-slow`.
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PASSED, FAILED, NONE = 0, 1, 5  # exit codes of pytest; NONE: no test was selected
#: How the makefile runs tests.
RUNS = {"make test": [], "make test-slow": ["--compiled", "-m", "slow or engine"]}
PARTS = ("blrzoo", "tests", "pyproject.toml", "README.md", "docs", "notebooks")

CONDITIONALS = "tests/priors/test_priors.py -k conditionals_match"
WEIGHTED = "tests/priors/test_priors.py tests/prediction -k 'conditionals_match or weight'"


class Fault(NamedTuple):
    """A change of the source that tests must detect; `old` occurs once in the package."""

    name: str
    old: str
    new: str
    tests: str


FAULTS = [
    # The sweep of one trait, compiled and in NumPy.
    Fault(
        "sweep: own part of the residual subtracted",
        "q = (dot(arrays, j, working) + arrays[-1][j] * effects[j]) / s2",
        "q = (dot(arrays, j, working) - arrays[-1][j] * effects[j]) / s2",
        "tests/ops/test_sweep.py",
    ),
    Fault(
        "sweep: residual updated the wrong way",
        "if effect != effects[j]:\n                update(arrays, j, effects[j] - effect, working)",
        "if effect != effects[j]:\n                update(arrays, j, effect - effects[j], working)",
        "tests/ops/test_sweep.py",
    ),
    Fault(
        "sweep: no race between the labels",
        "0.5 * np.log(shrink * race * race)",
        "0.5 * np.log(shrink)",
        "tests/ops/test_sweep.py",
    ),
    Fault(
        "sweep: label drawn without the factor one half",
        "score = scores[k] + 0.5 * spread[k] * q * q",
        "score = scores[k] + spread[k] * q * q",
        "tests/ops/test_sweep.py",
    ),
    Fault(
        "sweep in NumPy: residual not updated",
        "            design.update(arrays, j, effects[j] - effect, working)\n",
        "",
        "tests/ops/test_sweep.py tests/gibbs/test_exact.py",
    ),
    # Moves.
    Fault(
        "pairs: effect of the second feature left in the residual of the first",
        "q = dot(arrays, j, working) / s2 + d * effects[j] + c * effects[k]",
        "q = dot(arrays, j, working) / s2 + d * effects[j]",
        "tests/ops/test_pairs.py",
    ),
    Fault(
        "pairs: determinant without the correlation",
        "determinant = 1.0 + u[a] * d + w[b] * e + u[a] * w[b] * outside",
        "determinant = 1.0 + u[a] * d + w[b] * e + u[a] * w[b] * d * e",
        "tests/ops/test_pairs.py",
    ),
    Fault(
        "pairs of traits: off-diagonal block left out",
        "matrix[j, i] += c * betas[0][t, i] * loaded[t, j - first]",
        "matrix[j, i] += 0.0 * betas[0][t, i] * loaded[t, j - first]",
        "tests/ops/test_trait_pairs.py",
    ),
    Fault(
        "scale: measure of log c left out",
        "(moved - 1.0) * pt.log(c)",
        "moved * pt.log(c)",
        "tests/priors/test_priors.py -k 'geweke and lasso'",
    ),
    Fault(
        "scale: linear predictor not scaled",
        "state.values[block.current_fit] = fit * pt.switch(accepted, c, 1.0)",
        "state.values[block.current_fit] = fit * pt.switch(accepted, 1.0, 1.0)",
        "tests/gibbs/test_moves.py -k carried",
    ),
    Fault(
        "scale of traits: power of the Jacobian",
        "self.powers = (len(T) - T) if self.full",
        "self.powers = (len(T) - T - 1) if self.full",
        "tests/gibbs/test_moves_alone.py",
    ),
    Fault(
        "scale of traits: the normal that bounds the proposal left out of the ratio",
        "ratio = ratio - self._log_bound(moved) +",
        "ratio = ratio - self._log_bound(root) +",
        "tests/gibbs/test_moves_alone.py",
    ),
    Fault(
        "scale of traits: alpha of excluded features moves too",
        "values[block.effects] = pt.switch(included, product(alpha, M.T), alpha)",
        "values[block.effects] = product(alpha, M.T)",
        "tests/gibbs/test_moves_alone.py",
    ),
    Fault(
        "scale of traits: fit of the wrong trait",
        'product(given["fits"] * change, identity[self.rows])',
        'product(given["fits"] * change, identity[self.columns])',
        "tests/gibbs/test_moves.py -k carried",
    ),
    Fault(
        "collapsed: density of the proposal left out",
        "self._choose(log_density - log_proposal)",
        "self._choose(log_density)",
        "tests/gibbs/test_moves_alone.py",
    ),
    Fault(
        "collapsed: Jacobian of the coordinates left out",
        "return prior + jacobian + MarginalDensity()",
        "return prior + MarginalDensity()",
        "tests/priors/test_priors.py -k 'conditionals and ridge-joint'",
    ),
    Fault(
        "collapsed: residual instead of partial residual",
        "return (self.block.residual + self.block.current_fit)[:, None]",
        "return self.block.residual[:, None]",
        "tests/priors/test_priors.py -k 'conditionals and ridge-joint'",
    ),
    Fault(
        "density without effects: what is orthogonal to X left out",
        "((rotated @ axes) ** 2 / shrink).sum() + np.sum(axes * (rest @ axes))",
        "((rotated @ axes) ** 2 / shrink).sum()",
        "tests/ops/test_marginal.py",
    ),
    Fault(
        "block conditional: spread without shrinkage",
        "return logits - np.logaddexp.reduce(logits), means, variances / shrink",
        "return logits - np.logaddexp.reduce(logits), means, variances",
        "tests/testing/test_testing.py tests/ops/test_sweep.py tests/gibbs/test_exact.py",
    ),
    Fault(
        "block: one race for all features",
        'races = self.state.exponentials(given["variances"].shape)',
        'races = pt.ones(given["variances"].shape)',
        "tests/gibbs/test_exact.py",
    ),
    Fault(
        "joint draw: singular values not squared",
        "variance = 1.0 / (s[k] * s[k] / s2 + 1.0 / t2)",
        "variance = 1.0 / (s[k] / s2 + 1.0 / t2)",
        "tests/ops/test_sweep.py",
    ),
    Fault(
        "joint draw: fit of the rotated effects, not of X",
        "        rotated[k] *= s[k]\n",
        "",
        "tests/ops/test_sweep.py",
    ),
    # Several traits.
    Fault(
        "traits: spread of a coordinate without the root",
        "projected[i] / shrink + normals[i] / np.sqrt(shrink)",
        "projected[i] / shrink + normals[i] / shrink",
        "tests/ops/test_trait_sweep.py",
    ),
    Fault(
        "traits: coordinates in the order of the smallest first",
        "last = n_traits - 1 - i\n",
        "last = i\n",
        "tests/ops/test_trait_sweep.py",
    ),
    Fault(
        "indicators: determinant with the wrong sign",
        "return 0.5 * (variance * q * q / shrink - np.log(shrink))",
        "return 0.5 * (variance * q * q / shrink + np.log(shrink))",
        "tests/gibbs/test_indicators.py -k kernel",
    ),
    Fault(
        "indicators: evidence of on and off exchanged",
        "gain = current - proposed if on[t] else proposed - current",
        "gain = proposed - current if on[t] else current - proposed",
        "tests/gibbs/test_indicators.py -k kernel",
    ),
    Fault(
        "Bartlett: chi-squares instead of their roots",
        "bartlett[i, i] = np.sqrt(chi2[i])",
        "bartlett[i, i] = chi2[i]",
        "tests/ops/test_small.py",
    ),
    Fault(
        "inverse Wishart: degrees of freedom increase with the rows",
        "freedom = nu[..., None] - pt.arange(m)",
        "freedom = nu[..., None] + pt.arange(m)",
        "tests/distributions/test_distributions.py -k draws",
    ),
    Fault(
        "normal draw by its precision: only half of the solution",
        "    solve_upper(factor, drawn)\n",
        "",
        "tests/ops/test_small.py",
    ),
    # The likelihood.
    Fault(
        "mu: own part of the residual forgotten",
        "linear = (r.total + r.weight * mu) / variance",
        "linear = r.total / variance",
        CONDITIONALS,
    ),
    Fault(
        "gamma: own part of the residual subtracted",
        "r.projection + pt.sum(r.covariates * gamma, axis=1)",
        "r.projection - pt.sum(r.covariates * gamma, axis=1)",
        CONDITIONALS,
    ),
    Fault(
        "sigma2: one degree of freedom too few",
        "conjugate.inverse_gamma(sigma2, t * r.count, t * r.squares)",
        "conjugate.inverse_gamma(sigma2, t * (r.count - 1), t * r.squares)",
        CONDITIONALS,
    ),
    Fault(
        "power posterior: effects drawn without the power",
        'return v["sigma2"] / power(model)',
        'return v["sigma2"]',
        "tests/evidence/test_evidence.py -k powered",
    ),
    Fault(
        "power posterior: residual sum of squares without the power",
        "conjugate.inverse_gamma(sigma2, t * r.count, t * r.squares)",
        "conjugate.inverse_gamma(sigma2, t * r.count, r.squares)",
        "tests/evidence/test_evidence.py -k powered",
    ),
    Fault(
        "weights: their roots are summed",
        "weight=pt.sum(one**2)",
        "weight=pt.sum(one)",
        WEIGHTED,
    ),
    Fault(
        "weights: residuals of all rows count alike for mu",
        "weighted = (one[:, None] if several else one) * residual",
        "weighted = residual",
        WEIGHTED,
    ),
    Fault(
        "variance of the fit: still scaled by the root weights",
        "return pt.var(fit / root_weights(model))",
        "return pt.var(fit)",
        "tests/prediction/test_rows.py",
    ),
    Fault(
        "intercepts of traits: summed over the wrong index",
        "linear = pt.sum(precision * (r.total + r.weight * mu), axis=1)",
        "linear = pt.sum(precision * (r.total + r.weight * mu), axis=0)",
        CONDITIONALS,
    ),
    Fault(
        "covariates of traits: precisions and cross-products exchanged",
        "both = cross[:, None, :, None] * precision[None, :, None, :]",
        "both = cross[None, :, None, :] * precision[:, None, :, None]",
        CONDITIONALS,
    ),
    Fault(
        "Sigma_e: one degree of freedom too many",
        'conjugate.inverse_wishart(v["Sigma_e"], t * r.count, t * r.squares)',
        'conjugate.inverse_wishart(v["Sigma_e"], t * r.count + 1, t * r.squares)',
        CONDITIONALS,
    ),
    Fault(
        "residual variances of traits: covariances added",
        "squares = t * pt.diagonal(r.squares)",
        "squares = t * pt.sum(r.squares, axis=1)",
        CONDITIONALS,
    ),
    Fault(
        "completed rows: intercept and covariates forgotten",
        "mean = self.base(v, model) + fit / pt.atleast_1d(root_weights(model))[:, None]",
        "mean = fit / pt.atleast_1d(root_weights(model))[:, None]",
        CONDITIONALS,
    ),
    Fault(
        "sums: the gap between mu and the mean of y forgotten",
        "found = self.yy + self.weight * inner(gap, gap) + inner(effects, fit)",
        "found = self.yy + inner(effects, fit)",
        "tests/designs/test_gram.py",
    ),
    # Priors.
    Fault(
        "ridge: one effect left out",
        "sum_of_squares = pt.sum(effects**2)\n        return {v",
        "sum_of_squares = pt.sum(effects[1:] ** 2)\n        return {v",
        CONDITIONALS,
    ),
    Fault(
        "spike and slab: all features inform the slab's variance",
        'conjugate.inverse_gamma(v["tau2"], pt.sum(v["delta"]), pt.sum(effects**2))',
        'conjugate.inverse_gamma(v["tau2"], self.data.size, pt.sum(effects**2))',
        CONDITIONALS,
    ),
    Fault(
        "spike and slab: included and excluded exchanged",
        'conjugate.beta(v["pi"], included, excluded)',
        'conjugate.beta(v["pi"], excluded, included)',
        CONDITIONALS,
    ),
    Fault(
        "spike and slab by group: excluded features of all groups",
        "excluded = self.groups.sizes - included",
        "excluded = self.data.p - included",
        CONDITIONALS,
    ),
    Fault(
        "spike and slab: probabilities of spike and slab exchanged",
        "pt.stack([pt.log1p(-pi), pt.log(pi)], axis=-1)",
        "pt.stack([pt.log(pi), pt.log1p(-pi)], axis=-1)",
        "tests/gibbs/test_exact.py",
    ),
    Fault(
        "mixture: index of a cell",
        'cell = self.group_index * shape[-1] + v["label"]',
        'cell = self.group_index + v["label"]',
        CONDITIONALS,
    ),
    Fault(
        "mixture: ratios multiply instead of dividing",
        "scaled = (sums[..., 1:] / self.ratios).sum(axis=-1)",
        "scaled = (sums[..., 1:] * self.ratios).sum(axis=-1)",
        CONDITIONALS,
    ),
    Fault(
        "components of traits: one degree of freedom too many",
        "conjugate.inverse_wishart(slabs, counts[:, self.learned], cross)",
        "conjugate.inverse_wishart(slabs, counts[:, self.learned] + 1, cross)",
        CONDITIONALS,
    ),
    Fault(
        "lasso: rate of lambda2 doubled",
        'conjugate.gamma(v["lambda2"], effects.shape[0], total / 2)',
        'conjugate.gamma(v["lambda2"], effects.shape[0], total)',
        CONDITIONALS,
    ),
    Fault(
        "lasso: mean of the inverse Gaussian upside down",
        "reciprocal_wald(abs(deviates) / pt.sqrt(rate), rate)",
        "reciprocal_wald(abs(deviates) * pt.sqrt(rate), rate)",
        CONDITIONALS,
    ),
    Fault(
        "scaled t: one feature informs S2",
        'conjugate.gamma(v["S2"], prior.data.size * half, half * precision)',
        'conjugate.gamma(v["S2"], half, half * precision)',
        CONDITIONALS,
    ),
    Fault(
        "BayesB: excluded effects inform their variances",
        'conjugate.inverse_gamma(v["tau2"], count, effects**2)',
        'conjugate.inverse_gamma(v["tau2"], 1, effects**2)',
        CONDITIONALS,
    ),
    Fault(
        "normal: standard deviation instead of the variance",
        "mu=(mean / sd**2 + linear) / total",
        "mu=(mean / sd + linear) / total",
        CONDITIONALS,
    ),
    # Designs.
    Fault(
        "genotypes: codes of missing values (-1) not added back",
        "total += (fill[j] + 1.0) * unknown",
        "total += fill[j] * unknown",
        "tests/designs/test_designs.py -k genotypes",
    ),
    Fault(
        "genotypes: sum of the residual not updated",
        "working[n] += by_unit * arrays[-2][j]",
        "working[n] += 0.0",
        "tests/designs/test_designs.py -k genotypes",
    ),
    Fault(
        "sparse: shift by the excess instead of the center",
        "working[n + 1] += by_unit * center[j]",
        "working[n + 1] += by_unit * excess[j]",
        "tests/designs/test_designs.py -k sparse",
    ),
    Fault(
        "dense: weights forgotten",
        "part = (X[obs, features] - center[features]).T * scale[obs]",
        "part = (X[obs, features] - center[features]).T",
        "tests/designs/test_designs.py tests/prediction/test_rows.py",
    ),
    Fault(
        "merged statistics: means move all the way",
        'total[f"{side}_center"] += shift[side] * (more / (weight + more))',
        'total[f"{side}_center"] += shift[side]',
        "tests/statistics/test_statistics.py -k merged",
    ),
    # The step.
    Fault(
        "stale linear predictor after another step changed the effects",
        "if not self._carried(point):",
        "if not self.fits:",
        "tests/priors/test_priors.py -k another_step",
    ),
    Fault(
        "rounding errors of an extreme start are kept",
        "elif self.count % _PERIOD == 0:",
        "elif False:",
        "tests/sampling/test_broken_draws.py",
    ),
    Fault(
        "linear predictor of a term added to the residual",
        "            residual = residual - fit\n",
        "            residual = residual + fit\n",
        "tests/gibbs/test_exact.py tests/gibbs/test_terms.py",
    ),
    Fault(
        "effects not converted to the units of X",
        "values[self.effects] = self.prior.data.per_unit(effects)",
        "values[self.effects] = effects",
        "tests/zoo/test_standardize.py",
    ),
    Fault(
        "labels that were set are drawn",
        'return pt.switch(fixed, 0.0, -float("inf"))',
        'return pt.switch(fixed, -float("inf"), 0.0)',
        "tests/distributions/test_effects.py tests/sampling/test_broken_draws.py",
    ),
    Fault(
        "joint draw: without the term's own linear predictor",
        "target=self.residual + self.current_fit,\n            sigma2",
        "target=self.residual,\n            sigma2",
        "tests/gibbs/test_exact.py tests/gibbs/test_terms.py",
    ),
    Fault(
        "generator not handed on between draws",
        "self.rng = copy.outputs[node.outputs.index(new)]",
        "copy.outputs[node.outputs.index(new)]",
        "tests/priors/test_priors.py -k takes_the_generator",
    ),
    Fault(
        "exponentials used again as the next draw's numbers",
        "self.rng, draw = self.rng.exponential(size=size)",
        "_, draw = self.rng.exponential(size=size)",
        "tests/priors/test_priors.py -k takes_the_generator",
    ),
    # Around the sampler.
    Fault(
        "all chains start at the same point",
        "for start in starts[:chains]]",
        "for start in starts[:1] * chains]",
        "tests/sampling/test_sampling.py tests/test_workflow.py",
    ),
    Fault(
        "stepping stones: likelihood to the power 1",
        "log_weights = steps[:, None, None] * log_likelihood",
        "log_weights = log_likelihood",
        "tests/evidence/test_evidence.py -k enumeration",
    ),
    Fault(
        "running means move too slowly",
        "self.means[batch] += deviation / count",
        "self.means[batch] += deviation / (count + 1)",
        "tests/sampling/test_keep_summary.py -k moments",
    ),
    Fault(
        "running PIPs: one draw too few",
        '"pip": xr.Variable(self.dims, self.counts.sum(axis=0) / counts.sum())',
        '"pip": xr.Variable(self.dims, self.counts.sum(axis=0) / (counts.sum() - 1))',
        "tests/sampling/test_keep_summary.py -k inclusion",
    ),
    Fault(
        "thinning: every draw is one sweep",
        "sweeps = 1 if self.tune else self.thin",
        "sweeps = 1",
        "tests/gibbs/test_thinning.py -k chain_is",
    ),
    Fault(
        "thinning: sweeps of a draw go on from its start",
        "found = self._draw(self._values(point))",
        "found = self._draw(self._values({**point, **self.last}))",
        "tests/gibbs/test_thinning.py -k chain_is",
    ),
    Fault(
        "copies: a Deterministic's name makes a sweep of another kind",
        "if _only_names(node.op):",
        "if False:",
        "tests/gibbs/test_compiled.py -k copies",
    ),
]


def place(fault: Fault, root: Path = ROOT) -> Path:
    """File of the package with the text of a fault, which must occur once."""
    found = [path for path in sorted((root / "blrzoo").rglob("*.py")) if fault.old in _text(path)]
    if len(found) != 1 or _text(found[0]).count(fault.old) != 1:
        raise ValueError(f"{fault.name}: the text must occur once in the package: {fault.old!r}")
    return found[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def caught_by(fault: Fault, copy: Path) -> str | None:
    """The run whose tests fail in a copy of the checkout with the fault, or None."""
    path = place(fault, copy)
    right = _text(path)
    path.write_text(right.replace(fault.old, fault.new), encoding="utf-8")
    try:
        return next((name for name, options in RUNS.items() if _fails(fault, copy, options)), None)
    finally:
        path.write_text(right, encoding="utf-8")


def _fails(fault: Fault, copy: Path, options: list[str]) -> bool:
    """Whether a test of a run fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *options]
    done = subprocess.run([*command, *shlex.split(fault.tests)], cwd=copy, capture_output=True)
    if done.returncode not in (PASSED, FAILED, NONE):
        raise RuntimeError(f"{fault.name}: {done.stdout.decode()[-500:]}")
    return done.returncode == FAILED


def main() -> int:
    """Print for each fault whether a test fails; return the number of faults not detected."""
    parser = argparse.ArgumentParser(prog="python -m tests.strength", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of faults; default: all")
    wanted = parser.parse_args().names or [""]
    chosen = [fault for fault in FAULTS if any(name in fault.name for name in wanted)]
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            source, target = ROOT / part, Path(folder) / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        for fault in chosen:
            run = caught_by(fault, Path(folder))
            survived += run is None
            print(f"| {fault.name} | {fault.tests} | {run or 'SURVIVED'} |", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} faults are caught")
    return survived


if __name__ == "__main__":
    sys.exit(main())
