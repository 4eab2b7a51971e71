"""The linear predictor X beta and its transpose, of any design: the Ops and their kernels."""

from collections.abc import Callable, Sequence

import numpy as np
import pytensor.tensor as pt
from numba import njit
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.replace import _vectorize_node
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import SUMS, Design
from blrzoo.ops.base import DesignOp, Shape, Variables
from blrzoo.ops.numba import design_version, operations, trait_operations

__all__ = ["CrossProduct", "LinearPredictor", "make_cross", "make_predictor"]

#: Numbers that stay in the cache of a core: so many are updated in one pass over the features.
_CACHE = 1 << 15


class _Product(DesignOp):
    """A product of X*, or of its transpose, with the last input; the others are its arrays."""

    def make_node(self, *inputs: pt.TensorLike) -> Apply:
        """Check the dims of the last input."""
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

    def pullback(self, inputs: Variables, outputs: Variables, cotangents: Variables) -> Variables:
        """Gradient: the product with the transpose."""
        *arrays, _ = inputs
        # Cross-products are symmetric: their product is its own transpose.
        kind = type(self) if self.kind.form == SUMS else TRANSPOSED[type(self)]
        transposed = kind(self.design)
        return [*(disconnected_type() for _ in arrays), transposed(*arrays, *cotangents)]


class LinearPredictor(_Product):
    r"""The linear predictor :math:`X^* b`: the features of a design times effects.

    With weights :math:`w`, centers :math:`c` and units :math:`u` of the design,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)`. The inputs are the arrays
    of the design, so no dense copy of X is made, whatever the design. The gradient is the
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

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        """Multiply in NumPy."""
        *arrays, effects = inputs
        return self.kind.product(tuple(arrays), effects)

    def infer_shape(self, node: Apply, shapes: Sequence[Shape]) -> list[Shape]:
        """As many rows as the design has observations."""
        return [(self.kind.rows(node.inputs[:-1]), *shapes[-1][1:])]


class CrossProduct(_Product):
    r"""The transpose of the features of a design times a residual, :math:`X^{*\prime} r`.

    With weights :math:`w`, centers :math:`c` and units :math:`u` of the design,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)`. The gradient of the
    `LinearPredictor`, whose gradient is the `LinearPredictor` again.

    Inputs: the design's arrays, then

    - residual : (obs,) or (obs, trait), times square roots of the weights, like the rows of X

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

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        """Multiply in NumPy."""
        *arrays, residual = inputs
        return self.kind.cross(tuple(arrays), residual)

    def infer_shape(self, node: Apply, shapes: Sequence[Shape]) -> list[Shape]:
        """As many rows as features, the length of the last array."""
        *_, diagonal, residual = shapes
        return [(diagonal[0], *residual[1:])]


TRANSPOSED = {LinearPredictor: CrossProduct, CrossProduct: LinearPredictor}


@_vectorize_node.register(_Product)
def _vectorize(op: _Product, node: Apply, *inputs: TensorVariable) -> list[TensorVariable]:
    """Make one product of all draws: they become columns, like traits."""
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


def make_predictor(design: type[Design]) -> Callable[..., np.ndarray]:
    """Compile X* times effects, (feature, trait), for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and the output of a `LinearPredictor` of a matrix of effects.
    """
    _, _, update, _ = operations(design)
    begin, end = trait_operations(design)
    rows = njit(design.rows)

    @njit
    def predict(*inputs):  # type: ignore[no-untyped-def]
        arrays, effects = inputs[:-1], inputs[-1]
        n, (p, n_traits) = rows(arrays), effects.shape
        working = begin(arrays, np.zeros((n, n_traits)))
        step = max(1, _CACHE // max(n, 1))
        for start in range(0, n_traits, step):
            for j in range(p):
                for t in range(start, min(start + step, n_traits)):
                    if effects[j, t] != 0.0:
                        update(arrays, j, effects[j, t], working[t])
        return end(arrays, working, n)

    return predict


def make_cross(design: type[Design]) -> Callable[..., np.ndarray]:
    """Compile the transpose of X* times a residual, (obs, trait), for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and the output of a `CrossProduct` of a matrix.
    """
    _, dot, _, _ = operations(design)
    begin, _ = trait_operations(design)

    @njit
    def cross(*inputs):  # type: ignore[no-untyped-def]
        arrays, residual = inputs[:-1], inputs[-1]
        p, (n, n_traits) = arrays[-1].shape[0], residual.shape
        dots, working = np.empty((p, n_traits)), begin(arrays, residual)
        step = max(1, _CACHE // max(n, 1))
        for start in range(0, n_traits, step):
            for j in range(p):
                for t in range(start, min(start + step, n_traits)):
                    dots[j, t] = dot(arrays, j, working[t])
        return dots

    return cross


def _of_vectors(product: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Compile a product with a vector from that with a matrix, of one column here."""

    @njit
    def of_vector(*inputs):  # type: ignore[no-untyped-def]
        column = np.ascontiguousarray(inputs[-1]).reshape(-1, 1)
        return product(*inputs[:-1], column)[:, 0].copy()

    return of_vector


#: Functions that make the kernels.
_MAKE = {LinearPredictor: make_predictor, CrossProduct: make_cross}


@register_funcify_default_op_cache_key(_Product)
def _funcify(op: _Product, node: Apply, **kwargs: object) -> tuple[Callable[..., np.ndarray], int]:
    """Kernel of a node, and its version, which differs between vectors and matrices."""
    make, dims = _MAKE[type(op)], node.inputs[-1].type.ndim
    product, version = make(op.kind), design_version(op.kind, make)
    return (product, version) if dims == 2 else (_of_vectors(product), version + 1)
