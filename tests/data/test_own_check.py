"""A user's own data: what a look at it shows, and what is found wrong with it."""

import pytest
from PIL import Image

from speciarl_pl.__main__ import main
from speciarl_pl.data.checks.own_check import check_own
from speciarl_pl.data.checks.preview import preview
from speciarl_pl.data.datasets import ImageFolder, ImageTable, MixedImages
from speciarl_pl.data.labels.known_labels import known_lines
from speciarl_pl.judge import CascadeJudge, ExactJudge, LLMJudge, TaxonomyJudge


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """Two classes of dogs, one photo of which is damaged, and a table of them."""
    monkeypatch.chdir(tmp_path)
    for label, sizes in (("Samoyed", (20, 21, 22)), ("Flumpet", (30, 31))):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for at, size in enumerate(sizes):
            Image.new("RGB", (size, 10)).save(tmp_path / "pets" / label / f"{at}.png")
    (tmp_path / "pets" / "Samoyed" / "1.png").write_bytes(b"junk")
    return tmp_path


def test_a_preview(pets):
    found = preview(ImageFolder("pets"), examples=3)
    assert (found.name, found.images, found.labels) == ("pets", 5, ("Flumpet", "Samoyed"))
    assert found.per_label == (2, 3, 3)
    assert [(one.id, one.truth, one.size) for one in found.examples] == [
        ("Flumpet/0.png", "Flumpet", (30, 10)),
        ("Samoyed/0.png", "Samoyed", (20, 10)),
        ("Samoyed/2.png", "Samoyed", (22, 10)),
    ]
    assert not found.doubts


def test_an_image_that_cannot_be_read_is_shown_as_such(pets):
    broken = preview(ImageFolder("pets", include=["Samoyed"]), examples=3).examples[1]
    assert broken.size is None
    assert "1.png: not a readable image" in broken.reason


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (
            lambda: TaxonomyJudge("oxford_pets"),
            "its trees know 1 of 2 labels: 'Samoyed'|they do not know 1: 'Flumpet'",
        ),
        (lambda: TaxonomyJudge("flowers102"), "know 0 of 2 labels|do not know 2: 'Samoyed', 'Flum"),
        (ExactJudge, "ExactJudge has no tree of names: it knows the label itself alone"),
        (lambda: LLMJudge("http://nowhere/v1", "m"), "LLMJudge has no tree.*asks about"),
        (
            lambda: CascadeJudge(
                [TaxonomyJudge("oxford_pets"), LLMJudge("http://nowhere/v1", "m")]
            ),
            "its trees know 1 of 2 labels|LLMJudge is asked about the other 1: 'Flumpet'",
        ),
    ],
    ids=["a tree", "another tree", "exact", "LLM", "cascade"],
)
def test_what_a_judge_knows(judge, said):
    lines = known_lines(judge(), ["Samoyed", "Flumpet"], ["pets", "pets"])
    for line, expected in zip(lines, said.split("|"), strict=True):
        assert all(part in line for part in expected.split(".*"))


def test_each_part_of_a_mix_has_its_own_tree(pets):
    names = {"Flumpet": "cub", "Samoyed": "pets"}
    parts = [ImageFolder("pets", name=name, include=[label]) for label, name in names.items()]
    found = preview(MixedImages(parts, limit=2))
    assert dict(zip(found.labels, found.datasets, strict=True)) == names


def test_nothing_is_wrong(pets):
    report = check_own([("own", ImageFolder("pets"))])
    assert report.counts == ["own 'pets': 5 images of 2 labels"]
    assert not report.problems
    assert not report.notes


def test_all_that_is_wrong_is_named(pets):
    rows = ["pets/Flumpet/0.png,Samoyed", "pets/Flumpet/0.png,Pug", "pets/Flumpet/1.png,pug"]
    rows += ["gone.png,Pug", "gone.png,Pug", "pets/Samoyed/1.png,Lion"]
    (pets / "t.csv").write_text("\n".join(["image,label", *rows]))
    (pets / "v.csv").write_text("image,label\npets/Flumpet/1.png,pug\n")
    sources = [("train", ImageTable("t.csv")), ("val", ImageTable("v.csv"))]
    report = check_own([*sources, ("test", ImageTable("gone.csv"))])
    for said in (
        "train 't': one label in several spellings: 'Pug', 'pug'",
        "train 't': 2 images listed and not there: gone.png, gone.png#2",
        "the same file under different labels, 1 time: pets/Flumpet/0.png (train, 'Samoyed') =",
        "the same file in different roles, 1 time: pets/Flumpet/1.png (train, 'pug') =",
        "test: gone.csv: no such file",
    ):
        assert [said in line for line in report.problems].count(True) == 1, report.problems
    assert [note for note in report.notes if "the same file more than once, 1 time" in note]


