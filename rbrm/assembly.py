"""The only constructor of a judge: settings and a rubric in, a judge with all its graders out."""

from __future__ import annotations

from contract.errors import ConfigurationError
from contract.settings import JudgeSettings
from rbrm.graders.llm import ModelGrader
from rbrm.heads import load_heads
from rbrm.judge import Graders, Judge
from rbrm.own_heads import load_own_heads
from rbrm.reward_checkpoints import TransformersRewardModel, VllmRewardModel
from rbrm.reward_model import RewardModel, load_reward_model
from rbrm.rubric import EncoderGrader, Rubric, load_rubric
from text.encoder import Encoder


def build_judge(
    settings: JudgeSettings,
    encoder: Encoder,
    rubric: Rubric | None = None,
    reward_model: RewardModel | None = None,
) -> Judge:
    """The judge that settings and rubric ask for; every grader is there when this returns.

    The judge's heads were made for the embedded encoder, so with another one in use for retrieval it
    reads with its own. A `reward_model` that was loaded already is used as it is.

    Raises:
        ConfigurationError: a file is missing or wrong, or a server that the rubric needs is not there.
    """
    rubric = rubric or load_rubric(settings.rubric)
    own = encoder if encoder.is_embedded else Encoder()
    graders = Graders(
        heads=load_heads(own.fingerprint),
        reward_model=reward_model or _reward_model(settings, own),
        own=load_own_heads(_own_heads(rubric), rubric.folder, own.fingerprint),
        model=_model(settings) if rubric.asks_a_model else None,
    )
    return Judge(rubric, graders, own)


def _own_heads(rubric: Rubric) -> list[str]:
    """The heads that a rubric names by file."""
    specs = [g for p in rubric.propositions.values() for g in p.graders]
    named = [g.encoder for g in specs if isinstance(g, EncoderGrader)]
    return [name for name in dict.fromkeys(named) if name.endswith(".safetensors")]


def _model(settings: JudgeSettings) -> ModelGrader:
    if settings.url is None:
        raise ConfigurationError(
            "The rubric has llm graders, and no language model is set to ask. Set judge.url "
            "(PLUMBLINE_JUDGE__URL=http://127.0.0.1:8001/v1), or use a rubric without them."
        )
    key = settings.api_key.get_secret_value() if settings.api_key else None
    model = ModelGrader(str(settings.url), settings.model, key, settings.timeout_seconds)
    model.check()
    return model


def _reward_model(settings: JudgeSettings, encoder: Encoder) -> RewardModel:
    if settings.reward_url is not None:
        server = VllmRewardModel(
            str(settings.reward_url),
            settings.reward_model,
            mean=settings.reward_mean,
            deviation=settings.reward_deviation,
            timeout_seconds=settings.timeout_seconds,
            api_key=settings.reward_api_key.get_secret_value() if settings.reward_api_key else None,
        )
        server.check()
        return server
    if settings.reward_model is not None:
        checkpoint = TransformersRewardModel(
            settings.reward_model, settings.reward_mean, settings.reward_deviation
        )
        checkpoint.load()
        return checkpoint
    return load_reward_model(encoder.dimensions)
