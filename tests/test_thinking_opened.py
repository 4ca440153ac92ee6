"""A chat template that opens `<think>` itself: a cut thought is no answer, judged early or late."""

import json
import pickle
from dataclasses import replace

import lightning as L
import pytest
from counting import CountingJudge
from PIL import Image
from policy import tiny

from speciarl_pl.callbacks import HFRolloutCallback, RolloutLog, Sampling
from speciarl_pl.callbacks.prediction_writer import PredictionWriter
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.datasets import WorldImages
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.records import Answer, Unparsed

pytestmark = [
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

CUT = "it may be a <answer>dog</answer>, but its ears"
DONE = "its ears are pointed</think>\n<answer>fox</answer>"


def base(folder, opening):
    tiny.save_qwen(folder)
    template = tiny.TEMPLATE.replace("assistant\n", f"assistant\n{opening}")
    (folder / "chat_template.jinja").write_text(template)
    return str(folder)


@pytest.fixture(scope="module")
def thinker(tmp_path_factory):
    """A base whose template ends as that of Qwen3-VL-Thinking."""
    return base(tmp_path_factory.mktemp("thinker"), "<think>\n")


class Cut(HFRolloutCallback):
    """The first rollout of each group is cut in its thought, the second is not."""

    def draw(self, module, requests, sampling, finished=None):
        groups = super().draw(module, requests, sampling)
        for group in groups:
            for text in (CUT, DONE):
                if finished is not None:
                    finished(group.sample, text)
        return [
            replace(
                group,
                rollouts=tuple(
                    replace(one, text=text)
                    for one, text in zip(group.rollouts, (CUT, DONE), strict=True)
                ),
            )
            for group in groups
        ]


class Kept(L.Callback):
    def __init__(self):
        self.judged = []

    def on_validation_batch_end(self, trainer, pl_module, outputs, *_):
        self.judged += outputs["judged"]


def trainer(folder, *callbacks):
    sampling = Sampling(max_new_tokens=2)
    engine = Cut(group_size=2, val_group_size=2, sampling=sampling, val_sampling=sampling, seed=0)
    return L.Trainer(
        accelerator="cpu",
        inference_mode=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
        callbacks=[engine, *callbacks],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def validate(directory, judge, folder):
    kept = Kept()
    module = SpeciaRLModule(directory, lora=LoraSpec(r=2), dtype="float32", judge_patience_s=0)
    data = OpenWorldDataModule(val=[WorldImages("train", n=2)], judge=judge, prompt="brief")
    trainer(folder, kept).validate(module, datamodule=data, verbose=False)
    return kept.judged


@pytest.mark.parametrize("early", [True, False], ids=["early", "late"])
def test_a_cut_thought_is_unparsed_and_never_asked_about(thinker, tmp_path, early):
    judge = CountingJudge()
    judge.waits = early
    for group in validate(thinker, judge, tmp_path):
        assert group.answers == (Unparsed("thinking not closed"), Answer("fox"))
        assert isinstance(group.outcomes[0], Unparsed)
    assert {pair.prediction for pair in judge.asked} == {"fox"}


def test_without_it_what_stands_in_answer_tags_is_an_answer(tmp_path):
    judge = CountingJudge()
    (group, _) = validate(base(tmp_path / "base", ""), judge, tmp_path)
    assert group.answers == (Answer("dog"), Answer("fox"))
    assert {pair.prediction for pair in judge.asked} == {"dog", "fox"}


def test_prediction_shows_a_cut_thought_whole_and_no_answer(thinker, tmp_path):
    Image.new("RGB", (56, 56)).save(tmp_path / "a.png")
    module = SpeciaRLModule(thinker, lora=LoraSpec(r=2), dtype="float32")
    data = OpenWorldDataModule(images=str(tmp_path / "a.png"), prompt="brief")
    log = RolloutLog()
    trainer(tmp_path, log, PredictionWriter(log)).predict(
        module, datamodule=data, return_predictions=False
    )
    (line,) = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert dict(json.loads(line)["answers"]) == {None: 1, "fox": 1}


@pytest.mark.parametrize(
    ("opening", "opened"),
    [
        ("<think>\n", True),
        ("<think>", True),
        ("<THINK >\n\n", True),
        ("", False),
        ("<think>\n\n</think>\n\n", False),
        ("think: ", False),
    ],
    ids=repr,
)
def test_it_is_taken_from_the_rendered_prompt(tmp_path, opening, opened):
    encoder = load_policy(base(tmp_path, opening), lora=LoraSpec(r=2)).encoder
    assert encoder.thinking_opened is opened
    assert pickle.loads(pickle.dumps(encoder)).thinking_opened is opened


def test_other_families_render_their_own_template(tmp_path):
    encoder = load_policy(str(tiny.save_llava(tmp_path)), lora=LoraSpec(r=2)).encoder
    assert encoder.render("Why?").endswith("Why?<|im_end|>\n<|im_start|>assistant\n")
    assert not encoder.thinking_opened
