"""The supervised run that makes the base of the world; rebuild it with.

    python -m speciarl_pl.world.pretrain --out DIR

It first teaches the vision tower to tell families and colours apart, then the language model to
speak of what the tower sees, as `wording` draws it. DIR gets a complete Hugging Face model and
`training.json`, the figures of the run. The shipped `base/` is such a directory.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import Qwen2_5_VLForConditionalGeneration

from speciarl_pl.world.architecture import build_image_processor, build_model
from speciarl_pl.world.behaviour import Policy, measure
from speciarl_pl.world.lessons import (
    IGNORED,
    IMAGE_TOKENS,
    Lesson,
    encode_images,
    make_lesson,
)
from speciarl_pl.world.naming import COLOURS, KINDS
from speciarl_pl.world.samples import WorldSpec, world_specs
from speciarl_pl.world.tokenizer import build_tokenizer

_TRAINING_SEED = 2**30
_CHECKING_SEED = 2**30 + 1
_WARM_UP = 50
_FAMILIES = [family.name for kind in KINDS for family in kind.families]
_SEEN_MARKS = list(COLOURS)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how hard to train."""

    images: int = 12_000
    """Training images, drawn once."""
    see_steps: int = 600
    """Steps of the vision tower alone."""
    see_batch: int = 64
    """Images of such a step."""
    see_rate: float = 1.5e-3
    """Peak learning rate of these steps."""
    speak_steps: int = 1_300
    """Steps of the language model on the finished tower."""
    speak_batch: int = 32
    """Images of such a step, one completion each."""
    speak_rate: float = 2e-3
    """Peak learning rate of these steps."""
    seed: int = 0
    """Of the weights and of the order of the images."""


@dataclass(frozen=True, slots=True)
class Material:
    """The training images."""

    specs: tuple[WorldSpec, ...]
    """What each image shows."""
    pixels: Tensor
    """float16 [n, patches, patch dimension]."""

    def batches(self, steps: int, size: int, rng: np.random.Generator) -> Iterator[list[int]]:
        """Indices of `steps` batches, going through all images in turn, shuffled anew each time."""
        order: list[int] = []
        for _ in range(steps):
            if len(order) < size:
                order = rng.permutation(len(self.specs)).tolist()
            yield order[:size]
            order = order[size:]


