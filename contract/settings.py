"""The one settings object, and the only reader of the environment.

Precedence: command-line flag, then environment (`PLUMBLINE_POLICY__URL=…`), then the file given by
`--config`, then the defaults below. A secret never shows in a `repr`, a log or a reply.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from contract.access import Labels
from contract.errors import ConfigurationError

Share = Annotated[float, Field(ge=0, le=1)]


def _parted(value: Any) -> Any:
    """A list as the environment holds it: JSON, or parts with commas between them."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


Urls = Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(_parted)]

_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


class Section(BaseModel):
    """A group of settings: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    host: str = Field("127.0.0.1", description="Address to bind; the default is this machine only.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    allow_public: bool = Field(
        False,
        description="Without keys, must be true to bind to an address that other machines can reach, "
        "and to answer requests that were addressed to another name than this machine's.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that serve the port. They share index and log; each loads the weights.",
    )
    max_body_bytes: int = Field(2_000_000, ge=1_000, description="Larger requests get a 413.")
    max_upload_bytes: int = Field(
        100_000_000, ge=1_000, description="Larger uploads of documents get a 413."
    )
    keep_alive_seconds: float = Field(
        5.0, gt=0, description="Pause between SSE comments while candidates are being judged."
    )
    stream_mode: Literal["verified", "windowed"] = Field(
        "verified",
        description="How a stream goes out where the request does not say: judged as a whole first, or "
        "sentence by sentence while it is written.",
    )
    max_concurrent: int = Field(
        512, ge=1, description="Requests in flight; above it the answer is 503 at once, no queue."
    )
    request_seconds: float = Field(
        300.0, gt=0, description="Longest time for a whole request, uploads apart; then a 504."
    )
    header_seconds: float = Field(
        10.0, gt=0, description="Longest time for the headers of a request; then it is cut off."
    )
    body_seconds: float = Field(
        30.0,
        gt=0,
        description="Longest time for a request's body, and longest pause in an upload; then a 408.",
    )
    write_seconds: float = Field(
        30.0, gt=0, description="A client that reads nothing of its answer for so long is cut off."
    )
    drain_seconds: float = Field(
        20.0, ge=0, description="Time for requests in flight to finish after SIGTERM or Ctrl-C."
    )
    open_metrics: bool = Field(
        False, description="Whether /metrics answers callers without a key; unset: admins only."
    )
    keys_file: Path | None = Field(
        None,
        description="Who may call, with which labels and role (`plumbline keys create`). Unset: every "
        "caller is anonymous.",
    )
    anonymous_labels: Labels = Field(
        (),
        description="Labels of anonymous callers; without any they see unlabelled documents only.",
    )
    anonymous_requests_per_minute: int | None = Field(
        None, ge=1, description="Requests of all anonymous callers together; unset: any number."
    )
    anonymous_tokens_per_minute: int | None = Field(
        None, ge=1, description="Tokens of all anonymous callers together; unset: any number."
    )
    anonymous_tokens_per_day: int | None = Field(
        None, ge=1, description="The same over a day; unset: any number."
    )

    @property
    def is_local(self) -> bool:
        """Is the server bound to this machine, and to its own names?"""
        return self.host in _LOCAL and not self.allow_public


class PolicySettings(Section):
    engine: Literal["reader", "openai", "vllm"] | None = Field(
        None,
        description="`reader` is embedded, `openai` asks policy.url, `vllm` is started here (docs/engine.md). "
        "Unset: `openai` where a URL is set, else `reader`.",
    )
    url: HttpUrl | None = Field(
        None, description="OpenAI-compatible base URL, ending in /v1. Unset: the embedded reader."
    )
    urls: Urls = Field(
        (),
        description="Several such URLs that serve the same model (in the environment with commas between "
        "them): each request goes to the least loaded one that answers.",
    )
    health_seconds: float = Field(
        2.0,
        gt=0,
        description="Pause between health checks of a server that failed; one in service is checked ten "
        "times more seldom.",
    )
    model: str | None = Field(
        None,
        description="Model id at that URL, or the name of an adapter; unset: the first it lists.",
    )
    api_key: SecretStr | None = Field(None, description="Bearer token for these URLs.")
    candidates: Annotated[int, Field(ge=1, le=16)] | Literal["auto"] | None = Field(
        None,
        description="Answers sampled for each choice; unset: 2 reader, 1 URL. `auto` samples more only "
        "where the first verdicts disagree or fall short.",
    )
    auto_first: int = Field(2, ge=1, le=16, description="Answers that `auto` samples at first.")
    auto_candidates: int = Field(8, ge=1, le=16, description="Answers that `auto` samples at most.")
    auto_margin: float = Field(
        1.0,
        ge=0,
        description="Rewards of the first answers that differ by more than this disagree.",
    )
    remote_images: bool = Field(
        False,
        description="Whether pictures may be given by web address, which the model server then fetches; "
        "else only as data: URLs.",
    )
    temperature: float = Field(
        0.7, ge=0, le=2, description="Temperature of the candidates after the first."
    )
    top_p: float = Field(
        0.95, gt=0, le=1, description="Nucleus of the candidates after the first (Chen 2021)."
    )
    context_tokens: int | None = Field(
        None, ge=256, description="Context of the policy in tokens; unset: asked of it, else 8192."
    )
    timeout_seconds: float = Field(60.0, gt=0, description="Longest wait for one generation.")

    @property
    def servers(self) -> tuple[str, ...]:
        """All base URLs, each once."""
        named = [self.url, *self.urls] if self.url is not None else self.urls
        return tuple(dict.fromkeys(str(url).rstrip("/") for url in named))

    @property
    def engine_in_force(self) -> Literal["reader", "openai", "vllm"]:
        """The engine that is set, or follows from the rest."""
        return self.engine or ("openai" if self.servers else "reader")


class EngineSettings(Section):
    """vLLM, started and watched by Plumbline where policy.engine is `vllm`."""

    model: str | None = Field(
        None, description="Checkpoint of the policy that vLLM serves: a folder or a hub's name."
    )
    reward_model: str | None = Field(
        None,
        description="Reward model that a second vLLM serves to the judge: a folder or a hub's name.",
    )
    python: Path | None = Field(
        None,
        description="Python of the environment with vLLM; unset: .venv-vllm here, else beside Plumbline.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="`auto` takes the GPUs where there are any and vLLM can use them."
    )
    replicas: int = Field(
        1, ge=1, le=64, description="Servers of the policy; on GPUs each has GPUs of its own."
    )
    tensor_parallel: int = Field(1, ge=1, description="GPUs that share each layer.")
    pipeline_parallel: int = Field(1, ge=1, description="Groups of layers on GPUs of their own.")
    data_parallel: int = Field(1, ge=1, description="Copies of the model inside one server.")
    executor: Literal["mp", "ray"] | None = Field(
        None, description="How vLLM runs its workers; `ray` for several machines."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] | None = Field(
        None,
        description="Unset: on GPUs as the checkpoint says; on a CPU float32 for checkpoints in float32 and "
        "for the reward model, else bfloat16.",
    )
    max_model_len: int | None = Field(
        None,
        ge=64,
        description="Longest context in tokens; unset: as much as model and memory allow.",
    )
    kv_cache_gib: int | None = Field(
        None, ge=1, description="GiB for the KV cache on a CPU; unset: an eighth of the memory."
    )
    gpu_memory: Share | None = Field(
        None,
        description="Share of each GPU's memory for the policy; unset: 0.9, or 0.7 beside the reward model.",
    )
    reward_gpu_memory: Share = Field(
        0.2, description="Share of its GPU's memory for the reward model."
    )
    enforce_eager: bool | None = Field(
        None,
        description="Whether nothing is compiled at start; unset: true on a CPU, false on GPUs.",
    )
    adapters: dict[str, Path] = Field(
        {}, description="LoRA adapters loaded at start, as a map of names to folders."
    )
    lora: bool | None = Field(
        None, description="Whether adapters can be loaded at run time; unset: where any are named."
    )
    max_adapters: int = Field(2, ge=1, description="Adapters that one batch may mix.")
    max_lora_rank: Literal[8, 16, 32, 64, 128, 256, 320, 512] = Field(
        16, description="Highest rank of an adapter."
    )
    tool_parser: str | None = Field(
        None, description="vLLM's parser of the model's tool calls, such as `hermes`."
    )
    reasoning_parser: str | None = Field(
        None, description="vLLM's parser of the model's reasoning, such as `qwen3`."
    )
    args: tuple[str, ...] = Field(
        (), description="Further flags of the policy's vLLM, passed as they are (a JSON list)."
    )
    reward_args: tuple[str, ...] = Field(
        (), description="Further flags of the reward model's vLLM (a JSON list)."
    )
    port: int = Field(
        0,
        ge=0,
        le=65000,
        description="First port, on this machine only; the replicas and the reward model follow. 0: free "
        "ones.",
    )
    api_key: SecretStr | None = Field(
        None, description="Key of the vLLM servers; unset: a random one at each start."
    )
    start_seconds: float = Field(900.0, gt=0, description="Longest wait for a server to start.")
    max_deaths: int = Field(
        5, ge=1, description="After so many deaths in the window a server is not started again."
    )
    death_window_seconds: float = Field(600.0, gt=0, description="That window.")
    log_bytes: int = Field(
        20_000_000,
        ge=10_000,
        description="A log in DATA_DIR/engine larger than this becomes NAME.log.1.",
    )

    @property
    def serves_adapters(self) -> bool:
        """Can adapters be loaded?"""
        return bool(self.adapters) if self.lora is None else self.lora or bool(self.adapters)


class RetrievalSettings(Section):
    encoder: str = Field(
        "minilm",
        description="`minilm` (embedded), or a sentence-transformers model name or folder; with "
        "retrieval.encoder_url, the model's id there.",
    )
    encoder_engine: Literal["torch", "onnx-int8"] = Field(
        "torch",
        description="`onnx-int8` encodes in some two thirds of the time with nearly the same vectors; it "
        "needs the extra `onnx`, and an index of its own.",
    )
    encoder_threads: int | None = Field(
        None, ge=1, description="Threads of the onnx-int8 engine; unset: all cores."
    )
    encoder_url: HttpUrl | None = Field(
        None,
        description="OpenAI-compatible base URL, ending in /v1, that serves embeddings. Unset: the "
        "encoder runs here.",
    )
    encoder_api_key: SecretStr | None = Field(None, description="Bearer token for that URL.")
    encoder_timeout_seconds: float = Field(
        30.0,
        gt=0,
        description="Longest wait for one batch of that URL, repeated attempts included.",
    )
    encoder_tokenizer: Path | None = Field(
        None,
        description="Folder with that model's tokenizer.json, for counting and splitting; unset: the "
        "embedded tokenizer.",
    )
    encoder_max_tokens: int = Field(
        256, ge=32, description="Longest text sent to that URL, in tokens; longer ones are cut."
    )
    encoder_sentences: bool = Field(
        False,
        description="Whether each sentence is sent to that URL as well, for the embedded reader; "
        "several times the work. Without, the reader goes by words alone.",
    )
    encoder_languages: tuple[Literal["en", "zh"], ...] | None = Field(
        None,
        description="Languages that the encoder reads. Unset: seen from its tokenizer; a model behind "
        "a URL whose tokenizer is not here is taken to read everything.",
    )
    query_prefix: str | None = Field(
        None,
        description="Text before each question (`query: ` for E5); unset: as the model's folder says.",
    )
    passage_prefix: str | None = Field(
        None,
        description="Text before each passage (`passage: ` for E5); unset: as the model's folder says.",
    )
    enabled: bool = Field(
        True,
        description="Whether questions are answered from documents. False passes conversations on as they "
        "came.",
    )
    collection: str = Field("default", description="Collection used when a request names none.")
    k: int = Field(6, ge=1, le=50, description="Chunks retrieved for a prompt.")
    depth: int = Field(50, ge=1, le=1000, description="Chunks that each side gives to fusion.")
    dense_weight: Share = Field(
        0.5, description="Share of the dense score in fusion; the lexical side has the rest."
    )
    max_unknown_share: Share = Field(
        0.2, description="Above this share of unknown pieces the dense side is not asked."
    )
    passage_tokens: int = Field(1500, ge=50, description="Token budget of all passages together.")
    chunk_tokens: int = Field(200, ge=20, description="Largest chunk, in tokens of the encoder.")
    overlap_tokens: int = Field(40, ge=0, description="Largest overlap of neighbouring chunks.")
    flat_limit: int = Field(
        200_000,
        ge=1,
        description="Chunks of a collection from which on its FAISS index is trained (inverted lists, "
        "one byte a dimension); below it is flat and exact.",
    )

    glossary: Path | None = Field(
        None, description="File of your own words, a line each: `term = synonym, synonym`."
    )
    rerank_model: str | None = Field(
        None,
        description="CrossEncoder (name or folder) that reorders the best hits, or its id at "
        "retrieval.rerank_url; unset: no reranking.",
    )
    rerank_url: HttpUrl | None = Field(
        None, description="Base URL of a server with a `/rerank` endpoint (Jina, Cohere, vLLM)."
    )
    rerank_api_key: SecretStr | None = Field(None, description="Bearer token for that URL.")
    rerank_depth: int = Field(20, ge=1, le=200, description="Hits that are reranked.")
    rerank_timeout_seconds: float = Field(
        2.0, gt=0, description="Longest wait for a reranking; after it the fused order stands."
    )

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> RetrievalSettings:
        if self.overlap_tokens >= self.chunk_tokens:
            raise ValueError("overlap_tokens must be smaller than chunk_tokens")
        return self

    @model_validator(mode="after")
    def _one_place_to_encode(self) -> RetrievalSettings:
        if self.encoder_url is not None and self.encoder_engine != "torch":
            raise ValueError("encoder_engine is of no use with encoder_url; unset one of them")
        if self.encoder_url is not None and self.encoder == "minilm":
            raise ValueError("encoder must name the model at encoder_url")
        return self


class IngestSettings(Section):
    workers: int = Field(2, ge=1, le=64, description="Processes that read files.")
    seconds_per_file: float = Field(
        120.0, gt=0, description="A file that takes longer to read is reported as failed."
    )
    memory_bytes: int = Field(
        2 * 2**30, ge=2**28, description="A file that needs more memory to read fails."
    )
    caption_url: HttpUrl | None = Field(
        None,
        description="OpenAI-compatible base URL, ending in /v1, of a model that takes images; pictures "
        "are sent there to be described. Unset: no captions.",
    )
    caption_model: str | None = Field(
        None, description="Model id at that URL; unset: the first it lists."
    )
    caption_api_key: SecretStr | None = Field(None, description="Bearer token for that URL.")


class ReaderSettings(Section):
    max_sentences: int = Field(2, ge=1, le=10, description="Longest answer of the reader.")
    min_support: Share = Field(
        0.35, description="Below this support for its best sentence the reader abstains."
    )


class JudgeSettings(Section):
    enabled: bool = Field(
        True,
        description="Whether answers are judged. False serves whatever the policy says, marked as unjudged.",
    )
    rubric: Path | None = Field(None, description="Rubric file; unset: the default rubric.")
    timeout_seconds: float = Field(5.0, gt=0, description="Longest wait for one judging.")
    url: HttpUrl | None = Field(
        None, description="OpenAI-compatible base URL, ending in /v1, for a rubric's llm graders."
    )
    model: str | None = Field(None, description="Model id at that URL; unset: the first it lists.")
    api_key: SecretStr | None = Field(None, description="Bearer token for that URL.")
    reward_model: str | None = Field(
        None,
        description="Reward model checkpoint (folder or hub name), loaded here, or its id at "
        "judge.reward_url; unset: the embedded one.",
    )
    reward_url: HttpUrl | None = Field(
        None, description="Root URL of a vLLM pooling server that serves the reward model."
    )
    reward_api_key: SecretStr | None = Field(None, description="Bearer token for that URL.")
    reward_mean: float = Field(
        0.0, description="Mean raw reward of that checkpoint over reference answers."
    )
    reward_deviation: float = Field(
        1.0,
        gt=0,
        description="Deviation of its raw reward; rewards are scaled to mean 0, deviation 1.",
    )


class DecisionSettings(Section):
    attempts: int = Field(2, ge=1, le=5, description="Generations before a refusal.")
    budget_seconds: float = Field(10.0, gt=0, description="No new attempt starts after this.")
    budget_tokens: int | None = Field(
        None,
        ge=1,
        description="No new attempt starts after this many generated tokens; unset: no limit.",
    )
    select_by: Literal["reward", "mean_logprob"] = Field(
        "reward",
        description="What chooses among acceptable candidates: the reward, or their mean token "
        "log-probability (Chen 2021).",
    )
    min_margin: float = Field(
        0.0, ge=0, description="Reward by which a later candidate must beat an earlier one."
    )


class PromotionSettings(Section):
    """What `plumbline policy promote` asks for before a version gets traffic (docs/promotion.md)."""

    min_win_rate: Share = Field(
        0.5,
        description="Lowest lower bound of the 95 % interval of the candidate's win rate over the policy in "
        "service.",
    )
    max_over_refusal_rise: Share = Field(
        0.02, description="Most by which the candidate's share of over-refusals may be higher."
    )
    min_reward_rise: float = Field(
        0.0,
        description="The lower bound of the 95 % interval of the rise in mean reward must be above this.",
    )
    max_kl: float | None = Field(
        None,
        ge=0,
        description="Most KL divergence from the parent, in nats an answer, that a run card may report; unset: the budget that the "
        "run itself was given.",
    )
    max_adapter_bytes: int = Field(
        8 * 2**30, ge=1_000, description="Largest file of weights that an adapter may have."
    )
    servers_folder: str | None = Field(
        None,
        description="DATA_DIR/policies as the servers at policy.url see it, where they see it elsewhere "
        "(another machine, a container).",
    )
    url: HttpUrl | None = Field(
        None,
        description="Root URL of the server that `plumbline policy` speaks to; unset: server.host and "
        "server.port on this machine.",
    )
    api_key: SecretStr | None = Field(
        None, description="Key of an admin, which `plumbline policy` sends to that server."
    )


class LogSettings(Section):
    synchronous: Literal["NORMAL", "FULL"] = Field(
        "FULL",
        description="SQLite durability. Both survive kill -9; only FULL survives a power loss.",
    )
    acknowledge: Literal["durable", "queued"] = Field(
        "durable",
        description="When an answer goes out: once its row is durable, or once it is queued, which is "
        "sooner and loses the last rows of a process that is killed. Feedback always waits.",
    )


class TelemetrySettings(Section):
    log_format: Literal["text", "json"] = Field(
        "text", description="Log lines on standard error, for people or for programs."
    )
    access_log: bool = Field(True, description="Whether each request is a line of the log.")
    log_user_text: bool = Field(
        False,
        description="Whether questions, answers and the messages of exceptions are logged as well; for "
        "debugging only, and warned of at the start.",
    )
    otlp_endpoint: HttpUrl | None = Field(
        None,
        description="OTLP/HTTP address for traces (`http://127.0.0.1:4318`); needs the extra `otel`. "
        "Unset: no traces.",
    )
    otlp_headers: SecretStr | None = Field(
        None, description="Headers for that address, `name=value` with commas between."
    )
    trace_share: Share = Field(
        1.0, description="Share of requests that are traced, where no caller has decided it."
    )


class Settings(Section):
    """All settings of a process; built once at start, then passed to what needs it."""

    data_dir: Path = Field(Path(".plumbline"), description="Where index and log live.")
    index_dir: Path | None = Field(None, description="Index folder; unset: DATA_DIR/index.")
    log_path: Path | None = Field(None, description="Log file; unset: DATA_DIR/log.sqlite.")
    server: ServerSettings = ServerSettings()
    policy: PolicySettings = PolicySettings()
    engine: EngineSettings = EngineSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    ingest: IngestSettings = IngestSettings()
    reader: ReaderSettings = ReaderSettings()
    judge: JudgeSettings = JudgeSettings()
    decision: DecisionSettings = DecisionSettings()
    promotion: PromotionSettings = PromotionSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @model_validator(mode="after")
    def _public_only_on_purpose(self) -> Settings:
        server = self.server
        if server.host not in _LOCAL and not server.allow_public and server.keys_file is None:
            raise ValueError(
                f"server.host {server.host} can be reached from other machines; set "
                "server.keys_file (make keys with `plumbline keys create`), or, if a proxy in front "
                "checks callers, set server.allow_public to true (PLUMBLINE_SERVER__ALLOW_PUBLIC=true)"
            )
        return self

    @classmethod
    def load(
        cls, config: Path | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Settings:
        """Read file and environment, then lay the given overrides (dotted names) on top.

        Raises:
            ConfigurationError: a value is wrong; the message names each setting.
        """
        try:
            sources = _Sources(**_read_config(config)).model_dump()
            return cls.model_validate(sources).replace(overrides or {})
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from error

    def replace(self, overrides: Mapping[str, Any]) -> Settings:
        """A copy with dotted names changed, checked anew; None leaves a value as it is."""
        tree = self.model_dump()
        for dotted, value in overrides.items():
            if value is not None:
                *path, leaf = dotted.split(".")
                branch = tree
                for name in path:
                    branch = branch[name]
                branch[leaf] = value
        return type(self).model_validate(tree)

    @property
    def index(self) -> Path:
        """The index folder in force."""
        return self.index_dir or self.data_dir / "index"

    @property
    def log_file(self) -> Path:
        """The log file in force."""
        return self.log_path or self.data_dir / "log.sqlite"

    @property
    def documents(self) -> Path:
        """Where uploaded documents live."""
        return self.data_dir / "documents"

    @property
    def policies(self) -> Path:
        """Where adapters that may be promoted live, a folder for each version."""
        return self.data_dir / "policies"

    @property
    def policies_file(self) -> Path:
        """Which of them are in service, and the history of it."""
        return self.data_dir / "policies.json"

    @property
    def engine_logs(self) -> Path:
        """Where the logs of engines that are started here live."""
        return self.data_dir / "engine"

    def environment(self, *sections: str) -> dict[str, str]:
        """The environment of a child process that works with some sections of these settings.

        No other setting of ours goes along, and so no key that the child does not need.
        """
        kept = {n: v for n, v in os.environ.items() if not n.upper().startswith("PLUMBLINE_")}
        for section in sections:
            for name, value in getattr(self, section):
                if value is not None:
                    kept[f"PLUMBLINE_{section}__{name}".upper()] = _as_text(value)
        return kept

    @property
    def candidates(self) -> int | Literal["auto"]:
        """Answers sampled for each choice when the request does not say."""
        return self.policy.candidates or (2 if self.policy.engine_in_force == "reader" else 1)

    @cached_property
    def version(self) -> str:
        """A short hash of every value that can change an answer; it stands on each log row."""
        shown = self.model_dump_json(
            exclude={
                "data_dir": True,
                "index_dir": True,
                "log_path": True,
                "server": True,
                "telemetry": True,
                "promotion": True,
                "engine": {"python", "port", "log_bytes", "start_seconds"},
            }
        )
        return hashlib.sha256(shown.encode()).hexdigest()[:12]


def share_metrics(folder: Path) -> None:
    """Have this process and those that it starts keep their metrics in one folder, which is emptied.

    Works only before prometheus_client is imported; that is where it looks for the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def quiet_trainers() -> None:
    """Have the libraries that train send nothing home; they look for this when they are imported."""
    os.environ.update(
        HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1", TOKENIZERS_PARALLELISM="false"
    )


class _Sources(BaseSettings, Settings):
    """Settings as file and environment give them."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="PLUMBLINE_", env_nested_delimiter="__"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (env_settings, init_settings)


def _as_text(value: Any) -> str:
    """A value as the environment holds it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple | list | dict | bool):
        return json.dumps(value)
    return str(value)


def _read_config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"The settings file {path} can't be read: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"The settings file {path} must hold names and values.")
    return content


def _nearest(place: str) -> str:
    """The setting that somebody may have meant."""
    known = [name for name, field in Settings.model_fields.items() if not _leaves(field.annotation)]
    for section, field in Settings.model_fields.items():
        known += [f"{section}.{leaf}" for leaf in _leaves(field.annotation)]
    found = difflib.get_close_matches(place, known, n=1)
    return f"; did you mean {found[0]}?" if found else " (docs/settings.md lists all)"


def _leaves(section: Any) -> list[str]:
    return list(getattr(section, "model_fields", ()))


def _explain(error: ValidationError) -> str:
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        place = ".".join(str(step) for step in problem["loc"])
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            reason = "there is no such setting" + _nearest(place)
        problems.append(": ".join(part for part in (place, reason) if part))
    return "The settings are wrong: " + "; ".join(problems)
