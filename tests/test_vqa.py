"""Images with a question each: trained on, kept, shown, and the same when a run goes on."""

import csv

import pyarrow.parquet as pq
import pytest
from runs import Commands

from speciarl_pl.world import draw, world_specs

QUESTIONS = ["What is it? Say <answer>...</answer>.", "", "Which kind\nis [it]?", ""]


@pytest.fixture
def run(tmp_path, monkeypatch):
    return Commands(tmp_path, monkeypatch)


def table_of(folder, questions):
    folder.mkdir(exist_ok=True)
    with (folder / "vqa.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "question", "answer"])
        for number, (spec, question) in enumerate(
            zip(world_specs("train", len(questions), 0), questions, strict=True)
        ):
            draw(spec).save(folder / f"{number}.png")
            rows.writerow([f"{number}.png", question, spec.truth])
    return folder / "vqa.csv"


def options(path, roles=("train", "val")):
    for role in roles:
        yield from (f"--data.{role}", "ImageTable", f"--data.{role}.path={path}")
        yield from (f"--data.{role}.label_column=answer", f"--data.{role}.prompt_column=question")


@pytest.mark.slow
def test_two_steps_on_questions_of_their_own(run, tmp_path, capsys):
    path = table_of(tmp_path / "data", QUESTIONS)
    assert run("fit", "run", *options(path), "--trainer.max_steps", "2") == 0
    rows = pq.read_table(tmp_path / "run" / "rollouts.parquet").to_pylist()
    asked = {(row["stage"], row["sample_id"]): row["prompt"] for row in rows}
    wanted = [question or None for question in QUESTIONS]
    for stage in ("train", "val"):
        assert [asked[stage, f"{number}.png"] for number in range(4)] == wanted
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count('<p class="asked">') == 2
    assert r"Which kind\nis [it]?" in page, "on one line"

    other = table_of(tmp_path / "data", [*QUESTIONS[:-1], "Another?"])
    last = str(tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert run("fit", "run", *options(other), "--ckpt_path", last, "--trainer.max_steps", "3") == 1
    assert "their ids, truths, questions or order are not those of this run" in (
        capsys.readouterr().err
    )


def test_a_cell_that_names_a_placeholder_is_refused_before_anything_is_drawn(run, tmp_path, capsys):
    path = table_of(tmp_path / "data", ["What is it?", "Is <|image_pad|> odd?"])
    assert run("validate", "run", *options(path, ["val"])) == 1
    said = capsys.readouterr().err
    assert "data set 'vqa': the prompt 'Is <|image_pad|> odd?': expected one image" in said
