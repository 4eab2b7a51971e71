"""Components of a mixture of covariances: learned ones, canonical ones, or any matrix."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from blrzoo.checks import Instance, Integer, LeftOut
from blrzoo.priors.covariance import check_both
from blrzoo.priors.given import labelled, ordered
from blrzoo.priors.multivariate.weights import MOST_COMPONENTS

__all__ = ["CANONICAL", "Component", "check_components", "read_components"]

_NO_NUMBER = LeftOut("where components are listed", advice="Pass one of the two.")

#: Names of fixed components, and the effects of a feature in them.
CANONICAL = {
    "null": "no effect",
    "equal": "the same effect on all traits, in standard deviations",
    "each": "an effect on one trait only, a component for each trait",
    "independent": "independent effects on all traits",
}


class Component(NamedTuple):
    """A component: its name, and its covariance, (trait, trait_bis); None if it is learned."""

    name: str | int
    covariance: np.ndarray | None


def check_components(
    n_components: int | None, components: Sequence[ArrayLike] | None
) -> int | list[ArrayLike]:
    """Check a number of components or a list of them, as far as possible without the traits."""
    remedy = "Pass for instance n_components=3, or components=['null', 'equal', 'each', 'learned']."
    if components is None:
        count = Integer(2, MOST_COMPONENTS, default=4, advice=remedy)
        return count.check("n_components", 4 if n_components is None else n_components)
    _NO_NUMBER.check("n_components", n_components)
    Instance((list, tuple), "a list of components", advice=remedy).check("components", components)
    if len(components) > MOST_COMPONENTS:
        raise ValueError(
            f"components must be {MOST_COMPONENTS} at most, got a list of {len(components)}. "
            f"{remedy}"
        )
    known = [*CANONICAL, "learned"]
    wrong = [item for item in components if isinstance(item, str) and item not in known]
    if wrong:
        raise ValueError(
            f"components must be among {', '.join(known)} or matrices, got {wrong[0]!r}. {remedy}"
        )
    if all(isinstance(item, str) and item == "null" for item in components):
        raise ValueError(
            f"components must have at least one with effects, got {components!r}. {remedy}"
        )
    return list(components)


def read_components(
    components: int | list[ArrayLike], scale: np.ndarray, traits: np.ndarray
) -> list[Component]:
    """Components of a mixture for the traits at hand, the null first; numbers are their names.

    `scale`, (trait,), has the prior standard deviations of an included effect, for canonical ones.
    """
    zero = np.zeros((len(scale), len(scale)))
    if isinstance(components, int):
        return [Component(k, None if k else zero) for k in range(components)]
    found = [Component("null", zero)]
    for item in components:
        found += _read(item, len(found), scale, traits)
    names = [str(component.name) for component in found]
    twice = {name for name in names if names.count(name) > 1}
    return [
        Component(
            f"{name} {names[: i + 1].count(name)}" if name in twice else name, part.covariance
        )
        for i, (name, part) in enumerate(zip(names, found, strict=True))
    ]


def _read(item: ArrayLike, number: int, scale: np.ndarray, traits: np.ndarray) -> list[Component]:
    diagonal = np.diag(scale**2)
    if not isinstance(item, str):
        return [Component(f"given {number}", _check_matrix(item, traits))]
    if item == "null":
        return []
    if item == "each":
        units = np.eye(len(scale))
        return [
            Component(f"{trait} only", diagonal * unit)
            for trait, unit in zip(traits, units, strict=True)
        ]
    matrices = {"learned": None, "equal": np.outer(scale, scale), "independent": diagonal}
    return [Component(item, matrices[item])]


def _check_matrix(value: ArrayLike, traits: np.ndarray) -> np.ndarray:
    n_traits = len(traits)
    rule = f"components must have names, or matrices of {n_traits} by {n_traits} numbers"
    remedy = "Pass a covariance matrix of effects, symmetric and positive semi-definite, not zero."
    try:
        matrix = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{rule}, got {value!r}. {remedy}") from None
    if matrix.shape != (n_traits, n_traits):
        raise ValueError(f"{rule}, got {value!r} of shape {matrix.shape}. {remedy}")
    given = check_both("components", labelled("components", value))
    matrix = ordered("components", given, (traits, traits)).astype(float)
    symmetric = np.isfinite(matrix).all() and np.allclose(matrix, matrix.T, rtol=1e-8, atol=0)
    values = np.linalg.eigvalsh(matrix) if symmetric else np.array([-1.0])
    if values.min() < -1e-10 * abs(values).max() or values.max() <= 0:
        raise ValueError(f"{rule}, positive semi-definite, got {matrix.tolist()}. {remedy}")
    return matrix
