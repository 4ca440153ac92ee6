"""Run the quickstart with several seeds, and show what became of specificity and correctness.

    python benchmarks/quickstart_seeds.py --seeds 0 1 2 --out docs

trains once per seed, then writes OUT/quickstart.md (a table by seed, data set and easy/hard) and
OUT/quickstart.png. `--dtype bfloat16` trains over a base of that number format. `--runs DIR ...`
reads finished runs instead. The last line is JSON.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import pyarrow.parquet as pq
import torch

from speciarl_pl.metrics.functional import OUTCOME_LABELS, Summary, outcome_counts, summarize

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STAGES = {"base": "base", "val": "trained"}
CONFIG = Path(__file__).resolve().parents[1] / "configs" / "quickstart.yaml"


@dataclass(frozen=True)
class Row:
    """What one run did to one part of one data set."""

    seed: int
    dataset: str
    subset: str
    stages: Mapping[str, Summary]


def train(config: Path, seed: int, dtype: str, run_dir: Path) -> None:
    """Run the quickstart."""
    command = [sys.executable, "-m", "speciarl_pl", "fit", "--config", str(config)]
    command += ["--seed_everything", str(seed), "--run_dir", str(run_dir), "--model.dtype", dtype]
    subprocess.run(command, check=True)


def read_run(run_dir: Path, seed: int) -> Iterator[Row]:
    """Sum up the validations of a run, whole data sets and their easy and hard parts."""
    rows = pq.read_table(run_dir / "rollouts.parquet").to_pylist()
    rows = [row for row in rows if row["stage"] in STAGES]
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        for subset in ("", "easy", "hard"):
            part = [r for r in rows if r["dataset"] == dataset and subset in ("", r["subset"])]
            yield Row(seed, dataset, subset or "all", {s: _summary(part, s) for s in STAGES})


def _summary(rows: list[dict[str, object]], stage: str) -> Summary:
    places = [OUTCOME_LABELS.index(str(r["verdict"])) for r in rows if r["stage"] == stage]
    return summarize(outcome_counts(torch.tensor(places) - 2))


def table(rows: list[Row]) -> str:
    """A Markdown table, base -> trained."""
    lines = [
        "| seed | data set | part | specificity | correctness | HM |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row.stages['base'][key] or 0:.3f} → {row.stages['val'][key] or 0:.3f}"  # type: ignore[literal-required]
            for key in ("specificity", "correctness", "hm")
        ]
        lines.append(" | ".join(["", str(row.seed), row.dataset, row.subset, *cells, ""]).strip())
    return "\n".join(lines) + "\n"


def write_table(page: Path, text: str) -> None:
    """Write the table, in the place of the one before where there is a page with one."""
    old = page.read_text("utf-8") if page.exists() else ""
    lines = [line for line in old.splitlines(keepends=True) if line.startswith("|")]
    page.write_text(old.replace("".join(lines), text) if lines else text, encoding="utf-8")


def plot(rows: list[Row], path: Path) -> None:
    """Arrows from base to trained in the plane of specificity and correctness."""
    datasets = list(dict.fromkeys(row.dataset for row in rows))
    figure, axes = plt.subplots(
        1, len(datasets), figsize=(4.6 * len(datasets), 4.2), sharey=True, squeeze=False
    )
    colours = {"all": "black", "easy": "tab:green", "hard": "tab:orange"}
    for axis, dataset in zip(axes[0], datasets, strict=True):
        _iso_lines(axis)
        for row in (row for row in rows if row.dataset == dataset):
            ends = [
                (row.stages[s]["specificity"] or 0, row.stages[s]["correctness"] or 0)
                for s in STAGES
            ]
            arrow = {"arrowstyle": "-|>", "color": colours[row.subset], "lw": 1.2}
            axis.annotate("", xy=ends[1], xytext=ends[0], arrowprops=arrow)
        axis.set(title=dataset, xlabel="specificity", xlim=(0.1, 1.02), ylim=(0.5, 1.02))
    axes[0][0].set_ylabel("correctness")
    handles = [plt.Line2D([], [], color=colour, label=part) for part, colour in colours.items()]
    axes[0][0].legend(handles=handles, loc="lower left", frameon=False)
    figure.suptitle("Quickstart: from the base to the trained model, one arrow a seed")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _iso_lines(axis: plt.Axes) -> None:
    """Lines of equal harmonic mean."""
    specificity = torch.linspace(0.05, 1.0, 200)
    for hm in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        correctness = hm * specificity / (2 * specificity - hm)
        seen = (correctness > 0) & (correctness <= 1.05)
        axis.plot(specificity[seen], correctness[seen], color="lightgrey", lw=0.8, zorder=0)


def main() -> None:
    """Train or read, then write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--config", type=Path, default=CONFIG, help="or quickstart_vllm.yaml")
    parser.add_argument("--dtype", default="float32", help="number format of the base")
    parser.add_argument("--runs", type=Path, nargs="*", help="finished runs, one per seed")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    runs = options.runs
    if not runs:
        folder = Path("runs", f"{options.config.stem}_seeds", options.dtype)
        runs = [folder / str(seed) for seed in options.seeds]
        for seed, run_dir in zip(options.seeds, runs, strict=True):
            train(options.config, seed, options.dtype, run_dir)
    pairs = zip(runs, options.seeds, strict=True)
    rows = [row for run_dir, seed in pairs for row in read_run(run_dir, seed)]
    options.out.mkdir(parents=True, exist_ok=True)
    text = table(rows)
    write_table(options.out / "quickstart.md", text)
    plot(rows, options.out / "quickstart.png")
    print(text)
    print(
        json.dumps(
            {
                "benchmark": "quickstart_seeds",
                "dtype": options.dtype,
                "rows": [_plain(row) for row in rows],
            }
        )
    )


def _plain(row: Row) -> dict[str, object]:
    keys = ("specificity", "correctness", "hm")
    values = {STAGES[s]: {k: row.stages[s][k] for k in keys} for s in STAGES}  # type: ignore[literal-required]
    return {"seed": row.seed, "data_set": row.dataset, "part": row.subset, **values}


if __name__ == "__main__":
    main()
