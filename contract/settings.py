"""The one settings object, and the only reader of the environment.

Precedence: command-line flag, then environment (`PLUMBLINE_POLICY__URL=…`), then the file given by
`--config`, then the defaults below. A secret never shows in a `repr`, a log or a reply.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from contract.errors import ConfigurationError

Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A group of settings: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    host: str = Field("127.0.0.1", description="Address to bind; the default is this machine only.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    allow_public: bool = Field(
        False,
        description="Must be true to bind to an address that other machines can reach, and to answer "
        "requests that were addressed to another name than this machine's.",
    )
    max_body_bytes: int = Field(2_000_000, ge=1_000, description="Larger requests get a 413.")
    keep_alive_seconds: float = Field(
        5.0, gt=0, description="Pause between SSE comments while candidates are being judged."
    )


class PolicySettings(Section):
    url: HttpUrl | None = Field(
        None, description="OpenAI-compatible base URL, ending in /v1. Unset: the embedded reader."
    )
    model: str | None = Field(None, description="Model id at that URL; unset: the first it lists.")
    api_key: SecretStr | None = Field(None, description="Bearer token for that URL.")
    candidates: int | None = Field(
        None, ge=1, le=16, description="Answers sampled for each choice; unset: 2 reader, 1 URL."
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


class RetrievalSettings(Section):
    encoder: str = Field(
        "minilm",
        description="`minilm` (embedded), or a sentence-transformers model name or folder.",
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


class ReaderSettings(Section):
    max_sentences: int = Field(2, ge=1, le=10, description="Longest answer of the reader.")
    min_support: Share = Field(
        0.35, description="Below this support for its best sentence the reader abstains."
    )


class JudgeSettings(Section):
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
    min_margin: float = Field(
        0.0, ge=0, description="Reward by which a later candidate must beat an earlier one."
    )


class LogSettings(Section):
    synchronous: Literal["NORMAL", "FULL"] = Field(
        "FULL",
        description="SQLite durability. Both survive kill -9; only FULL survives a power loss.",
    )


class Settings(Section):
    """All settings of a process; built once at start, then passed to what needs it."""

    data_dir: Path = Field(Path(".plumbline"), description="Where index and log live.")
    index_dir: Path | None = Field(None, description="Index folder; unset: DATA_DIR/index.")
    log_path: Path | None = Field(None, description="Log file; unset: DATA_DIR/log.sqlite.")
    server: ServerSettings = ServerSettings()
    policy: PolicySettings = PolicySettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    reader: ReaderSettings = ReaderSettings()
    judge: JudgeSettings = JudgeSettings()
    decision: DecisionSettings = DecisionSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _public_only_on_purpose(self) -> Settings:
        local = {"127.0.0.1", "::1", "localhost"}
        if self.server.host not in local and not self.server.allow_public:
            raise ValueError(
                f"server.host {self.server.host} can be reached from other machines and there are "
                "no API keys yet; if a proxy in front checks callers, set server.allow_public to "
                "true (PLUMBLINE_SERVER__ALLOW_PUBLIC=true)"
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
    def candidates(self) -> int:
        """Answers sampled for each choice when the request does not say."""
        return self.policy.candidates or (1 if self.policy.url else 2)

    @property
    def version(self) -> str:
        """A short hash of every value that can change an answer; it stands on each log row."""
        shown = self.model_dump_json(exclude={"data_dir", "index_dir", "log_path", "server"})
        return hashlib.sha256(shown.encode()).hexdigest()[:12]


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


def _explain(error: ValidationError) -> str:
    problems = [
        ": ".join(
            part
            for part in (
                ".".join(str(step) for step in problem["loc"]),
                problem["msg"].removeprefix("Value error, "),
            )
            if part
        )
        for problem in error.errors(include_url=False, include_input=False)
    ]
    return "The settings are wrong: " + "; ".join(problems)
