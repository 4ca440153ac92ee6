"""`predict` on photos, of which some are broken; the command line, on the built-in base."""

import csv
import json
import os

import pytest
from PIL import Image

from speciarl_pl.callbacks.prediction_writer import agreement_lines
from speciarl_pl.data.reading.tables import read_columns
from speciarl_pl.run.predictions import photo_predictions, write_csv
from speciarl_pl.run.rollouts import Reply

SETTINGS = (
    "--rollout.val_group_size=4",
    "--rollout.val_sampling={temperature: 1.0, max_new_tokens: 24}",
    "--rollout.class_path=interruptions.Interruptible",
)


def photos(*names):
    return [(name, name) for name in names]


def said(position, *texts):
    """Rollouts of a photo: (answer, thinking) pairs."""
    replies = [Reply(f"<think>{thought}</think>...", answer, "", "") for answer, thought in texts]
    return {position: replies}


def test_the_most_frequent_answer_counts_with_its_share_and_thinking():
    drawn = said(0, ("dog", "a"), (" Samoyed", "b"), (None, "c"), ("samoyed ", "d"))
    (found,) = photo_predictions(photos("a.jpg"), drawn, {})
    assert (found.answer, found.agreement, found.thinking) == (" Samoyed", 0.5, "b")
    assert found.answers == [(" Samoyed", 2), ("dog", 1), (None, 1)]
    assert not found.abstained


def test_refusals_in_whatever_words_abstain_together():
    drawn = said(0, ("dog", ""), ("None", ""), ("I cannot tell.", ""))
    (found,) = photo_predictions(photos("a.jpg"), drawn, {})
    assert (found.answer, found.abstained, found.agreement) == (None, True, 2 / 3)
    assert found.answers == [("none", 2), ("dog", 1)]


def test_no_readable_answer_is_no_abstention():
    (found,) = photo_predictions(photos("a.jpg"), said(0, (None, ""), (None, "")), {})
    assert (found.answer, found.abstained, found.answers) == (None, False, [(None, 2)])


def test_a_cut_thought_that_the_template_opened_is_shown_whole():
    text = "it may be a <answer>dog</answer>, but"
    drawn = {0: [Reply(text, None, "", "")]}
    (found,) = photo_predictions(photos("a.jpg"), drawn, {}, thinking_opened=True)
    assert (found.answer, found.thinking) == (None, "it may be a dog, but")


def test_every_photo_is_there_in_order_also_one_that_could_not_be_read():
    drawn = said(0, ("cat", "")) | said(2, ("dog", ""))
    found = photo_predictions(photos("a.jpg", "b.jpg", "c.jpg"), drawn, {"b.jpg": "b.jpg: empty"})
    assert [(one.id, one.answer, one.error) for one in found] == [
        ("a.jpg", "cat", ""),
        ("b.jpg", None, "b.jpg: empty"),
        ("c.jpg", "dog", ""),
    ]


def test_no_cell_of_the_table_is_run_by_a_spreadsheet_and_all_come_back(tmp_path):
    answers = ["=HYPERLINK(1)", "dog", "'@x", "-1"]
    names = ["+a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    drawn = {}
    for at, answer in enumerate(answers):
        drawn |= said(at, (answer, ""))
    found = photo_predictions(photos(*names), drawn, {})
    path = tmp_path / "predictions.csv"
    noted = write_csv(path, found)
    with path.open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell[:1] in ("=", "+", "-", "@") for cell in cells)
    table = read_columns(path)
    assert (table["id"], table["answer"]) == (names, answers)
    assert noted == ["predictions.csv: 8 text(s) stand behind a ', or a spreadsheet would run them"]
    assert write_csv(path, found[1:2]) == []


def answered(*answers):
    """Photos, each with two rollouts that say the same; None: no readable answer."""
    names = [f"{place}.jpg" for place in range(len(answers))]
    drawn = {}
    for place, answer in enumerate(answers):
        drawn |= said(place, (answer, ""), (answer, ""))
    return photo_predictions(photos(*names), drawn, {})


