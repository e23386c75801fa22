"""LoRA adapters of running engines: loaded, swapped and unloaded without a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import orjson

from contract.errors import ConfigurationError, PolicyUnreachable

_SECONDS = 120.0
_LIST_SECONDS = 10.0

Folders = Mapping[str, Path]


class Adapters:
    """The adapters that every replica shall have. `wanted` outlives a replica: it is loaded again.

    Args:
        urls: root URLs of the replicas.
        key: their key, None where they have none.
        wanted: names and folders.
        promoted: names and folders of what was promoted, asked anew for each replica that starts.
        path_there: what a folder is called where the replicas run.
    """

    def __init__(
        self,
        urls: Sequence[str],
        key: str | None,
        wanted: Folders,
        promoted: Callable[[], Folders] = dict,
        path_there: Callable[[Path], str] = str,
    ) -> None:
        self._urls = tuple(urls)
        self._headers = {"content-type": "application/json"}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"
        self.wanted = {name: check(folder) for name, folder in wanted.items()}
        self._promoted = promoted
        self._path_there = path_there

    def load_wanted(self, url: str) -> None:
        """Load all of them into one replica that has just started."""
        for name, folder in (self.wanted | dict(self._promoted())).items():
            self._load(url, name, folder, replace=False)

    def served(self) -> list[Mapping[str, Any]]:
        """The models that the first replica lists, the adapters among them.

        Raises:
            PolicyUnreachable: it can't be reached, or does not answer as it should.
        """
        return self._listed(self._urls[0])

    def ensure(self, name: str, folder: Callable[[], Path]) -> None:
        """Load an adapter into every replica that does not have it; where one can't, into none.

        Args:
            folder: asked only where it is missing.

        Raises:
            ConfigurationError: the engine refuses it.
            PolicyUnreachable: a replica can't be reached.
        """
        missing = [url for url in self._urls if not self._has(url, name)]
        if not missing:
            return
        found = check(folder())
        added: list[str] = []
        try:
            for url in missing:
                if self._load_if_missing(url, name, found):
                    added.append(url)
        except (ConfigurationError, PolicyUnreachable):
            for url in added:
                with suppress(ConfigurationError, PolicyUnreachable):
                    self._unload(url, name)
            raise

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

    def _load_if_missing(self, url: str, name: str, folder: Path) -> bool:
        """Load it; False where another process of ours came first."""
        try:
            self._load(url, name, folder, replace=False)
        except ConfigurationError:
            if self._has(url, name):
                return False
            raise
        return True

    def _has(self, url: str, name: str) -> bool:
        return name in {str(model.get("id")) for model in self._listed(url)}

    def _listed(self, url: str) -> list[Mapping[str, Any]]:
        problem = f"{url} can't tell what it serves"
        try:
            reply = httpx.get(
                f"{url}/v1/models", headers=self._headers, timeout=_LIST_SECONDS, trust_env=False
            )
            data = reply.raise_for_status().json()["data"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise PolicyUnreachable(f"{problem} ({type(error).__name__}).") from error
        return [model for model in data if isinstance(model, dict)]

    def _load(self, url: str, name: str, folder: Path, *, replace: bool) -> None:
        path = self._path_there(folder)
        body = {"lora_name": name, "lora_path": path, "load_inplace": replace}
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
        pass
    if reply.status_code == httpx.codes.NOT_FOUND:
        return (
            "adapters can't be loaded while it runs. Set engine.lora to true and start again; a vLLM of your "
            "own needs --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True."
        )
    return f"status {reply.status_code}"
