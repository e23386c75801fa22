"""The only constructor of the encoder that the settings ask for."""

from __future__ import annotations

from functools import partial

import click

from contract.settings import RetrievalSettings, Settings
from text.encoder import Encoder
from text.engines.folder import EMBEDDED, model_folder, prompts_of
from text.engines.onnx_engine import OnnxEngine
from text.engines.onnx_export import Say
from text.engines.remote import RemoteEngine
from text.engines.tokens import Tokens

_to_a_person: Say = partial(click.echo, err=True)


def build_encoder(settings: Settings, say: Say = _to_a_person) -> Encoder:
    """The encoder of retrieval. For the judge use Encoder(): its heads know no other.

    Args:
        settings: its `retrieval` group; copies for onnx-int8 are kept below `data_dir`.
        say: told what is being made, line by line.

    Raises:
        ConfigurationError: the model, an extra or a tokenizer is missing, or can't be used.
    """
    retrieval = settings.retrieval
    languages = (
        None if retrieval.encoder_languages is None else frozenset(retrieval.encoder_languages)
    )
    if retrieval.encoder_url is not None:
        return _remote(retrieval, languages)
    folder = model_folder(retrieval.encoder)
    prefixes = _prefixes(retrieval, prompts_of(folder))
    if retrieval.encoder_engine == "torch":
        return Encoder(retrieval.encoder, prefixes=prefixes, languages=languages)
    cache = settings.data_dir / "encoders"
    return Encoder(
        f"{retrieval.encoder} (onnx-int8)",
        OnnxEngine(folder, cache, retrieval.encoder_threads, say),
        prefixes=prefixes,
        languages=languages,
    )


def _remote(retrieval: RetrievalSettings, languages: frozenset[str] | None) -> Encoder:
    own = retrieval.encoder_tokenizer
    if languages is None and own is None:
        languages = frozenset({"en", "zh"})
    key = retrieval.encoder_api_key
    engine = RemoteEngine(
        str(retrieval.encoder_url),
        retrieval.encoder,
        Tokens.of_file(own or model_folder(EMBEDDED)),
        api_key=key.get_secret_value() if key else None,
        max_tokens=retrieval.encoder_max_tokens,
        timeout_seconds=retrieval.encoder_timeout_seconds,
        sentences=retrieval.encoder_sentences,
    )
    return Encoder(
        retrieval.encoder, engine, prefixes=_prefixes(retrieval, ("", "")), languages=languages
    )


def _prefixes(retrieval: RetrievalSettings, default: tuple[str, str]) -> tuple[str, str]:
    question, passage = retrieval.query_prefix, retrieval.passage_prefix
    return (
        default[0] if question is None else question,
        default[1] if passage is None else passage,
    )
