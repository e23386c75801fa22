"""The only constructor of concrete parts: settings in, a working set of parts out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from contract.access import OWNER
from contract.candidate import Policy
from contract.model_server import ModelServer
from contract.settings import Settings
from feedback.log import Log
from rbrm.assembly import build_judge
from rbrm.guard import Guard
from retrieval.manifest import MANIFEST
from retrieval.retrieve import Retriever
from server.callers import Anonymous, KeyRing
from server.flights import Flights
from server.ingest_process import IngestProcess
from server.ingests import IngestQueue, Lookup
from server.limits import Limiter
from server.parts import Parts, all_documents
from server.policy.openai import OpenAIPolicy
from server.policy.reader import ReaderPolicy
from server.telemetry.telemetry import Telemetry
from server.together import readings, retrievals
from server.uploads import Uploads
from text.encoder import Encoder
from text.encoders import build_encoder


def build(settings: Settings) -> Parts:
    """Build every part and load the weights.

    Raises:
        ConfigurationError: a setting, file or folder is wrong. A missing index is none: the server
            starts, says that it is not ready, and takes the index up when it is there.
    """
    keys = settings.server.keys_file
    callers = KeyRing(keys) if keys else Anonymous(settings.server)
    telemetry = Telemetry(settings.telemetry)
    encoder = build_encoder(settings)
    retriever = Retriever(settings.index, encoder, settings.retrieval)
    if (settings.index / MANIFEST).exists():
        retriever.open()
    uploads = Uploads(settings.documents)
    judge = build_judge(settings.judge, encoder)
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
    return Parts(
        settings=settings,
        encoder=encoder,
        retriever=retriever,
        policy=_policy(settings, encoder, executor),
        judge=judge,
        watch=Guard(judge),
        log=Log(
            settings.log_file,
            synchronous=settings.log.synchronous,
            acknowledge=settings.log.acknowledge,
        ),
        executor=executor,
        retrievals=retrievals(executor, retriever),
        readings=readings(executor, judge, settings.judge.timeout_seconds),
        callers=callers,
        uploads=uploads,
        ingests=IngestQueue(uploads, IngestProcess(settings), _lookup(retriever)),
        telemetry=telemetry,
        flights=Flights(settings.server),
        limiter=Limiter(),
    )


def _lookup(retriever: Retriever) -> Lookup:
    """Which documents have paths become?"""

    def lookup(collection: str, paths: set[str]) -> dict[str, str]:
        records = all_documents(retriever, collection, OWNER)
        return {record.path: record.id for record in records if record.path in paths}

    return lookup


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
