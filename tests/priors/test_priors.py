"""What holds for every prior: one table, the same tests for each row."""

import copy
import functools

import cloudpickle
import numpy as np
import pymc as pm
import pytest
from pymc.model.fgraph import clone_model
from pytensor.graph.fg import Output
from pytensor.tensor.random.type import RandomGeneratorType

import blrzoo as blr
from tests.builders import assert_same, last_draw
from tests.table import KINDS, LEFT_TO_NUTS, PRIORS, REPEATS, small_data

every_prior = pytest.mark.parametrize("name", PRIORS)
every_kind = pytest.mark.parametrize(
    "name", [k if k in KINDS else pytest.param(k, marks=REPEATS) for k in PRIORS]
)


@functools.cache
def model_of(name):
    """A model of each prior, made once for all tests, which leave it as it is."""
    return PRIORS[name](*small_data())


@functools.cache
def step_of(name):
    """Its step, which `run` starts anew."""
    return blr.BLRGibbs(model=model_of(name))


@pytest.fixture
def model(name):
    return model_of(name)


@pytest.fixture
def step(name):
    return step_of(name)


SIZES = {
    "n>p": (12, 4),
    "n<p": pytest.param((3, 5), marks=pytest.mark.slow),
    "p=1": pytest.param((6, 1), marks=pytest.mark.slow),
}


@every_prior
@pytest.mark.usefixtures("all_pairs")
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_conditionals_match_the_joint_density(name, size):
    if size == (6, 1) and name == "group-ridge":
        pytest.skip("two groups need two features")
    errors = blr.testing.check_conditionals(PRIORS[name](*small_data(*size)), random_seed=1)
    assert max(errors.values()) < 1e-12


@every_kind
@pytest.mark.slow
@pytest.mark.usefixtures("all_pairs")
def test_geweke_joint(name):
    blr.testing.geweke_joint(PRIORS[name](*small_data(5, 2)), draws=20_000, random_seed=1)


@every_prior
def test_what_has_a_conditional_is_drawn_by_gibbs(name, model, step):
    assert set(step.names) == _free(model) - LEFT_TO_NUTS.get(name, set())


@every_kind
@pytest.mark.engine
def test_restored_state_gives_the_same_draw(model, step):
    other = blr.BLRGibbs(model=model)
    point = last_draw(model, step, draws=5)
    other.setup_chain(np.random.default_rng(77), 0, 10)
    other.sampling_state = step.sampling_state
    for _ in range(3):
        (first, _), (second, _) = step.step(point), other.step(point)
        assert_same(first, second)
        point = first


@every_kind
def test_chain_does_not_depend_on_what_the_step_did_before(model, step):
    assert_same(last_draw(model, step, draws=4, seed=3), last_draw(model, step, draws=4, seed=3))


@every_kind
@pytest.mark.engine
def test_effects_that_another_step_moved_are_seen(model, step):
    """What a step carries belongs to effects that it drew last: of others it is made anew."""
    fresh = blr.BLRGibbs(model=model)
    point = last_draw(model, step, draws=3)
    moved = {k: 1.5 * x if k in step.last and x.dtype.kind == "f" else x for k, x in point.items()}
    fresh.setup_chain(copy.deepcopy(step.rng), 0, 1)
    (first, _), (second, _) = step.step(moved), fresh.step(moved)
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-9, atol=1e-12)


@every_kind
@pytest.mark.engine
def test_pickled_step_gives_the_same_draw(model, step):
    loaded = cloudpickle.loads(cloudpickle.dumps(step))
    assert_same(last_draw(model, step, draws=3), last_draw(model, loaded, draws=3))


@pytest.mark.parametrize("name", KINDS)
def test_model_copies_keep_the_step(model, step):
    """clone_model and pm.do reorder variables; names decide, so draws stay the same."""
    expected = last_draw(model, step, draws=3)
    cloned = clone_model(model)
    assert_same(last_draw(cloned, draws=3), expected)


@every_kind
def test_fixing_a_variable_with_do(model):
    """A model on which the noise is fixed afterwards samples like one made with it fixed."""
    name = "Sigma_e" if "Sigma_e" in _free(model) else "sigma2"
    shape = tuple(len(model.coords[dim]) for dim in model.named_vars_to_dims.get(name, ()))
    value = np.diag([0.7, 0.5]) if name == "Sigma_e" else np.full(shape, 0.7)
    fixed = pm.do(model, {name: value})
    step = blr.BLRGibbs(model=fixed)
    assert name not in step.names
    if name in _free(model):
        blr.testing.check_conditionals(fixed, random_seed=1)


@every_kind
def test_conditioned_on_all_effects(model):
    """With the effects observed, only hyperparameters are left, and their conditionals hold."""
    names = [n for n in ("delta", "label", "alpha", "beta") if n in _free(model)]
    values = {"delta": [1, 0, 1], "label": [2, 1, 1]}
    if len(model.coords.get("pattern", ())) == 2:
        values["label"] = [0, 1, 1]
    effects = np.array([0.5, -1.0, 0.2])
    if "trait" in model.coords:
        effects, values["delta"] = np.outer(effects, [1.0, -0.5]), [[1, 0], [0, 0], [1, 1]]
    observed = {n: np.array(values.get(n, effects)) for n in names}
    if "delta" in names and "beta" in names:
        observed["beta"] = effects * observed["delta"]  # an excluded effect is 0
    conditioned = pm.observe(model, observed)
    if not _free(conditioned):
        pytest.skip("nothing is left to draw")
    assert max(blr.testing.check_conditionals(conditioned, random_seed=1).values()) < 1e-12


def _free(model):
    return {rv.name for rv in model.free_RVs}


@every_prior
def test_every_draw_takes_the_generator_from_the_one_before(step):
    """In the compiled sweep a generator that two draws read would give both the same numbers."""
    fgraph = step._sweep.function.maker.fgraph
    for variable in fgraph.variables:
        if isinstance(variable.type, RandomGeneratorType):
            readers = [
                node for node, _ in fgraph.clients[variable] if not isinstance(node.op, Output)
            ]
            assert len(readers) <= 1, readers


@pytest.mark.parametrize(
    ("name", "draws"),
    [
        *((k, 50) for k in KINDS),
        *(pytest.param(k, 2000, marks=pytest.mark.slow if k in KINDS else REPEATS) for k in PRIORS),
    ],
)
def test_carried_fit_stays_exact(model, step, draws):
    """After many draws the carried fit still is X beta."""
    point = last_draw(model, step, draws=draws)
    values = [point[name] for name in step._inputs]
    np.testing.assert_allclose(step.fits[0], step._fits(values)[0], atol=1e-11)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.slow
def test_one_and_two_cores_agree(model):
    """The chains of a seed do not depend on how they are spread over processes."""
    settings = {"draws": 20, "tune": 5, "chains": 2, "random_seed": 3, "quiet": True}
    one, two = (blr.sample(model, cores=cores, **settings) for cores in (1, 2))
    for name in one.posterior.data_vars:
        # What PyMC transforms back for the record may differ in the last place between processes.
        np.testing.assert_allclose(
            one.posterior[name], two.posterior[name], rtol=1e-14, err_msg=str(name)
        )
    again = blr.sample(model, cores=1, **{**settings, "random_seed": 4})
    assert not np.array_equal(one.posterior["beta"], again.posterior["beta"])
