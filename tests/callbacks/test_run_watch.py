"""The watch alone: what it counts and when it stops; tests/test_watched_runs.py has whole runs."""

from dataclasses import replace
from types import SimpleNamespace

import factory
import pytest

from speciarl_pl.callbacks import HFRolloutCallback, RunWatch, Sampling
from speciarl_pl.category import Category
from speciarl_pl.errors import TrainingError
from speciarl_pl.judge import CascadeJudge, ExactJudge, TaxonomyJudge
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import Answer, Batch, SkippedSample, Unjudged, Unparsed, Verdict
from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.totals import step_totals

BROKEN = [SkippedSample(f"{n}.jpg", "pets", f"{n}.jpg: an empty file") for n in range(9)]
WRONG = Verdict(Category.WRONG, "exact:other")
RIGHT = Verdict(Category.SPECIFIC, "exact:same")
GENERIC = Verdict(Category.GENERIC, "taxonomy:ancestor")
ABSTAIN = Verdict(Category.ABSTAIN, "exact:refusal")
LOST = Unparsed("thinking not closed")


@pytest.fixture
def run(monkeypatch):
    """A trainer and a module around a watch; `judge` is theirs."""
    monkeypatch.setattr(SpeciaRLModule, "judge", property(lambda module: module.of_test))
    engine = HFRolloutCallback(group_size=8, sampling=Sampling(1.0, max_new_tokens=48))
    module = SpeciaRLModule()
    module.of_test = TaxonomyJudge("world")
    return SimpleNamespace(callbacks=[engine], is_global_zero=True, fast_dev_run=False), module


def group(outcomes, rewards, truth="crimson hexagon", cut=False, said="dog"):
    """A scored group of one word answers."""
    scored = factory.scored([3] * len(outcomes), rewards)
    rollouts = scored.group.rollouts
    if cut:
        rollouts = tuple(replace(r, finish_reason="length", text="<think>It is") for r in rollouts)
    inner = replace(scored.group, rollouts=rollouts, sample=factory.sample(truth=truth))
    answers = tuple(one if isinstance(one, Unparsed) else Answer(said) for one in outcomes)
    judged = replace(scored.judged, group=inner, answers=answers, outcomes=tuple(outcomes))
    return replace(scored, judged=judged)


def silent(outcome, count=2, **options):
    return group([outcome] * count, [0.0] * count, **options)


LEARNS = group([RIGHT, WRONG], [1.0, 0.0])


def give(watch, run, *groups, skipped=0, times=1):
    for _ in range(times):
        totals = step_totals(groups, skipped, Ranks(), "cpu")
        batch = Batch([], [], BROKEN[:skipped])
        watch.on_train_batch_end(*run, {"scored": list(groups), "totals": totals}, batch, 0)


def stopped(watch, run, *groups, **options):
    with pytest.raises(TrainingError) as caught:
        give(watch, run, *groups, **options)
    return str(caught.value)


def test_a_run_that_learns_goes_on_and_ends(run):
    watch = RunWatch(patience=3)
    give(watch, run, silent(WRONG), LEARNS, times=50)
    run[1].batches_learned = 50
    watch.on_train_end(*run)


def test_no_readable_image_at_the_start_needs_no_patience(run):
    watch = RunWatch()
    give(watch, run, skipped=4, times=2)
    said = stopped(watch, run, skipped=4)
    assert "the first 3 batches have no readable image: 12 of 12 images" in said
    assert "  pets: 0.jpg: an empty file" in said


def test_more_than_a_share_that_cannot_be_read(run):
    watch = RunWatch(window=4, max_skipped_share=0.5)
    give(watch, run, LEARNS, skipped=1, times=9)  # just half
    said = stopped(watch, run, LEARNS, skipped=2)
    assert "more than watch.max_skipped_share = 0.5 could not be read: 5 of 9 images of 4" in said
    assert "  pets: 1.jpg: an empty file" in said


def test_after_a_stop_a_resumed_run_has_its_patience_again(run):
    watch = RunWatch(patience=3)
    give(watch, run, silent(WRONG), times=2)
    assert stopped(watch, run, silent(WRONG))
    resumed = RunWatch(patience=3)
    resumed.load_state_dict(watch.state_dict())
    give(resumed, run, silent(WRONG), times=2)
    assert stopped(resumed, run, silent(WRONG))


def test_counts_survive_a_checkpoint(run):
    watch = RunWatch(patience=3)
    give(watch, run, silent(WRONG), times=2)
    resumed = RunWatch(patience=3)
    resumed.load_state_dict(watch.state_dict())
    assert "in the last 3 batches no group had a signal" in stopped(resumed, run, silent(WRONG))


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (
            [silent(LOST, cut=True)],
            "2 of 2 answers were cut at rollout.sampling.max_new_tokens = 48",
        ),
        (
            [silent(LOST)],
            "2 of 2 answers are unparsed; the rule they break is 'thinking not closed'",
        ),
        ([silent(Unparsed("answer too long"))], "look at model.max_answer_chars"),
        (
            [silent(WRONG, truth="fern"), silent(WRONG, truth="wren")],
            "4 of 4 answers are wrong; the judge, TaxonomyJudge, does not know the labels 'fern',",
        ),
        ([silent(WRONG)], "the judge is TaxonomyJudge, the labels are 'crimson hexagon'"),
        (
            [silent(Unjudged("taxonomy: unknown truth 'rose'"), truth="rose")],
            "2 of 2 answers are unjudged; the judge, TaxonomyJudge, does not know the labels ",
        ),
        ([silent(GENERIC)], "2 of 2 answers are generic; where all answers to an image are alike"),
        (
            [silent(GENERIC), silent(WRONG)],
            "of 4 answers 2 are wrong, 2 are generic; in each group the rewards are all equal",
        ),
    ],
    ids=["cut", "unparsed", "long", "unknown labels", "wrong", "unjudged", "alike", "mixed"],
)
def test_the_cause_is_named(run, groups, said):
    message = stopped(RunWatch(patience=1), run, *groups)
    assert said in message
    assert "in the last 1 batches no group had a signal: " in message
    assert "watch.patience null turns this off" in message
    assert f"  truth {groups[0].group.sample.truth!r}: " in message


