"""The card of a trained adapter: what it is of, what it was trained on and how, what it reaches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from huggingface_hub import ModelCardData
from huggingface_hub.repocard_data import EvalResult

from speciarl_pl.run.record import versions
from speciarl_pl.run.results import COMPARED

NAME: Final = "README.md"
"""The file beside an adapter, which a hub shows."""

_TASK: Final = "image-text-to-text"


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says."""

    base: str
    """Directory or hub id of the base; `world` for the built-in one."""
    identity: Mapping[str, Any]
    """Of the policy: see `speciarl_pl.policy.identity`."""
    data: Sequence[tuple[str, int, int]]
    """Name, images and labels of each training data set."""
    prompt: str
    """The question."""
    judge: str
    """What messages call the judge."""
    recipe: Mapping[str, str]
    """Settings of the training, by name."""
    steps: int
    """Training batches so far."""
    base_results: Mapping[str, Any] | None = None
    """Content of results.base.json; None where the base was not validated."""
    results: Mapping[str, Any] | None = None
    """Content of results.json; None where nothing was validated."""
    stopped: str = ""
    """What ended the training before its end; empty if nothing did."""
    versions: Mapping[str, str] = field(default_factory=versions)
    """Versions of packages."""


def write_card(directory: Path, facts: CardFacts) -> None:
    """Write the card, in the place of PEFT's empty one."""
    Path(directory, NAME).write_text(card(facts), encoding="utf-8")


def card(facts: CardFacts) -> str:
    """A card as Markdown, with a YAML header that the hub reads."""
    parts = [
        f"---\n{_header(facts)}\n---",
        f"# SpeciaRL adapter for {_base_title(facts)}",
        "A LoRA adapter that makes a vision-language model name what it sees as exactly as it can, "
        "and no more exactly than it knows (SpeciaRL, trained with speciarl_pl).",
        *([f"**The training did not end by itself: {facts.stopped}.**"] if facts.stopped else []),
        "## Base\n\n" + _table(_base_rows(facts)),
        "## Training data\n\n" + _data(facts),
        f"## Prompt\n\n{_fenced(facts.prompt)}",
        f"## Recipe\n\n{_table({**facts.recipe, 'training steps': str(facts.steps)})}",
        f"## Results\n\n{_results(facts)}",
        f"## How to load it\n\n{_loading(facts)}",
        "## Versions\n\n" + _table(facts.versions),
    ]
    return "\n\n".join(parts) + "\n"


def _header(facts: CardFacts) -> str:
    measured = facts.results if _is_of_this_adapter(facts) else None
    results = list(_eval_results(measured)) if measured else None
    data = ModelCardData(
        base_model=facts.base if _is_hub_id(facts.base) else None,
        library_name="peft",
        pipeline_tag=_TASK,
        tags=["speciarl", "grpo", "lora", "open-world-classification"],
        model_name="SpeciaRL adapter" if results else None,
        eval_results=results,
    )
    return str(data.to_yaml()).strip()


def _eval_results(results: Mapping[str, Any]) -> Iterator[EvalResult]:
    for name, found in results["datasets"].items():
        for rate in COMPARED:
            if found.get(rate) is not None:
                yield EvalResult(_TASK, name, name, rate, found[rate])


def _is_of_this_adapter(facts: CardFacts) -> bool:
    return facts.results is not None and facts.results.get("step") == facts.steps


def _is_hub_id(base: str) -> bool:
    return base != "world" and base.count("/") == 1 and not Path(base).expanduser().exists()


def _base_title(facts: CardFacts) -> str:
    if facts.base == "world":
        return "the built-in base of speciarl_pl"
    return facts.base if _is_hub_id(facts.base) else Path(facts.base).name


def _base_rows(facts: CardFacts) -> dict[str, str]:
    one = facts.identity
    adapter = one["adapter"]
    return {
        "base": _base_title(facts),
        "fingerprint of its weights": str(one["fingerprint"]),
        "number format": str(one["dtype"]),
        "quantization": str(one["quantization"] or "none"),
        "adapter": f"LoRA, r {adapter['r']}, alpha {adapter['lora_alpha']}, float32",
    }


def _data(facts: CardFacts) -> str:
    lines = [
        f"- {_text(name)}: {images:,} images of {labels:,} labels"
        for name, images, labels in facts.data
    ]
    return "\n".join([*lines, f"\nAnswers were judged by {_text(facts.judge)}."])


def _results(facts: CardFacts) -> str:
    """Numbers, and whether they are those of this adapter."""
    if facts.results is None:
        return "This adapter has not been validated: no numbers are known."
    step = facts.results.get("step")
    head = "| data set | images | specificity | correctness | HM |\n|---|---|---|---|---|"
    rows = [
        f"| {_text(name)} | {found.get('images', found.get('n', ''))} | "
        + " | ".join(_change(facts, name, found, rate) for rate in COMPARED)
        + " |"
        for name, found in facts.results["datasets"].items()
    ]
    which = "base → this adapter" if facts.base_results else "this adapter"
    note = f"({which}; specificity over correct answers, HM the harmonic mean of the two.)"
    if not _is_of_this_adapter(facts):
        note += (
            f"\n\n**These numbers are of step {step}; the adapter is of step {facts.steps} and has "
            "not been validated since.**"
        )
    if not facts.base_results:
        note += "\n\nThe base was not validated in this run."
    return "\n".join([head, *rows, "", note])


def _change(facts: CardFacts, name: str, found: Mapping[str, Any], rate: str) -> str:
    base = (facts.base_results or {}).get("datasets", {}).get(name)
    before = f"{_number(base.get(rate))} → " if base else ""
    return f"{before}{_number(found.get(rate))}"


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}"


def _loading(facts: CardFacts) -> str:
    path = facts.base if _is_hub_id(facts.base) else "BASE"
    lines = [
        "from peft import PeftModel",
        "from transformers import AutoModelForImageTextToText, AutoProcessor",
        "",
        f'base = AutoModelForImageTextToText.from_pretrained("{path}", dtype="auto")',
        'model = PeftModel.from_pretrained(base, "ADAPTER").eval()',
        f'processor = AutoProcessor.from_pretrained("{path}")',
    ]
    shell = (
        "python -m speciarl_pl predict --config predict "
        f"--model.base {facts.base if path != 'BASE' else _base_option(facts)} "
        "--model.adapter ADAPTER --data.images PHOTOS"
    )
    return f"{_fenced(chr(10).join(lines), 'python')}\n\nor\n\n{_fenced(shell)}"


def _base_option(facts: CardFacts) -> str:
    return "world" if facts.base == "world" else "BASE"


def _table(rows: Mapping[str, str]) -> str:
    lines = [f"| {_text(name)} | {_text(value)} |" for name, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _fenced(text: str, language: str = "") -> str:
    """A block of code that no text can end."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}{language}\n{text}\n{ticks}"


def _text(text: str) -> str:
    """Text in Markdown that is no markup."""
    plain = " ".join(text.split())
    for mark in "\\`*_[]<>|":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
