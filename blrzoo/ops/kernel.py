"""The Ops in numba, compiled and cached on disk; the sweep's source serves every design."""

import inspect
from collections.abc import Callable
from hashlib import sha256
from secrets import token_hex
from typing import Any

import numpy as np
from numba import njit
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.ops.joint import JointDraw
from blrzoo.ops.sweep import Sweep

__all__ = ["FASTMATH", "design_version", "make_kernel", "operations", "source_version"]

#: Reassociation lets dot products use vector registers; infinities (log of 0) must stay exact.
FASTMATH = {"reassoc", "contract", "nsz"}


@njit
def _prepare(xx, sigma2, variances, log_weights, races):  # type: ignore[no-untyped-def]
    """All that does not depend on the residual, so that no logarithm stands in the sweep's way.

    Conditional variances v / (1 + v d), and the scores of the labels up to q.
    """
    spread, scores = np.empty_like(variances), np.empty_like(variances)
    for j in range(variances.shape[0]):
        d = xx[j] / sigma2
        for k in range(variances.shape[1]):
            shrink, race = 1.0 + variances[j, k] * d, races[j, k]
            spread[j, k] = variances[j, k] / shrink
            scores[j, k] = log_weights[j, k] - 0.5 * np.log(shrink * race * race)  # one, not two
    return spread, scores


@njit
def _draw_label(q, spread, scores):  # type: ignore[no-untyped-def]
    """Winner of the race."""
    best, label = -np.inf, 0
    for k in range(scores.shape[0]):
        score = scores[k] + 0.5 * spread[k] * q * q
        if score > best:
            best, label = score, k
    return label


def operations(design: type[Design]) -> tuple[Callable[..., Any], ...]:
    """Compile the methods of a design that kernels call: begin, dot, update and end."""
    # Handing many arrays over takes as long as a short feature; begin and end are called once.
    inner, outer = njit(fastmath=FASTMATH, forceinline=True), njit(fastmath=FASTMATH)
    return outer(design.begin), inner(design.dot), inner(design.update), outer(design.end)


def make_kernel(design: type[Design]) -> Callable[..., Any]:
    """Compile the sweep for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `blrzoo.ops.sweep.Sweep`.
    """
    begin, dot, update, end = operations(design)

    @njit
    def sweep(*inputs):  # type: ignore[no-untyped-def]
        arrays = inputs[:-7]
        residual, effects, variances, log_weights, sigma2, races, normals = inputs[-7:]
        working, effects, s2 = begin(arrays, residual), effects.copy(), sigma2.item()
        labels = np.zeros(effects.shape[0], dtype=np.int64)
        spread, scores = _prepare(arrays[-1], s2, variances, log_weights, races)
        for j in range(effects.shape[0]):
            q = (dot(arrays, j, working) + arrays[-1][j] * effects[j]) / s2
            k = _draw_label(q, spread[j], scores[j])
            effect = spread[j, k] * q + np.sqrt(spread[j, k]) * normals[j]
            if effect != effects[j]:
                update(arrays, j, effects[j] - effect, working)
            labels[j], effects[j] = k, effect
        return effects, labels, end(arrays, working)

    return sweep


@njit(fastmath=FASTMATH)
def _joint(U, s, Vt, target, sigma2, tau2, normals):  # type: ignore[no-untyped-def]
    """`JointDraw` in one pass over U, one over V' and one more over U."""
    s2, t2 = sigma2.item(), tau2.item()
    tau = np.sqrt(t2)
    effects, rotated = tau * normals, np.zeros(s.shape[0])
    fit = np.empty(U.shape[0])
    for i in range(U.shape[0]):
        for k in range(s.shape[0]):
            rotated[k] += U[i, k] * target[i]
    for k in range(s.shape[0]):
        noise = 0.0
        for j in range(normals.shape[0]):
            noise += Vt[k, j] * normals[j]
        variance = 1.0 / (s[k] * s[k] / s2 + 1.0 / t2)
        rotated[k] = variance * s[k] * rotated[k] / s2 + np.sqrt(variance) * noise
        change = rotated[k] - tau * noise
        for j in range(normals.shape[0]):
            effects[j] += change * Vt[k, j]
        rotated[k] *= s[k]
    for i in range(U.shape[0]):
        total = 0.0
        for k in range(s.shape[0]):
            total += U[i, k] * rotated[k]
        fit[i] = total
    return effects, fit


def source_version(*parts: Any) -> int:
    """Return a number that changes whenever the source of a part does, for the disk cache."""
    sources = [_source(inspect.getmodule(part)) for part in parts]
    return int(sha256("".join(sources).encode()).hexdigest()[:15], 16)


def _source(module: Any) -> str:
    """Source of a module; never the same where there is none, as of what is typed in a session."""
    try:
        return inspect.getsource(module)
    except (OSError, TypeError):
        return token_hex()


def design_version(design: type[Design], *parts: Any) -> int:
    """`source_version` of parts that were compiled for a design, whose methods may be inherited."""
    return source_version(operations, *parts, *(c for c in design.__mro__ if c is not object))


@register_funcify_default_op_cache_key(Sweep)
def _funcify_sweep(op: Sweep, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    design = DESIGNS[op.design]
    return make_kernel(design), design_version(design)


@register_funcify_default_op_cache_key(JointDraw)
def _funcify_joint(op: JointDraw, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    return _joint, source_version(_joint)
