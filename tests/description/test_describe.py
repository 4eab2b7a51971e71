"""What blrzoo.describe prints is the model: parameters, formulas, design, and who draws what."""

import re

import numpy as np
import pymc as pm
import pytest

import blrzoo as blr
from blrzoo.gibbs.compose import compose
from tests import table
from tests.table import LEFT_TO_NUTS, PRIORS, two_terms

X, y = table.small_data(n=12, p=4)
Y = np.column_stack([y, np.cos(np.arange(12.0))])
W = np.column_stack([np.arange(12.0) ** 2, np.sin(np.arange(12.0))])
GROUPS = ["a", "a", "b", "b"]
A = np.column_stack([np.arange(4.0), [1.0, 0.0, 0.0, 1.0]])

#: Models whose priors are defaults, in every way that these are computed.
DEFAULTS = {
    "ridge": lambda **o: blr.single_component(X, y, covariates=W, **o),
    "standardized": lambda **o: blr.single_component(X, y, standardize=True, **o),
    "spike-slab": lambda **o: blr.spike_slab(X, y, **o),
    "expected-size": lambda **o: blr.spike_slab(X, y, expected_size=1.5, **o),
    "inclusion": lambda **o: blr.spike_slab(X, y, inclusion=[0.1, 0.2, 0.9, 0.8], **o),
    "pi-given": lambda **o: blr.spike_slab(X, y, pi=(3, 4), groups=GROUPS, **o),
    "mixture": lambda **o: blr.multiple_component(X, y, **o),
    "mixture-pi": lambda **o: blr.multiple_component(X, y, n_components=3, pi=(5, 3, 2), **o),
    "mixture-ratios": lambda **o: blr.multiple_component(X, y, ratios=(0, 0.01, 1), **o),
    "mixture-no-null": lambda **o: blr.multiple_component(X, y, null=False, **o),
    "groups": lambda **o: blr.hierarchical(X, y, GROUPS, **o),
    "groups-pooled": lambda **o: blr.hierarchical(X, y, GROUPS, pooled=True, **o),
    "groups-mixture": lambda **o: blr.hierarchical(X, y, GROUPS, n_components=3, pooled=True, **o),
    "bayes-a": lambda **o: blr.regression(X, y, prior=blr.priors.BayesA(nu=1.5), **o),
    "bayes-b": lambda **o: blr.regression(X, y, prior=blr.priors.BayesB(pi=0.7), **o),
    "lasso": lambda **o: blr.regression(X, y, prior=blr.priors.BayesianLasso(), **o),
    "horseshoe": lambda **o: blr.regression(X, y, prior=blr.priors.Horseshoe(), **o),
    "annotated-variance": lambda **o: blr.regression(
        X, y, prior=blr.priors.AnnotatedVariance(A), **o
    ),
    "annotated": lambda **o: blr.regression(X, y, prior=blr.priors.AnnotatedInclusion(A), **o),
    "annotated-eta0": lambda **o: blr.regression(
        X, y, prior=blr.priors.AnnotatedInclusion(A, eta0=0.5), **o
    ),
    "traits": lambda **o: blr.multivariate(X, Y, covariates=W, **o),
    "traits-diagonal": lambda **o: blr.multivariate(X, Y, form="diagonal", **o),
    "traits-residual": lambda **o: blr.multivariate(X, Y, residual="diagonal", **o),
    "traits-independent": lambda **o: blr.multivariate_spike_slab(X, Y, **o),
    "traits-pi": lambda **o: blr.multivariate_spike_slab(X, Y, pi=(1, [1, 2]), **o),
    "traits-all": lambda **o: blr.multivariate_spike_slab(X, Y, patterns="all", **o),
    "traits-patterns": lambda **o: blr.multivariate_spike_slab(
        X, Y, patterns=[[1, 0], [1, 1]], form="diagonal", **o
    ),
    "traits-groups": lambda **o: blr.hierarchical_multivariate(X, Y, GROUPS, **o),
    "traits-mixture": lambda **o: blr.hierarchical_multivariate(X, Y, GROUPS, n_components=4, **o),
    "traits-mixture-pi": lambda **o: blr.hierarchical_multivariate(
        X, Y, GROUPS, components=["null", "equal", "learned"], pi=(4, 3, 2), **o
    ),
    "gram": lambda **o: blr.spike_slab(X, y, design="gram", **o),
}

NAMES = {
    "min": np.minimum,
    "max": np.maximum,
    "sqrt": np.sqrt,
    "log": np.log,
    "exp": np.exp,
    "sum": lambda values: np.sum(values * np.ones(1)),
    "where": np.where,
    "diag": lambda values: np.diag(np.atleast_1d(values)),
    "outer": np.multiply.outer,
}

#: Parameters in the words of the package from those that PyMC's variables have.
FROM_PYMC = {
    "scaled-inverse-chi-squared": lambda a, b: {"nu": 2 * a, "S2": b / a},
    "beta": lambda a, b: {"a": a, "b": b},
    "Dirichlet": lambda a: {"a": a},
    "normal": lambda mean, sd: {"mean": mean, "sd": sd},
    "gamma": lambda shape, scale: {"shape": shape, "rate": 1 / scale},
    "half-Cauchy": lambda *parameters: {"scale": parameters[-1]},
    "inverse-Wishart": lambda nu, S: {"nu": nu, "S": S},
}


