"""Blocks of effects and labels: a file for each way of drawing them, which registers itself."""

from blrzoo.gibbs.blocks import indicators, joint, joint_traits, single_site, traits
from blrzoo.gibbs.blocks.base import BLOCKS, Block, Drawn, make_block, register

__all__ = [
    "BLOCKS",
    "Block",
    "Drawn",
    "indicators",
    "joint",
    "joint_traits",
    "make_block",
    "register",
    "single_site",
    "traits",
]
