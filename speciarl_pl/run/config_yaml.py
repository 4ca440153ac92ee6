"""config.yaml as a page may show it: without secrets."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

NAME: Final = "config.yaml"
"""The file in a run directory."""

MAX_CHARS: Final = 40_000
"""A longer file is cut; the run directory has it whole."""

HIDDEN: Final = "(hidden)"
"""Stands for a secret."""

_SECRET = re.compile(
    r"^(\s*(?:- )?[\w.]*(?:api_key|secret|passw(?:or)?d|token)\s*:\s+)(?!null\s*$)\S.*$",
    re.IGNORECASE | re.MULTILINE,
)
_IN_URL = re.compile(r"(?<=://)[^/@\s'\"]+(?=@)")


def config_text(path: Path) -> str | None:
    """Text of a configuration, secrets hidden; None if there is none that can be read."""
    try:
        return without_secrets(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def cut(text: str) -> str:
    """What a page shows of a long text."""
    if len(text) <= MAX_CHARS:
        return text
    return f"{text[:MAX_CHARS]}\n(cut: {len(text) - MAX_CHARS:,} more characters)"


def without_secrets(text: str) -> str:
    r"""Hide the values of keys that name a secret, and what stands before the `@` of a URL.

    Example:
        >>> without_secrets("api_key: abc\nurl: redis://:pw@host:1\nmax_new_tokens: 48\n")
        'api_key: (hidden)\nurl: redis://(hidden)@host:1\nmax_new_tokens: 48\n'
    """
    return _IN_URL.sub(HIDDEN, _SECRET.sub(rf"\g<1>{HIDDEN}", text))


# config.yaml as values by dotted name, and what of it has to be alike for a fair comparison.


ASIDE: Final = (
    *("run_dir", "ckpt_path", "config", "weights_only", "verbose", "return_predictions", "gallery"),
    *("checkpoint", "watch", "data.num_workers", "data.persistent_workers", "data.pin_memory"),
    *("trainer.logger", "trainer.callbacks", "trainer.default_root_dir", "trainer.profiler"),
    *("trainer.enable_checkpointing", "trainer.enable_progress_bar", "trainer.log_every_n_steps"),
    *("trainer.enable_model_summary", "trainer.enable_autolog_hparams", "trainer.model_registry"),
)
"""Where files go and what is printed: no comparison lists it."""

_ENGINE: Final = "rollout.init_args"
ABOUT: Final = {
    "judge": ("data.judge",),
    "prompt": ("data.prompt", "prompt text"),
    "samples per image": (f"{_ENGINE}.val_group_size",),
    "longest answer": (f"{_ENGINE}.val_sampling.max_new_tokens", "model.max_answer_chars"),
    "sampling": (f"{_ENGINE}.val_sampling",),
    "data": ("data.val", "data.on_error", "data.max_image_pixels"),
    "picture size": ("model.min_pixels", "model.max_pixels"),
}
"""What two models have to share if their numbers are to be told apart; the first that fits."""

_HOW_ASKED: Final = (
    *("store", "lease_s", "concurrency", "timeout_s", "retries", "wait_s", "base_url"),
    *("api_key_env", "token_env", "check_share"),
)
"""Of a judge: how it is asked, which changes no verdict."""


def parse_settings(text: str) -> dict[str, str]:
    r"""Values of a configuration by dotted name; empty if it cannot be read.

    Classes lose their modules, null is as good as absent, and one of several classes is called by
    its own name, so that two ways to write the same are the same.

    Example:
        >>> parse_settings("a: {class_path: torch.optim.Adam, init_args: {lr: 0.1, eps: null}}")
        {'a': 'Adam', 'a.init_args.lr': '0.1'}
        >>> parse_settings("[{class_path: a.Birds, init_args: {n: 3}}]")
        {}
        >>> parse_settings("val: [{class_path: a.Birds, init_args: {n: 3}}]")
        {'val.Birds': 'Birds', 'val.Birds.init_args.n': '3'}
    """
    content = parsed(text)
    return dict(_flat("", _with_defaults(content)))


@cache
def parsed(text: str) -> Mapping[str, Any]:
    """The configuration itself, read once; empty if it cannot be read or is no mapping."""
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def is_aside(name: str) -> bool:
    """Whether no comparison lists a setting.

    Example:
        >>> is_aside("checkpoint.save_last"), is_aside("checkpoints"), is_aside("model.base")
        (True, False, False)
    """
    return any(_below(name, prefix) for prefix in ASIDE)


def about(name: str) -> str | None:
    """What a setting is about that has to be alike; None if it may differ.

    Example:
        >>> about("data.judge.init_args.taxonomy"), about("data.judge.init_args.timeout_s")
        ('judge', None)
        >>> about("model.base") is None
        True
    """
    if _below(name, "data.judge") and name.rpartition(".")[2] in _HOW_ASKED:
        return None
    return next(
        (topic for topic, names in ABOUT.items() if any(_below(name, one) for one in names)), None
    )


def fair_settings(text: str) -> dict[str, str]:
    """What of a configuration has to be alike for a fair comparison.

    Example:
        >>> fair_settings("{data: {prompt: brief, judge: Mine}, model: {base: world}}")
        {'data.prompt': 'brief', 'data.judge': 'Mine'}
    """
    return {name: value for name, value in parse_settings(text).items() if about(name)}


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _with_defaults(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The content with the defaults that are no value: the judge, and how validation draws."""
    data, rollout = content.get("data"), content.get("rollout")
    if isinstance(data, dict) and data.get("judge") is None:
        content = {**content, "data": {**data, "judge": {"class_path": "ExactJudge"}}}
    own = rollout.get("init_args") if isinstance(rollout, dict) else None
    if isinstance(own, dict) and own.get("val_sampling") is None and isinstance(rollout, dict):
        drawn = own.get("sampling")
        greedy = {**drawn, "temperature": 0.0} if isinstance(drawn, dict) else drawn
        own = {**own, "val_sampling": greedy}
        content = {**content, "rollout": {**rollout, "init_args": own}}
    return content


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "class_path":
                yield name, str(inner).rpartition(".")[2]
            else:
                yield from _flat(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for own, inner in zip(_names(value), value, strict=True):
            yield from _flat(f"{name}.{own}", inner)
    elif value is not None:
        yield name, _written(value)


def _names(values: list[Any]) -> list[str]:
    """Name of each of several classes, with its own `name` if it has one; numbers if not unique."""
    names = []
    for value in values:
        spec = value if isinstance(value, Mapping) else {}
        arguments = spec.get("init_args")
        own = arguments.get("name") if isinstance(arguments, Mapping) else None
        kind = str(spec.get("class_path")).rpartition(".")[2]
        names.append(f"{kind} {own!r}" if own else kind)
    unique = len(set(names)) == len(names)
    return names if unique else [str(place) for place in range(1, len(values) + 1)]


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return ", ".join(map(_written, value)) if isinstance(value, list) else str(value)