def evaluated(formulas, numbers):
    """The names that formulas compute."""
    found = {**NAMES, **numbers}
    for formula in formulas:
        name, expression = formula.split(" = ", 1)
        found[name] = eval(expression, {}, found)
    return found


def parameters(rv, family):
    values = [v.eval(mode="FAST_COMPILE") for v in rv.owner.op.dist_params(rv.owner)]
    return FROM_PYMC[family](*values)


def with_origin(model):
    return [rv for rv in model.free_RVs if hasattr(rv.tag, "blrzoo_origin")]


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_formula_of_a_default_gives_its_parameters(name):
    model = DEFAULTS[name](h2=0.3)
    defaults = [rv for rv in with_origin(model) if rv.tag.blrzoo_origin.default is not None]
    assert {"mu"} < {rv.name for rv in defaults}
    for rv in defaults:
        origin = rv.tag.blrzoo_origin
        found = evaluated(origin.default.formulas, origin.default.numbers)
        for field, value in parameters(rv, origin.family).items():
            np.testing.assert_allclose(np.broadcast_to(found[field], np.shape(value)), value)


def numbers_in(texts):
    """Numbers that are printed as one number."""
    pairs = (re.fullmatch(r"(\w+) = (-?[\d.e+-]+)", text) for text in texts)
    return {found[1]: float(found[2]) for found in pairs if found}


@pytest.mark.parametrize(
    ("name", "least"), [("spike-slab", 4), ("ridge", 2), ("lasso", 3), ("horseshoe", 4)]
)
def test_the_printed_formula_of_the_printed_numbers_gives_the_printed_value(name, least):
    checked = 0
    for line in blr.describe(DEFAULTS[name](h2=0.3)):
        printed = numbers_in(re.findall(r"\w+ = [^,)]+", line.value))
        numbers = numbers_in(line.numbers)
        if line.formula and len(numbers) == len(line.numbers):
            found = evaluated(line.formula, numbers)
            assert printed
            assert {k: found[k] for k in printed} == pytest.approx(printed, rel=2e-3)
            checked += 1
    assert checked >= least


@pytest.mark.parametrize("name", PRIORS)
def test_each_variable_has_its_parameters_and_the_update_that_draws_it(name):
    model = PRIORS[name](*table.small_data())
    description = blr.describe(model)
    for rv in with_origin(model):
        origin = rv.tag.blrzoo_origin
        if not any(isinstance(value, str) for value in origin.fields.values()):
            for field, value in parameters(rv, origin.family).items():
                np.testing.assert_allclose(
                    np.broadcast_to(origin.fields[field], value.shape), value
                )
    left = LEFT_TO_NUTS.get(name, set())
    step = compose(model, [rv.name for rv in model.free_RVs if rv.name not in left])
    expected = {
        rv.name: f"Gibbs: {block.name} block" for block in step.blocks for rv in block.drawn
    }
    for rv, dist in step.conditionals.items():
        expected[rv.name] = f"Gibbs: {dist.owner.op._print_name[0]} full conditional"
    expected |= dict.fromkeys(left, "NUTS")
    lines = [line for line in description if line.part == "variables" and line.drawn_by]
    assert {line.name: line.drawn_by for line in lines} == expected
    assert {line.name for line in description if line.part == "blocks"} == {
        block.name for block in step.blocks
    }


def test_what_is_left_to_nuts_is_drawn_by_nuts():
    model = PRIORS["half-normal-ridge"](X, y)
    _, assigned = pm.sampling.mcmc.assign_step_methods(model)
    drawn = {v.name: step.__name__ for step, values in assigned.items() for v in values}
    assert drawn[model.rvs_to_values[model["tau2"]].name] == "NUTS"
    assert blr.describe(model)["tau2"].drawn_by == "NUTS"
    assert blr.describe(model)["tau2"].value == pm.printing.str_for_dist(model["tau2"])[5:]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"h2": 0.3}, "tau2"),
        ({"h2": 0.3}, "sigma2"),
        ({"tau2": (7, 0.25)}, "tau2"),
        ({"tau2": 0.25}, "tau2"),
        ({"pi": (1, 3)}, "pi"),
        ({"mu": (1, 2)}, "mu"),
        ({"standardize": True}, "standardized"),
        ({"center": False}, "centered"),
        ({"weights": np.linspace(1, 3, 12)}, "weights"),
        ({"design": "float32"}, "form"),
        ({"design": "float32"}, "memory"),
        ({"groups": GROUPS}, "class"),
    ],
)
def test_another_argument_is_another_line(change, name):
    before, after = blr.describe(blr.spike_slab(X, y)), blr.describe(blr.spike_slab(X, y, **change))
    if name == "class":
        assert after["groups"].value == "2: 'a' (2), 'b' (2)"
    else:
        assert before[name] != after[name]


