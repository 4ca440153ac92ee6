import json
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from speciarl_pl.callbacks import HFRolloutCallback, ResultsWriter, Sampling
from speciarl_pl.callbacks.results_writer import prediction_scores
from speciarl_pl.errors import DataError
from speciarl_pl.metrics.functional import summarize, summarize_majority, summarize_samples
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.older_protocol import OlderProtocol, Prediction
from speciarl_pl.report.results_table import results_table, trouble_table
from speciarl_pl.run.results import results_json

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
        world_size=1,
        sanity_checking=sanity_checking,
        num_sanity_val_steps=sanity_steps,
        state=SimpleNamespace(fn=fn),
        datamodule=SimpleNamespace(val_groups={"birds": None}),
    )


def test_the_form_of_the_file(tmp_path, module, capsys):
    module.results = TRAINED
    ResultsWriter().on_validation_end(trainer_in(tmp_path), module)
    found = json.loads((tmp_path / "results.json").read_text())
    assert found.keys() == {"schema", "step", "datasets", "macro"}
    assert (found["schema"], found["step"]) == (1, 0)
    assert found["macro"]["datasets"] == ["birds"]
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
    module.results, module.batches_trained = TRAINED, 80
    writer.on_validation_end(trainer_in(tmp_path), module)
    writer.on_fit_end(trainer_in(tmp_path), module)
    base = json.loads((tmp_path / "results.base.json").read_text())
    assert base == json.loads(json.dumps(results_json(BASE, step=0)))
    trained = json.loads((tmp_path / "results.json").read_text())
    assert (trained["step"], trained["last_step"]) == (80, 80)
    shown = capsys.readouterr().out
    assert "base | trained (step 80)" in shown
    assert "not been validated" not in shown
    both = (BASE["birds"]["correctness"], TRAINED["birds"]["correctness"])
    assert "{:.3f} | {:.3f}".format(*both) in shown
    assert str(tmp_path) in shown.replace("\n", "")


def test_results_of_an_earlier_step_say_so_and_how_to_validate_the_adapter(
    tmp_path, module, capsys
):
    writer, trainer = ResultsWriter(), trainer_in(tmp_path)
    (tmp_path / "adapter").mkdir()
    module.results, module.batches_trained = TRAINED, 40
    writer.on_validation_end(trainer, module)
    module.batches_trained = 80
    writer.on_fit_end(trainer, module)
    found = json.loads((tmp_path / "results.json").read_text())
    assert (found["step"], found["last_step"]) == (40, 80)
    shown = capsys.readouterr().out.replace("\n", " ")
    assert "trained (step 40 of 80)" in shown
    assert f"{tmp_path}/adapter is of step 80 and has not been validated" in shown
    assert f"validate --config {tmp_path}/config.yaml --model.adapter {tmp_path}/adapter" in shown


def test_what_was_never_validated_is_not_called_trained(tmp_path, module, capsys):
    """The base's numbers stood under `trained`."""
    writer = ResultsWriter()
    (tmp_path / "adapter").mkdir()
    module.results = BASE
    writer.on_validation_end(trainer_in(tmp_path, sanity_checking=True), module)
    module.batches_trained = 3
    writer.on_fit_end(trainer_in(tmp_path), module)
    shown = capsys.readouterr().out
    assert "base" in shown
    assert "trained" not in shown
    assert "is of step 3 and has not been validated" in shown


def test_a_resumed_run_that_does_not_validate_says_that_the_results_are_older(tmp_path, module):
    module.results, module.batches_trained = TRAINED, 40
    before = ResultsWriter()
    before.on_validation_end(trainer_in(tmp_path), module)
    before.on_fit_end(trainer_in(tmp_path), module)
    module.batches_trained = 80
    ResultsWriter().on_fit_end(trainer_in(tmp_path), module)
    found = json.loads((tmp_path / "results.json").read_text())
    assert (found["step"], found["last_step"]) == (40, 80)


@pytest.mark.parametrize(("path", "step"), [(None, None), ("last.ckpt", 80)])
def test_validate_knows_the_step_of_a_checkpoint_only(tmp_path, module, capsys, path, step):
    trainer = trainer_in(tmp_path, "validate")
    trainer.ckpt_path = path
    module.results, module.batches_trained = TRAINED, 80 if path else 0
    ResultsWriter().on_validation_end(trainer, module)
    assert json.loads((tmp_path / "results.json").read_text())["step"] == step
    assert ("results (step 80)" in capsys.readouterr().out) == (path is not None)


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


def test_nobody_is_sent_to_validate_on_no_data(tmp_path, module, capsys):
    (tmp_path / "adapter").mkdir()
    trainer, module.batches_trained = trainer_in(tmp_path), 3
    trainer.datamodule.val_groups.clear()
    ResultsWriter().on_fit_end(trainer, module)
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


EMPTY = {**NOTHING["birds"], "skipped": {"count": 2, "samples": [{"id": "a", "reason": "a: bad"}]}}


