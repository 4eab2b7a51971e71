"""Genotype codes of one byte each, centered and weighted while they are used."""

from functools import partial

import numpy as np

from blrzoo.designs.base import Arrays, register
from blrzoo.designs.centred import CentredInUse, per_feature, row_weights
from blrzoo.storage.blocks import block_cross, block_product, blocks, tiles
from blrzoo.storage.moments import MISSING, fill_missing

__all__ = ["Genotypes"]

#: Largest rounded residual (int16), largest code in `bound`, and number of their products that a
#: 32-bit sum can hold.
LARGEST, MOST_COPIES, LENGTH = 32767, 15, 4096


@register
class Genotypes(CentredInUse):
    r"""Genotypes as int8 codes 0, 1, 2, feature-major: one byte for each.

    With weights :math:`w`, centers :math:`c` and units :math:`u`, effects are those of
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)`, where X are the codes with
    missing ones replaced by the weighted mean of the feature's observed codes. X* is not stored:
    see `blrzoo.designs.centred.CentredInUse`. A sweep reads an eighth of the bytes that `Dense`
    does. A missing code takes four more bytes, for its position.

    Parameters
    ----------
    codes : ndarray of int8, (obs, feature)
        Copies of an allele: 0, 1 or 2, or up to the ploidy; -1 where missing. Feature-major memory
        (``codes.T`` is C-contiguous) is shared, any other is copied.
    center : ndarray, (feature,)
        What is subtracted from each feature: its mean, as in
        `blrzoo.storage.moments.column_moments`, or 0.
    scale : ndarray, (obs,), default 1
        Square roots of the weights, which rows are multiplied by.
    unit : ndarray, (feature,), default 1
        What each feature is divided by; effects are per unit.

    Raises
    ------
    TypeError
        Where the codes are not int8.
    ValueError
        Where a code is below -1, or a feature has no observed code.

    References
    ----------
    .. [1] Legarra & Misztal (2008). Computing strategies in genome-wide selection. Journal of
       Dairy Science 91:360-366.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.genotypes import Genotypes
    >>> codes = np.array([[0, 2], [1, -1], [2, 0]], dtype=np.int8)
    >>> design = Genotypes(codes, np.array([1.0, 1.0]))
    >>> design.columns([0, 1])
    array([[-1.,  1.],
           [ 0.,  0.],
           [ 1., -1.]])
    """

    name = form = "genotypes"

    def __init__(
        self,
        codes: np.ndarray,
        center: np.ndarray,
        scale: np.ndarray | float = 1.0,
        unit: np.ndarray | float = 1.0,
    ) -> None:
        n, p = codes.shape
        weights, codes = row_weights(scale, n), _feature_major(codes)
        center, unit = per_feature(center, p), per_feature(unit, p)
        w = weights if weights.size else np.ones(n)
        *missing, fill = _missing(codes, w)
        excess, squares, copies = np.empty(p), np.empty(p), np.empty(p)
        for part in blocks(n, p):
            copies[part] = _copies(codes[part], np.diff(missing[0][part.start : part.stop + 1]))
            block = _filled(codes, fill, part) - center[part, None]
            excess[part] = block @ w
            squares[part] = np.square(block, out=block) @ w
        features = center, unit, excess + center * w.sum(), excess, squares / unit**2
        self.arrays = (codes, *missing, fill, copies, weights, *features)

    @staticmethod
    def dot(arrays: Arrays, j: int, working: np.ndarray) -> float:
        """x*_j'r = (g'v - s g'w - c S) / u."""
        codes, start, missing, fill = arrays[:4]
        _, center, unit, sums, _, _ = arrays[-6:]
        x, total, unknown = codes[j], 0.0, 0.0
        n = x.shape[0]
        for i in range(n):
            total += x[i] * working[i]
        for k in range(start[j], start[j + 1]):
            unknown += working[missing[k]]
        total += (fill[j] + 1.0) * unknown  # counted as -1 above
        return (total - working[n + 1] * sums[j] - center[j] * working[n]) / unit[j]

    @staticmethod
    def update(arrays: Arrays, j: int, change: float, working: np.ndarray) -> None:
        """v += b w g, s += b c, S += b (g - c)'w, with b = change / u."""
        x, start, missing, weights = arrays[0][j], arrays[1], arrays[2], arrays[-6]
        n, by_unit = x.shape[0], change / arrays[-4][j]
        unknown = by_unit * (arrays[3][j] + 1.0)
        if weights.size > 0:
            for i in range(n):
                working[i] += by_unit * weights[i] * x[i]
        else:
            for i in range(n):
                working[i] += by_unit * x[i]
        for k in range(start[j], start[j + 1]):
            i = missing[k]
            working[i] += unknown * weights[i] if weights.size > 0 else unknown
        working[n] += by_unit * arrays[-2][j]
        working[n + 1] += by_unit * arrays[-5][j]

    @staticmethod
    def coarsen(arrays: Arrays, working: np.ndarray) -> tuple[np.ndarray, float]:
        """Round v to int16; return it, and the number that one step of it stands for."""
        n = arrays[0].shape[1]
        most, rounded = np.int64(0), np.empty(n, np.int16)
        bits = working.view(np.int64)  # floats without the sign bit are in the order of these
        for i in range(n):
            most = max(most, bits[i] & np.int64(0x7FFFFFFFFFFFFFFF))
        unit = np.array([most]).view(np.float64)[0] / LARGEST
        if unit == 0.0:
            unit = 1e-300  # all residuals are 0
        for i in range(n):
            rounded[i] = np.int16(np.rint(working[i] / unit))
        return rounded, unit

    @staticmethod
    def bound(
        arrays: Arrays, j: int, working: np.ndarray, rough: tuple[np.ndarray, float]
    ) -> float:
        """Bound |x*_j'r| by the rounded v: products of integers take less than half the time."""
        codes, start, missing, fill, copies = arrays[:5]
        _, center, unit, sums, _, _ = arrays[-6:]
        rounded, size = rough
        n, total, unknown = codes.shape[1], np.int64(0), 0.0
        for first in range(0, n, LENGTH):
            x, r = codes[j, first : first + LENGTH], rounded[first : first + LENGTH]
            part = np.int32(0)
            for i in range(x.shape[0]):
                part = np.int32(part + np.int32(x[i]) * np.int32(r[i]))
            total += part
        for k in range(start[j], start[j + 1]):
            unknown += working[missing[k]]
        dot = size * total + (fill[j] + 1.0) * unknown
        dot -= working[n + 1] * sums[j] + center[j] * working[n]
        # Rounding v is wrong by half a step at most; 0.01 of a step covers all other rounding.
        return (np.abs(dot) + 0.51 * size * copies[j]) / unit[j]

    @staticmethod
    def times(arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """Codes, the missing ones replaced, times effects."""
        codes, _, _, fill = arrays[:4]
        return block_product(partial(_filled, codes, fill), codes.shape[1], effects)

    @staticmethod
    def transposed_times(arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """The transpose of the codes, the missing ones replaced, times a residual."""
        codes, _, _, fill = arrays[:4]
        return block_cross(partial(_filled, codes, fill), len(codes), residual)

    @staticmethod
    def given(arrays: Arrays, index: np.ndarray) -> np.ndarray:
        """Codes of some features, the missing ones replaced."""
        codes, _, _, fill = arrays[:4]
        return _filled(codes, fill, index).T


def _filled(codes: np.ndarray, fill: np.ndarray, index: np.ndarray | slice) -> np.ndarray:
    """Some features as rows, float64, with missing codes replaced."""
    block = codes[index].astype(np.float64)
    missing = codes[index] == MISSING
    if missing.any():
        np.copyto(block, fill[index, None], where=missing)
    return block


def _copies(codes: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Sums of the absolute codes of some features; infinite where `bound` would overflow."""
    sums = codes.sum(axis=1, dtype=np.int64) + 2 * missing
    return np.where(codes.max(axis=1) > MOST_COPIES, np.inf, sums)


def _feature_major(codes: np.ndarray) -> np.ndarray:
    """Codes as (feature, obs), not copied where that is possible."""
    if codes.dtype != np.int8:
        raise TypeError(
            f"codes must be int8, got {codes.dtype}. Convert them with codes.astype(np.int8), -1 "
            f"for what is missing; numbers that are not whole need the dense design."
        )
    if codes.T.flags.c_contiguous:
        return codes.T
    rows = np.empty(codes.shape[::-1], dtype=np.int8)
    for obs, features in tiles(*codes.shape):
        rows[features, obs] = codes[obs, features].T
    return rows


def _missing(codes: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Positions of missing codes, as in compressed columns, and the values in their place."""
    p, n = codes.shape
    counts, positions, fill = np.zeros(p + 1, dtype=np.int64), [], np.empty(p)
    for part in blocks(n, p):
        _check(codes[part], part.start)
        _, fill[part], missing = fill_missing(codes[part], weights)
        counts[1:][part] = missing.sum(axis=1)
        positions.append(np.nonzero(missing)[1].astype(np.int32))
    return [np.cumsum(counts), np.concatenate(positions), fill]


def _check(block: np.ndarray, first: int) -> None:
    """Refuse invalid codes of a block of features, which starts at column `first`."""
    lowest, highest = block.min(axis=1), block.max(axis=1)
    if (lowest < MISSING).any():
        j = int(np.argmax(lowest < MISSING))
        raise ValueError(
            f"codes must be 0, 1, 2 or more, or -1 where missing; got {lowest[j]} in column "
            f"{first + j}. Use -1 for all that is missing."
        )
    if (highest == MISSING).any():
        j = int(np.argmax(highest == MISSING))
        raise ValueError(
            f"codes must have an observed genotype in each column, got none in column "
            f"{first + j}. Leave such features out."
        )
