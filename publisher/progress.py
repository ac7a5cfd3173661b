"""What a person sees while clouds are fetched, and the terminal it is written on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gpu_catalog.texts import printable

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress_lines(clouds: Sequence[str], *, quiet: bool) -> Iterator[Callable[[str, str], None]]:
    """A live line per cloud on a terminal, plain lines elsewhere, nothing when `quiet`."""
    if quiet:
        yield lambda _cloud, _text: None
        return
    console = terminal(stderr=True)
    if not console.is_terminal:
        yield lambda cloud, text: click.echo(f"{cloud}: {printable(text)}", err=True)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(finished_text=" "), TextColumn("{task.fields[cloud]}"), TimeElapsedColumn(),
               TextColumn("{task.description}", markup=False))  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {cloud: progress.add_task("starting", total=None, cloud=cloud) for cloud in clouds}
        yield lambda cloud, text: progress.update(tasks[cloud], description=printable(text))


def terminal(*, stderr: bool) -> Console:
    """Standard output or error, for tables."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    # Without a terminal there is no width to fit into: a table must not be cut off at 80.
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=200)
