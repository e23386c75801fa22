"""A reward model by the name that a person gives: a run folder, a checkpoint, or a server's URL."""

from __future__ import annotations

from pathlib import Path

from contract.errors import ConfigurationError
from contract.settings import JudgeSettings, Settings
from rbrm.reward_checkpoints import TransformersRewardModel, VllmRewardModel
from training.runs.card import CARD, read_card
from training.runs.folder import BEGUN


def reward_model_settings(settings: JudgeSettings, name: str) -> JudgeSettings:
    """The judge's settings with another reward model.

    A run folder brings the mean and deviation of its rewards along; for a server they are those of the
    settings.

    Raises:
        ConfigurationError: the folder holds an unfinished run, or one that is no reward model.
    """
    if name.startswith(("http://", "https://")):
        return _replaced(settings, {"reward_url": name, "reward_model": None})
    folder = Path(name)
    if not (folder / CARD).exists() and not (folder / BEGUN).exists():
        return _replaced(settings, {"reward_model": name, "reward_url": None})
    card = read_card(folder)
    if card.kind != "rm":
        raise ConfigurationError(f"{folder} holds a run of `train {card.kind}`, no reward model.")
    return _replaced(
        settings,
        {
            "reward_model": str(folder.resolve() / "model"),
            "reward_url": None,
            "reward_mean": card.metrics["reward_mean"],
            "reward_deviation": card.metrics["reward_deviation"],
        },
    )


def scorer_of(settings: JudgeSettings) -> TransformersRewardModel | VllmRewardModel:
    """The checkpoint, or the server, that these settings name.

    Raises:
        ConfigurationError: it can't be loaded or reached.
    """
    if settings.reward_url is not None:
        key = settings.reward_api_key.get_secret_value() if settings.reward_api_key else None
        server = VllmRewardModel(
            str(settings.reward_url),
            settings.reward_model,
            mean=settings.reward_mean,
            deviation=settings.reward_deviation,
            api_key=key,
        )
        server.check()
        return server
    assert settings.reward_model is not None
    checkpoint = TransformersRewardModel(
        settings.reward_model, settings.reward_mean, settings.reward_deviation
    )
    checkpoint.load()
    return checkpoint


def _replaced(settings: JudgeSettings, values: dict[str, object]) -> JudgeSettings:
    return Settings(judge=settings.model_dump() | values).judge
