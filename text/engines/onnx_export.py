"""An int8 copy of an encoder, made once and kept: exported from torch, then quantised.

Weights become signed bytes with one scale for each output channel, in the range of seven bits, so that
processors without VNNI do not overflow; activations are scaled for each text as it is read (ONNX
Runtime's dynamic quantisation).
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contract.errors import ConfigurationError
from contract.files import sync
from contract.passage import Vector
from text.engines.onnx_session import CARD, GRAPH, HEAD, TOKENIZER, Session
from text.engines.torch_engine import TorchEngine

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A new number where the same weights would give other vectors than before.
RECIPE = "onnx-int8/1"
_MADE_WITH = ("onnxruntime", "onnx", "onnxscript", "torch", "transformers", "sentence-transformers")
_ACTIVATIONS = {"Identity", "Tanh"}
_OPSET = 20
_LEAST_COSINE = 0.95
_SAMPLES = (
    "Each employee gets eighty working days of parental leave.",
    "The warranty covers parts for two years, but not damage that was caused by water.",
    "员工每年享有带薪年假，没有休完的假期可以结转到下一年。",
)

Say = Callable[[str], None]


def made_copy(engine: TorchEngine, cache: Path, say: Say) -> Path:
    """The folder of the int8 copy; where it is not in `cache` yet, it is made.

    It appears there whole or not at all, also where two processes make it at once.

    Raises:
        ConfigurationError: the model has a form that is not supported, or can't be exported.
    """
    versions = {package: version(package) for package in _MADE_WITH}
    key = "-".join([engine.fingerprint, RECIPE.replace("/", "-"), *versions.values()])
    folder = cache / key
    if (folder / CARD).is_file():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".making-", dir=cache))
    except OSError as error:
        raise ConfigurationError(
            f"The folder {cache} for the int8 encoder can't be written: {error.strerror}. Set data_dir."
        ) from error
    try:
        _make(engine, draft, say, {"recipe": RECIPE, "versions": versions})
        _publish(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _make(engine: TorchEngine, draft: Path, say: Say, card: dict[str, Any]) -> None:
    started = time.monotonic()
    say(f"Making the int8 copy of the encoder {engine.folder.name}, once: loading …")
    model = engine.model
    pooling, dense = _head(model)
    say("  exporting to ONNX …")
    _export(model, draft / "full.onnx")
    say("  quantising …")
    _quantise(draft / "full.onnx", draft / GRAPH)
    for path in draft.glob("full.onnx*"):
        path.unlink()
    (draft / TOKENIZER).write_text(engine.tokens.definition, encoding="utf-8")
    _write_head(draft / HEAD, dense)
    card |= {
        "dimensions": engine.dimensions,
        "max_tokens": engine.max_tokens,
        "pooling": pooling,
        "dense": [activation for _, _, activation in dense],
    }
    (draft / CARD).write_text(json.dumps(card, indent=2), encoding="utf-8")
    say("  comparing with the original …")
    _compare(engine, draft)
    size = sum(path.stat().st_size for path in draft.iterdir()) / 1e6
    say(f"  done in {time.monotonic() - started:.0f} s, {size:.0f} MB.")


def _head(model: SentenceTransformer) -> tuple[str, list[tuple[Vector, Vector, str]]]:
    """Pooling mode, and weight, bias and activation of each dense layer after it."""
    first, pooling, *rest = list(model.children())
    kinds = [type(module).__name__ for module in (first, pooling, *rest)]
    if kinds[:2] != ["Transformer", "Pooling"] or set(kinds[2:]) - {"Dense", "Normalize"}:
        raise _unsupported(f"its modules are {', '.join(kinds)}")
    if pooling.pooling_mode not in {"mean", "cls"} or not pooling.include_prompt:
        raise _unsupported(f"its pooling is {pooling.pooling_mode!r}")
    dense = []
    for module in rest:
        if type(module).__name__ == "Normalize":
            continue
        activation = type(module.activation_function).__name__
        if activation not in _ACTIVATIONS:
            raise _unsupported(f"a dense layer has the activation {activation}")
        weight = module.linear.weight.detach().float().numpy()
        bias = module.linear.bias
        zeros = np.zeros(len(weight), dtype=np.float32)
        dense.append((weight, zeros if bias is None else bias.detach().float().numpy(), activation))
    return str(pooling.pooling_mode), dense


def _unsupported(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The encoder can't run as onnx-int8: {why}. Supported are a transformer, mean or cls pooling, "
        "and dense (Tanh or none) and normalising layers. Set retrieval.encoder_engine to torch."
    )


def _export(model: SentenceTransformer, path: Path) -> None:
    import torch

    class TokenStates(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        """ids (1, t) -> token states (1, t, h); one text at a time needs no mask."""

        def __init__(self, transformer: Any) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            states: torch.Tensor = self.transformer(input_ids=input_ids).last_hidden_state
            return states

    transformer: Any = list(model.children())[0]
    example = torch.arange(5, 21, dtype=torch.long)[None]
    try:
        with _quiet(), torch.inference_mode(False), torch.no_grad():
            torch.onnx.export(
                TokenStates(transformer.auto_model).eval(),
                (example,),
                str(path),
                input_names=["input_ids"],
                output_names=["states"],
                dynamic_shapes={"input_ids": {1: torch.export.Dim("tokens", min=2, max=8192)}},
                opset_version=_OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter raises whatever its passes raise
        raise ConfigurationError(
            f"The encoder can't be exported to ONNX ({type(error).__name__}: {str(error)[:300]}). "
            "Set retrieval.encoder_engine to torch."
        ) from error


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            str(source),
            str(target),
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the tools' own talk; standard output belongs to results."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _write_head(path: Path, dense: Sequence[tuple[Vector, Vector, str]]) -> None:
    from safetensors.numpy import save

    tensors: dict[str, Vector] = {}
    for number, (weight, bias, _) in enumerate(dense):
        tensors |= {f"{number}.weight": np.ascontiguousarray(weight), f"{number}.bias": bias}
    path.write_bytes(save(tensors))


def _compare(engine: TorchEngine, draft: Path) -> None:
    nothing = [()] * len(_SAMPLES)
    true = engine.encode(_SAMPLES, nothing, lambda done: None, None)
    mine = Session(draft, threads=None).encode(_SAMPLES, nothing, lambda done: None, None)
    least = min(float(a.vector @ b.vector) for a, b in zip(true, mine, strict=True))
    if least < _LEAST_COSINE:
        raise ConfigurationError(
            f"The int8 copy of the encoder differs too much from the original (cosine {least:.2f}). "
            "Set retrieval.encoder_engine to torch."
        )


def _publish(draft: Path, folder: Path) -> None:
    for path in [*draft.iterdir(), draft]:
        sync(path)
    try:
        draft.rename(folder)
    except OSError:
        # Another process was faster; what it made is the same.
        if not (folder / CARD).is_file():
            raise
