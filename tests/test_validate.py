"""`validate` on several data sets, with several samples, older metrics and means over groups."""

import json
import math
from collections import Counter

import pyarrow.parquet as pq
import pytest
from data.datasets.miniatures import build
from PIL import Image

SEVERAL = (
    "--rollout.val_group_size=4",
    "--rollout.val_sampling={temperature: 1.0, max_new_tokens: 24}",
)


def results(folder):
    return json.loads((folder / "run" / "results.json").read_text())


def rows(folder):
    return pq.read_table(folder / "run" / "rollouts.parquet").to_pylist()


@pytest.mark.slow
def test_results_are_in_the_order_of_the_data_whatever_the_batches(commands, tmp_path):
    for name, size in (("run", 1), ("other", 4)):
        assert commands("validate", name, *SEVERAL, f"--data.val_batch_size={size}") == 0
    both = [(tmp_path / name / "results.json").read_bytes() for name in ("run", "other")]
    assert both[0] == both[1]
    found = [(row["position"], row["index"]) for row in rows(tmp_path)]
    assert found == [(position, index) for position in range(5) for index in range(4)]
    assert [row["dataset"] for row in rows(tmp_path)] == ["seen"] * 12 + ["unseen"] * 8


@pytest.mark.slow
def test_several_samples_have_curves_votes_and_older_metrics(commands, tmp_path):
    assert commands("validate", "run", *SEVERAL) == 0
    found = results(tmp_path)["datasets"]["seen"]
    assert (found["images"], found["samples"], found["n"]) == (3, 4, 12)
    assert found["best_of_k"]["k"] == [1, 2, 4]
    of_seen = [row for row in rows(tmp_path) if row["dataset"] == "seen"]
    images = [of_seen[start : start + 4] for start in range(0, 12, 4)]
    correct = {"generic", "less specific", "specific", "more specific"}
    best = sum(any(row["verdict"] in correct for row in image) for image in images) / 3
    assert found["best_of_k"]["correctness"][-1] == pytest.approx(best)
    votes = [Counter(row["answer"] for row in image).most_common(1)[0][1] for image in images]
    assert found["majority"]["agreement"] >= sum(votes) / 12 - 1e-9
    included = [row["truth"] in (row["answer"] or "") for row in of_seen]
    assert found["older"]["textual_inclusion"]["value"] == pytest.approx(sum(included) / 12)
    assert found["judge_coverage"]["value"] == 1.0
    assert 0 < found["hierarchical"]["f1"] <= 1


@pytest.mark.slow
def test_six_benchmarks_in_one_run_with_the_means_of_their_groups(commands, tmp_path):
    names = {
        "flowers102": "Flowers102",
        "food101": "Food101",
        "oxford_pets": "OxfordPets",
        "stanford_cars": "StanfordCars",
        "fgvc_aircraft": "FGVCAircraft",
        "cub": "CUB200",
    }
    roots = {name: str(build(name, tmp_path / name)) for name in names}
    sets = [
        {"class_path": kind, "init_args": {"root": roots[name], "split": "test"}}
        for name, kind in names.items()
    ]
    judge = {"class_path": "TaxonomyJudge", "init_args": {"taxonomy": list(names)}}
    options = (
        f"--data.val={json.dumps(sets)}",
        f"--data.judge={json.dumps(judge)}",
        "--model.max_pixels=3136",
        "--rollout.val_sampling={temperature: 0, max_new_tokens: 8}",
    )
    assert commands("validate", "run", *options) == 0
    found = results(tmp_path)
    assert list(found["datasets"]) == list(names)
    groups = found["groups"]
    assert {name: group["datasets"] for name, group in groups.items()} == {
        "fine_grained": ["flowers102", "food101", "oxford_pets"],
        "very_fine_grained": ["stanford_cars", "fgvc_aircraft"],
    }
    for group in groups.values():
        members = [found["datasets"][name]["correctness"] for name in group["datasets"]]
        assert group["correctness"] == pytest.approx(math.fsum(members) / len(members))
        assert group["ci95"]["correctness"] is not None
    assert found["macro"]["ci95"]["wrong_rate"] is not None


def test_a_metric_that_cannot_be_had_ends_the_run_before_it_begins(commands, tmp_path, capsys):
    encoder = str(tmp_path / "nothing")
    options = ("--protocol.semantic_similarity=true", f"--protocol.encoder={encoder}")
    assert commands("validate", "run", *options) == 2
    assert "error: encoder: expected a model of sentence-transformers" in capsys.readouterr().err
    assert not (tmp_path / "run" / "rollouts.parquet").exists()


def broken_table(folder, name, count=4, broken=0):
    folder = folder / name
    folder.mkdir()
    for place in range(count):
        Image.new("RGB", (56, 56), (40 * place, 0, 0)).save(folder / f"{place}.png")
        if place < broken:
            (folder / f"{place}.png").write_bytes(b"")
    rows = [f"{place}.png,crimson hexagon" for place in range(count)]
    (folder / "table.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    options = {"path": str(folder / "table.csv"), "name": name}
    return {"class_path": "ImageTable", "init_args": options}


def validate(commands, *sets, options=()):
    short = "--rollout.val_sampling={temperature: 0, max_new_tokens: 3}"
    return commands("validate", "run", f"--data.val={json.dumps(sets)}", short, *options)


def test_no_readable_image_is_an_error_that_names_the_files(commands, tmp_path, capsys):
    """It was a traceback about a rollouts.parquet that is not there."""
    assert validate(commands, broken_table(tmp_path, "birds", broken=4)) == 1
    said = capsys.readouterr().err
    assert "error: validation: none of 4 images could be read: " in said
    assert f"{tmp_path}/birds/0.png: an empty file" in said
    assert not (tmp_path / "run" / "results.json").exists()


def test_a_set_without_a_readable_image_is_named_and_in_no_mean(commands, tmp_path, capsys):
    empty = broken_table(tmp_path, "birds", broken=4)
    sets = [empty, broken_table(tmp_path, "pets", 5), broken_table(tmp_path, "food", 6, broken=1)]
    assert validate(commands, *sets) == 0
    found = results(tmp_path)
    assert found["macro"]["datasets"] == ["pets", "food"]
    assert found["macro"]["left_out"] == ["birds"]
    assert found["datasets"]["food"]["skipped"]["samples"][0]["id"] == "0.png"
    assert (found["datasets"]["food"]["cut"], found["datasets"]["food"]["images"]) == (5, 5)
    shown = capsys.readouterr().out
    assert "mean of all data sets (2)" in shown
    assert "left out of the means: birds (no image that was read)" in shown
    assert "cut: rollouts ended by rollout.val_sampling.max_new_tokens = 3" in shown
    page = (tmp_path / "run" / "report.html").read_text()
    assert "mean of all data sets but birds" in page
    assert f"{tmp_path}/food/0.png: an empty file" in page
    assert "1 skipped, 100.0 % unparsed, 100.0 % cut" in page


def test_too_many_unreadable_images_fail_once_all_is_written(commands, tmp_path, capsys):
    sets = [broken_table(tmp_path, "pets", 4, broken=3)]
    assert validate(commands, *sets) == 1
    error = "error: 3 of 4 images could not be read, more than watch.max_skipped_share = 0.5"
    assert error in capsys.readouterr().err
    assert results(tmp_path)["datasets"]["pets"]["skipped"]["count"] == 3
    assert (tmp_path / "run" / "report.html").exists()
    assert validate(commands, *sets, options=["--watch.max_skipped_share=null"]) == 0