def test_given_and_fixed_values_are_printed():
    found = blr.describe(blr.spike_slab(X, y, tau2=0.25, pi=(1, 3), weights=np.linspace(1, 3, 12)))
    assert found["tau2"].value == "= 0.25"
    assert not found["tau2"].drawn_by
    assert found["pi"].value == "~ beta(a = 1, b = 3)"
    assert not found["pi"].formula
    assert found["weights"].value == "1 to 3"
    assert found["residual"].value == "e_i ~ N(0, sigma2 / weight_i)"


@pytest.mark.parametrize("design", ["dense", "float32", "genotypes", "sparse", "gram"])
def test_the_design_is_that_of_the_model(design):
    codes = np.random.default_rng(1).integers(0, 3, (12, 4)).astype(np.int8)
    model = blr.spike_slab(codes, y, design=design, weights=None)
    term, found = model["sigma2"].tag.blrzoo.main, blr.describe(model)
    assert found["form"].value.startswith(f"{design}, ")
    size = sum(array.nbytes for array in term.design.arrays) / 1e6
    assert float(found["memory"].value.split()[0]) == pytest.approx(size, rel=0.01)
    assert found["size"].value == "n = 12, p = 4"


def test_the_memory_of_a_joint_draw_has_its_factorisation():
    model = blr.single_component(X, y, update="joint")
    factors = model["sigma2"].tag.blrzoo.main.design.factorisation.arrays
    printed = float(blr.describe(model)["memory"].value.split()[-2])
    assert printed == pytest.approx(sum(array.nbytes for array in factors) / 1e6, rel=0.01)


def test_statistics_and_their_weights():
    plain = blr.sufficient_statistics(X, y)
    assert blr.describe(blr.spike_slab(plain))["weights"].value == "none"
    found = blr.describe(
        blr.spike_slab(blr.sufficient_statistics(X, y, weights=np.linspace(1, 3, 12)))
    )
    assert found["weights"].value == "in the sums, 24 in all"
    assert found["response"].value == "12 observations, by sufficient statistics"


def test_several_traits_with_holes():
    found = blr.describe(PRIORS["multivariate-holes"](X, y))
    assert found["response"].value == (
        "12 observations of 2 traits [0, 1]; 8 values not measured, integrated out"
    )
    assert found["covariates"].value == "2: [0, 1]"


def test_after_do_the_value_is_fixed_and_the_rest_is_drawn_as_before():
    model = pm.do(blr.spike_slab(X, y), {"tau2": 0.3})
    found = blr.describe(model)
    assert found["tau2"].value == "= 0.3"
    assert not found["tau2"].drawn_by
    assert found["pi"].formula
    step = compose(model, [rv.name for rv in model.free_RVs])
    drawn = {line.name for line in found if line.drawn_by.startswith("Gibbs")}
    assert drawn == {rv.name for rv in step.drawn}


def test_a_further_term_has_lines_of_its_own():
    found = blr.describe(two_terms(priors=(blr.priors.SpikeSlab(), blr.priors.SingleComponent())))
    assert found["mean"].value == (
        "y = mu + (X - X_center) beta + (cage_X - cage_X_center) cage_beta + e"
    )
    parts = {line.part: line.value for line in found if line.name == "size"}
    assert parts == {"design": "n = 20, p = 4", "design of cage": "n = 20, p = 2"}
    assert found["cage_beta"].drawn_by == "Gibbs: joint block"
    assert {"p = 2"} < set(found["cage_tau2"].numbers)


class Own(table.GroupRidge):
    """A variance for each group & more.

    A second paragraph.
    """

    def describe(self):
        """Say where it is from."""
        return super().describe() | {"source": "<my thesis>"}


def test_a_prior_of_ones_own_is_described_and_may_say_more():
    model = blr.regression(X, y, prior=Own([0, 0, 1, 1], df=6.0))
    found = blr.describe(model)
    assert found["class"].value == "Own: A variance for each group & more"
    assert found["df"].value == "6"
    assert found["source"].value == "<my thesis>"
    assert found["tau2"].value == "~ InverseGamma(3, 1.5)"
    html = found._repr_html_()
    assert "&lt;my thesis&gt;" in html
    assert "group &amp; more" in html


def test_it_is_a_table():
    found = blr.describe(blr.spike_slab(X, y))
    frame = found.to_dataframe()
    assert len(frame) == len(found)
    assert frame.loc[("variables", "tau2"), "drawn_by"] == "Gibbs: InverseGamma full conditional"
    assert str(found) == repr(found)
    assert max(map(len, str(found).splitlines())) <= 120
    with pytest.raises(KeyError, match=r"name must be one of .*'tau2'.*, got 'tau3'"):
        found["tau3"]


def test_another_object_is_refused():
    with pm.Model() as plain:
        pm.Normal("mu")
    frozen = pm.model.transform.optimization.freeze_dims_and_data(blr.spike_slab(X, y))
    for wrong in (None, "model", plain, frozen):
        with pytest.raises(TypeError, match="model must be a model of blrzoo, got"):
            blr.describe(wrong)
