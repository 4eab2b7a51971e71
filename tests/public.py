"""The public names: those of blrzoo and of its namespaces."""

import inspect
from typing import Any

import blrzoo as blr

__all__ = ["NAMESPACES", "qualified", "unqualified"]

NAMESPACES = {name: getattr(blr, name) for name in ("evidence", "gene_sets", "priors", "testing")}


def qualified() -> dict[str, Any]:
    """Public objects by name; those of a namespace are named like ``priors.SpikeSlab``."""
    found = {name: getattr(blr, name) for name in blr.__all__}
    for home, space in NAMESPACES.items():
        found |= {f"{home}.{name}": getattr(space, name) for name in space.__all__}
    return found


def unqualified() -> dict[str, Any]:
    """Public functions and classes by their own names."""
    named = {name.rpartition(".")[2]: one for name, one in qualified().items()}
    return {name: one for name, one in named.items() if not inspect.ismodule(one)}
