"""Progress bars that appear if something takes long."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from blrzoo.checks import Flag

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["shown", "track"]

_shown = ContextVar("shown", default=True)

_PATIENCE = 2.0  # seconds before a progress bar appears

#: The bar on the screen: steps of something that has a bar show none of their own.
_running: "set[Progress]" = set()


@contextmanager
def shown(show: bool) -> Iterator[None]:
    """Show no bars within the context if `show` is False."""
    token = _shown.set(show)
    try:
        yield
    finally:
        _shown.reset(token)


def track[T](
    items: Sequence[T], show: bool, name: str | Callable[[T], str]
) -> Generator[T, None, None]:
    """Iterate over items, with a progress bar if they take more than two seconds.

    Parameters
    ----------
    items : sequence
        Steps of about the same length.
    show : bool
        Whether to show a bar. There is none where the output is neither a terminal nor a notebook,
        as in a log file.
    name : str, or callable from an item to a str
        Text beside the bar.

    Yields
    ------
    The items.

    Examples
    --------
    >>> from blrzoo.progress import track
    >>> sum(track([1, 2, 3], True, "Sums"))
    6
    """
    show = Flag(default=True).check("progressbar", show) and _shown.get()
    begin, bar = time.monotonic(), None
    try:
        for done, item in enumerate(items):
            if show and bar is None and not _running and time.monotonic() - begin > _PATIENCE:
                bar = _start_bar(len(items), name if isinstance(name, str) else name(item))
                show = bar is not None
                _running.update([bar] if bar else [])
            if bar is not None:
                about: dict[str, Any] = {} if isinstance(name, str) else {"description": name(item)}
                bar.update(bar.task_ids[0], completed=done, **about)
            yield item
        if bar is not None:
            bar.update(bar.task_ids[0], completed=len(items))
    finally:
        if bar is not None:
            bar.stop()
            _running.discard(bar)


def _start_bar(total: int, name: str) -> "Progress | None":
    from rich.console import Console  # PyMC's progress bars need it too
    from rich.progress import MofNCompleteColumn, Progress

    console = Console()
    if not (console.is_terminal or console.is_jupyter):
        return None
    bar = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console)
    bar.add_task(name, total=total)
    bar.start()
    return bar
