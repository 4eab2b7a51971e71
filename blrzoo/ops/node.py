"""Nodes of Ops whose outputs have the shapes of inputs."""

from collections.abc import Sequence
from typing import Any

import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

__all__ = ["node_of"]


def node_of(op: Op, inputs: Sequence[Any], dtypes: Sequence[str]) -> Apply:
    """Apply an Op to tensors; what is known of their shapes is known of the outputs'."""
    variables = [pt.as_tensor(value) for value in inputs]
    shapes = op.infer_shape(None, [variable.type.shape for variable in variables])
    pairs = zip(dtypes, shapes, strict=True)
    return Apply(op, variables, [pt.tensor(dtype=dtype, shape=shape) for dtype, shape in pairs])
