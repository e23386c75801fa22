"""Folders are kept in step: a run at the start, and another after each burst of changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import watchfiles

from contract.errors import ConfigurationError, PlumblineError

# Changes that never pause are worked off all the same, after so many times the pause.
_LONGEST_BURST = 20

# How long the watcher sleeps before it looks whether it was interrupted.
_WAKES_EVERY_MS = 500


def watch(
    paths: Sequence[Path],
    run: Callable[[], object],
    *,
    seconds: float,
    poll: bool,
    ignore: Sequence[Path] = (),
) -> None:
    """Call `run` now and after each burst of changes below the paths, until Ctrl-C.

    A burst ends when nothing has changed for some `seconds`. What changes during a run brings
    another one. A run that fails is reported, and tried again at the next change. `poll` looks at the
    files again and again, for network file systems that report no changes. What is hidden, or below a
    path of `ignore` (the index, say, which a run itself writes), is no change.

    Raises:
        ConfigurationError: a path does not exist.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise ConfigurationError(f"There is no file or folder {missing[0]} to watch.")
    concerns = _concerns(paths, ignore)
    pause = max(1, int(seconds * 1000))
    changes = watchfiles.watch(
        *{path.resolve() if path.is_dir() else path.resolve().parent for path in paths},
        watch_filter=lambda _, path: concerns(Path(path)),
        step=pause,
        debounce=pause * _LONGEST_BURST,
        rust_timeout=_WAKES_EVERY_MS,
        yield_on_timeout=True,
        force_polling=poll or None,
        poll_delay_ms=max(300, pause),
        recursive=any(path.is_dir() for path in paths),
        ignore_permission_denied=True,
    )
    try:
        # The watcher is set up by the first step, so that nothing is missed during the first run.
        next(changes)
        _attempt(run)
        for burst in changes:
            if burst:
                _attempt(run)
    except KeyboardInterrupt:
        click.echo("Watching ended.", err=True)


def _attempt(run: Callable[[], object]) -> None:
    try:
        run()
    except PlumblineError as error:
        _report(error.message)
    except Exception as error:  # whatever it was, the next change may mend it
        _report(f"{type(error).__name__}: {error}")


def _report(message: str) -> None:
    click.echo(f"Error: {message} It is tried again at the next change.", err=True)


def _concerns(paths: Sequence[Path], ignore: Sequence[Path]) -> Callable[[Path], bool]:
    """Is a change at this path one of a document, or of the sidecar beside it?"""
    folders = [path.resolve() for path in paths if path.is_dir()]
    files = [path.resolve() for path in paths if not path.is_dir()]
    ignored = [path.resolve() for path in ignore]

    def concerns(path: Path) -> bool:
        if any(path == other or other in path.parents for other in ignored):
            return False
        if any(path.parent == f.parent and path.name.startswith(f.name) for f in files):
            return True
        return any(
            not any(part.startswith(".") for part in path.relative_to(folder).parts)
            for folder in folders
            if folder in path.parents
        )

    return concerns
