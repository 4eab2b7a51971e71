"""A compiled function that is called once a draw, without what a call of PyTensor's costs.

Of a small model a draw takes 20 microseconds, and a call took 140 more: PyTensor's numba functions
take ``*args``, and of a tuple that holds a random generator numba looks up the types of all members
in Python, at each call. Functions of a fixed number of arguments do not have that cost.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytensor
from pytensor.compile.mode import Mode, get_mode
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS, compile_numba_function_src
from pytensor.link.numba.dispatch.basic import numba_njit
from pytensor.link.numba.linker import NumbaLinker

__all__ = ["CompiledSweep", "FixedArityLinker"]


class FixedArityLinker(NumbaLinker):
    """PyTensor's linker for numba, but the function has as many arguments as the graph."""

    def jit_compile(self, fn_and_cache: tuple[Any, str | None]) -> Callable[..., Any]:
        """Compile ``call(a0, a1, ...)`` in the place of PyTensor's ``call(*args)``."""
        function, key = fn_and_cache
        if key is None:  # not to be cached: PyTensor passes the graph's own function
            return super().jit_compile(fn_and_cache)
        wrapper = function.py_func
        arguments = ", ".join(f"a{k}" for k in range(len(self.fgraph.inputs)))
        call = compile_numba_function_src(
            f"def call({arguments}):\n    return jitable_func({arguments})",
            "call",
            wrapper.__globals__,
            cache_key=f"{CACHED_SRC_FUNCTIONS[wrapper]}_fixed_arity",
        )
        return numba_njit(call, final_function=True, cache=True)


class CompiledSweep:
    """A function of arrays of the right types, which are not checked.

    Parameters
    ----------
    inputs, outputs : list
        As for ``pytensor.function``.
    **kwargs
        Other arguments of it. Where `mode` uses numba, the number of arguments is fixed.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> from blrzoo.gibbs.compiled import CompiledSweep
    >>> x = pt.vector("x", dtype="float64")
    >>> CompiledSweep([x], [2 * x])(np.array([1.0, 2.0]))
    (array([2., 4.]),)
    """

    def __init__(self, inputs: list[Any], outputs: list[Any], **kwargs: Any) -> None:
        mode = get_mode(kwargs.pop("mode", None))
        if type(mode.linker) is NumbaLinker:
            mode = Mode(FixedArityLinker(), mode.provided_optimizer)
        self.function = pytensor.function(inputs, outputs, mode=mode, **kwargs)
        self.function.trust_input = True

    @cached_property
    def _call(self) -> Callable[..., Any]:
        """What numba compiled; PyTensor's function where another linker did."""
        return getattr(self.function.vm, "jit_fn", self.function)

    def __call__(self, *inputs: Any) -> Any:
        """Return the outputs."""
        return self._call(*inputs)

    def __getstate__(self) -> dict[str, Any]:
        """Without machine code, which is made again where it is unpickled."""
        return {"function": self.function}