def test_agreement_is_explained_and_one_answer_to_most_photos_is_odd():
    mean, warning = agreement_lines(answered("Hat", "hat", "bowl", "hat ", None))
    assert mean.startswith("mean agreement 100 %: how often a photo's answers are the same; ")
    assert warning.startswith("warning: 3 of 5 photos get the same answer, 'Hat': the model may")


@pytest.mark.parametrize(
    "answers",
    [("hat", "hat"), ("a", "a", "a", "b", "c", "d"), (None, None, None)],
    ids=["few", "half", "no answer"],
)
def test_different_answers_are_not_odd(answers):
    assert len(agreement_lines(answered(*answers))) == 1


def test_without_rollouts_there_is_no_agreement():
    assert agreement_lines(photo_predictions(photos("a.jpg"), {}, {})) == []


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "my photos"
    folder.mkdir()
    for place, color in enumerate(("red", "green", "blue")):
        Image.new("RGB", (60, 40), color).save(folder / f"{place}.png")
    (folder / "1b.jpg").write_text("no image")
    (folder / "2.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    (folder / "notes.txt").write_text("no image")
    return folder


def test_a_photo_that_cannot_be_read_is_an_error_before_the_model_is_loaded(
    commands, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("speciarl_pl.module.SpeciaRLModule.configure_model", pytest.fail)
    photo = tmp_path / "a.jpg"
    photo.touch()
    assert predict(commands, "run", photo) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "a.jpg" in line]
    assert line.startswith(f"error: data.images: the photo cannot be read: {photo}: an empty file")


@pytest.mark.slow
def test_a_photo_that_the_model_cannot_take_is_an_error(commands, tmp_path, capsys):
    Image.new("RGB", (3000, 1)).save(tmp_path / "strip.png")
    assert predict(commands, "run", tmp_path / "strip.png") == 1
    assert "error: data.images: the photo cannot be read: " in capsys.readouterr().err
    assert "the model cannot take this 3000 x 1 image" in left(tmp_path / "run")[0]["error"]


def left(run):
    lines = (run / "predictions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def predict(commands, name, images, *options):
    return commands("predict", name, f"--data.images={images}", *SETTINGS, *options)


def test_a_folder_becomes_tables_and_a_page(commands, folder, tmp_path, capsys):
    assert predict(commands, "run", folder, "--data.judge=interruptions.Deaf") == 0
    run = tmp_path / "run"
    found = left(run)
    assert [one["id"] for one in found] == ["0.png", "1.png", "1b.jpg", r"caf\xe9.png"]
    assert found[3]["path"] == rf"{folder}/caf\xe9.png"
    assert "1b.jpg: not a readable image" in found[2]["error"]
    for one in (found[0], found[1], found[3]):
        assert one["answer"].startswith("thing")
        assert one["agreement"] == one["answers"][0][1] / 4
    with (run / "predictions.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["answer"] for row in table] == [one["answer"] or "" for one in found]
    page = (run / "predictions.html").read_text()
    assert all((one["answer"] or "not a readable image") in page for one in found)
    said = capsys.readouterr()
    assert "4 photos: 3 named, 0 abstained, 0 without a readable answer, 1 could not" in said.out
    assert "1b.jpg: not a readable image" in said.err
    note = "my photos: left out 1: 1 no image (notes.txt)"
    assert note in said.out, "at the end"
    assert note in said.err, "before anything is drawn"


@pytest.mark.slow
def test_what_was_drawn_is_not_drawn_again(commands, folder, tmp_path, monkeypatch):
    from interruptions import InterruptedRunError, Interruptible

    monkeypatch.setattr(Interruptible, "drawn", [])
    monkeypatch.setattr(Interruptible, "breaks_at", 3)
    one = "--data.val_batch_size=1"
    with pytest.raises(InterruptedRunError):
        predict(commands, "run", folder, one)
    monkeypatch.setattr(Interruptible, "breaks_at", None)
    assert predict(commands, "run", folder, one) == 0
    assert Interruptible.drawn == [0, 1, 3]
    assert predict(commands, "whole", folder) == 0
    assert left(tmp_path / "run") == left(tmp_path / "whole")


def test_no_photos_are_named(commands, capsys):
    assert predict(commands, "run", "") == 2
    assert "data.images: predict needs it" in capsys.readouterr().err
