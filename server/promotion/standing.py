"""The adapters that engines get whenever they start: those of the versions in service."""

from __future__ import annotations

import logging
from pathlib import Path

from contract.errors import ConfigurationError, NotFound
from contract.settings import Settings
from server.promotion.registry import read_state
from server.promotion.store import Store

_log = logging.getLogger(__name__)


def standing(settings: Settings) -> dict[str, Path]:
    """Names and folders, read anew; each file is seen to be as it was stored.

    Raises:
        ConfigurationError: the version in service is gone or was changed. What answers is never quietly
            another one; `plumbline policy rollback` puts the version before back.
    """
    state = read_state(settings.policies_file)
    store = Store(settings.policies, settings.promotion)
    found: dict[str, Path] = {}
    for version in state.wanted:
        try:
            found[version] = store.adapter(version)
        except (ConfigurationError, NotFound) as error:
            if version == state.service:
                raise ConfigurationError(
                    f"The policy in service can't be loaded: {error.message} `plumbline policy rollback` "
                    "puts the version before back."
                ) from error
            _log.error("%s is not loaded: %s", version, error.message)
    return found
