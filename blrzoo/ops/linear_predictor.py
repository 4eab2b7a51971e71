"""The linear predictor X beta as a PyTensor Op that never sees X: any design can hold it."""

from typing import Any

import pytensor.tensor as pt
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node

from blrzoo.designs.base import DESIGNS, SUMS

__all__ = ["CrossProduct", "LinearPredictor"]


class _Product(Op):
    """A product with X* or with its transpose; linear in the last input, the rest are arrays."""

    __props__ = ("design",)

    def __init__(self, design: str) -> None:
        self.design = design

    def make_node(self, *inputs: Any) -> Apply:
        """Check the kinds of the inputs."""
        *arrays, last = (pt.as_tensor(value) for value in inputs)
        if last.ndim not in (1, 2):
            raise ValueError(
                f"{self} needs a vector or a matrix with a column for each trait, got "
                f"{last.ndim} dims. Use vectorize_graph for more."
            )
        output = pt.tensor(dtype="float64", shape=(None, *last.type.shape[1:]))
        return Apply(self, [*arrays, pt.cast(last, "float64")], [output])

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Gradients are those of the last input: the design's arrays are data."""
        return [*([False] for _ in node.inputs[:-1]), [True]]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Gradient: the product with the transpose."""
        *arrays, _ = inputs
        # Cross-products are symmetric: their product is its own transpose.
        kind = type(self) if DESIGNS[self.design].form == SUMS else TRANSPOSED[type(self)]
        transposed = kind(self.design)
        return [*(disconnected_type() for _ in arrays), transposed(*arrays, *cotangents)]


class LinearPredictor(_Product):
    r"""Effects times the features as a design has them, :math:`X^* b`.

    With weights :math:`w`, centres :math:`c` and units :math:`u` of the design,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)`. The Op takes the design's
    arrays, so that no dense copy of X is made, whatever the design. Its gradient is the
    `CrossProduct`. `pytensor.graph.vectorize_graph` makes one product of many draws of effects.

    Inputs: the design's arrays, then

    - effects : (feature,) or (feature, trait)

    Output: the linear predictor, (obs,) or (obs, trait).

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.

    References
    ----------
    .. [1] Legarra & Misztal (2008). Computing strategies in genome-wide selection. Journal of
       Dairy Science 91:360-366 (products with X by features).

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs import Genotypes
    >>> from blrzoo.ops import LinearPredictor
    >>> design = Genotypes(np.array([[0, 2], [1, 1]], dtype=np.int8), center=np.zeros(2))
    >>> LinearPredictor("genotypes")(*design.shared(), np.array([1.0, 10.0])).eval()
    array([20., 11.])
    """

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        *arrays, effects = inputs
        outputs[0][0] = DESIGNS[self.design].product(tuple(arrays), effects)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """As many observations as the design has."""
        return [(DESIGNS[self.design].rows(node.inputs[:-1]), *shapes[-1][1:])]


class CrossProduct(_Product):
    r"""Features as a design has them times a residual, :math:`X^{*\prime} r`.

    With weights :math:`w`, centres :math:`c` and units :math:`u` of the design,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)`. The gradient of the
    `LinearPredictor`, whose gradient is the `LinearPredictor` again.

    Inputs: the design's arrays, then

    - residual : (obs,) or (obs, trait), multiplied by root weights like the rows of X

    Output: the cross-product, (feature,) or (feature, trait).

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.

    References
    ----------
    .. [1] Legarra & Misztal (2008). Computing strategies in genome-wide selection. Journal of
       Dairy Science 91:360-366 (products with X by features).

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs import Genotypes
    >>> from blrzoo.ops import CrossProduct
    >>> design = Genotypes(np.array([[0, 2], [1, 1]], dtype=np.int8), center=np.zeros(2))
    >>> CrossProduct("genotypes")(*design.shared(), np.array([1.0, 10.0])).eval()
    array([10., 12.])
    """

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        *arrays, residual = inputs
        outputs[0][0] = DESIGNS[self.design].cross(tuple(arrays), residual)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """As many features as the diagonal, the last array, has."""
        *_, diagonal, residual = shapes
        return [(diagonal[0], *residual[1:])]


TRANSPOSED = {LinearPredictor: CrossProduct, CrossProduct: LinearPredictor}


@_vectorize_node.register(_Product)
def _vectorize(op: _Product, node: Apply, *inputs: Any) -> list[Variable]:
    """One product of all draws: they become columns, as traits are."""
    *arrays, batched = inputs
    pairs = zip(arrays, node.inputs[:-1], strict=True)
    if any(array.ndim != core.type.ndim for array, core in pairs):
        raise NotImplementedError(f"{op} needs one design for all draws, got a batch of designs.")
    core = node.inputs[-1].type.ndim
    last = batched.ndim - core  # the dim of features, or of observations
    if last == 0:
        return [op(*arrays, batched)]
    first = pt.moveaxis(batched, last, 0)
    columns = op(*arrays, first.reshape((first.shape[0], -1)))
    return [pt.moveaxis(columns.reshape((columns.shape[0], *first.shape[1:])), 0, last)]
