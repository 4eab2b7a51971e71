"""What a move is: a further update of variables that the sweep draws, so that chains mix faster.

Moves lead the block of a term in each sweep, or follow all blocks. Each leaves the posterior as it
is, so any of them may be left out. A new move is a subclass of `Move`, in a file of its own, that
registers itself.
"""

from collections.abc import Collection
from typing import ClassVar

from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.blocks import Block
from blrzoo.gibbs.state import State

__all__ = ["MOVES", "Move", "make_moves", "move_names", "register"]

#: Moves by name, and by the name of the block whose variables they draw.
MOVES: dict[tuple[str, str], "type[Move]"] = {}


def register[M: "type[Move]"](move: M) -> M:
    """Register a move under its name, for its kind of block (a class decorator)."""
    MOVES[move.name, move.serves] = move
    return move


def move_names() -> list[str]:
    """Names of all moves."""
    return list(dict.fromkeys(name for name, _ in MOVES))


def make_moves(block: Block, names: Collection[str] | None = None) -> "list[Move]":
    """Make the moves of a block that pay, of these names or of all."""
    found = [
        move(block)
        for (name, serves), move in MOVES.items()
        if serves == block.name and (names is None or name in names)
    ]
    return [move for move in found if move.pays()]


class Move:
    """An update of a block's variables that leaves the posterior as it is.

    A subclass defines

    - ``name``: its name in ``moves=`` of `blrzoo.BLRGibbs`;
    - ``serves``: name of the block whose variables it draws, a key of `blrzoo.gibbs.blocks.BLOCKS`;
    - ``leads``: whether it comes right before the block, which draws the effects anew, rather than
      after all blocks; False unless a subclass says otherwise;
    - ``independent``: whether successive sweeps that make it are nearly independent, so that a draw
      need not be more than one; False unless a subclass says otherwise;
    - ``pays()``: whether a sweep should make it;
    - ``inputs()``: current values of what its full conditional depends on besides X, by name;
      `blrzoo.testing` reads it;
    - ``update()``: draw, and make the draw current in the state of the block;
    - ``statistics()``, optional: what ``sample_stats`` shall have of the draw.

    Parameters
    ----------
    block : Block
        Block whose variables it draws.

    Attributes
    ----------
    block, state
        The block, and its state.
    """

    name: ClassVar[str]
    serves: ClassVar[str]
    leads: ClassVar[bool] = False
    independent: ClassVar[bool] = False

    def __init__(self, block: Block) -> None:
        self.block = block
        self.state: State = block.state

    def pays(self) -> bool:
        """Whether a sweep should make it."""
        raise NotImplementedError

    def inputs(self) -> dict[str, TensorVariable]:
        """Current values of what its full conditional depends on besides X, by name."""
        raise NotImplementedError

    def update(self) -> None:
        """Draw, and make the draw current in the state."""
        raise NotImplementedError

    def statistics(self) -> dict[str, TensorVariable]:
        """Numbers of the last draw by their names in ``sample_stats``, each ()."""
        return {}
