"""docs/tour.md lists the files that a pair and an image really pass."""

import re
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from judge.fake_llm import FakeLLM, obeys

import speciarl_pl
from speciarl_pl.judge import CachedJudge, HTTPJudge, LLMJudge, TaxonomyJudge, judge_groups
from speciarl_pl.judge.service.serving import BackgroundService
from speciarl_pl.records import Answer, Pair, Verdict
from speciarl_pl.reward import trial_group
from speciarl_pl.world import draw, world_specs

PACKAGE = Path(speciarl_pl.__file__).parent
TEXT = (PACKAGE.parent / "docs" / "tour.md").read_text(encoding="utf-8")
IMAGE, PLAIN, SERVED = (
    [row.group(1) for row in re.finditer(r"^\| \d+ \| `([^`]+)`", part, re.MULTILINE)]
    for part in re.split(r"^\| \| file \|", TEXT, flags=re.MULTILINE)[1:]
)
AROUND = {"contracts.py", "judge/stats.py", "records.py", "category.py"}
"""What counts, guards a user's own class, or is itself handed on."""


class Passed:
    """The files of the package in which anything is called, in any thread begun meanwhile."""

    def __init__(self):
        self.files = set()

    def __enter__(self):
        threading.settrace(self._note)
        sys.settrace(self._note)
        return self.files

    def __exit__(self, *_):
        sys.settrace(None)
        threading.settrace(None)

    def _note(self, frame, event, _):
        name = frame.f_code.co_filename
        if name.startswith(str(PACKAGE)) and frame.f_code.co_name != "<module>":
            self.files.add(str(Path(name).relative_to(PACKAGE)))


def rollouts(truth, *said):
    """A group of rollouts that say what they are to say of a truth."""
    group = trial_group([Verdict(0, "trial")] * len(said)).group
    texts = [f"<think>I look.</think><answer>{text}</answer>" for text in said]
    pairs = zip(group.rollouts, texts, strict=True)
    return replace(
        group,
        sample=replace(group.sample, truth=truth),
        rollouts=tuple(replace(rollout, text=text) for rollout, text in pairs),
    )


def test_the_ways_are_short():
    assert (len(IMAGE), len(PLAIN)) == (22, 8)
    assert len({*PLAIN[:4], *SERVED}) <= 25


@pytest.mark.parametrize("name", [*IMAGE, *PLAIN, *SERVED])
def test_a_file_of_the_list_is_there(name):
    assert (PACKAGE.parent if name.startswith("callbacks/") else PACKAGE).joinpath(name).is_file()


def test_a_pair_passes_the_files_of_the_list():
    judge = TaxonomyJudge("oxford_pets")
    said = ["dog", "a samoyed or a pug", "I cannot tell", '{"label": "white dog"}', "Samoyeds"]
    group = rollouts("samoyed", *said)
    judge.judge([Pair("samoyed", "dog")])  # reads the tree
    with Passed() as files:
        [judged] = judge_groups(judge, [group])
    assert all(isinstance(answer, Answer) for answer in judged.answers)
    assert files - AROUND == set(PLAIN)


def test_a_pair_on_its_way_to_an_llm_passes_the_files_of_the_list(tmp_path):
    llm, group = FakeLLM(obeys("choice")), rollouts("samoyed", "a white dog")
    with Passed() as files:
        judge = CachedJudge(LLMJudge(llm.url, "model"), str(tmp_path / "verdicts.sqlite"))
        with judge, BackgroundService(judge) as service, HTTPJudge(service.url) as client:
            files.clear()
            [judged] = judge_groups(client, [group])
            passed = set(files)
    llm.close()
    assert isinstance(judged.outcomes[0], Verdict)
    assert passed - AROUND == {*PLAIN[:4], *SERVED}


def test_an_image_passes_the_files_of_the_list(commands, tmp_path):
    for place, spec in enumerate(world_specs("train", 4, seed=0)):
        folder = tmp_path / "photos" / ("a shape" if place % 2 else "a thing")
        folder.mkdir(parents=True, exist_ok=True)
        draw(spec).save(folder / f"{place}.png")
    with Passed() as files:
        code = commands(
            "fit",
            "run",
            "--data.train=ImageFolder",
            f"--data.train.root={tmp_path / 'photos'}",
            "--data.val=[]",
        )
    assert code == 0
    # `runs.Luck` stands for the reward, since of so short answers there would be nothing to learn.
    assert set(IMAGE) - files == {"reward/best_of_group.py"}
