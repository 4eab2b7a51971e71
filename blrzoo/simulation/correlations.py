"""Correlations between traits: what is accepted, and how normals are given them."""

from typing import Any

import numpy as np

from blrzoo.simulation.arguments import Floats, check_real

__all__ = ["check_correlation", "latent_correlation", "triangular_root"]

_TOLERANCE = 1e-8  # of a matrix that was computed, or typed, with rounding


def check_correlation(name: str, value: Any, n_traits: int) -> Floats:
    """Give the (trait, trait) matrix, from one number for all pairs or from a matrix."""
    if isinstance(value, list | tuple | np.ndarray):
        return _check_matrix(name, value, n_traits)
    least = -1.0 / max(n_traits - 1, 1)
    rule = f"{least:.6g} <= {name} <= 1 (a number for all pairs of {n_traits} traits)"
    number = check_real(name, value, rule, lambda r: least <= r <= 1)
    return np.where(np.eye(n_traits, dtype=bool), 1.0, number)


def _check_matrix(name: str, value: Any, n_traits: int) -> Floats:
    try:
        matrix = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be a number or a matrix of numbers, got {value!r}: pass an array of "
            f"shape ({n_traits}, {n_traits})."
        ) from error
    if matrix.shape != (n_traits, n_traits):
        raise ValueError(
            f"{name} must be a number or have a row and a column for each trait, got shape "
            f"{matrix.shape} for n_traits={n_traits}: pass shape ({n_traits}, {n_traits})."
        )
    _check_entries(name, matrix)
    _check_semidefinite(name, matrix, "Move the correlations towards 0.")
    matrix = (matrix + matrix.T) / 2.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _check_entries(name: str, matrix: Floats) -> None:
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite, got {matrix.tolist()}: give every correlation.")
    if abs(matrix - matrix.T).max() > _TOLERANCE:
        i, j = np.unravel_index(np.argmax(abs(matrix - matrix.T)), matrix.shape)
        raise ValueError(
            f"{name} must be symmetric, got {matrix[i, j]} in row {i}, column {j} and "
            f"{matrix[j, i]} in row {j}, column {i}: make them equal."
        )
    if abs(np.diagonal(matrix) - 1.0).max() > _TOLERANCE:
        raise ValueError(
            f"{name} must have ones on its diagonal, got {np.diagonal(matrix).tolist()}: "
            f"pass correlations, not covariances."
        )


def _check_semidefinite(name: str, matrix: Floats, mend: str) -> None:
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -_TOLERANCE:
        raise ValueError(
            f"{name} must be positive semi-definite (correlations that the traits can have "
            f"together), got a matrix whose smallest eigenvalue is {least:.3g}. {mend}"
        )


def latent_correlation(name: str, matrix: Floats, effects: str) -> Floats:
    """Give the correlation of the normals from which effects with this correlation are made.

    The signs of two normals with correlation r correlate ``2 / pi * arcsin(r)``.
    """
    if effects != "equal":
        return matrix
    latent = np.where(np.eye(len(matrix), dtype=bool), 1.0, np.sin(np.pi / 2.0 * matrix))
    subject = f"sin(pi / 2 * {name}), the correlation of normals whose signs are the effects,"
    _check_semidefinite(subject, latent, f"Move {name} towards 0, or use effects='normal'.")
    return latent


def triangular_root(matrix: Floats) -> Floats:
    """Give the lower triangular L with ``L @ L.T == matrix``, which may be singular."""
    values, vectors = np.linalg.eigh(matrix)
    values[values < 1e-12] = 0.0  # the root of a rounding error is not small
    root = np.linalg.qr((vectors * np.sqrt(values)).T, mode="r").T
    root *= np.where(np.diagonal(root) < 0.0, -1.0, 1.0)
    return root / np.linalg.norm(root, axis=1, keepdims=True)
