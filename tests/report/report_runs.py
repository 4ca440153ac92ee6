"""Run directories as commands leave them, made up."""

import csv
import json
import math
import random
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from speciarl_pl.category import UNJUDGED, UNPARSED, Category
from speciarl_pl.metrics.functional import macro_average, outcome_counts, summarize

LABELS = {UNPARSED: "unparsed", UNJUDGED: "unjudged"} | {int(c): c.label for c in Category}
FLOWERS, CARS = "Flowers-102", "Stanford Cars"


def draw_codes(images, samples, weights, seed):
    """Codes of an image lean on one level, as the rollouts of one image do."""
    random_ = random.Random(seed)
    levels = list(range(-1, 6))
    rows = []
    for _ in range(images):
        own = random_.choices(levels, weights)[0]
        rows.append(
            [own if random_.random() < 0.7 else random_.choices(levels, weights)[0]]
            + [
                own if random_.random() < 0.7 else random_.choices(levels, weights)[0]
                for _ in range(samples - 1)
            ]
        )
    return rows


def write_results(path, codes, extra=None):
    """Write results of `codes` by data set; `extra` is added to each data set."""
    datasets = {
        name: summarize(outcome_counts(torch.tensor(rows, dtype=torch.int64).reshape(-1)))
        | (extra or {}).get(name, {})
        for name, rows in codes.items()
    }
    content = {"schema": 1, "datasets": datasets, "macro": macro_average(datasets)}
    if FLOWERS in datasets:
        mean = macro_average({FLOWERS: datasets[FLOWERS]})
        content["groups"] = {"fine_grained": {"datasets": [FLOWERS], **mean}}
    path.write_text(json.dumps(content))


def write_rollouts(path, stages, truth=lambda dataset, place: f"truth {place}", text=None):
    """Write rollouts of `{stage: {dataset: codes}}`."""
    rows = [
        {
            "stage": stage,
            "step": 0 if stage == "base" else 8,
            "dataset": dataset,
            "sample_id": f"image_{place:05d}.jpg",
            "truth": truth(dataset, place),
            "index": index,
            "detail": "taxonomy:same" if code >= 0 else "thinking not closed",
            "verdict": LABELS[code],
            **(text or said)(stage, dataset, place, code),
        }
        for stage, datasets in stages.items()
        for dataset, codes in datasets.items()
        for place, row in enumerate(codes)
        for index, code in enumerate(row)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)


def said(stage, dataset, place, code):
    """Text and answer of a rollout."""
    if code == UNPARSED:
        return {"text": "<think>It is hard to tell what this", "answer": None}
    answer = "None" if code == Category.ABSTAIN else f"{LABELS[code]} name of {place % 7}"
    thought = f"Seen by {stage}: petals, a stem, and a colour that tells. " * (1 + place % 4)
    return {"text": f"<think>{thought}</think><answer>{answer}</answer>", "answer": answer}


@lru_cache
def photograph(seed, width=192, height=150, max_bytes=12_000):
    """A JPEG with as much detail as a photograph has, of nearly `max_bytes`."""
    noise = Image.effect_noise((width, height), 90)
    hue = Image.linear_gradient("L").resize((width, height)).rotate(seed * 37 % 360)
    image = Image.merge("RGB", (noise, hue, Image.blend(noise, hue, 0.5)))
    best = b""
    for quality in range(20, 96, 3):
        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        if file.tell() > max_bytes:
            break
        best = file.getvalue()
    return best


def write_thumbnails(path, images, jpeg=photograph):
    """Write a picture for each (data set, place)."""
    rows = [
        {
            "dataset": dataset,
            "sample_id": f"image_{place:05d}.jpg",
            "width": 192,
            "height": 150,
            "jpeg": jpeg(place % 8),
        }
        for dataset, place in images
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_curves(path, steps=60, seed=0):
    """Write metrics.csv of a training that goes well."""
    random_ = random.Random(seed)
    with path.open("w", newline="") as file:
        writer = None
        for step in range(steps):
            done = step / steps
            wrong, exact = 0.3 - 0.2 * done, 0.1 + 0.5 * done
            row = {
                "step": step,
                "reward": 0.3 + 0.4 * done + random_.gauss(0, 0.03),
                "categories/wrong": wrong,
                "categories/abstain": 0.05,
                "categories/generic": 0.95 - wrong - exact,
                "categories/specific": exact,
                "hm": 0.5 + 0.3 * done + random_.gauss(0, 0.02),
                "length/mean": 80 + 10 * math.sin(step / 5) + random_.gauss(0, 2),
                "entropy": 0.5 * math.exp(-2 * done) + 0.1,
                "kl": 0.02 * done,
                "sync/gap_mean": 1e-4 * random_.random(),
                "judge/cached_share": 0.2 + 0.6 * done,
                "val/macro/hm": "" if step % 20 else 0.5,
            }
            writer = writer or csv.DictWriter(file, row)
            if not step:
                writer.writeheader()
            writer.writerow(row)


def best_of_k(samples=16):
    """Curves that rise."""
    ks = [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= samples]
    rise = [1 - 0.5 / k**0.7 for k in ks]
    levels = [category.label for category in Category]
    return {
        "k": ks,
        "reached": {
            name: [max(0.0, share - 0.12 * place) for share in rise]
            for place, name in enumerate(levels)
        },
        "correctness": rise,
        "specificity": [0.9 * share for share in rise],
        "hm": [0.93 * share for share in rise],
        "ci95": {"hm": [[0.93 * share - 0.04, 0.93 * share + 0.04] for share in rise]},
    }


def write_run(folder: Path, images=12, samples=1, pictures=True, seed=0, curves=True, base=True):
    """Write a run over two data sets, as `fit` with a first validation leaves it."""
    folder.mkdir(parents=True)
    weights = {"base": [1, 3, 1, 8, 4, 2, 0], "val": [0, 3, 1, 2, 3, 9, 1]}
    stages = {
        stage: {
            name: draw_codes(images, samples, weights[stage], f"{seed} {stage} {name}")
            for name in (FLOWERS, CARS)
        }
        for stage in (("base", "val") if base else ("val",))
    }
    extra = {}
    if samples > 1:
        vote = {"majority": {"hm": 0.71, "agreement": 0.64, "ci95": {"hm": [0.66, 0.75]}}}
        extra = {name: {"best_of_k": best_of_k(samples), **vote} for name in (FLOWERS, CARS)}
        for each in extra.values():
            each |= {"images": images, "samples": samples}
    extra.setdefault(FLOWERS, {})["older"] = {
        "textual_inclusion": {"value": 0.41, "ci95": [0.35, 0.47], "n": images}
    }
    if base:
        write_results(folder / "results.base.json", stages["base"], extra)
    write_results(folder / "results.json", stages["val"], extra)
    write_rollouts(folder / "rollouts.parquet", stages)
    if pictures:
        shown = [(name, place) for name in (FLOWERS, CARS) for place in range(min(images, 100))]
        write_thumbnails(folder / "thumbnails.parquet", shown)
    if curves:
        write_curves(folder / "metrics.csv", seed=seed)
    (folder / "config.yaml").write_text("seed_everything: 0\nmodel:\n  api_key: very-secret\n")
    return folder
