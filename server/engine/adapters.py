"""LoRA adapters of running engines: loaded, swapped and unloaded without a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import orjson

from contract.errors import ConfigurationError, PolicyUnreachable

_SECONDS = 120.0


class Adapters:
    """The adapters that every replica shall have. `wanted` outlives a replica: it is loaded again.

    Args:
        urls: root URLs of the replicas.
        key: their key.
        wanted: names and folders.
    """

    def __init__(self, urls: Sequence[str], key: str, wanted: Mapping[str, Path]) -> None:
        self._urls = tuple(urls)
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.wanted = {name: check(folder) for name, folder in wanted.items()}

    def load_wanted(self, url: str) -> None:
        """Load all of them into one replica that has just started."""
        for name, folder in self.wanted.items():
            self._load(url, name, folder, replace=False)

    def load(self, name: str, folder: Path) -> None:
        """Load an adapter into every replica; `policy.model` or a request may name it from then on.

        Raises:
            ConfigurationError: there is no adapter in the folder, the name is taken, or the engine
                refuses it. Replicas that had loaded it already let it go again.
            PolicyUnreachable: a replica can't be reached.
        """
        found = check(folder)
        self._everywhere(
            lambda url: self._load(url, name, found, replace=False),
            lambda url: self._unload(url, name),
        )
        self.wanted[name] = found

    def swap(self, name: str, folder: Path) -> None:
        """Put another adapter in the place of one that is loaded; answers begun keep the old one.

        Raises:
            ConfigurationError, PolicyUnreachable: as `load`; every replica that could be reached then
                has the adapter that it had before.
        """
        if name not in self.wanted:
            raise ConfigurationError(f"There is no adapter {name!r} to replace; load it first.")
        found, before = check(folder), self.wanted[name]
        self._everywhere(
            lambda url: self._load(url, name, found, replace=True),
            lambda url: self._load(url, name, before, replace=True),
        )
        self.wanted[name] = found

    def unload(self, name: str) -> None:
        """Let an adapter go everywhere.

        Raises:
            ConfigurationError: there is none of that name.
            PolicyUnreachable: a replica can't be reached.
        """
        if self.wanted.pop(name, None) is None:
            raise ConfigurationError(f"There is no adapter {name!r}.")
        for url in self._urls:
            self._unload(url, name)

    def _everywhere(self, work: Callable[[str], None], undo: Callable[[str], None]) -> None:
        """Do it at every replica, or at none."""
        done: list[str] = []
        try:
            for url in self._urls:
                work(url)
                done.append(url)
        except (ConfigurationError, PolicyUnreachable):
            for url in done:
                undo(url)
            raise

    def _load(self, url: str, name: str, folder: Path, *, replace: bool) -> None:
        body = {"lora_name": name, "lora_path": str(folder), "load_inplace": replace}
        self._post(f"{url}/v1/load_lora_adapter", body, f"The engine refuses adapter {name!r}")

    def _unload(self, url: str, name: str) -> None:
        body = {"lora_name": name}
        self._post(f"{url}/v1/unload_lora_adapter", body, f"Adapter {name!r} can't be unloaded")

    def _post(self, url: str, body: Mapping[str, object], problem: str) -> None:
        try:
            reply = httpx.post(
                url,
                content=orjson.dumps(body),
                headers=self._headers,
                timeout=_SECONDS,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise PolicyUnreachable(
                f"{problem}: {url} can't be reached ({type(error).__name__})."
            ) from error
        if not reply.is_success:
            raise ConfigurationError(f"{problem}: {_reason(reply)}")


def check(folder: Path) -> Path:
    """The folder of an adapter, absolute.

    Raises:
        ConfigurationError: it holds no adapter in peft's format.
    """
    found = folder.expanduser().resolve()
    if not (found / "adapter_config.json").is_file():
        raise ConfigurationError(
            f"There is no adapter in {folder}: it has no adapter_config.json. Give the folder that peft saved."
        )
    return found


def _reason(reply: httpx.Response) -> str:
    try:
        return str(reply.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {reply.status_code}"
