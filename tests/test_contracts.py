"""A class of a user's own that breaks its contract is named in a line, with what was expected."""

import re
from dataclasses import replace

import pytest
import torch
from datasets import Dataset
from PIL import Image
from pyarrow.parquet import read_table
from runs import CONFIG, Luck, world_policy

from speciarl_pl.callbacks import HFRolloutCallback, RolloutCallback
from speciarl_pl.category import UNJUDGED, Category
from speciarl_pl.data import ImageDataset, ImageSource, WorldImages
from speciarl_pl.engine import Engine, TransformersEngine
from speciarl_pl.errors import DataError, JudgeError, RewardError, RolloutError
from speciarl_pl.judge import CachedJudge, CascadeJudge, ExactJudge, Judge, judge_pairs
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import Batch, Pair, Unjudged, Verdict
from speciarl_pl.reward import (
    BestOfGroupReward,
    NoisyVerdicts,
    Reward,
    StaticReward,
    check_reward,
    outcome_codes,
)
from speciarl_pl.sampling import Sampling


class Breaking(Reward):
    """A reward whose fault is a function of the group."""

    def __init__(self, fault: str = "list"):
        self.fault = fault

    def __call__(self, group):
        codes = outcome_codes(group.outcomes)
        right = torch.ones(len(codes)).masked_fill(codes == UNJUDGED, torch.nan)
        if self.fault == "raises":
            raise KeyError("weights")
        return {
            "list": right.tolist(),
            "none": None,
            "length": right[1:],
            "shape": right[:, None],
            "double": right.double(),
            "whole": torch.ones(len(codes), dtype=torch.int64),
            "all-nan": right * torch.nan,
            "infinite": right / 0,
            "invents": right.nan_to_num(-1.0),
        }[self.fault]


class OfOutcomes(Reward):
    """A reward of before a reward was given the group."""

    def __call__(self, outcomes, seed=None):
        return torch.zeros(len(outcomes))


class OfTwo(Reward):
    def __call__(self, group, length):
        return torch.zeros(length)


