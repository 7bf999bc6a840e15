"""The fine-tune of a run in a line, for whoever reads no further than the head."""

from reports.model import Report, Training
from reports.text import counted, duration


def training_line(report: Report) -> str | None:
    """Return what the training reached, or that there was none; None where that was not asked, or failed."""
    training = report.training
    if training is None:
        return "No fine-tune was run." if _could_have_run(report) else None
    if not training.steps:
        return f"Training: {training.recipe}{_ranks(training)}, {duration(training.seconds)}, no step was reached."
    told = f"Training: {', '.join(_facts(training))}."
    simulated = training.tokens_per_s is not None and gpu_is_simulated(report)
    return f"{told} The GPU is simulated, so this speed says nothing of a Spark." if simulated else told


def gpu_is_simulated(report: Report) -> bool:
    """Whether the file names the GPU among what is not real."""
    return any(what.upper().startswith("GPU") for what in report.run.simulated)


def gpu_seconds(training: Training) -> float | None:
    """Return the time that all ranks together had a GPU each; None where it cannot be told."""
    return None if training.world_size is None or training.seconds is None else training.world_size * training.seconds


def _facts(training: Training) -> list[str]:
    facts = [training.recipe, counted(len(training.steps), "step") + _ranks(training)]
    facts.append("speed not known" if training.tokens_per_s is None else f"{training.tokens_per_s:,.0f} tokens/s")
    facts.append(duration(training.seconds))
    losses = [step.loss for step in training.steps if step.loss is not None]
    return [*facts, f"loss {losses[0]:.3f} to {losses[-1]:.3f}" if losses else "loss not known"]


def _ranks(training: Training) -> str:
    return "" if training.world_size is None else f" on {counted(training.world_size, 'rank')}"


def _could_have_run(report: Report) -> bool:
    run = report.run
    failed = any(one.id.startswith(("train.", "full.")) and one.outcome.needs_attention for one in report.checks)
    return run.whole and not run.interrupted and run.mode in ("check", "fix") and bool(report.checks) and not failed
