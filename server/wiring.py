"""The only constructor of concrete parts: settings in, a working set of parts out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from contract.candidate import Policy
from contract.model_server import ModelServer
from contract.settings import Settings
from feedback.log import Log
from rbrm.assembly import build_judge
from retrieval.index import Index
from retrieval.manifest import MANIFEST
from retrieval.retrieve import Retriever
from server.parts import Parts
from server.policy.openai import OpenAIPolicy
from server.policy.reader import ReaderPolicy
from text.encoder import Encoder
from text.encoders import build_encoder


def build(settings: Settings) -> Parts:
    """Build every part and load the weights.

    Raises:
        ConfigurationError: a setting, file or folder is wrong. A missing index is none: the server
            starts, says that it is not ready, and takes the index up when it is there.
    """
    encoder = build_encoder(settings)
    if (settings.index / MANIFEST).exists():
        Index(settings.index, encoder).close()
    judge = build_judge(settings.judge, encoder)
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
    return Parts(
        settings=settings,
        encoder=encoder,
        retriever=Retriever(settings.index, encoder, settings.retrieval),
        policy=_policy(settings, encoder, executor),
        judge=judge,
        log=Log(settings.log_file, synchronous=settings.log.synchronous),
        executor=executor,
    )


def _policy(settings: Settings, encoder: Encoder, executor: ThreadPoolExecutor) -> Policy:
    policy = settings.policy
    if policy.url is None:
        return ReaderPolicy(encoder, executor, settings.reader)
    server = ModelServer(
        str(policy.url),
        api_key=policy.api_key.get_secret_value() if policy.api_key else None,
        timeout_seconds=policy.timeout_seconds,
    )
    return OpenAIPolicy(server, policy)
