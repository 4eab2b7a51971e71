"""Further updates in a sweep, which make chains mix faster: a file each, which registers itself."""

from blrzoo.gibbs.moves import pairs, scale
from blrzoo.gibbs.moves.base import MOVES, Move, make_moves, move_names, register
from blrzoo.gibbs.moves.scale import ScaleMove

__all__ = ["MOVES", "Move", "ScaleMove", "make_moves", "move_names", "pairs", "register", "scale"]
