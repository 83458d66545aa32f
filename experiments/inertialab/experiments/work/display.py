"""How far many tasks are: a live display on a terminal, lines in a log."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from inertialab.experiments.work.task import Outcome

Seen = Callable[[], tuple[int, Mapping[str, str]]]
"""How many tasks have ended, and those that run with what is known of them."""
LINES = 500
"""More tasks than this get no line each."""
ROWS = 16
"""Most tasks that a terminal shows at once."""


@contextlib.contextmanager
def shown(total: int, seen: Seen, console: Console, every: float = 0.25) -> Iterator[None]:
    """Show how far it is while the block runs, on a terminal.

    Args:
        total: Number of tasks.
        seen: Asked again and again.
        console: Where to.
        every: Seconds between two looks.
    """
    if not console.is_terminal or not total:
        yield
        return
    columns = (TextColumn("{task.description:32}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        stop = threading.Event()
        watcher = threading.Thread(target=_watched, args=(progress, total, seen, stop, every), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()


def _watched(progress: Progress, total: int, seen: Seen, stop: threading.Event, every: float) -> None:
    whole = progress.add_task("measuring", total=total, said="")
    lines: dict[str, TaskID] = {}
    while True:
        done, running = seen()
        progress.update(whole, completed=done, said=f"{done} of {total}")
        for name, said in list(running.items())[:ROWS]:
            if name not in lines:
                lines[name] = progress.add_task(f"  {name}", total=None, said="")
            progress.update(lines[name], said=said)
        for name in [name for name in lines if name not in running]:
            progress.remove_task(lines.pop(name))
        if stop.wait(every):
            return


def told(outcome: Outcome, count: int, total: int, console: Console) -> None:
    """A line for a task that has ended: for every failure, and in a log for what was measured."""
    name, seconds, _, why, _ = outcome
    if why:
        console.print(f"{name} failed after {seconds:.1f} s: {why}", highlight=False, markup=False, soft_wrap=True)
    elif not console.is_terminal and (total <= LINES or count % (total // 100) == 0 or count == total):
        console.print(f"{name} measured in {seconds:.1f} s ({count} of {total})", highlight=False, markup=False)
