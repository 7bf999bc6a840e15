"""Step 8 on what an H100 reached: each check fails for its own reason, in words, and skips what it cannot compare."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cluster.errors import CommandFailed
from cluster.facts.gpu import GpuFacts
from cluster.node import Node
from engine.outcome import Verdict
from reports.outcome import Outcome
from runbook import test_08_gpu as step_08
from tests.gpu_answers import H100, healthy, smi, smi_of_spark
from tests.runbook.recorded import Recorded
from workloads.gpu_load import launch
from workloads.gpu_load.launch import GpuLoad, LoadRun, NoPlace, understand

CHECKS = [check for name, check in vars(step_08).items() if name.startswith("test_")]
REACHED: dict[str, Any] = json.loads((H100 / "gpu-load.json").read_text(encoding="utf-8"))
Answers = dict[str, str]


def reached(smi_said: str | None = None, **changed: object) -> str:
    """What the program printed on an H100, some of its figures changed; `smi_said` is nvidia-smi's XML meanwhile."""
    log = {} if smi_said is None else {"smi": smi_said[smi_said.index("<?xml") : smi_said.rindex("exit")]}
    return json.dumps(REACHED | log | {"gpus": [REACHED["gpus"][0] | changed]})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What the program prints by node; tests change it before they judge."""
    told = {"spark-1": reached(), "spark-2": reached()}

    def run(node: Node) -> LoadRun:
        return understand(node.name, told[node.name])

    monkeypatch.setattr(launch, "run_load", run)
    return told


@pytest.fixture
def h100(recorded: Callable[..., Recorded]) -> Recorded:
    cluster = recorded()
    cluster.said(GpuFacts, None, **healthy())
    return cluster


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    place = None if "cluster" in check.__annotations__ else "spark-2"
    return cluster.judge(check, place, load=True, gpu_load=GpuLoad(cluster.cluster))


@pytest.mark.parametrize("check", CHECKS)
def test_an_h100_that_reaches_what_it_should(h100: Recorded, answers: Answers, check: Callable[..., object]) -> None:
    assert answers
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.PASSED, None)


def test_figures_are_shares_of_the_gpus_own_reference(recorded: Callable[..., Recorded], answers: Answers) -> None:
    assert answers
    cluster = recorded(inventory="thresholds: {gpu_compute_percent: 99.9, gpu_copy_percent: 99.9}")
    cluster.said(GpuFacts, None, **healthy())
    verdicts = [judge(cluster, step_08.test_gpu_computes_fast), judge(cluster, step_08.test_gpu_copies_fast)]
    assert [(one.found, one.threshold and one.threshold.margin) for one in verdicts] == [("99.8", -0.1), ("99.5", -0.4)]


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_is_put_under_load_unasked(h100: Recorded, check: Callable[..., object]) -> None:
    verdict = h100.judge(check, None if "cluster" in check.__annotations__ else "spark-2", gpu_load=None)
    assert verdict.outcome is Outcome.SKIPPED
    assert verdict.cause == "measuring needs --load, or --fix without --train none"


def test_a_cluster_that_computes_on_cpus_has_none_to_load(recorded: Callable[..., Recorded]) -> None:
    verdict = recorded(inventory="device: cpu").judge(step_08.test_gpu_takes_up_work, "spark-2", load=True, gpu_load=0)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "this cluster computes on CPUs")


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("CUDA driver initialization failed. Error 802: system not yet initialized",
         "nvidia-fabricmanager does not run, or is of another version than the driver: start it (CUDA driver "
         "initialization failed. Error 802: system not yet initialized)"),
        ("CUDA out of memory. Tried to allocate 128 MiB",
         "its memory is taken: gpu.unused tells by whom (CUDA out of memory. Tried to allocate 128 MiB)"),
        ("something else", "something else"),
    ],
)  # fmt: skip
def test_a_gpu_that_takes_up_no_work(h100: Recorded, answers: Answers, said: str, cause: str) -> None:
    answers["spark-2"] = json.dumps({"failure": said})
    verdict = judge(h100, step_08.test_gpu_takes_up_work)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_a_torch_that_sees_no_gpu(h100: Recorded, answers: Answers) -> None:
    answers["spark-2"] = json.dumps({"gpus": []})
    assert judge(h100, step_08.test_gpu_takes_up_work).found == "torch sees no GPU"


STUCK = smi(
    "under-load", sm_clock="507 MHz", average_power_draw="14.10 W", clocks_event_reason_sw_power_cap="Not Active"
)
STUCK = STUCK.replace("<max_clocks>", "<was>").replace("</max_clocks>", "</was>")
STUCK = STUCK.replace("</gpu>", "<max_clocks><sm_clock>3003 MHz</sm_clock></max_clocks></gpu>")
LOW = "GPU 0 is stuck in low power (507 of 3003 MHz at 14 W) and gives no reason: its supply granted it too little"
UNWELL = [
    (step_08.test_gpu_computes_right, reached(error=0.5), "it computes wrongly without any other sign"),
    (step_08.test_gpu_computes_right, reached(error=float("nan")), "it computes wrongly without any other sign"),
    (step_08.test_gpu_computes_right, reached(repeats_itself=False), "it computes wrongly without any other sign"),
    (step_08.test_gpu_computes_fast, reached(STUCK, tflops=120), LOW),
    (step_08.test_gpu_clock_rises, reached(STUCK), LOW),
    (step_08.test_gpu_computes_fast, reached(smi("under-load", current_power_limit="300.00 W"), tflops=120),
     "GPU 0 may draw only 300 of 700 W"),
    (step_08.test_gpu_copies_fast, reached(smi("under-load", clocks_event_reason_hw_slowdown="Active"), copy_gb_s=900),
     "GPU 0 is slowed down by hardware"),
    (step_08.test_gpu_computes_fast, reached(tflops=120),
     "GPU 0 worked with 1575 of 1980 MHz at 642 W, which does not explain it"),
    (step_08.test_gpu_is_not_slowed_down_at_work, reached(smi("under-load", sw_thermal_slowdown="Active")),
     "it gets too hot, or too little power"),
    (step_08.test_gpu_stays_cool, reached(smi("under-load", gpu_temp="91 C")), "after seconds of work it is this hot"),
    (step_08.test_gpu_link_is_fast, reached(smi("under-load", current_link_gen="1")),
     "lanes are missing, or the link came up in an older generation: a dirty contact, or a bad riser"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "said", "cause"), UNWELL)
def test_what_is_wrong_under_load(
    h100: Recorded, answers: Answers, check: Callable[..., object], said: str, cause: str
) -> None:
    answers["spark-2"] = said
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_a_gpu_that_is_shared_is_slow_for_that(h100: Recorded, answers: Answers) -> None:
    h100.said(GpuFacts, "spark-2", smi=smi("holding-memory"))
    answers["spark-2"] = reached(tflops=120)
    cause = "it has other work as well: 1634 MiB of GPU 0 by python3, process 595 of nvidia"
    assert judge(h100, step_08.test_gpu_computes_fast).cause == cause


def test_a_node_that_is_slower_than_the_others_is_worth_a_word(h100: Recorded, answers: Answers) -> None:
    answers["spark-2"] = reached(tflops=500)
    verdict = judge(h100, step_08.test_gpus_are_as_fast_as_each_other)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "74.8")
    assert verdict.warning == (
        "spark-1: 669 TFLOP/s by NVIDIA H100 80GB HBM3; spark-2: 500 TFLOP/s by NVIDIA H100 80GB HBM3"
    )


def test_one_node_has_none_to_be_compared_with(recorded: Callable[..., Recorded], answers: Answers) -> None:
    assert answers
    verdict = judge(recorded(size=1), step_08.test_gpus_are_as_fast_as_each_other)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "there is one node, and none to compare with")


def test_without_a_reference_it_is_compared_with_its_like_on_other_nodes(h100: Recorded, answers: Answers) -> None:
    answers |= {"spark-1": reached(name="NVIDIA X", tflops=100), "spark-2": reached(name="NVIDIA X", tflops=40)}
    verdict = judge(h100, step_08.test_gpu_computes_fast)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "40.0")


def test_without_a_reference_or_its_like_the_figure_is_told(h100: Recorded, answers: Answers) -> None:
    answers["spark-2"] = reached(name="NVIDIA X", tflops=40)
    verdict = judge(h100, step_08.test_gpu_computes_fast)
    assert (verdict.outcome, verdict.cause) == (
        Outcome.SKIPPED,
        "there is no reference for this GPU, and no other like it to compare with; measured: 40 TFLOP/s by NVIDIA X",
    )


@pytest.mark.parametrize(
    ("check", "cause"),
    [
        (step_08.test_gpu_clock_rises, "no GPU here tells its clock while it works"),
        (step_08.test_gpu_stays_cool, "no GPU here tells its temperature while it works"),
        (step_08.test_gpu_link_is_fast, "no GPU here tells of its PCIe link while it works"),
    ],
)
def test_what_nvidia_smi_does_not_tell_is_skipped(
    h100: Recorded, answers: Answers, check: Callable[..., object], cause: str
) -> None:
    answers["spark-2"] = json.dumps(REACHED | {"smi": None})
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, cause)


def test_a_spark_has_no_pcie_link_to_speak_of(h100: Recorded, answers: Answers) -> None:
    answers["spark-2"] = reached(smi_of_spark())
    assert judge(h100, step_08.test_gpu_link_is_fast).outcome is Outcome.SKIPPED


@pytest.mark.parametrize("check", CHECKS)
def test_a_program_that_broke_off_leaves_it_unknown(
    h100: Recorded, answers: Answers, check: Callable[..., object]
) -> None:
    answers["spark-2"] = "Segmentation fault\n"
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.cause) == (
        Outcome.UNKNOWN,
        "the load program on spark-2 broke off; its last words: 'Segmentation fault'",
    )


@pytest.mark.parametrize("check", CHECKS)
def test_where_there_is_nothing_to_run_it_in_it_is_skipped(
    h100: Recorded, monkeypatch: pytest.MonkeyPatch, check: Callable[..., object]
) -> None:
    def nowhere(node: Node) -> LoadRun:
        raise NoPlace(f"{node} has no torch")

    monkeypatch.setattr(launch, "run_load", nowhere)
    verdict = judge(h100, check)
    assert (verdict.outcome, verdict.cause) == (
        Outcome.SKIPPED,
        f"{'spark-1' if verdict.node is None else verdict.node} has no torch",
    )


def test_one_node_that_cannot_run_it_is_told_for_itself(h100: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(node: Node) -> LoadRun:
        if node.name == "spark-1":
            raise CommandFailed("docker on spark-1 stopped answering")
        return understand(node.name, reached())

    monkeypatch.setattr(launch, "run_load", run)
    load = GpuLoad(h100.cluster)
    first, second = (
        h100.judge(step_08.test_gpu_takes_up_work, name, load=True, gpu_load=load) for name in ("spark-1", "spark-2")
    )
    assert (first.outcome, first.cause) == (Outcome.UNKNOWN, "docker on spark-1 stopped answering")
    assert second.outcome is Outcome.PASSED