FAULTS = {
    "list": "expected a float32 tensor [8], got a list [1.0, 1.0,",
    "none": "expected a float32 tensor [8], got None",
    "length": "expected one number for each of 8 outcomes, got a float32 tensor [7]",
    "shape": "expected one number for each of 8 outcomes, got a float32 tensor [8, 1]",
    "double": "expected a float32 tensor [8], got a float64 tensor [8]",
    "whole": "expected a float32 tensor [8], got a int64 tensor [8]",
    "all-nan": "expected finite numbers, or NaN where there is no verdict, got nan for wrong, nan",
    "infinite": "expected finite numbers, or NaN where there is no verdict, got inf for wrong, inf",
    "invents": "expected NaN where there is no verdict, got 1 for wrong",
    "raises": "__call__: expected no error, got KeyError: 'weights' (test_contracts.py, line ",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reward_is_tried_with_all_outcomes(fault):
    with pytest.raises(RewardError) as error:
        check_reward(Breaking(fault))
    said = str(error.value)
    assert re.match(r"(reward: )?Breaking[:.]", said)
    assert FAULTS[fault] in said
    assert "\n" not in said


@pytest.mark.parametrize("wrap", [lambda reward: reward, NoisyVerdicts])
@pytest.mark.parametrize(
    ("reward", "got"),
    [
        (OfOutcomes(), "(self, outcomes, seed=None); the group has .outcomes and .seed"),
        (OfTwo(), "(self, group, length): missing a required argument: 'length'"),
    ],
)
def test_a_reward_that_takes_something_else_is_told_what_it_is_given(reward, got, wrap):
    with pytest.raises(RewardError) as error:
        check_reward(wrap(reward))
    wanted = f"{type(reward).__name__}: expected __call__(self, group: JudgedGroup), got __call__"
    assert str(error.value).removeprefix("reward: ") == wanted + got


@pytest.mark.parametrize("fault", ["raises", "invents"])
def test_a_reward_inside_another_is_the_one_named(fault):
    with pytest.raises(RewardError, match=r"^(reward: )?Breaking[:.]"):
        check_reward(NoisyVerdicts(Breaking(fault)))


@pytest.mark.parametrize(
    "reward", [BestOfGroupReward(), StaticReward(), NoisyVerdicts(BestOfGroupReward(), 0.3), Luck()]
)
def test_rewards_that_keep_the_contract_pass(reward):
    check_reward(reward)


def one_line(capsys):
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("error: ")


def test_fit_refuses_a_reward_before_the_base_is_loaded(commands, capsys, monkeypatch):
    monkeypatch.setattr("speciarl_pl.module.load_policy", lambda *_, **__: pytest.fail("loaded"))
    reward = ("--model.reward=test_contracts.Breaking", "--model.reward.fault=length")
    assert commands("fit", "run", *reward) == 1
    assert one_line(capsys).startswith("reward: Breaking: expected one number for each of 8 outc")
    assert not (commands.folder / "run" / "adapter").exists()


# ----------------------------------------------------------------------- judges


class Faulty(Judge):
    fingerprint = "faulty"

    def __init__(self, gives):
        self.gives = gives

    def judge(self, pairs):
        return self.gives(pairs)


RIGHT = Verdict(Category.WRONG, "mine")

VERDICTS = {
    "none": (lambda _: None, "Faulty.judge: expected a list of 2 judgements, got None"),
    "one": (lambda _: RIGHT, "Faulty.judge: expected a list of 2 judgements, got a Verdict Verd"),
    "short": (lambda _: [RIGHT], "Faulty: expected one judgement for each of 2 pairs, got 1"),
    "long": (lambda _: [RIGHT] * 3, "Faulty: expected one judgement for each of 2 pairs, got 3"),
    "text": (lambda _: ["wrong"] * 2, "Faulty.judge: expected Verdict or Unjudged, got a str 'w"),
    "category": (
        lambda _: [Verdict(4, "mine")] * 2,
        "Faulty.judge: expected a Category in Verdict.category, got a int 4",
    ),
    "raises": (
        lambda pairs: pairs[7],
        "Faulty.judge: expected no error, got IndexError: list index out of range (test_contracts",
    ),
    "argument": (lambda: [], "Faulty.judge: expected no error, got TypeError: "),
}
INSIDE = {
    "alone": lambda judge: judge,
    "cascade": lambda judge: CascadeJudge([ExactJudge("unjudged"), judge]),
    "cache": CachedJudge,
}


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("fault", VERDICTS)
def test_a_judge_is_named_wherever_it_is_asked(fault, inside, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # where the store is
    gives, message = VERDICTS[fault]
    with INSIDE[inside](Faulty(gives)) as judge, pytest.raises(JudgeError) as error:
        judge_pairs(judge, [Pair("rose", "oak"), Pair("rose", "elm")])
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_an_outage_of_a_judge_of_a_user_is_no_breach():
    def down(_):
        raise ConnectionError("refused")

    (found,) = judge_pairs(Faulty(down), [Pair("rose", "oak")])
    assert found == Unjudged("Faulty: ConnectionError: refused", transient=True)


def test_a_bug_of_this_package_is_not_dressed_up(monkeypatch):
    monkeypatch.setattr(ExactJudge, "judge", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        judge_pairs(ExactJudge(), [Pair("rose", "oak")])


class Wordless(ExactJudge):
    def judge(self):
        return []


class Listless(Engine):
    def draw(self, requests):
        return []


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--data.judge=test_contracts.Wordless",
            "Wordless: expected judge(self, pairs), got judge(",
        ),
        (
            '--rollout={"class_path": "RolloutCallback",'
            ' "init_args": {"engine": {"class_path": "test_contracts.Listless"}}}',
            "Listless: expected draw(self, requests, sampling, finished), got draw(self, requests",
        ),
    ],
)
def test_a_method_without_an_argument_is_named_before_anything_is_drawn(
    commands, capsys, monkeypatch, option, message
):
    monkeypatch.setattr(RolloutCallback, "draw", lambda *_: pytest.fail("drawn"))
    assert commands("fit", "run", option) == 1
    assert one_line(capsys).startswith(message)


