"""The columns of a report: base and trained model of each run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from speciarl_pl.run.config_yaml import fair_settings
from speciarl_pl.run.read import Run
from speciarl_pl.run.results import Results
from speciarl_pl.run.stage_rollouts import Rollouts


@dataclass(frozen=True, slots=True)
class Stage:
    """A model that was validated."""

    name: str
    """What tables and plots call it."""
    runs: tuple[str, ...]
    """Names of the runs that have it: one, or of a base all that were trained from it."""
    is_base: bool
    """Whether it is the base before training."""
    results: Results
    """Its numbers."""
    rollouts: Rollouts | None
    """Its outcomes image by image, if the run left them."""


def trained_name(step: int | None, last_step: int | None = None) -> str:
    """What tables call a trained model, with the training batches it was validated after.

    Args:
        step: Those batches; None where they are not known.
        last_step: Batches at the end of the training; None where that is not known.

    Example:
        >>> trained_name(80, 80), trained_name(40, 80), trained_name(None)
        ('trained (step 80)', 'trained (step 40 of 80)', 'trained')
    """
    if step is None:
        return "trained"
    after = f" of {last_step}" if last_step not in (None, step) else ""
    return f"trained (step {step}{after})"


def stages_of(runs: Sequence[Run]) -> list[Stage]:
    """List the models of some runs: bases first, one for all of them where all are the same.

    They are the same where their numbers are, under the same judge, prompt and data.

    A lone run has the stages `base` and `trained`, with its step; one without a base has its own
    name.
    """
    bases = [
        Stage(f"{run.name}: base", (run.name,), True, run.base, run.rollouts.get("base"))
        for run in runs
        if run.base
    ]
    if bases and _alike([run for run in runs if run.base]):
        names = tuple(name for each in bases for name in each.runs)
        bases = [replace(bases[0], name="base", runs=names)]
    trained = len(runs) == 1 and bool(bases)
    finals = [
        Stage(run.name, (run.name,), False, run.results, run.rollouts.get("val")) for run in runs
    ]
    if trained:
        results = runs[0].results
        finals = [replace(finals[0], name=trained_name(results.step, results.last_step))]
    return bases + finals


def _alike(runs: Sequence[Run]) -> bool:
    """Whether the bases of all runs are one."""
    settings = [fair_settings(run.config_text or "") for run in runs]
    datasets = [run.base.datasets for run in runs if run.base]
    return all(one == datasets[0] for one in datasets) and all(
        one == settings[0] for one in settings
    )


def base_pairs(stages: Sequence[Stage]) -> list[tuple[Stage, Stage]]:
    """Pair each base with the models that were trained from it."""
    bases = [stage for stage in stages if stage.is_base]
    finals = [stage for stage in stages if not stage.is_base]
    return [(a, b) for a in bases for b in finals if set(b.runs) <= set(a.runs)]


def datasets_of(stages: Sequence[Stage]) -> list[str]:
    """Names of all data sets, in order of first appearance."""
    return list(dict.fromkeys(name for stage in stages for name in stage.results.datasets))
