import json
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from speciarl_pl.callbacks import ResultsWriter
from speciarl_pl.callbacks.results import results_json, results_table
from speciarl_pl.metrics.functional import summarize, summarize_majority, summarize_samples
from speciarl_pl.module import SpeciaRLModule

BASE = {"birds": summarize(torch.tensor([1, 0, 2, 0, 3, 1, 2, 1]))}
TRAINED = {"birds": summarize(torch.tensor([0, 0, 1, 0, 1, 1, 6, 1]))}
NOTHING = {"birds": summarize(torch.zeros(8, dtype=torch.int64))}


@pytest.fixture
def module():
    return SpeciaRLModule()


def trainer_in(folder, fn="fit", sanity_checking=False, sanity_steps=float("inf")):
    return SimpleNamespace(
        default_root_dir=str(folder),
        is_global_zero=True,
        sanity_checking=sanity_checking,
        num_sanity_val_steps=sanity_steps,
        state=SimpleNamespace(fn=fn),
        datamodule=SimpleNamespace(val_groups={}),
    )


def test_the_form_of_the_file(tmp_path, module, capsys):
    module.results = TRAINED
    ResultsWriter().on_validation_end(trainer_in(tmp_path), module)
    found = json.loads((tmp_path / "results.json").read_text())
    assert found.keys() == {"schema", "datasets", "macro"}
    assert found["schema"] == 1
    birds = found["datasets"]["birds"]
    rates = {"correctness", "specificity", "hm", "abstain_rate", "wrong_rate"}
    assert birds.keys() >= {"n", "counts", "ci95", *rates}
    assert birds["counts"].keys() >= {"wrong", "specific", "unparsed", "unjudged"}
    assert sum(birds["counts"].values()) == 10
    assert not (tmp_path / "results.base.json").exists()
    assert capsys.readouterr().out == "", "in a fit the table comes at the end"


def test_base_and_trained_side_by_side(tmp_path, module, capsys):
    writer = ResultsWriter()
    module.results = BASE
    writer.on_validation_end(trainer_in(tmp_path, sanity_checking=True), module)
    assert not (tmp_path / "results.json").exists()
    module.results = TRAINED
    writer.on_validation_end(trainer_in(tmp_path), module)
    writer.on_fit_end(trainer_in(tmp_path), module)
    base = json.loads((tmp_path / "results.base.json").read_text())
    assert base == json.loads(json.dumps(results_json(BASE)))
    shown = capsys.readouterr().out
    assert "base | trained" in shown
    both = (BASE["birds"]["correctness"], TRAINED["birds"]["correctness"])
    assert "{:.3f} | {:.3f}".format(*both) in shown
    assert str(tmp_path) in shown.replace("\n", "")


def test_a_check_of_some_batches_is_no_result_of_the_base(tmp_path, module, capsys):
    writer = ResultsWriter()
    module.results = BASE
    writer.on_validation_end(trainer_in(tmp_path, sanity_checking=True, sanity_steps=2), module)
    writer.on_fit_end(trainer_in(tmp_path), module)
    assert not list(tmp_path.iterdir())
    assert "base" not in capsys.readouterr().out


def test_validate_prints_one_column(tmp_path, module, capsys):
    module.results = BASE
    ResultsWriter().on_validation_end(trainer_in(tmp_path, "validate", sanity_steps=2), module)
    assert " | " not in capsys.readouterr().out


def test_a_fit_without_validation_prints_nothing(tmp_path, module, capsys):
    ResultsWriter().on_fit_end(trainer_in(tmp_path), module)
    assert capsys.readouterr().out == ""


def test_only_rank_zero_writes(tmp_path, module):
    trainer = trainer_in(tmp_path)
    trainer.is_global_zero = False
    module.results = BASE
    ResultsWriter().on_validation_end(trainer, module)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_computed_is_null_in_the_file_and_a_dash_in_the_table(tmp_path):
    assert json.loads(json.dumps(results_json(NOTHING), allow_nan=False))
    console = Console(width=100)
    with console.capture() as capture:
        console.print(results_table({"results": NOTHING}))
    assert "-" in capture.get()
    assert "nan" not in capture.get()


def test_brackets_in_names_are_shown_as_they_are(tmp_path, module, capsys):
    module.results = {"[/red] [x]": TRAINED["birds"]}
    folder = tmp_path / "[bold] :dog:"
    folder.mkdir()
    ResultsWriter().on_validation_end(trainer_in(folder, "validate"), module)
    shown = capsys.readouterr().out
    assert "[/red] [x]" in shown
    assert str(folder) in shown


def several(*rows):
    """Summary of images with several samples each, with a vote."""
    codes = torch.tensor(rows)
    votes = torch.ones(len(rows), dtype=torch.int64)
    majority = summarize_majority(codes[:, 0], votes, samples=codes.shape[1])
    return {**summarize_samples(codes), "majority": majority}


def shown(stages, groups):
    console = Console(width=120)
    with console.capture() as capture:
        console.print(results_table(stages, groups))
    return capture.get()


def test_means_over_groups_stand_below_the_data_sets():
    groups = {"pets": "fine_grained", "food": "fine_grained", "cars": "very_fine_grained"}
    one = {"pets": BASE["birds"], "food": TRAINED["birds"], "cars": BASE["birds"]}
    content = results_json(one, groups)
    assert content["groups"]["fine_grained"]["datasets"] == ["pets", "food"]
    mean = (BASE["birds"]["hm"] + TRAINED["birds"]["hm"]) / 2
    assert content["groups"]["fine_grained"]["hm"] == pytest.approx(mean)
    table = shown({"results": one}, groups)
    assert "mean of fine-grained sets (2)" in table
    assert "mean of all data sets (3)" in table
    assert f"{mean:.3f}" in table
    assert "very" not in table, "a mean over one data set says nothing new"


def test_several_samples_show_the_best_and_the_vote():
    one = {"pets": several([4, 2], [2, 2], [0, 4])}
    table = shown({"results": one}, {})
    for said in ("best of 2", "majority", f"{one['pets']['majority']['hm']:.3f}"):
        assert said in table
    assert f"{one['pets']['best_of_k']['hm'][-1]:.3f}" in table


def test_the_means_have_intervals_where_the_images_are_known():
    codes = {"birds": torch.tensor([[4], [0], [2], [4]])}
    content = results_json({"birds": summarize_samples(codes["birds"])}, {}, codes)
    low, high = content["macro"]["ci95"]["correctness"]
    assert low <= 0.75 <= high
    assert "groups" not in content
