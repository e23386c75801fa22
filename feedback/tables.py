"""Tables on a terminal, in which nothing that people wrote is markup."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

# A program that reads our lines gets them whole; a person gets them folded to the window.
_WIDE = 240


def new_table(*names: str | None) -> Table:
    """A table without lines; without a header where no column has a name."""
    titled = any(names)
    table = Table(box=None, show_header=titled)
    for name in names:
        table.add_column(name or "", overflow="fold")
    return table


def add_row(table: Table, *cells: object) -> None:
    """A row; what people wrote is no markup."""
    table.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))


def print_shown(what: Table | str) -> None:
    """On standard output: as wide as the window, or wide where a program reads it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    console.print(what, markup=False)
