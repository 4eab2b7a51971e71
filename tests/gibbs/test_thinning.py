"""Several sweeps a draw: the same chain, of which fewer points are kept."""

import numpy as np
import pytest

import blrzoo as blr
from blrzoo.gibbs import thinning
from tests.builders import assert_same, last_draw, make_data
from tests.conftest import MOST_SWEEPS
from tests.table import PRIORS, small_data

SETTINGS = {"tune": 5, "chains": 2, "random_seed": 1, "quiet": True}


@pytest.fixture
def model():
    return blr.spike_slab(*make_data())


@pytest.mark.parametrize(
    "name", ["ridge-joint", "weights-and-missing", "half-normal-slab", "multivariate-holes"]
)
def test_the_chain_is_the_same(name):
    """The last of 4 draws of 3 sweeps is the last of 12."""
    model = PRIORS[name](*small_data())
    one, three = (blr.BLRGibbs(model=model, thin=thin) for thin in (1, 3))
    assert_same(last_draw(model, three, draws=4), last_draw(model, one, draws=12))


def test_the_fit_has_every_third_point(model):
    one = blr.sample(model, draws=15, **SETTINGS | {"tune": 0}, thin=1)
    three = blr.sample(model, draws=5, **SETTINGS | {"tune": 0}, thin=3)
    for group in ("posterior", "sample_stats"):
        for name, draws in three[group].data_vars.items():
            if name != "sweeps":
                np.testing.assert_array_equal(draws, one[group][name][:, 2::3], err_msg=str(name))
    assert (three.sample_stats["sweeps"] == 3).all()


def test_a_draw_of_tuning_is_one_sweep(model):
    settings = SETTINGS | {"draws": 3, "discard_tuned_samples": False}
    idata = blr.sample(model, **settings, thin=4)
    assert (idata.warmup_sample_stats["sweeps"] == 1).all()
    assert (idata.sample_stats["sweeps"] == 4).all()


def default(model, monkeypatch):
    monkeypatch.setattr(thinning, "MOST", MOST_SWEEPS)
    return blr.BLRGibbs(model=model).thin


def data(n, p, traits=1):
    rng = np.random.default_rng(1)
    genotypes = rng.integers(0, 3, size=(n, p), dtype=np.int8)  # a byte each, so little memory
    return genotypes, np.squeeze(rng.normal(size=(n, traits)))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda: blr.spike_slab(*data(30, 4)), 25),
        (lambda: blr.spike_slab(*data(2000, 1000)), 10),
        (lambda: blr.spike_slab(*data(2000, 1000), design="gram"), 20),
        (lambda: blr.single_component(*data(4000, 2600), update="single-site"), 1),
        (lambda: blr.multivariate_spike_slab(*data(1000, 1000, 3)), 6),
        (lambda: blr.single_component(*data(30, 4), update="joint"), 1),
        (lambda: blr.single_component(*data(30, 4), update="single-site"), 25),
    ],
    ids=["small", "wide", "gram", "large", "traits", "joint", "single-site"],
)
def test_default(model, expected, monkeypatch):
    """2 * 10^7 / (n p T) from 1 to 25; 1 where effects and variances are drawn jointly."""
    assert default(model(), monkeypatch) == expected


def test_more_draws_are_of_as_many_sweeps(model):
    idata = blr.sample(model, draws=5, **SETTINGS, thin=3)
    longer = blr.sample_more(idata, model, 4, quiet=True)
    assert longer.sample_stats["sweeps"].values.tolist() == [[3] * 9] * 2
    other = blr.sample_more(idata, model, 4, thin=2, quiet=True)
    assert other.sample_stats["sweeps"].values.tolist() == [[3] * 5 + [2] * 4] * 2


def test_diagnose_says_how_many(model):
    idata = blr.sample(model, draws=100, **SETTINGS, thin=2)
    verdict = blr.diagnose(idata, quiet=True)
    assert verdict["sweeps"] == 200
    assert "2 chains of 100 draws and 200 sweeps" in str(verdict)


@pytest.mark.parametrize(
    ("thin", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_what_is_no_number_of_sweeps_is_refused(model, thin, error):
    for use in (blr.sample, lambda model, **k: blr.BLRGibbs(model=model, **k)):
        with pytest.raises(error, match=r"^thin must be None or an int from 1"):
            use(model, thin=thin)


def test_other_steps_have_no_sweeps(model):
    with pytest.raises(ValueError, match=r"^step must be left out with thin"):
        blr.sample(model, thin=2, step=blr.BLRGibbs(model=model), draws=5)