def _optimise(
    parameters: list[nn.Parameter],
    rate: float,
    batches: Iterator[list[int]],
    steps: int,
    loss_of: Callable[[list[int]], Tensor],
    name: str,
) -> float:
    """AdamW with a warm-up and a cosine; returns the mean loss of the last 50 steps."""
    optimiser = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda s: min(1, (s + 1) / _WARM_UP) * (0.02 + 0.98 * (1 + cos(pi * s / steps)) / 2),
    )
    losses: list[float] = []
    for batch in batches:
        loss = loss_of(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
        losses.append(float(loss.detach()))
        if len(losses) % 100 == 0:
            print(f"{name} {len(losses)}/{steps}: loss {np.mean(losses[-50:]):.4f}", flush=True)
    return float(np.mean(losses[-50:]))


def _see(model: Qwen2_5_VLForConditionalGeneration, pixels: Tensor) -> Tensor:
    """Features of the tower, float32 [B, image tokens, hidden]."""
    grid = torch.tensor([[1, 4, 4]] * len(pixels))
    features = model.model.visual(pixels.float().flatten(0, 1), grid_thw=grid).pooler_output
    return torch.as_tensor(features).view(len(pixels), -1, features.shape[-1])


def _class_targets(specs: tuple[WorldSpec, ...]) -> tuple[Tensor, Tensor]:
    families = torch.tensor([_FAMILIES.index(spec.family) for spec in specs])
    marks = [_SEEN_MARKS.index(spec.mark) if spec.easy else len(_SEEN_MARKS) for spec in specs]
    return families, torch.tensor(marks)


def teach_to_see(
    model: Qwen2_5_VLForConditionalGeneration, material: Material, recipe: Recipe
) -> dict[str, float]:
    """Train the tower through a throw-away linear head on family and colour."""
    hidden = int(torch.as_tensor(model.get_input_embeddings().weight).shape[1])
    classes = (len(_FAMILIES), len(_SEEN_MARKS) + 1)
    head = nn.Linear(IMAGE_TOKENS * hidden, sum(classes))
    families, marks = _class_targets(material.specs)

    def loss_of(batch: list[int]) -> Tensor:
        logits = head(_see(model, material.pixels[batch]).flatten(1))
        by_family, by_mark = logits.split(classes, dim=1)
        return cross_entropy(by_family, families[batch]) + cross_entropy(by_mark, marks[batch])

    batches = material.batches(
        recipe.see_steps, recipe.see_batch, np.random.default_rng(recipe.seed)
    )
    parameters = [*model.model.visual.parameters(), *head.parameters()]
    loss = _optimise(parameters, recipe.see_rate, batches, recipe.see_steps, loss_of, "see")
    return {"loss": loss, **_check_sight(model, head, classes)}


@torch.no_grad()
def _check_sight(
    model: Qwen2_5_VLForConditionalGeneration, head: nn.Linear, classes: tuple[int, int]
) -> dict[str, float]:
    specs = world_specs("all", 720, _CHECKING_SEED)
    families, marks = _class_targets(specs)
    logits = head(_see(model, encode_images(build_image_processor(), specs)).flatten(1))
    by_family, by_mark = logits.split(classes, dim=1)
    return {
        "family_accuracy": float((by_family.argmax(1) == families).float().mean()),
        "mark_accuracy": float((by_mark.argmax(1) == marks).float().mean()),
    }


def _speech_loss(
    model: Qwen2_5_VLForConditionalGeneration, lesson: Lesson, features: Tensor
) -> Tensor:
    """Weighted mean cross-entropy of the completions' tokens."""
    ids = lesson.input_ids
    is_image = ids == model.config.image_token_id
    embedded = model.get_input_embeddings()(ids)
    embedded = embedded.masked_scatter(is_image[..., None], features)
    positions, _ = model.model.get_rope_index(
        ids[:1], is_image[:1].long(), image_grid_thw=torch.tensor([[1, 4, 4]])
    )
    hidden = model.model.language_model(
        inputs_embeds=embedded, position_ids=positions.expand(-1, len(ids), -1), use_cache=False
    ).last_hidden_state
    first = ids.shape[1] - lesson.targets.shape[1]
    logits = model.lm_head(hidden[:, first - 1 : -1])
    losses = cross_entropy(
        logits.flatten(0, 1), lesson.targets.flatten(), ignore_index=IGNORED, reduction="none"
    )
    weights = lesson.weights.flatten()
    return (losses * weights).sum() / weights.sum()


def teach_to_speak(policy: Policy, material: Material, recipe: Recipe) -> dict[str, float]:
    """Train the language model on completions, over the frozen tower."""
    model = policy.model
    rng = np.random.default_rng(recipe.seed + 1)
    model.model.visual.requires_grad_(False)

    def loss_of(batch: list[int]) -> Tensor:
        lesson = make_lesson(policy.tokenizer, [material.specs[i] for i in batch], rng)
        with torch.no_grad():
            features = _see(model, material.pixels[batch])
        return _speech_loss(model, lesson, features)

    batches = material.batches(recipe.speak_steps, recipe.speak_batch, rng)
    parameters = [p for p in model.parameters() if p.requires_grad]
    loss = _optimise(parameters, recipe.speak_rate, batches, recipe.speak_steps, loss_of, "speak")
    return {"loss": loss}


def check(policy: Policy) -> dict[str, Any]:
    """Behaviour of the finished base on new images, by kinds and subset, and its best of 64."""
    torch.manual_seed(0)
    found: dict[str, Any] = {}
    for kinds in ("train", "held_out"):
        specs = world_specs(kinds, 360 if kinds == "train" else 240, _CHECKING_SEED)
        for subset in ("easy", "hard"):
            chosen = [spec for spec in specs if spec.subset == subset]
            found[f"{kinds}/{subset}"] = measure(policy, chosen, 8).to_dict()
    easy = [spec for spec in world_specs("all", 108, _CHECKING_SEED + 1) if spec.easy]
    found["all/easy, 64 samples"] = measure(policy, easy, 64).to_dict()
    return found


def pretrain(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Train a base and write it to `out`.

    Returns:
        The figures that `training.json` gets.
    """
    started = time.monotonic()
    torch.manual_seed(recipe.seed)
    tokenizer, processor = build_tokenizer(), build_image_processor()
    policy = Policy(build_model(tokenizer), tokenizer, processor)
    specs = world_specs("all", recipe.images, _TRAINING_SEED + 2 + recipe.seed)
    material = Material(specs, encode_images(processor, specs))
    print(f"drew {len(specs)} images in {time.monotonic() - started:.0f} s", flush=True)
    figures: dict[str, Any] = {"recipe": asdict(recipe)}
    figures["see"] = teach_to_see(policy.model, material, recipe)
    print(figures["see"], flush=True)
    figures["speak"] = teach_to_speak(policy, material, recipe)
    policy.model.half().float().eval()
    figures["parameters"] = sum(p.numel() for p in policy.model.parameters())
    figures["behaviour"] = check(policy)
    figures["seconds"] = round(time.monotonic() - started)
    write_base(policy, figures, out)
    return figures


def write_base(policy: Policy, figures: dict[str, Any], out: Path) -> None:
    """Write a model directory; the file holds float16, for use as float32."""
    policy.model.half().save_pretrained(out)
    policy.model.config.dtype = torch.float32
    policy.model.config.save_pretrained(out)
    policy.tokenizer.save_pretrained(out)
    policy.image_processor.save_pretrained(out)
    (out / "training.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Read the command line, train and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="directory to write")
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    arguments = vars(parser.parse_args())
    out = arguments.pop("out")
    torch.set_num_threads(2)
    print(json.dumps(pretrain(Recipe(**arguments), out), indent=1))


if __name__ == "__main__":
    main()
