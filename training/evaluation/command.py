"""`plumbline eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from contract.errors import ConfigurationError
from contract.settings import Settings
from contract.terminal import (
    Command,
    config_option,
    json_option,
    load_settings,
    print_json,
    progress_bars,
    together,
)
from rbrm.assembly import build_judge
from rbrm.command import rubric_option
from rbrm.judge import Judge
from text.encoder import Encoder
from training.evaluation.answers import Answering
from training.evaluation.evaluate import Extras, evaluate
from training.evaluation.preferences import (
    ModelJudge,
    PairJudge,
    RewardInService,
    SecondRewardModel,
    check_is_another,
    check_url_is_another,
)
from training.evaluation.prompts import read_prompts
from training.evaluation.questions_command import questions
from training.evaluation.sampling import Sampling
from training.evaluation.sides import Contender, contender_of
from training.evaluation.table import show
from training.evaluation.whole import ANSWERS, check_folder, write
from training.rewards.reward_models import reward_model_settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class EvalGroup(click.Group):
    """A group whose first argument, where it names no subcommand, is the first policy of a comparison."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["compare", *args]
        return super().parse_args(ctx, args)


@click.group("eval", cls=EvalGroup, short_help="Compare two policies on held-out prompts.")
def evaluation() -> None:
    """Compare two policies on held-out prompts: `plumbline eval A B`.

    \b
    A is the policy in service, B the candidate. Each is
      a run of `plumbline train`, an adapter or a checkpoint     runs/grpo-1
      a server and its model                                     http://127.0.0.1:8000/v1#my-model
      answers made before                                        answers.jsonl

    \b
    Examples:
      plumbline eval runs/sft runs/grpo --prompts round-1/validation.jsonl --out eval-1 \\
        --judge-reward-model runs/rm-other-split
      plumbline eval compare --help
      plumbline eval questions --help
    """


evaluation.add_command(questions)


answer_options = together(
    click.option("--base", type=_FOLDER, help="Checkpoint under adapters that do not name theirs."),
    click.option("--limit", type=click.IntRange(1), help="Only the first prompts of the file."),
    click.option(
        "--max-tokens",
        default=256,
        show_default=True,
        type=click.IntRange(1),
        help="Longest answer, in tokens.",
    ),
    click.option(
        "--temperature",
        default=0.0,
        show_default=True,
        type=click.FloatRange(0, 2),
        help="0 is greedy.",
    ),
    click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn."),
    click.option(
        "--batch",
        default=8,
        show_default=True,
        type=click.IntRange(1),
        help="Prompts that a checkpoint answers together.",
    ),
    click.option(
        "--device",
        default="auto",
        show_default=True,
        type=click.Choice(["auto", "cpu", "cuda"]),
        help="Where checkpoints run.",
    ),
    click.option("--fresh", is_flag=True, help="Generate again what is cached in the folder."),
)
judge_options = together(
    click.option(
        "--judge-url", help="Model server that compares the answers, with /v1 at its end."
    ),
    click.option("--judge-model", help="Its model; unset: the first that it lists."),
    click.option(
        "--judge-reward-model",
        type=_FOLDER,
        help="Reward model that compares the answers; not the one that B was trained on.",
    ),
    click.option(
        "--reward-model",
        metavar="NAME",
        help="Reward model of the reward that B was trained on: run folder, checkpoint or server URL; replaces the judge's.",
    ),
    rubric_option,
    click.option(
        "--held-out",
        multiple=True,
        metavar="NAME",
        help="Proposition that must not get worse while the reward rises. May be repeated; those that the "
        "reward does not look at are held out anyway.",
    ),
)
extra_options = together(
    click.option("--version-a", metavar="NAME", help="What log rows of A say; unset: its name."),
    click.option("--version-b", metavar="NAME", help="What log rows of B say; unset: its name."),
    click.option("--votes", type=_FILE, help="Rows of an rm export: what people preferred."),
    click.option("--tests", type=_FILE, help="Lines of {task, n, c} or {task, passed} for pass@k."),
    click.option(
        "-k",
        "--pass-at",
        "ks",
        multiple=True,
        default=(1,),
        show_default=True,
        type=click.IntRange(1),
        help="k of pass@k. May be repeated.",
    ),
    click.option("--texts", type=_FILE, help="Held-out texts, for the perplexity of checkpoints."),
)


@evaluation.command("compare", cls=Command, short_help="The same as `plumbline eval A B`.")
@click.argument("a")
@click.argument("b")
@click.option(
    "--prompts",
    "prompts_file",
    required=True,
    type=_FILE,
    help="validation.jsonl of a grpo export, or lines of {question, reference?, passages?}.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@judge_options
@extra_options
@answer_options
@json_option
@config_option
def compare(
    a: str,
    b: str,
    prompts_file: Path,
    out: Path,
    rubric_path: Path | None,
    limit: int | None,
    as_json: bool,
    config: Path | None,
    **given: Any,
) -> None:
    """Compare the candidate B with A, the policy in service.

    Writes evaluation.json, which `plumbline policy promote` reads, and report.html. Answers are cached in
    the folder, so a second run generates nothing again. docs/evaluation.md defines every figure.
    """
    settings = load_settings(config, judge__rubric=rubric_path)
    if given["reward_model"]:
        judge = reward_model_settings(settings.judge, given["reward_model"])
        settings = settings.model_copy(update={"judge": judge})
    check_folder(out)
    prompts = read_prompts(prompts_file, limit)
    one = contender_of(a, given["base"], given["version_a"])
    other = contender_of(b, given["base"], given["version_b"])
    _check_texts(one, other, given["texts"])
    judging = build_judge(settings.judge, Encoder())
    pair_judge = _pair_judge(other, judging, settings, given)
    answering = Answering(
        out / ANSWERS,
        Sampling(given["temperature"], given["max_tokens"], given["seed"]),
        batch=given["batch"],
        device=given["device"],
        api_key=_secret(settings.policy.api_key),
        fresh=given["fresh"],
    )
    names = ("votes", "tests", "ks", "texts", "held_out", "device", "seed")
    extras = Extras(**{name: given[name] for name in names})
    with progress_bars() as progress:
        outcome = evaluate(one, other, prompts, answering, judging, pair_judge, extras, progress)
    judging.close()
    write(out, outcome)
    if as_json:
        print_json(outcome.evaluation.model_dump(), indent=True)
    else:
        show(outcome.evaluation, out)


def _pair_judge(
    candidate: Contender, judging: Judge, settings: Settings, given: dict[str, Any]
) -> PairJudge:
    url, folder = given["judge_url"], given["judge_reward_model"]
    if url and folder:
        raise click.UsageError("Give either --judge-url or --judge-reward-model.")
    if given["judge_model"] and not url:
        raise click.UsageError("--judge-model is the model at --judge-url; give that as well.")
    if folder:
        check_is_another(folder, candidate, settings.judge.reward_model)
        return SecondRewardModel(folder)
    if url:
        check_url_is_another(url, candidate)
        return ModelJudge(url, given["judge_model"], _secret(settings.judge.api_key))
    return RewardInService(judging.version)


def _check_texts(a: Contender, b: Contender, texts: Path | None) -> None:
    for side in (a, b):
        if texts is not None and side.kind != "weights":
            raise ConfigurationError(
                f"--texts measures the perplexity of checkpoints, and {side.name} is none."
            )


def _secret(value: Any) -> str | None:
    return value.get_secret_value() if value is not None else None
