"""The sweep in numba: one source for every design, compiled and cached on disk."""

import inspect
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
from numba import njit
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.ops.sweep import Sweep

__all__ = ["make_kernel"]

#: Reassociation lets dot products use vector registers; infinities (log of 0) must stay exact.
_FASTMATH = {"reassoc", "contract", "nsz"}


@njit
def _draw_label(d, q, variances, log_weights, logits, uniform):  # type: ignore[no-untyped-def]
    """Inverse-CDF draw of the label; one component needs no draw."""
    n_components = variances.shape[0]
    if n_components == 1:
        return 0
    top = -np.inf
    for k in range(n_components):
        shrink = 1.0 + variances[k] * d
        logits[k] = log_weights[k] - 0.5 * np.log(shrink) + 0.5 * variances[k] * q * q / shrink
        top = max(top, logits[k])
    total = 0.0
    for k in range(n_components):
        logits[k] = np.exp(logits[k] - top)
        total += logits[k]
    remaining = uniform * total
    for k in range(n_components - 1):
        if remaining < logits[k]:
            return k
        remaining -= logits[k]
    return n_components - 1


def make_kernel(design: type[Design]) -> Callable[..., Any]:
    """Compile the sweep for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose ``dot`` and ``update`` are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `blrzoo.ops.sweep.Sweep`.
    """
    dot = njit(fastmath=_FASTMATH)(design.dot)
    update = njit(fastmath=_FASTMATH)(design.update)

    @njit
    def sweep(*inputs):  # type: ignore[no-untyped-def]
        arrays = inputs[:-7]
        working, effects, variances, log_weights, sigma2, uniforms, normals = inputs[-7:]
        working, effects, s2 = working.copy(), effects.copy(), sigma2.item()
        labels = np.zeros(effects.shape[0], dtype=np.int64)
        logits = np.empty(variances.shape[1])
        for j in range(effects.shape[0]):
            d = arrays[-1][j] / s2
            q = dot(arrays, j, working) / s2 + d * effects[j]
            k = _draw_label(d, q, variances[j], log_weights[j], logits, uniforms[j])
            shrink = 1.0 + variances[j, k] * d
            effect = variances[j, k] * q / shrink + np.sqrt(variances[j, k] / shrink) * normals[j]
            if effect != effects[j]:
                update(arrays, j, effects[j] - effect, working)
            labels[j], effects[j] = k, effect
        return effects, labels, working

    return sweep


@register_funcify_default_op_cache_key(Sweep)
def _funcify(op: Sweep, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    """Kernel of an Op, with a version that changes when any source it is made of does."""
    design = DESIGNS[op.design]
    sources = [inspect.getsource(inspect.getmodule(part)) for part in (make_kernel, design)]  # type: ignore[arg-type]
    return make_kernel(design), int(sha256("".join(sources).encode()).hexdigest()[:15], 16)