# ---------------------------------------------------------------------- engines


class Spoiling(TransformersEngine):
    """Real rollouts, then spoiled in one way."""

    def __init__(self, fault: str = "none"):
        super().__init__()
        self.fault = fault

    def draw(self, requests, sampling, finished=None):
        groups = super().draw(requests, sampling)
        if self.fault == "raises":
            raise RuntimeError("CUDA error:\n out of luck")
        if self.fault in ("none", "tuple"):
            return {"none": None, "tuple": tuple(groups)}[self.fault]
        if self.fault == "fewer":
            return groups[1:]
        if self.fault == "prompt":
            prompt = replace(groups[1].prompt, input_ids=groups[1].prompt.input_ids[1:])
            return [groups[0], replace(groups[1], prompt=prompt)]
        return [
            replace(group, rollouts=tuple(map(self._spoil, group.rollouts))) for group in groups
        ]

    def _spoil(self, one):
        return {
            "texts": lambda: one.text,
            "ids": lambda: replace(one, tokens=one.tokens.tolist()),
            "int32": lambda: replace(one, tokens=one.tokens.int()),
            "empty": lambda: replace(one, tokens=one.tokens[:0], logprobs=one.logprobs[:0]),
            "logprobs": lambda: replace(one, logprobs=one.logprobs[1:]),
            "nan": lambda: replace(one, logprobs=one.logprobs * torch.nan),
            "text": lambda: replace(one, text=None),
            "reason": lambda: replace(one, finish_reason="eos"),
            "seed": lambda: replace(one, seed=7),
            "banned": lambda: replace(one, tokens=one.tokens * 0 + self.policy.banned_token_ids[0]),
        }[self.fault]()


ROLLOUTS = {
    "none": "Spoiling.draw: expected a list of 2 RolloutGroup, got None",
    "tuple": "Spoiling.draw: expected a list of 2 RolloutGroup, got a tuple ",
    "fewer": "Spoiling: the engine returned 1 groups that do not match the 2 requested: expected",
    "texts": "Spoiling.draw: expected Rollout in RolloutGroup.rollouts, got a str '",
    "ids": "Spoiling.draw: expected Rollout.tokens an int64 tensor [T], T >= 1, on the CPU, got",
    "int32": "Spoiling.draw: expected Rollout.tokens an int64 tensor [T], T >= 1, on the CPU, g",
    "empty": "Spoiling.draw: expected Rollout.tokens an int64 tensor [T], T >= 1, on the CPU, g",
    "logprobs": "Spoiling.draw: expected Rollout.logprobs a float32 tensor [8] on the CPU, got a",
    "nan": "Spoiling.draw: expected Rollout.logprobs of at most 0, got [nan, nan,",
    "text": "Spoiling.draw: expected Rollout.text a str, got None",
    "reason": "Spoiling.draw: expected Rollout.finish_reason stop or length, got a str 'eos'",
    "prompt": "sample ",
    "banned": "the engine drew the banned tokens [",
    "seed": "Spoiling: the engine returned 2 groups that do not match the 2 requested: expected 2",
    "raises": "Spoiling.draw: expected no error, got RuntimeError: CUDA error: out of luck (test",
}


@pytest.fixture(scope="module")
def module():
    module = SpeciaRLModule()
    module.policy = world_policy()
    return module


@pytest.mark.parametrize("fault", ROLLOUTS)
def test_an_engine_is_named_before_anything_is_made_of_what_it_gives(module, fault):
    callback = RolloutCallback(
        Spoiling(fault), val_group_size=2, sampling=Sampling(max_new_tokens=8)
    )
    data = ImageDataset(WorldImages(n=2), "?")
    samples = [data[0], data[1]]
    batch = Batch(samples, [module.loaded_policy.encode(one) for one in samples])
    with pytest.raises(RolloutError) as error:
        callback.on_validation_batch_start(None, module, batch, 0)
    said = re.sub(r"tensor \[\d+\]", "tensor [8]", str(error.value))
    assert said.startswith(ROLLOUTS[fault])
    assert batch.groups is None


