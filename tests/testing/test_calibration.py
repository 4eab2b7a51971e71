"""Simulation-based calibration finds what is wrong, and its page is of the code that there is."""

import functools

import numpy as np
import pytest

from tests import calibration as sbc
from tests.table import PRIORS

SETS, DRAWS = 400, sbc.DRAWS


def ranks_of(seed, change=lambda draws: draws, sets=SETS, quantities=1):
    """Ranks of standard normals among draws that a sampler changes."""
    rng = np.random.default_rng(seed)
    truth, draws = rng.normal(size=(sets, quantities)), rng.normal(size=(sets, DRAWS, quantities))
    return np.stack([sbc.rank(*pair, rng) for pair in zip(truth, change(draws), strict=True)])


def smallest(ranks):
    """Smallest p-values of location, spread and classes."""
    return sbc.score(ranks).p_values.min(axis=1)


def test_right_draws_pass():
    p = sbc.score(ranks_of(1, sets=100, quantities=600)).p_values
    assert p.min() > 0.01 / p.size
    assert np.abs((p < 0.1).mean(axis=1) - 0.1).max() < 4 * np.sqrt(0.09 / 600)


@pytest.mark.parametrize(
    ("change", "score"),
    [
        (lambda draws: draws + 0.4, 0),
        (lambda draws: 0.7 * draws, 1),
        (lambda draws: 1.5 * draws, 1),
        (lambda draws: np.repeat(draws[:, :3], 33, axis=1), 2),
    ],
    ids=["shifted", "narrow", "wide", "few different ones"],
)
def test_wrong_draws_fail(change, score):
    assert smallest(ranks_of(1, change))[score] < 1e-6


def test_p_values_are_those_of_chance():
    """A share of 1 % below 0.01 and of 10 % below 0.1, within 4 standard errors."""
    p = sbc.score(np.random.default_rng(1).integers(0, DRAWS + 1, (300, 4000))).p_values
    for level in (0.01, 0.1):
        error = np.sqrt(level * (1 - level) / p.shape[1])
        assert np.abs((p < level).mean(axis=1) - level).max() < 4 * error


def test_scores_have_mean_0_and_variance_1_for_few_data_sets():
    scores = sbc.score(np.random.default_rng(1).integers(0, DRAWS + 1, (3, 40_000)))
    for z in (scores.location, scores.spread):
        assert abs(z.mean()) < 0.02
        assert abs(z.var() - 1) < 0.04


def test_ties_are_broken_at_random():
    rng = np.random.default_rng(1)
    draws = np.repeat([[0, 0, 1]], DRAWS, axis=0)
    ranks = np.stack([sbc.rank(np.array([0, 1, 1]), draws, rng) for _ in range(SETS)])
    assert sbc.score(ranks[:, [0, 2]]).p_values.min() > 0.001
    assert (ranks[:, 1] == DRAWS).all()


def test_classes_of_unequal_chance_are_refused():
    with pytest.raises(ValueError, match="multiple of 20"):
        sbc.score(np.zeros((2, 1), dtype=int), draws=100)


