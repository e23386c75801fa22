"""Which log a command is about."""

from __future__ import annotations

from pathlib import Path

import click

from contract.errors import ConfigurationError
from contract.terminal import load_settings
from feedback.log import Log

data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where index and log live."
)


def log_of(data_dir: Path | None, config: Path | None) -> Log:
    """The log that is there.

    Raises:
        ConfigurationError: there is none.
    """
    settings = load_settings(config, data_dir=data_dir)
    if not settings.log_file.is_file():
        raise ConfigurationError(
            f"There is no log at {settings.log_file}. Start the server first, or give --data-dir."
        )
    return Log(settings.log_file)
