"""How X is stored and multiplied: dense, as genotype codes, sparse or by cross-products.

Each design is a class, registered under its name; kernels and Ops work with all of them.
`blrzoo.designs.base.Design` says how to write one.
"""

from blrzoo.designs.base import DESIGNS, SUMS, Design, register
from blrzoo.designs.dense import Dense, DenseFloat32
from blrzoo.designs.genotypes import Genotypes
from blrzoo.designs.gram import Gram
from blrzoo.designs.sparse import Sparse
from blrzoo.storage.moments import column_moments

__all__ = [
    "DESIGNS",
    "SUMS",
    "Dense",
    "DenseFloat32",
    "Design",
    "Genotypes",
    "Gram",
    "Sparse",
    "column_moments",
    "register",
]
