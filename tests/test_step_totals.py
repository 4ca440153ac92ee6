import factory
import torch

from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.totals import StepTotals, step_totals

CPU = torch.device("cpu")


def test_everything_is_counted_by_hand():
    groups = [factory.scored([3, 5], [1.0, 0.0]), factory.scored([2, 2, 2], [1.0, 1.0, torch.nan])]
    totals = step_totals(groups, 3, Ranks(), CPU)
    assert (totals.batches, totals.samples, totals.skipped) == (1, 5, 3)
    assert (totals.groups, totals.signal, totals.rollouts, totals.cut) == (2, 1, 5, 0)
    assert totals.counts == (1, 0, 0, 0, 0, 0, 4, 0), "one unjudged, four specific"
    assert totals.correct == 4
    assert totals.skipped_share == 3 / 5


def test_ranks_are_added_up_but_it_is_one_batch():
    twice = Ranks(sum=lambda tensor: 2 * tensor, count=2)
    totals = step_totals([factory.scored([3, 5], [1.0, 0.0])], 1, twice, CPU)
    assert (totals.batches, totals.samples, totals.skipped, totals.signal) == (1, 4, 2, 2)


def test_a_rank_without_a_rollout_counts_what_it_could_not_read():
    totals = step_totals([], 2, Ranks(), CPU)
    assert (totals.samples, totals.skipped_share, totals.rollouts) == (2, 1.0, 0)


def test_counts_survive_a_checkpoint():
    totals = step_totals([factory.scored([3, 5], [1.0, 0.0])], 1, Ranks(), CPU)
    assert StepTotals.of(totals.flat()) == totals
