"""The only constructor of concrete parts: settings in, a working set of parts out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from contract.access import OWNER
from contract.candidate import Policy
from contract.errors import ConfigurationError
from contract.model_server import ModelServer
from contract.replicas import Replicas
from contract.settings import JudgeSettings, PolicySettings, Settings
from feedback.log import Log
from rbrm.assembly import build_judge
from rbrm.guard import Guard
from retrieval.manifest import MANIFEST
from retrieval.retrieve import Retriever
from server.book import Book
from server.callers import Anonymous, KeyRing
from server.engine.adapters import Adapters
from server.engine.supervisor import Supervisor
from server.flights import Flights
from server.ingest_process import IngestProcess
from server.ingests import IngestQueue, Lookup
from server.limits import Limiter
from server.parts import Parts, all_documents
from server.policy.openai import OpenAIPolicy
from server.policy.promoted import PromotedPolicy
from server.policy.reader import ReaderPolicy
from server.policy.rollout import Rollout
from server.promotion.promotion import Promotion
from server.promotion.registry import Registry, read_state
from server.promotion.standing import standing
from server.promotion.store import Store
from server.telemetry.telemetry import Telemetry
from server.together import readings, retrievals
from server.uploads import Uploads
from text.encoders import build_encoder


def build(settings: Settings) -> Parts:
    """Build every part, load the weights, and wait for engines that are started here.

    Raises:
        ConfigurationError: a setting, file or folder is wrong, or an engine does not start. A missing
            index is none: the server starts, says that it is not ready, and takes the index up when it is there.
    """
    _check_engine(settings)
    if settings.policy.engine_in_force != "vllm":
        return _build(settings, None)
    settings = _with_lora(settings)
    engine = Supervisor(settings, promoted=partial(standing, settings))
    engine.start()  # first of all: it takes longer than everything else together
    try:
        return _build(settings, engine)
    except BaseException:
        engine.close()
        raise


@contextmanager
def engines(settings: Settings) -> Iterator[Settings]:
    """The engines that are to be started here, for several server processes: settings by which each of
    these finds them. Without any, the settings as they are.

    Raises:
        ConfigurationError: an engine does not start.
    """
    _check_engine(settings)
    if settings.policy.engine_in_force != "vllm":
        yield settings
        return
    settings = _with_lora(settings)
    engine = Supervisor(settings, promoted=partial(standing, settings))
    try:
        engine.start()
        engine.wait_until_ready()
        found = {
            "policy.engine": "openai",
            "policy.urls": engine.urls,
            "policy.api_key": engine.key,
            "policy.model": _policy_settings(settings, engine).model,
        }
        if engine.reward_url is not None:
            found |= {"judge.reward_url": engine.reward_url, "judge.reward_api_key": engine.key}
        # What the engines can load, the processes must know; what they load is the engines' own.
        lora: dict[str, Any] = {"lora": settings.engine.serves_adapters or None, "adapters": {}}
        own = settings.engine.model_copy(update={"model": None, "reward_model": None} | lora)
        yield settings.model_copy(update={"engine": own}).replace(found)
    finally:
        engine.close()


def _build(settings: Settings, engine: Supervisor | None) -> Parts:
    keys = settings.server.keys_file
    callers = KeyRing(keys) if keys else Anonymous(settings.server)
    telemetry = Telemetry(settings.telemetry)
    encoder = build_encoder(settings)
    retriever = Retriever(settings.index, encoder, settings.retrieval)
    if (settings.index / MANIFEST).exists():
        retriever.open()
    uploads = Uploads(settings.documents)
    if engine is not None:
        engine.wait_until_ready()
    judge = build_judge(_judge_settings(settings.judge, engine), encoder)
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
    replicas = _replicas(settings.policy, engine)
    registry = Registry(settings.policies_file)
    store = Store(settings.policies, settings.promotion)
    promotion = Promotion(settings, registry, store, _adapters(settings, engine))
    policy: Policy
    if replicas is not None:
        policy = OpenAIPolicy(replicas, _policy_settings(settings, engine))
        rollout = Rollout(policy, registry, _versions(policy, promotion))
    else:
        policy = ReaderPolicy(encoder, executor, settings.reader)
        rollout = Rollout(policy, registry, None)
    log = _log(settings)
    return Parts(
        settings=settings,
        encoder=encoder,
        retriever=retriever,
        policy=policy,
        judge=judge,
        watch=Guard(judge),
        log=log,
        executor=executor,
        retrievals=retrievals(executor, retriever),
        readings=readings(executor, judge, settings.judge.timeout_seconds),
        callers=callers,
        uploads=uploads,
        ingests=IngestQueue(uploads, IngestProcess(settings), _lookup(retriever)),
        telemetry=telemetry,
        flights=Flights(settings.server),
        limiter=Limiter(),
        rollout=rollout,
        promotion=promotion,
        book=Book(log),
        replicas=replicas,
        engine=engine,
    )


def _log(settings: Settings) -> Log:
    log = Log(
        settings.log_file,
        synchronous=settings.log.synchronous,
        acknowledge=settings.log.acknowledge,
    )
    log.check_writable()
    return log


def _lookup(retriever: Retriever) -> Lookup:
    """Which documents have paths become?"""

    def lookup(collection: str, paths: set[str]) -> dict[str, str]:
        records = all_documents(retriever, collection, OWNER)
        return {record.path: record.id for record in records if record.path in paths}

    return lookup


def _check_engine(settings: Settings) -> None:
    """Do the engine and what is set for it fit together?"""
    policy, engine = settings.policy, settings.engine
    name = policy.engine_in_force
    problem = ""
    if name == "openai" and not policy.servers:
        problem = "policy.engine is openai, and there is no URL; set policy.url (--policy-url)."
    elif name == "vllm" and policy.servers:
        problem = "policy.engine is vllm, which is started here; unset policy.url and policy.urls."
    elif name == "vllm" and engine.model is None:
        problem = "policy.engine is vllm, and it has no model; set engine.model (--model)."
    elif name != "vllm" and engine.reward_model is not None:
        problem = "engine.reward_model is served beside a policy; set policy.engine to vllm."
    elif engine.reward_model is not None and settings.judge.reward_url is not None:
        problem = "engine.reward_model and judge.reward_url are two reward models; unset one."
    if problem:
        raise ConfigurationError(problem)


def _replicas(policy: PolicySettings, engine: Supervisor | None) -> Replicas | None:
    """The servers behind the policy; None for the embedded reader."""
    key = policy.api_key.get_secret_value() if policy.api_key else None
    urls = policy.servers
    if engine is not None:
        urls, key = engine.urls, engine.key
    elif policy.engine_in_force == "reader":
        return None
    servers = [
        ModelServer(url, api_key=key, timeout_seconds=policy.timeout_seconds) for url in urls
    ]
    return Replicas(
        servers,
        health_seconds=policy.health_seconds,
        trouble=engine.trouble if engine is not None else None,
    )


def _with_lora(settings: Settings) -> Settings:
    """Where a version was promoted before, engines can load it without being told that they must."""
    if settings.engine.lora is None and read_state(settings.policies_file).wanted:
        return settings.replace({"engine.lora": True})
    return settings


def _adapters(settings: Settings, engine: Supervisor | None) -> Adapters | None:
    """What loads adapters into the servers behind the policy; None with the embedded reader."""
    if engine is not None:
        return engine.adapters
    policy, there = settings.policy, settings.promotion.servers_folder
    if not policy.servers:
        return None
    return Adapters(
        [url.removesuffix("/v1") for url in policy.servers],
        policy.api_key.get_secret_value() if policy.api_key else None,
        wanted={},
        path_there=str if there is None else lambda folder: f"{there.rstrip('/')}/{folder.name}",
    )


def _versions(policy: OpenAIPolicy, promotion: Promotion) -> Callable[[str], Policy]:
    async def restore() -> None:
        await asyncio.to_thread(promotion.ensure)

    return lambda version: PromotedPolicy(policy, version, restore)


def _policy_settings(settings: Settings, engine: Supervisor | None) -> PolicySettings:
    """The model is the checkpoint that the engine serves, or an adapter of it."""
    policy = settings.policy
    if engine is None:
        return policy
    names = [engine.model, *engine.adapters.wanted]
    if policy.model is not None and policy.model not in names:
        raise ConfigurationError(
            f"The engine serves {', '.join(names)}, and policy.model is {policy.model!r}. Leave it out, or "
            "name an adapter in engine.adapters."
        )
    return policy.model_copy(update={"model": policy.model or engine.model})


def _judge_settings(judge: JudgeSettings, engine: Supervisor | None) -> JudgeSettings:
    """The reward model is the engine's where it serves one."""
    if engine is None or engine.reward_url is None:
        return judge
    reward = {"reward_url": engine.reward_url, "reward_api_key": engine.key, "reward_model": None}
    return JudgeSettings.model_validate(judge.model_dump() | reward)