def test_a_callback_that_draws_by_itself_is_refused_not_passed_over():
    class Older(HFRolloutCallback):
        def generate(self, module, requests, sampling):
            return []

    with pytest.raises(RolloutError, match=r"Older\.generate: expected a subclass of .* with draw"):
        Older().setup(None, None, "fit")


OWN = """
from speciarl_pl.engine import Engine, rollout
from speciarl_pl.records import RolloutGroup

class Parrot(Engine):
    def __init__(self, words: list[str]):
        self.words = words

    def draw(self, requests, sampling, finished=None):
        return [
            RolloutGroup(one.sample, one.prompt, tuple(self.say(seed) for seed in one.seeds))
            for one in requests
        ]

    def say(self, seed):
        text = f"<answer>{self.words[seed % len(self.words)]}</answer>"
        tokens = self.policy.tokenizer(text)["input_ids"]
        return rollout(self.policy, tokens, [-1.0] * len(tokens), True, seed)
"""


def test_an_engine_of_a_users_own_is_named_in_a_config_and_trains(commands, tmp_path, monkeypatch):
    (tmp_path / "parrots.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    rollout = """
rollout:
  class_path: RolloutCallback
  init_args:
    engine: {class_path: parrots.Parrot, init_args: {words: [crow, bird]}}
    group_size: 4
"""
    head, _, rest = CONFIG.partition("rollout:")
    commands.config.write_text(head + rollout + rest[rest.index("trainer:") :])
    assert commands("fit", "run") == 0
    table = read_table(commands.folder / "run" / "rollouts.parquet")
    assert set(table["text"].to_pylist()) == {"<answer>crow</answer>", "<answer>bird</answer>"}
    page = (commands.folder / "run" / "report.html").read_text()
    assert "drawn by Parrot" in page


# -------------------------------------------------------------------- data sets


class Pictures(ImageSource):
    """Two pictures, or what is none."""

    def __init__(self, rows=None, image=None):
        super().__init__("pictures")
        self._rows = rows or good_rows
        self._image = image or (lambda: Image.new("RGB", (28, 28)))

    def rows(self):
        return self._rows()

    def image(self, row, max_pixels=0):
        return self._image()


def good_rows(**changed):
    columns = {"id": ["a", "b"], "truth": ["rose", "oak"], "subset": ["", ""], **changed}
    return Dataset.from_dict({name: cells for name, cells in columns.items() if cells})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            lambda: None,
            "Pictures.rows: expected a table, as by speciarl_pl.data.source.file_table, ",
        ),
        (
            lambda: [{"id": "a"}],
            "Pictures.rows: expected a table, as by speciarl_pl.data.source.fi",
        ),
        (
            lambda: good_rows(subset=None),
            "Pictures.rows: expected the columns id, truth, subset, got none named subset among id",
        ),
        (
            lambda: good_rows(truth=[1, 2]),
            "Pictures.rows: expected texts in id, truth, subset, got truth a int 1",
        ),
        (lambda: {}["x"], "Pictures.rows: expected no error, got KeyError: 'x' (test_contracts.py"),
    ],
    ids=["none", "list", "column", "number", "raises"],
)
def test_a_data_set_is_named_when_it_is_listed(rows, message):
    with pytest.raises(DataError) as error:
        ImageDataset(Pictures(rows), "?")
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (lambda: None, "Pictures.image: expected a PIL image in RGB, got None"),
        (
            lambda: Image.new("L", (8, 8)),
            "Pictures.image: expected a PIL image in RGB, got one in L",
        ),
        (
            lambda: 1 / 0,
            "Pictures.image: expected no error, got ZeroDivisionError: division by zero",
        ),
    ],
    ids=["none", "grey", "raises"],
)
def test_a_data_set_whose_images_are_none_is_named_at_its_listing(image, message):
    with pytest.raises(DataError) as error:
        ImageDataset(Pictures(image=image), "?")
    assert str(error.value).startswith(message)


def test_data_sets_that_keep_the_contract_pass():
    assert ImageDataset(Pictures(), "?")[1].truth == "oak"
    assert len(ImageDataset(WorldImages(n=2), "?")) == 2
