"""Gene-set analysis: from SNPs to genes, and from genes to the sets that they are members of."""

from blrzoo.gene_sets.assignment import assign_to_genes
from blrzoo.gene_sets.from_posterior import gene_statistics
from blrzoo.gene_sets.from_scores import gene_z_scores
from blrzoo.gene_sets.set_members import membership
from blrzoo.gene_sets.set_model import gene_set_model
from blrzoo.gene_sets.set_table import gene_set_table

__all__ = [
    "assign_to_genes",
    "gene_set_model",
    "gene_set_table",
    "gene_statistics",
    "gene_z_scores",
    "membership",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