@pytest.mark.parametrize(
    ("fn", "sanity"), [("validate", False), ("fit", True)], ids=["validate", "base"]
)
def test_no_readable_image_at_all_is_an_error_that_names_them(tmp_path, module, fn, sanity):
    """It was a traceback about a missing table of rollouts."""
    module.results = {"birds": EMPTY, "pets": EMPTY}
    with pytest.raises(DataError, match=r"none of 4 images could be read: a: bad; a: bad; \.\.\.$"):
        ResultsWriter().on_validation_end(trainer_in(tmp_path, fn, sanity), module)
    assert not list(tmp_path.iterdir())


def test_training_goes_on_without_a_readable_validation_image(tmp_path, module):
    module.results = {"birds": EMPTY}
    ResultsWriter().on_validation_end(trainer_in(tmp_path), module)
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["datasets"]["birds"]["skipped"]["count"] == 2
    assert content["macro"]["left_out"] == ["birds"]


def test_a_data_set_without_a_readable_image_is_in_no_mean():
    groups = dict.fromkeys(("pets", "food", "cars"), "fine_grained")
    one = {"pets": BASE["birds"], "food": EMPTY, "cars": TRAINED["birds"]}
    content = results_json(one, groups)
    assert content["macro"]["datasets"] == ["pets", "cars"]
    assert content["macro"]["left_out"] == ["food"]
    fine = content["groups"]["fine_grained"]
    assert (fine["datasets"], fine["left_out"]) == (["pets", "cars"], ["food"])
    both = results_json({name: one[name] for name in ("pets", "cars")})
    assert content["macro"]["hm"] == both["macro"]["hm"]
    table = shown({"results": one}, groups)
    assert "mean of all data sets (2)" in table
    assert "mean of fine-grained sets (2)" in table


def test_a_mean_over_what_is_left_of_two_is_left_out():
    assert "mean of" not in shown({"results": {"pets": BASE["birds"], "food": EMPTY}}, {})


def test_what_went_wrong_has_a_column_where_it_is_not_zero():
    right = {"birds": summarize(torch.tensor([0, 0, 2, 0, 3, 1, 2, 1]))}
    assert trouble_table({"results": right}) is None
    one = summarize(torch.tensor([1, 2, 0, 0, 5, 0, 0, 0])) | {"cut": 4}
    one["skipped"] = {"count": 3, "samples": []}
    stages = {"base": {"birds": one}, "trained": {"birds": {**one, "cut": 0}}}
    console = Console(width=100)
    with console.capture() as capture:
        console.print(trouble_table(stages))
    table = capture.get()
    assert "3 | 3" in table
    assert "0.250 | 0.250" in table, "unparsed"
    assert "0.500 | 0.000" in table, "cut"
    assert "0.125 | 0.125" in table, "unjudged"


def test_the_option_that_mends_it_stands_below_the_table(tmp_path, module, capsys):
    trainer = trainer_in(tmp_path, "validate")
    trainer.callbacks = [HFRolloutCallback(val_sampling=Sampling(max_new_tokens=7))]
    one = summarize(torch.tensor([1, 2, 0, 0, 5, 0, 0, 0])) | {"cut": 4}
    module.results = {"birds": one, "empty": EMPTY}
    ResultsWriter().on_validation_end(trainer, module)
    said = capsys.readouterr().out
    assert "cut: rollouts ended by rollout.val_sampling.max_new_tokens = 7" in said
    assert "unparsed: rollouts without a readable answer" in said
    assert "data.prompt" in said
    assert "data.judge" in said
    assert "skipped: images that could not be read" in said
    assert "left out of the means: empty (no image that was read)" in said


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


PREDICTIONS = [
    Prediction("Samoyed", "a Samoyed", "specific", "exact:same", "1"),
    Prediction("Samoyed", "a white dog", "generic", "taxonomy:ancestor", "2"),
    Prediction("pug", "pug", "specific", "llm:single@1:m", "3"),
    Prediction("pug", "is it a bird?", None, "llm: timeout", "4"),
    Prediction("pug", None, "unparsed", "no answer", "5"),
    Prediction("", "a dog", None, "no truth to compare with", "6"),
]


def test_what_predictions_say_beside_the_rates():
    scores = prediction_scores(PREDICTIONS, OlderProtocol(), "oxford_pets")
    assert list(scores) == ["hierarchical", "judge_coverage", "older"]
    assert (scores["hierarchical"]["precision"], scores["hierarchical"]["n"]) == (1.0, 5)
    assert scores["hierarchical"]["unknown"] == 3
    coverage = scores["judge_coverage"]
    assert (coverage["value"], coverage["n"]) == (3 / 5, 5)
    assert coverage["by_source"] == {"exact": 0.2, "taxonomy": 0.2, "llm": 0.2, "other": 0.0}
    assert scores["older"]["textual_inclusion"]["value"] == pytest.approx(2 / 5)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_what_is_off_or_has_no_tree_is_absent():
    assert list(prediction_scores(PREDICTIONS, OlderProtocol(), None)) == [
        "judge_coverage",
        "older",
    ]
    off = OlderProtocol(textual_inclusion=False, hierarchical=False)
    assert list(prediction_scores(PREDICTIONS, off, "oxford_pets")) == ["judge_coverage"]
