"""What a design is: X in the form that makes its sweep cheapest, behind a few operations.

A sweep visits the features one by one. A design gives it the dot product of a feature with the
residual, and updates the residual when an effect changes. Each design decides what is carried
from feature to feature: the residual itself, or something cheaper to keep up to date. A new
design is a subclass with its own `dot` and `update`; kernels and Ops need no change.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pytensor
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.factorisation import Factorisation

__all__ = ["DESIGNS", "SUMS", "Design", "register"]

#: Everything that the static methods of a design read.
Arrays = tuple[np.ndarray, ...]

#: Features: anything that indexes an array of them.
Index = np.ndarray | Sequence[int] | slice | int

#: Designs by name. The Op holds the name, which is also part of the key of compiled kernels.
DESIGNS: dict[str, type["Design"]] = {}

#: Form of designs that hold cross-products.
SUMS = "sums"


class Design:
    r"""X of a regression in some form, and how a sweep multiplies with it.

    With weights :math:`w`, centers :math:`c` and units :math:`u`, a design stands for

    .. math:: X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u),

    with a column :math:`x^*_j` for each feature. Effects are on the scale of :math:`X^*`, and a
    residual r is multiplied by :math:`\sqrt w` like the rows of X.

    A subclass defines `name`, `dot` and `update`, and sets `arrays` when it is made. The other
    methods have defaults. Seven are static methods, which numba compiles: loops over arrays and
    numbers, without Python objects. They are called from Python too.

    ========================================  ====================================================
    ``begin(arrays, residual)``               working state of a sweep from r: a new array, 1-d and
                                              float64, of one length for all r; default a copy of r
    ``dot(arrays, j, working)``               :math:`x_j^{*\prime} r`
    ``update(arrays, j, change, working)``    :math:`r \leftarrow r + x^*_j\,\mathrm{change}`,
                                              in place
    ``end(arrays, working)``                  r from the working state; default the state itself
    ``coarsen(arrays, working)``              rough copy of the working state for ``bound``;
                                              default the state itself
    ``bound(arrays, j, working, rough)``      number no smaller than :math:`|x_j^{*\prime} r|`;
                                              default infinity
    ``rows(arrays)``                          number of observations; default the length of the
                                              rows of ``arrays[0]``, (feature, obs)
    ========================================  ====================================================

    ``coarsen`` and ``bound`` pay where the exact dot product is the cost of a sweep and a rough
    one is cheaper. In sweeps of one trait where few features are included, a feature at 0 whose
    label is 0 even at the bound needs no exact dot product. No draw changes.

    `product`, `cross` and `columns` are plain Python. Those of this class call ``begin``,
    ``dot``, ``update`` and ``end``: right for every design, but slow.

    `form` is the form in which a class is given X: one of `blrzoo.storage.forms.FORMS` other than
    "auto", or "sums" for cross-products. It decides how the class is called:

    - ``design(X, center, root, unit)``, with `center` (feature,), `root` (obs,) or 1.0, and
      `unit` (feature,) or 1.0;
    - ``design(cross, unit)`` where `form` is "sums": X'diag(w)X about the weighted means,
      (feature, feature), with `unit` (feature,) or None. The residual of such a design is
      :math:`X^{*\prime} r`, (feature,), and its product is :math:`X^{*\prime} X^* b`.

    A registered class is chosen by its name: ``blr.regression(X, y, design="lists", ...)``.

    Attributes
    ----------
    name : str
        Key in `DESIGNS`.
    form : str, default "dense"
        Form in which it is given X.
    arrays : tuple of ndarray
        Everything that the static methods read; the last one is the diagonal of X*'X*, (feature,).
    center, unit : ndarray, (feature,), or None
        What was subtracted from each feature, and what each was divided by; None for nothing.
        With `root` set by `blrzoo.designs.read.read_design`, for `as_given`.
    root : ndarray, (obs,), or 1.0
        Square roots of the weights.

    References
    ----------
    .. [1] Legarra & Misztal (2008). Computing strategies in genome-wide selection. Journal of
       Dairy Science 91:360-366 (a residual that follows each change of an effect).

    Examples
    --------
    Features that are 0 or 1, as lists of the observations that have them, for models with
    ``center=False`` and neither weights nor units:

    >>> import numpy as np
    >>> import blrzoo as blr
    >>> from blrzoo.designs import Design, register
    >>> @register
    ... class Lists(Design):
    ...     name = "lists"
    ...
    ...     def __init__(self, X, center, root, unit):
    ...         if np.any(center) or np.ndim(root) or np.ndim(unit):
    ...             raise ValueError("lists are neither centered nor weighted nor scaled")
    ...         feature, obs = np.nonzero(X.T)
    ...         start = np.searchsorted(feature, np.arange(X.shape[1] + 1))
    ...         self.arrays = (obs, start, np.array([len(X)]), X.sum(axis=0))
    ...
    ...     @staticmethod
    ...     def rows(arrays):
    ...         return arrays[2][0]
    ...
    ...     @staticmethod
    ...     def dot(arrays, j, working):
    ...         total = 0.0
    ...         for i in arrays[0][arrays[1][j] : arrays[1][j + 1]]:
    ...             total += working[i]
    ...         return total
    ...
    ...     @staticmethod
    ...     def update(arrays, j, change, working):
    ...         for i in arrays[0][arrays[1][j] : arrays[1][j + 1]]:
    ...             working[i] += change
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> design = Lists(X, 0.0, 1.0, 1.0)
    >>> design.fit(np.array([5.0, 7.0]))
    array([5., 7., 7.])
    >>> design.cross(design.arrays, np.array([1.0, 2.0, 3.0]))
    array([1., 5.])
    >>> model = blr.spike_slab(X, np.array([1.0, 2.0, 4.0]), design="lists", center=False)
    """

    name: ClassVar[str]
    form: ClassVar[str] = "dense"
    arrays: tuple[np.ndarray, ...]
    center: np.ndarray | None = None
    unit: np.ndarray | None = None
    root: np.ndarray | float = 1.0

    @staticmethod
    def begin(arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """Return the working state of a sweep, a new array, from the residual, (obs,)."""
        return residual.copy()

    @staticmethod
    def dot(arrays: Arrays, j: int, working: np.ndarray) -> float:
        """Return x*_j'r from the working state."""
        raise NotImplementedError

    @staticmethod
    def update(arrays: Arrays, j: int, change: float, working: np.ndarray) -> None:
        """Add ``change`` times x*_j to the residual, in place."""
        raise NotImplementedError

    @staticmethod
    def end(arrays: Arrays, working: np.ndarray) -> np.ndarray:
        """Return the residual, (obs,), from the working state."""
        return working

    @staticmethod
    def coarsen(arrays: Arrays, working: np.ndarray) -> object:
        """Return what `bound` reads; after an update it is made again before its next use."""
        return working

    @staticmethod
    def bound(arrays: Arrays, j: int, working: np.ndarray, rough: Any) -> float:
        """Return a number no smaller than |x*_j'r|, also as `dot` rounds it.

        Infinity, the default, makes the sweep compute the dot product.
        """
        return np.inf

    @staticmethod
    def rows(arrays: Sequence[np.ndarray | TensorVariable]) -> int | np.integer | TensorVariable:
        """Return the number of observations: an element of an array, or a length.

        Nothing else, as it is called with PyTensor variables too.
        """
        return arrays[0].shape[1]

    @classmethod
    def product(cls, arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """Multiply X* with effects.

        Parameters
        ----------
        arrays : tuple of ndarray
            Arrays of a design of this class.
        effects : ndarray, (feature,) or (feature, trait)
            On the scale of X*.

        Returns
        -------
        ndarray, (obs,) or (obs, trait)
        """
        by_trait = effects.reshape(len(effects), -1).T
        fit = np.empty((cls.rows(arrays), len(by_trait)))
        for t, column in enumerate(by_trait):
            working = cls.begin(arrays, np.zeros(len(fit)))
            for j in np.flatnonzero(column):
                cls.update(arrays, int(j), column[j], working)
            fit[:, t] = cls.end(arrays, working)
        return fit.reshape(len(fit), *effects.shape[1:])

    @classmethod
    def cross(cls, arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """Multiply the transpose of X* with a residual.

        Parameters
        ----------
        arrays : tuple of ndarray
            Arrays of a design of this class.
        residual : ndarray, (obs,) or (obs, trait)
            Multiplied by square roots of the weights, like the rows of X.

        Returns
        -------
        ndarray, (feature,) or (feature, trait)
        """
        by_trait = residual.reshape(len(residual), -1).T
        dots = np.empty((len(arrays[-1]), len(by_trait)))
        for t, column in enumerate(by_trait):
            working = cls.begin(arrays, column)
            dots[:, t] = [cls.dot(arrays, j, working) for j in range(len(dots))]
        return dots.reshape(len(dots), *residual.shape[1:])

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of observations and of features."""
        return int(self.rows(self.arrays)), len(self.arrays[-1])

    def columns(self, index: Index) -> np.ndarray:
        """Columns of X*, (obs, k), float64.

        Parameters
        ----------
        index : array_like or slice
            Features: anything that indexes an array of them.

        Returns
        -------
        ndarray, (obs, k)
        """
        return self.unit_fits(index)

    def unit_fits(self, index: Index) -> np.ndarray:
        """Fits of effects of 1 of single features, (obs, k): columns of X*, or of X*'X*."""
        features = self._features(index)
        effects = np.zeros((self.shape[1], len(features)))
        effects[features, np.arange(len(features))] = 1.0
        return self.fit(effects)

    def _features(self, index: Index) -> np.ndarray:
        """Positions of the features that an index chooses, (k,)."""
        return np.atleast_1d(np.arange(self.shape[1])[index])

    def fit(self, effects: np.ndarray) -> np.ndarray:
        """X* times the effects, (obs,) or (obs, trait)."""
        return self.product(self.arrays, effects)

    def as_given(self, index: Index = slice(None)) -> np.ndarray:
        """Columns of X in the units given, neither centered nor weighted, (obs, k), float64.

        Parameters
        ----------
        index : array_like or slice, default all
            Features.

        Returns
        -------
        ndarray, (obs, k)
        """
        columns = self.columns(index) / np.reshape(self.root, (-1, 1))
        if self.unit is not None:
            columns = columns * self.unit[index]
        return columns if self.center is None else columns + self.center[index]

    @cached_property
    def factorisation(self) -> Factorisation:
        """Factorisation of X* for the joint draw, computed once for all fits."""
        return Factorisation(self.columns(slice(None)))

    @cached_property
    def _shared(self) -> list[TensorVariable]:
        return [pytensor.shared(array, borrow=True) for array in self.arrays]

    def pairs(self, n: int) -> list[TensorVariable]:
        """Correlated features of n observations: the first and the second, and their product."""
        from blrzoo.designs.pairs import find_pairs  # which works with designs

        if "_pairs" not in self.__dict__:
            self._pairs = [pytensor.shared(array) for array in find_pairs(self, n)]
        return self._pairs

    def shared(self) -> list[TensorVariable]:
        """The arrays as PyTensor variables, not copied; each call returns the same ones."""
        return self._shared


def register(design: type[Design]) -> type[Design]:
    """Register a design under its name (a class decorator).

    Parameters
    ----------
    design : type
        A subclass of `Design` with a `name`; it replaces an earlier one of the same name.

    Returns
    -------
    type
        The same class.

    Examples
    --------
    >>> from blrzoo.designs.base import DESIGNS
    >>> DESIGNS["dense"]
    <class 'blrzoo.designs.dense.Dense'>
    """
    DESIGNS[design.name] = design
    return design
