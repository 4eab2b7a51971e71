"""Further updates in a sweep, which make chains mix faster: a file each, which registers itself."""

from blrzoo.gibbs.moves import collapsed, pairs, scale, trait_scale
from blrzoo.gibbs.moves.base import MOVES, Move, make_moves, move_names, register

__all__ = [
    "MOVES",
    "Move",
    "collapsed",
    "make_moves",
    "move_names",
    "pairs",
    "register",
    "scale",
    "trait_scale",
]