def test_temperature_and_group_size_are_named(run):
    said = stopped(RunWatch(patience=1), run, silent(GENERIC))
    assert "rollout.sampling.temperature (1) or rollout.group_size (8)" in said


def test_abstaining_alone_is_nothing_to_learn(run):
    run[1].of_test = CascadeJudge([ExactJudge("unjudged"), ExactJudge()])
    watch, mixed = RunWatch(patience=2), group([WRONG, ABSTAIN], [0.0, 1.0], truth="rose")
    give(watch, run, mixed)
    said = stopped(watch, run, mixed)
    assert (
        "in the last 2 batches no answer was correct: of 4 answers 2 are wrong, 2 are abst" in said
    )
    assert "the judge is CascadeJudge(ExactJudge, ExactJudge), the labels are 'rose'" in said


def test_examples_are_a_handful_and_short(run):
    groups = [silent(WRONG, truth="x" * 500, said="y" * 500) for _ in range(20)]
    lines = stopped(RunWatch(patience=1), run, *groups).splitlines()
    assert len(lines) == 6
    assert max(map(len, lines[1:])) < 250


@pytest.mark.parametrize("signal", [False, True])
def test_a_run_of_any_length_that_never_learned_ends_with_an_error(run, signal):
    watch = RunWatch()
    give(watch, run, LEARNS if signal else silent(WRONG))
    with pytest.raises(TrainingError, match="nothing was learned in 1 batches: ") as caught:
        watch.on_train_end(*run)
    assert ("the optimiser took no step" in str(caught.value)) == signal


def test_that_no_image_could_be_read_is_said_at_the_end_of_a_short_run_too(run):
    watch = RunWatch()
    give(watch, run, skipped=2)
    with pytest.raises(TrainingError, match=r"0\.jpg: an empty file"):
        watch.on_train_end(*run)


@pytest.mark.parametrize(
    "options",
    [
        {"patience": None, "must_learn": False},
        {
            "max_blind_batches": None,
            "max_skipped_share": None,
            "patience": None,
            "must_learn": False,
        },
    ],
    ids=["no signal", "no image"],
)
def test_whoever_knows_better_turns_it_off(run, options):
    watch = RunWatch(**options)
    if len(options) == 2:
        give(watch, run, silent(WRONG), times=60)
    else:
        give(watch, run, skipped=4, times=60)
    watch.on_train_end(*run)


def test_a_run_shorter_than_the_window_is_held_to_the_share_at_its_end(run):
    watch = RunWatch(window=20)
    give(watch, run, LEARNS, skipped=2, times=2)
    run[1].batches_learned = 2
    with pytest.raises(TrainingError, match=r"could not be read: 4 of 6 images of 2 batches"):
        watch.on_train_end(*run)


def test_a_run_whose_answers_were_never_correct_is_warned_of(run, capsys):
    watch = RunWatch()
    give(watch, run, group([WRONG, ABSTAIN], [0.0, 1.0], truth="rose"))
    run[1].batches_learned = 1
    watch.on_train_end(*run)
    said = capsys.readouterr().err
    assert "warning: this training was in vain" in said
    assert "no answer of 1 training batches was correct: of 2 answers 1 are wrong" in said


def test_a_run_without_a_batch_has_nothing_to_learn(run):
    RunWatch().on_train_end(*run)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_skipped_share", 1.5),
        ("window", 0),
        ("max_blind_batches", 0),
        ("patience", 0),
        ("warn_after", 0),
    ],
)
def test_bad_arguments(option, value):
    with pytest.raises(ValueError, match=f"^{option}: expected .*, got {value}"):
        RunWatch(**{option: value})


def test_that_nothing_was_right_so_far_is_said_once_and_early(run, capsys):
    run[1].of_test = ExactJudge()
    watch, mixed = RunWatch(), group([WRONG, ABSTAIN], [0.0, 1.0], truth="rose")
    give(watch, run, mixed, times=2)
    assert capsys.readouterr().err == ""
    give(watch, run, mixed, times=9)
    said = capsys.readouterr().err
    assert said.count("warning: ") == 1
    assert "warning: no answer of the first 3 batches was correct: of 6 answers 3 are wrong" in said
    assert "the judge is ExactJudge, the labels are 'rose'" in said
    assert "watch.warn_after null" in said


@pytest.mark.parametrize(
    ("warn_after", "groups"), [(None, [WRONG, ABSTAIN]), (3, [RIGHT, WRONG])], ids=["off", "right"]
)
def test_it_is_not_said_where_it_is_not_so_or_not_wanted(run, capsys, warn_after, groups):
    give(RunWatch(warn_after=warn_after), run, group(groups, [0.0, 1.0]), times=9)
    assert capsys.readouterr().err == ""