def test_autocorrelation_of_independent_and_of_sticky_draws():
    draws = np.random.default_rng(1).normal(size=(DRAWS, 200))
    assert abs(sbc._lag_one(draws).mean()) < 0.03
    assert sbc._lag_one(np.repeat(draws[: DRAWS // 3], 3, axis=0)).mean() > 0.5
    assert np.isnan(sbc._lag_one(np.zeros((DRAWS, 1)))).all()


class Conjugate:
    """Normal data of mean 0, and the posterior of their variance in closed form."""

    a, b, n = 4.0, 3.0, 6

    def truths(self, count, rng):
        return [self._point(rng) for _ in range(count)]

    def _point(self, rng):
        s2 = self.b / rng.gamma(self.a)
        return {"s2": s2, "y": rng.normal(scale=np.sqrt(s2), size=self.n)}

    def shape(self):
        return self.a + self.n / 2

    def draws(self, start, rng):
        s2 = (self.b + (start["y"] ** 2).sum() / 2) / rng.gamma(self.shape(), size=DRAWS)
        return [{**start, "s2": one} for one in s2]

    def quantities(self, points):
        s2 = np.array([point["s2"] for point in points])
        squares = np.array([(point["y"] ** 2).sum() for point in points])
        return {"s2": s2, "log_likelihood": -self.n * np.log(s2) / 2 - squares / s2 / 2}


def calibrate(problem, sets=SETS):
    truths = problem.truths(sets + 1, np.random.default_rng(1))
    return sbc.rank_data_sets(problem, truths, [1], range(sets))


def test_a_right_sampler_is_calibrated():
    found = calibrate(Conjugate())
    assert found.names == ["s2", "log_likelihood"]
    assert found.varied.all()
    assert smallest(found.ranks).min() > 0.01


@pytest.mark.parametrize("shape", [4.0, 6.0], ids=["no count", "degrees of freedom"])
def test_a_wrong_conditional_is_found(monkeypatch, shape):
    monkeypatch.setattr(Conjugate, "shape", lambda self: shape)
    assert smallest(calibrate(Conjugate()).ranks)[0] < 1e-6


def test_a_sampler_that_returns_the_prior_is_found_by_the_likelihood_only(monkeypatch):
    """Ranks of parameters are uniform without the data; so there are quantities of the data."""

    def prior(self, start, rng):
        return [{**start, "s2": self.b / rng.gamma(self.a)} for _ in range(DRAWS)]

    monkeypatch.setattr(Conjugate, "draws", prior)
    scores = sbc.score(calibrate(Conjugate()).ranks)
    assert scores.p_values[:, 0].min() > 0.001
    assert scores.p_values[:, 1].min() < 1e-6


@functools.cache
def row(name):
    return sbc.RowProblem(name, draws=19, tune=2)


@pytest.mark.parametrize("name", ["spike-slab", "multivariate-holes"])
def test_rows_are_ranked(name):
    problem = row(name)
    truths = problem.truths(3, np.random.default_rng(1))
    found = sbc.rank_data_sets(problem, truths, [1], range(2))
    assert {"log_likelihood", "mu" if name == "spike-slab" else "mu[1]"} <= {*found.names}
    assert found.ranks.shape == (2, len(found.names))
    assert ((found.ranks >= 0) & (found.ranks <= 19)).all()


def test_a_truth_and_its_ranks_do_not_depend_on_the_number_of_data_sets():
    problem = row("spike-slab")
    few, more = (problem.truths(count, np.random.default_rng(1)) for count in (3, 5))
    assert all(np.array_equal(few[1][name], more[1][name]) for name in few[1])
    together = sbc.rank_data_sets(problem, few, [1], range(2)).ranks
    alone = sbc.rank_data_sets(problem, more, [1], range(1, 2)).ranks
    np.testing.assert_array_equal(together[1:], alone)


def test_cells_that_were_not_measured_do_not_matter():
    problem = row("multivariate-holes")
    truth, other = problem.truths(2, np.random.default_rng(1))
    start = {**other, "y": truth["y"]}
    hidden = {**other, "y": np.where(problem.measured, truth["y"], -7.0)}
    points = [problem.draws(point, np.random.default_rng(2))[-1] for point in (start, hidden)]
    first, second = (problem.quantities([point]) for point in points)
    assert (~problem.measured).any()
    for name, value in first.items():
        np.testing.assert_allclose(second[name], value, rtol=1e-12, err_msg=name)


def test_quantities_are_those_of_the_model():
    problem = row("spike-slab")
    (point, _) = problem.truths(2, np.random.default_rng(1))
    found = problem.quantities([point])
    assert found["mu"][0] == point["mu"]
    assert found["model_size"][0] == np.count_nonzero(point["delta"])
    assert not any("beta[1]" in name for name in found)  # the first and the last effect
    assert {"beta[0]", "beta[2]", "genetic_variance"} <= {*found}


# Results and the page.


def results(names=("spike-slab",), change=lambda draws: draws, sets=SETS):
    made = {}
    for k, name in enumerate(names):
        ranks = ranks_of(k + 1, change, sets, 2)
        parts = np.zeros(ranks.shape), np.ones(ranks.shape, dtype=bool)
        made[name] = sbc.Result(
            sbc.Ranks(["mu", "tau2"], ranks, *parts), 2.0, sbc.settings_of(name, 1)
        )
    return made


def test_results_are_kept_and_joined(tmp_path):
    ((name, result),) = results().items()
    assert sbc.load(tmp_path, name, 1) is None
    sbc.save(tmp_path, name, sbc.joined(None, result))
    sbc.save(tmp_path, name, sbc.joined(sbc.load(tmp_path, name, 1), result))
    kept = sbc.load(tmp_path, name, 1)
    assert kept.data_sets == 2 * SETS
    assert kept.seconds == 4.0
    np.testing.assert_array_equal(kept.ranks.ranks[SETS:], result.ranks.ranks)
    assert sbc.load(tmp_path, name, seed=2) is None


def test_a_finished_row_is_not_run_again(tmp_path, monkeypatch, capsys):
    ((name, result),) = results().items()
    sbc.save(tmp_path, name, result)
    monkeypatch.setattr(sbc, "RowProblem", None)
    page = tmp_path / "page.md"
    options = ["--data-sets", str(SETS), "--folder", str(tmp_path), "--page", str(page)]
    assert sbc.main([name, *options, "--write"]) == 0
    assert f"| `{name}` | {SETS} |" in capsys.readouterr().out
    assert sbc.stamp_of(page.read_text("utf-8"))["rows"] == [name]
    with pytest.raises(SystemExit, match="no such row: slab"):
        sbc.main(["slab", *options])


def test_the_verdict_names_what_is_wrong():
    names = ("spike-slab", "traits-all")
    assert "none is too small" in sbc.verdict(results(names))
    wrong = sbc.verdict(results(names, lambda draws: draws + np.array([0.0, 0.5])))
    assert "not calibrated: spike-slab tau2, traits-all tau2**" in wrong
    assert "expected below 0.01" in wrong


def test_the_page_says_what_was_not_run():
    text = sbc.page(results(), "2025-01-31")
    assert "| `spike-slab` | 400 | 10 | 2 |" in text
    assert "not run: `ridge-joint`" in text
    assert sbc.stamp_of(text) == {
        "date": "2025-01-31",
        "rows": ["spike-slab"],
        "sources": sbc.source_hash(),
    }
    with pytest.raises(ValueError, match="no stamp"):
        sbc.stamp_of("# Calibration")


def test_the_rows_of_the_script_are_in_the_table():
    assert {*sbc.MORE, *sbc.THIN_OF} <= {*PRIORS}


# The sources.

CODE = """
from typing import Any

def variance(x, scale=1.0):
    return scale * x**2
"""
SAME = {
    "docstring": CODE.replace("    return", '    """Square."""\n    return'),
    "annotation": CODE.replace("(x, scale=1.0)", "(x: Any, scale: float = 1.0) -> Any"),
    "comment": CODE.replace("    return", "    # here\n    return"),
    "type": CODE + "\ntype Number = float | int\n",
    "import": CODE.replace("import Any", "import Any, Literal"),
    "no import": CODE.replace("from typing import Any", ""),
}
OTHER = {
    "sign": CODE.replace("scale * x", "-scale * x"),
    "number": CODE.replace("**2", "**3"),
    "default": CODE.replace("1.0", "2.0"),
    "statement": CODE.replace("    return", "    x += 1\n    return"),
    "operands": CODE.replace("scale * x**2", "x * scale**2"),
}


@pytest.mark.parametrize("code", SAME.values(), ids=SAME)
def test_prose_and_types_do_not_change_the_hash(code):
    assert code != CODE
    assert sbc.code_text(code) == sbc.code_text(CODE)


@pytest.mark.parametrize("code", OTHER.values(), ids=OTHER)
def test_an_expression_changes_the_hash(code):
    assert sbc.code_text(code) != sbc.code_text(CODE)


def test_the_hash_follows_the_files(tmp_path):
    def hash_of(name, code):
        root = tmp_path / name
        (root / sbc.SOURCES[0]).mkdir(parents=True)
        (root / sbc.SOURCES[0] / "kernel.py").write_text(code)
        return sbc.source_hash(root)

    assert hash_of("a", CODE) == hash_of("b", SAME["docstring"]) != hash_of("c", OTHER["sign"])


@pytest.mark.slow
@pytest.mark.engine
def test_the_page_is_of_the_code_that_there_is():
    """Kernels change between releases: then the page is made anew."""
    if not sbc.PAGE.exists():
        pytest.skip("there is no page yet: run make calibration")
    stamp = sbc.stamp_of(sbc.PAGE.read_text("utf-8"))
    assert stamp.get("sources") == sbc.source_hash(), (
        "docs/calibration.md is of other sources than those that there are: run make calibration"
    )
    assert set(stamp["rows"]) <= set(PRIORS), "rows were renamed: run make calibration"
