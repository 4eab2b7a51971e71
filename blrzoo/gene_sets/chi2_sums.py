r"""Sums of correlated chi-squares as normal scores, by a saddlepoint approximation.

For :math:`T = \sum_i \lambda_i \chi^2_1`, the cumulant generating function is
:math:`K(s) = -\tfrac12 \sum_i \log(1 - 2 s \lambda_i)`. With the saddlepoint :math:`K'(s) = T`,

.. math::

   w = sign(s) \sqrt{2 (s T - K(s))}, \qquad v = s \sqrt{K''(s)}, \qquad
   z = w + \frac{1}{w} \log\frac{v}{w}

has :math:`1 - \Phi(z) \approx P(\sum_i \lambda_i \chi^2_1 \geq T)`, also where that is too small
for a float.

References
----------
.. [1] Kuonen (1999). Saddlepoint approximations for distributions of quadratic forms in
   normal variables. Biometrika 86:929-935.
.. [2] Barndorff-Nielsen (1986). Inference on full or partial parameters based on the
   standardized signed log likelihood ratio. Biometrika 73:307-322.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

__all__ = ["normal_score"]

Floats = NDArray[np.float64]

_SMALLEST = 1e-6  # of T / E[T]: a smaller T counts as this much
_NEGLIGIBLE = 1e-8  # eigenvalues below this share of their sum
_NEAR_MEAN = 1e-4  # |w|: the formula is 0 / 0 at the mean


def normal_score(total: float, eigenvalues: Floats) -> float:
    """Return the normal score with the upper tail probability of a weighted sum of chi-squares."""
    weights = eigenvalues[eigenvalues > _NEGLIGIBLE * eigenvalues.sum()]
    total = max(total, _SMALLEST * weights.sum())
    if weights.size == 1:  # exact: P(z^2 > T / lambda) = 2 Phi(-sqrt(T / lambda))
        tail = np.log(2.0) + special.log_ndtr(-np.sqrt(total / weights[0]))
        return float(-special.ndtri_exp(tail))
    s = _saddlepoint(total, weights)
    w = np.sign(s) * np.sqrt(max(0.0, 2.0 * s * total + np.log1p(-2.0 * s * weights).sum()))
    if not abs(w) > _NEAR_MEAN:  # the limit of the second term: a sixth of the skewness
        return float(w + (weights**3).sum() * 8 / 6 / (2 * (weights**2).sum()) ** 1.5)
    v = s * np.sqrt(2.0 * ((weights / (1.0 - 2.0 * s * weights)) ** 2).sum())
    return float(w + np.log(v / w) / w)


def _saddlepoint(total: float, weights: Floats) -> float:
    """Solve sum_i lambda_i / (1 - 2 s lambda_i) = total; its left side increases with s."""
    largest = weights.max()
    # it lies between its largest term and as many times that as there are terms
    low, high = (1.0 - np.array([weights.size, 1.0]) * largest / total) / (2.0 * largest)
    slack = 1e-9 * abs(low - high)
    top = min(high + slack, (1.0 - 1e-15) / (2.0 * largest))
    return float(
        optimize.brentq(
            lambda s: np.sum(weights / (1.0 - 2.0 * s * weights)) / total - 1.0,
            low - slack,
            top,
            xtol=1e-15 / largest,
            rtol=1e-14,
        )
    )
