"""Functions that are compiled once per kind of model, and called without PyTensor's overhead.

Data, and all numbers that follow from them, are inputs. So data sets of one kind have the same
graph, and a process compiles it once. That also keeps its memory flat: numba's registry never
forgets what it compiled.

A draw of a small model takes 20 microseconds; a call by PyTensor took 140 more, because numba looks
up the types of all arguments in Python at each call if one of them is a random generator. So the
generator is passed as an array of its addresses, and the function that numba compiled is called
directly.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.executor import Function
from pytensor.compile.io import In, Out
from pytensor.compile.mode import Mode
from pytensor.compile.ops import ViewOp
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable
from pytensor.graph.fg import FrozenFunctionGraph
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors, io_toposort
from pytensor.tensor.random.type import RandomGeneratorType
from pytensor.tensor.type import TensorType
from pytensor.tensor.variable import TensorConstant

from blrzoo.ops.generator import GeneratorAt

__all__ = ["Compiled"]

#: Most dims of any array: a longer index array is data, a shorter one may be a shape. Models with
#: other numbers of traits or components up to this are of another kind, as code for unknown lengths
#: takes much longer to compile.
_SHAPE = 4

#: Number of compiled functions that a process keeps.
_KEPT = 64


class Compiled:
    """A compiled function of arrays, whose types it does not check.

    Shared variables are read at each call, so `pm.set_data` works as with PyTensor's functions. A
    generator is passed as its `blrzoo.ops.generator.addresses`. An output that is an input is
    returned as the same memory.

    Parameters
    ----------
    inputs, outputs : sequence of variables
        Arguments and results.
    mode : str or Mode, optional
        As for ``pytensor.function``.
    **options
        Other arguments of ``pytensor.function``.

    Raises
    ------
    ValueError
        If outputs depend on a random generator that is not an input.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> from blrzoo.gibbs.compiled import Compiled
    >>> x = pt.vector("x", dtype="float64")
    >>> Compiled([x], [2 * x], mode="NUMBA")(np.array([1.0, 2.0]))
    (array([2., 4.]),)
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        *,
        mode: str | Mode | None = None,
        **options: Any,
    ) -> None:
        places = {v: pt.vector("addresses", dtype="uint64") for v in inputs if _is_generator(v)}
        memo = {v: GeneratorAt()(place) for v, place in places.items()}
        outputs, data = _data_as_inputs(list(outputs), memo)
        self._data = [shared.container for shared in data.values()]
        graph = FrozenFunctionGraph.from_io([*(places.get(v, v) for v in inputs), *data], outputs)
        self._kind = (graph, mode, tuple(sorted(options.items())))

    @cached_property
    def function(self) -> Function:
        """PyTensor's function, one for all of a kind."""
        config = pytensor.config
        flags = (config.mode, config.linker, config.optimizer, config.numba__fastmath)
        return _compile(*self._kind, flags)

    @cached_property
    def _call(self) -> Callable[..., Any]:
        """The function that numba compiled; with another linker PyTensor's."""
        return getattr(self.function.vm, "jit_fn", self.function)

    def __call__(self, *inputs: Any) -> Any:
        """Return the outputs."""
        return self._call(*inputs, *[container.storage[0] for container in self._data])

    def __getstate__(self) -> dict[str, Any]:
        """Leave out machine code, which is made again after unpickling."""
        return {"_kind": self._kind, "_data": self._data}


@lru_cache(maxsize=_KEPT)
def _compile(
    graph: FrozenFunctionGraph,
    mode: str | Mode | None,
    options: tuple[tuple[str, Any], ...],
    _flags: tuple[object, ...],
) -> Function:
    """Compile a graph over new variables: tags of a model's variables would keep its data."""
    inputs = [variable.type() for variable in graph.inputs]
    return pytensor.function(
        [In(v, borrow=True) for v in inputs],
        [Out(v, borrow=True) for v in graph.bind(inputs)],
        mode=mode,
        **{"on_unused_input": "ignore", "trust_input": True} | dict(options),
    )


def _data_as_inputs(
    outputs: list[Variable], memo: dict[Variable, Variable]
) -> tuple[list[Variable], dict[Variable, SharedVariable]]:
    """Outputs with inputs in place of all data; for each input a shared variable of its value."""
    # Constants would be part of the compiled code, which each data set would then compile anew.
    # Formulas keep their whole numbers and halves; lengths are those of the inputs.
    shared = {v: _holder(v) for v in ancestors(outputs) if _is_data(v)}
    memo = memo | {v: holder.type(name=v.name) for v, holder in shared.items()}
    inputs = {memo[v]: holder for v, holder in shared.items()}
    # Each node is copied once: graph_replace copies draws twice, and hands a generator to both.
    for node in io_toposort([], outputs):
        if _only_names(node.op):
            memo[node.outputs[0]] = memo.get(node.inputs[0], node.inputs[0])
        elif any(variable in memo for variable in node.inputs):
            copied = [memo.get(variable, variable) for variable in node.inputs]
            copy = node.op.make_node(*copied)  # anew, as lengths are no longer known
            memo.update(zip(node.outputs, copy.outputs, strict=True))
    return [memo.get(output, output) for output in outputs], inputs


def _only_names(op: Op) -> bool:
    """Whether an Op makes the name of a Deterministic, which copies of a model lack."""
    return isinstance(getattr(op, "core_op", op), ViewOp)  # the core of a Blockwise


def _is_generator(v: Variable) -> bool:
    return isinstance(v.type, RandomGeneratorType)


def _is_data(v: Variable) -> bool:
    if isinstance(v, SharedVariable):
        return isinstance(v.type, TensorType)
    if not isinstance(v, TensorConstant):
        return False
    if getattr(v.tag, "blrzoo_data", False):  # a number of features
        return True
    if v.dtype == "int8" and v.ndim == 2:  # genotype codes
        return True
    if v.dtype != "float64":  # the group of each feature; a short vector may be a shape
        return v.ndim == 1 and v.data.dtype.kind in "iu" and v.data.size > _SHAPE
    return bool(v.ndim) or not np.all(np.mod(2 * v.data, 1) == 0)


def _holder(v: Variable) -> SharedVariable:
    """A shared variable as it is; a constant as a shared variable whose length may change."""
    if isinstance(v, SharedVariable):
        return v
    # a writeable copy: numba compiles anew for another kind of array
    length = tuple(None if n > _SHAPE else n for n in v.type.shape[:1])
    return pytensor.shared(np.array(v.data), shape=(*length, *v.type.shape[1:]))