def test_reading_finds_damage_and_equal_pictures(pets):
    same = Image.new("RGB", (20, 10))
    same.save(pets / "pets" / "Flumpet" / "copy.bmp")
    report = check_own([("own", ImageFolder("pets"))], read=True)
    assert "1.png: not a readable image" in report.problems[0]
    assert "equal pictures under different labels, 1 time: Flumpet/copy.bmp" in report.problems[1]


# --------------------------------------------------------------------- commands

CONFIG = """
model: {base: nobody/knows}
data:
  batch_size: 3
  train: {class_path: ImageFolder, init_args: {root: pets, include: [Samoyed]}}
  val:
    - {class_path: ImageFolder, init_args: {root: gone}}
  judge: {class_path: TaxonomyJudge, init_args: {taxonomy: oxford_pets}}
"""


def test_show_of_a_folder(pets, capsys):
    assert main(["data", "show", "pets"]) == 0
    said = capsys.readouterr().out
    assert "own: data set 'pets': 5 images of 2 labels (2 to 3, median 3 of each)" in said
    assert "first labels: 'Flumpet', 'Samoyed'" in said
    assert "Samoyed/1.png: cannot be read" in said
    assert "Samoyed/2.png: 22 x 10, 'Samoyed'" in said
    assert "judge: its trees know 0 of 2 labels" in said
    assert "judge: 1 more are in trees that are not for data set 'pets': if one is, say so" in said
    assert "judge: they do not know 2: 'Flumpet', 'Samoyed'" in said
    named = ["--source", "ImageFolder", "--source.root", "pets", "--source.name", "Oxford Pets"]
    assert main(["data", "show", *named]) == 0
    assert "judge: its trees know 1 of 2 labels: 'Samoyed'" in capsys.readouterr().out


def test_show_of_a_class_and_of_labels_like_markup(pets, capsys):
    (pets / "pets" / "Samoyed").rename(pets / "pets" / "0_[bold]Samoyed")
    (pets / "judge.yaml").write_text("class_path: ExactJudge\n")
    options = ["--source.root", "pets", "--source.label_style", "plain", "--judge", "judge.yaml"]
    assert main(["data", "show", "--source", "ImageFolder", *options]) == 0
    assert "'0 [bold]Samoyed'" in capsys.readouterr().out


def test_show_of_a_config(pets, capsys):
    (pets / "run.yaml").write_text(CONFIG)
    assert main(["data", "show", "--config", "run.yaml"]) == 1
    said = capsys.readouterr().out
    assert "train: data set 'pets': 3 images of 1 label (3 of each)" in said
    assert "judge: its trees know 1 of 1 labels: 'Samoyed'" in said
    assert "val: data set 'gone': error: gone: no such folder" in said
    (pets / "judge.yaml").write_text("class_path: ExactJudge\n")
    override = ["--data.train.init_args.include", "[Flumpet]", "--judge", "judge.yaml"]
    assert main(["data", "show", "--config", "run.yaml", *override]) == 1
    said = capsys.readouterr().out
    assert "2 images of 1 label" in said
    assert "judge: ExactJudge has no tree of names" in said


def test_check_of_your_own(pets, capsys):
    assert main(["data", "check", "pets"]) == 0
    assert "own 'pets': 5 images of 2 labels\nnothing wrong" in capsys.readouterr().out
    assert main(["data", "check", "pets", "--read"]) == 1
    assert "problem: own 'pets': pets/Samoyed/1.png: not a readable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show"], 2, "source: expected a folder, a table, --source CLASS or --config FILE"),
        (["show", "gone"], 1, "error: gone: no such folder; expected a folder of classes"),
        (["check"], 2, "source: expected a folder"),
        (["check", "--root", "pets"], 2, "root"),
        (["show", "--config", "gone.yaml"], 1, "gone.yaml: cannot be read as YAML"),
        (["show", "--source", "Nonsense"], 2, "Nonsense"),
    ],
)
def test_errors_are_a_line(pets, capsys, arguments, code, message):
    assert main(["data", *arguments]) == code
    assert message in capsys.readouterr().err
