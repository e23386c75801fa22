"""Loading the policy that a run begins from, with what of it is to be trained."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from contract.errors import ConfigurationError
from training.runs.policies import Policy
from training.trainers.options import Options
from training.trainers.tokens import check_template

# Rank and alpha: Hu et al. 2021 vary the rank from 1 to 64 and find little difference; alpha is twice the
# rank. All linear layers: Dettmers et al. 2023, figure 2.
RANK = 16
_SEED_OF_HEAD = 7


@dataclass(frozen=True)
class Loaded:
    """A model that is ready for a trainer."""

    model: Any
    tokenizer: Any
    on_gpu: bool


def on_gpu(options: Options) -> bool:
    """Whether the run is to use a GPU.

    Raises:
        ConfigurationError: a GPU was asked for and there is none.
    """
    there = torch.cuda.is_available()
    if options.device == "cuda" and not there:
        raise ConfigurationError("--device cuda: torch finds no GPU here.")
    if options.weights == "qlora" and (options.device == "cpu" or not there):
        raise ConfigurationError(
            "--weights qlora needs a GPU: its four-bit weights are computed there. Use --weights lora."
        )
    return there and options.device != "cpu"


def load_policy(policy: Policy, options: Options) -> Loaded:
    """A causal model with an adapter to train, or all of whose weights are.

    A parent that is an adapter is trained further: the result lies on the same base, so that an engine
    that serves the base can serve it. With --weights full it is merged first.

    Raises:
        ConfigurationError: it can't be loaded, or the adapter has another rank.
    """
    gpu = on_gpu(options)
    tokenizer = load_tokenizer(policy)
    model = load_base(policy, options, gpu)
    torch.manual_seed(options.seed)
    if options.weights == "full":
        return Loaded(merged(model, policy), tokenizer, gpu)
    if policy.adapter is None:
        return Loaded(
            get_peft_model(model, adapter_of(options, TaskType.CAUSAL_LM)), tokenizer, gpu
        )
    adapted = PeftModel.from_pretrained(model, str(policy.adapter), is_trainable=True)
    rank = adapted.peft_config["default"].r
    if options.rank not in (None, rank):
        raise ConfigurationError(
            f"The adapter {policy.adapter} has rank {rank} and is trained further, so --rank can't be "
            f"{options.rank}. Leave --rank out."
        )
    return Loaded(adapted, tokenizer, gpu)


def load_scorer(policy: Policy, options: Options) -> Loaded:
    """The policy with its unembedding replaced by a scalar head (Ouyang et al. 2022, section 3.5).

    The head begins at N(0, 1/(d + 1)) (Stiennon et al. 2020, appendix B).
    """
    gpu = on_gpu(options)
    tokenizer = load_tokenizer(policy)
    causal = merged(load_base(policy, options, gpu), policy)
    config = causal.config
    config.num_labels = 1
    model = AutoModelForSequenceClassification.from_config(config, dtype=causal.dtype)
    model.base_model.load_state_dict(causal.base_model.state_dict())
    if not isinstance(getattr(model, "score", None), torch.nn.Linear):
        raise ConfigurationError(
            f"{policy.base} ({type(model).__name__}) has no plain scalar head; a model with a `score` layer "
            "(Llama, Qwen, Mistral, Gemma …) makes a reward model."
        )
    draw = torch.Generator().manual_seed(_SEED_OF_HEAD + options.seed)
    head = torch.randn(model.score.weight.shape, generator=draw)
    with torch.no_grad():
        model.score.weight.copy_(head / (head.shape[1] + 1) ** 0.5)
    model.config.name_or_path = policy.base
    torch.manual_seed(options.seed)
    if options.weights != "full":
        model = get_peft_model(model, adapter_of(options, TaskType.SEQ_CLS, ["score"]))
    return Loaded(model, tokenizer, gpu)


def load_tokenizer(policy: Policy) -> Any:
    """The tokenizer of a policy, which pads on the right.

    Raises:
        ConfigurationError: there is none, or it has no chat template.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(policy.base)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"There is no tokenizer in {policy.base}: {error}") from error
    check_template(tokenizer, policy.base)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(policy: Policy, options: Options, gpu: bool) -> Any:
    """The checkpoint under a policy, without its adapter.

    Raises:
        ConfigurationError: it can't be loaded.
    """
    # Frozen weights may be coarse; weights that are trained are kept in single precision.
    dtype = torch.bfloat16 if gpu and options.weights != "full" else torch.float32
    try:
        return AutoModelForCausalLM.from_pretrained(
            policy.base, dtype=dtype, use_safetensors=True, **_quantized(options)
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The policy {policy.base} can't be loaded: {error}") from error


def merged(model: Any, policy: Policy) -> Any:
    """The checkpoint with the policy's adapter computed into its weights."""
    if policy.adapter is None:
        return model
    merged_model = PeftModel.from_pretrained(model, str(policy.adapter)).merge_and_unload()
    for parameter in merged_model.parameters():
        parameter.requires_grad_(True)
    return merged_model


def adapter_of(options: Options, task: TaskType, heads: list[str] | None = None) -> LoraConfig:
    """A new adapter. No dropout: answers are scored by the policy that wrote them."""
    rank = options.rank or RANK
    targets = options.targets
    return LoraConfig(
        r=rank,
        lora_alpha=options.alpha or 2 * rank,
        target_modules=targets if targets == "all-linear" else targets.split(","),
        lora_dropout=0.0,
        modules_to_save=heads,
        task_type=task,
    )


def _quantized(options: Options) -> dict[str, Any]:
    if options.weights != "qlora":
        return {}
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigurationError(
            "--weights qlora needs bitsandbytes: `.venv-train/bin/pip install bitsandbytes`."
        )
    from transformers import BitsAndBytesConfig

    # Four-bit normal floats, quantised twice (Dettmers et al. 2023).
    four_bit = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": four_bit}
