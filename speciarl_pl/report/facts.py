"""What ran: the lines that head a report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from speciarl_pl.run.config_yaml import NAME, config_text, parsed
from speciarl_pl.run.read import Run
from speciarl_pl.run.record import PACKAGES, Session, read_record
from speciarl_pl.system.terminal import duration

UNKNOWN: Final = "not known: no config.yaml that can be read lies beside results.json"
"""What stands for the settings of a run of which only numbers are there."""

PROMPT_TEXT: Final = "prompt text"
"""Name of the fact that is the question itself, which pages show folded."""


def facts(run: Run) -> dict[str, str]:
    """What is known of a run, in the order in which a page shows it; the rest is left out.

    Args:
        run: As of `read_run`.
    """
    found = _facts(run.config_text, run.sessions, run)
    return found if parsed(run.config_text or "") else {"settings": UNKNOWN, **found}


def prediction_facts(folder: Path) -> dict[str, str]:
    """What is known of a `predict` that comes to its end in a run directory.

    Args:
        folder: The run directory.

    Raises:
        RunError: If its run.json cannot be read.
    """
    sessions = read_record(folder)
    here = [*sessions[:-1], *(replace(one, finished=True) for one in sessions[-1:])]
    return _facts(config_text(folder / NAME), here)


def spec_words(spec: Any) -> str:
    """A class and its arguments as the configuration names them.

    Those that are null, empty or false are left out.

    Example:
        >>> spec_words({"class_path": "a.b.Judge", "init_args": {"n": 0, "retries": None}})
        'Judge (n 0)'
        >>> spec_words([{"class_path": "a.Exact"}, {"class_path": "b.Tree"}])
        'Exact, Tree'
    """
    if isinstance(spec, list):
        return ", ".join(map(spec_words, spec))
    if not isinstance(spec, Mapping) or "class_path" not in spec:
        return _plain(spec)
    name = str(spec["class_path"]).rpartition(".")[2]
    words = _pairs(spec.get("init_args") or {})
    return f"{name} ({words})" if words else name


def _facts(text: str | None, sessions: Sequence[Session], run: Run | None = None) -> dict[str, str]:
    """Settings, prompt and record; without a run those of a `predict`."""
    config, last = parsed(text or ""), sessions[-1] if sessions else None
    found = dict(_settings(config, last, run)) if config else {}
    if last and last.prompt:
        found[PROMPT_TEXT] = last.prompt
    return {**found, **dict(_record(sessions))}


def _settings(
    config: Mapping[str, Any], last: Session | None, run: Run | None
) -> Iterator[tuple[str, str]]:
    model, data = _part(config, "model"), _part(config, "data")
    trained = run is not None and _is_trained(run, last)
    if model.get("base"):
        yield "base", _base(model)
    yield "adapter", _adapter(model, trained, last)
    if "prompt" in data:
        yield "prompt", str(data["prompt"])
    if run is None:
        yield "photos", spec_words(data.get("images"))
    else:
        yield from _judged_and_trained(run, config, trained)
    yield "answers", ", ".join(_answers(config))
    if "seed_everything" in config:
        yield "seed", str(config["seed_everything"])


def _is_trained(run: Run, last: Session | None) -> bool:
    return bool(run.curves.get("reward")) if last is None else last.command == "fit"


def _judged_and_trained(
    run: Run, config: Mapping[str, Any], trained: bool
) -> Iterator[tuple[str, str]]:
    data = _part(config, "data")
    yield "judge", spec_words(data.get("judge") or {"class_path": "ExactJudge"})
    if sources := _sources(run):
        yield "verdicts from", sources
    if trained:
        yield "trained on", spec_words(data.get("train"))
        yield "training", ", ".join(_training(run, _part(config, "model"), config))
    if data.get("val"):
        yield "validated on", spec_words(data["val"])


def _sources(run: Run) -> str:
    """Which kinds of judge gave the verdicts; a judge may be a cascade, or a service."""
    found = run.rollouts["val"].sources if "val" in run.rollouts else {}
    return ", ".join(f"{name} ({count:,})" for name, count in sorted(found.items()))


def _base(model: Mapping[str, Any]) -> str:
    more = [f"computes in {model['dtype']}"] if model.get("dtype") else []
    more += [f"quantized: {_plain(model['quantization'])}"] if model.get("quantization") else []
    return ", ".join([str(model.get("base")), *more])


def _adapter(model: Mapping[str, Any], trained: bool, last: Session | None) -> str:
    given = last.checkpoint if last and last.checkpoint else model.get("adapter")
    if not trained:
        return str(given) if given else "none: the base as it is"
    lora = f"LoRA ({_pairs(_part(model, 'lora'))}), trained here"
    return f"{lora}, from {model['adapter']}" if model.get("adapter") else lora


def _training(run: Run, model: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    step, last = run.results.step, run.results.last_step
    if step is not None or last is not None:
        of = f", validated after {step}" if None not in (step, last) and step != last else ""
        yield f"{last if last is not None else step} steps{of}"
    ranks = run.sessions[-1].processes if run.sessions else 1
    images, group = _part(config, "data").get("batch_size"), _engine(config).get("group_size")
    processes = f" on each of {ranks} processes" if ranks > 1 else ""
    yield f"{images} images a step{processes}, {group} rollouts each"
    optimizer = _part(model, "optimizer")
    rate = _part(optimizer, "init_args").get("lr")
    yield f"{spec_words({**optimizer, 'init_args': {}})} at lr {_plain(rate)}"
    yield f"KL {_plain(_part(model, 'loss').get('kl_coefficient'))}"


def _answers(config: Mapping[str, Any]) -> Iterator[str]:
    engine = _engine(config)
    drawn = _part(engine, "val_sampling")
    samples = engine.get("val_group_size", 1)
    yield f"{samples} an image"
    if not drawn:
        drawn = {**_part(engine, "sampling"), "temperature": 0}
    yield f"temperature {_plain(drawn.get('temperature'))}"
    yield f"at most {_plain(drawn.get('max_new_tokens'))} tokens"
    own = _part(engine, "engine").get("class_path")  # beside RolloutCallback itself
    name = own or _part(config, "rollout").get("class_path")
    yield f"drawn by {str(name).rpartition('.')[2]}"


def _record(sessions: Sequence[Session]) -> Iterator[tuple[str, str]]:
    if not sessions:
        return
    last = sessions[-1]
    total = sum(session.seconds for session in sessions)
    often = f" in {len(sessions)} sittings" if len(sessions) > 1 else ""
    cut = "" if all(one.finished for one in sessions) else ", as far as noted before a stop"
    yield "command", last.command
    yield "started", _day(sessions[0].started)
    yield "wall time", f"{duration(total)}{often}{cut}"
    yield "machine", _machine(last)
    yield "versions", ", ".join(f"{n} {last.versions[n]}" for n in PACKAGES if n in last.versions)


def _day(started: str) -> str:
    try:
        return datetime.fromisoformat(started).strftime("%Y-%m-%d %H:%M %z").strip()
    except ValueError:
        return started


def _machine(session: Session) -> str:
    parts = [session.machine.get("gpu", ""), session.machine.get("cpu", "")]
    python = session.machine.get("python", "")
    ranks = f"{session.processes} processes" if session.processes > 1 else ""
    return ", ".join(filter(None, [*parts, ranks, python and f"Python {python}"]))


def _engine(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return _part(_part(config, "rollout"), "init_args")


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name)
    return value if isinstance(value, Mapping) else {}


def _pairs(arguments: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {spec_words(value)}"
        for name, value in arguments.items()
        if value is not None and value is not False and value not in ([], {})
    )


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return _pairs(value) or "none"
    return "none" if value is None else str(value)
