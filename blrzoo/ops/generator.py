"""A random generator that is passed to compiled functions as an array of its addresses.

Where an argument is a generator, numba looks up its types, its state and three functions in Python
at each call. Its addresses are looked up once.
"""

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.unsafe.ndarray import to_fixed_tuple
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit
from pytensor.tensor.random.type import random_generator_type

from blrzoo.ops.numba import register

__all__ = ["GeneratorAt", "addresses"]

_FUNCTIONS = ("next_uint64", "next_uint32", "next_double")
_LENGTH = 4 + len(_FUNCTIONS)


@lru_cache(maxsize=16)  # keeps the generators alive, so that no other gets their addresses
def addresses(generator: np.random.Generator) -> np.ndarray:
    """Return the addresses of a generator, its bit generator, and the state and functions of it.

    Parameters
    ----------
    generator : numpy.random.Generator
        It must live as long as the addresses are used.

    Returns
    -------
    ndarray of uint64
        Valid in this process only.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.generator import addresses
    >>> rng = np.random.default_rng(1)
    >>> int(addresses(rng)[0]) == id(rng)
    True
    """
    bits = generator.bit_generator
    binding = bits.ctypes
    functions = [ctypes.cast(getattr(binding, f), ctypes.c_void_p).value for f in _FUNCTIONS]
    own = id(generator), id(bits), binding.state_address, binding.state.value
    return np.array([*own, *functions], dtype=np.uint64)


class GeneratorAt(Op):
    """The generator at some `addresses`: the same object, which draws advance."""

    __props__ = ()

    def make_node(self, places: pt.TensorLike) -> Apply:
        """Take a vector of addresses."""
        return Apply(self, [pt.as_tensor_variable(places)], [random_generator_type()])

    def perform(
        self,
        node: Apply,
        inputs: Sequence[np.ndarray],
        output_storage: list[list[np.random.Generator | None]],
    ) -> None:
        """Return the Python object."""
        (places,) = inputs
        output_storage[0][0] = ctypes.cast(int(places[0]), ctypes.py_object).value


@intrinsic
def _generator_at(_context: Any, places: Any) -> Any:
    """Build numba's representation of a generator from a tuple of its addresses."""

    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        own, bits, address, state, *functions = cgutils.unpack_tuple(builder, arguments[0])
        inner = cgutils.create_struct_proxy(_BITS)(context, builder)
        inner.parent = builder.inttoptr(bits, cgutils.voidptr_t)
        inner.state_address, inner.state = address, state
        for name, function in zip(_FUNCTIONS, functions, strict=True):
            setattr(inner, f"fnptr_{name}", function)
        outer = cgutils.create_struct_proxy(_GENERATOR)(context, builder)
        outer.parent = builder.inttoptr(own, cgutils.voidptr_t)
        outer.bit_generator = inner._getvalue()
        return outer._getvalue()

    return _GENERATOR(places), build


_BITS = types.NumPyRandomBitGeneratorType("bit_generator")
_GENERATOR = types.NumPyRandomGeneratorType("generator")


@register(GeneratorAt)
@numba_njit
def _of_addresses(places):  # type: ignore[no-untyped-def]
    return _generator_at(to_fixed_tuple(places, _LENGTH))
