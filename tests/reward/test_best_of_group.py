import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.records import Unjudged, Unparsed, Verdict
from speciarl_pl.reward import BestOfGroupReward, Reward, best_of_group, trial_group

W, A, G, L, S, M, U, X = ["W", "A", "G", "L", "S", "M", "U", "X"]
"""Wrong to more specific, unparsed, unjudged."""
NAN = math.nan


def outcome(letter):
    if letter == U:
        return Unparsed("no answer")
    if letter == X:
        return Unjudged("down")
    return Verdict(Category("WAGLSM".index(letter)), "test")


TABLE = {
    "all wrong": ([W, W], [0, 0], [0, 0]),
    "best abstains": ([W, A, A], [0, 1, 1], [0, 1, 0]),
    "best is generic": ([G, W, A, G], [1, 0, 0, 1], [1, 0, 0, 0]),
    "best is less specific": ([G, L, A, L], [0, 1, 0, 1], [0, 1, 0, 0]),
    "best is specific": ([L, S, G, S], [0, 1, 0, 1], [0, 1, 0, 0]),
    "more specific asks for specific only": ([S, M, L], [1, 1, 0], [1, 0, 0]),
    "more specific alone": ([L, M], [0, 1], [0, 1]),
    "unparsed is punished and does not count": ([U, G, U], [-1, 1, -1], [-1, 1, -1]),
    "unparsed beside wrong": ([U, W], [-1, 0], [-1, 0]),
    "unjudged has no reward": ([X, G, L], [NAN, 0, 1], [NAN, 0, 1]),
    "nothing judged": ([X, U], [NAN, -1], [NAN, -1]),
    "one rollout": ([A], [1], [1]),
    "no rollout": ([], [], []),
}


@pytest.mark.parametrize(("letters", "every", "single"), TABLE.values(), ids=TABLE)
def test_table(letters, every, single):
    outcomes = [outcome(letter) for letter in letters]
    for mode, expected in (("all", every), ("single", single)):
        rewards = BestOfGroupReward(mode)(trial_group(outcomes))
        assert rewards.dtype == torch.float32
        torch.testing.assert_close(rewards, torch.tensor(expected).float(), equal_nan=True)


def slow_rewards(letters, mode, unparsed_reward):
    """The paper's section 3, spelt out case by case."""
    judged = [letter for letter in letters if letter not in (U, X)]
    if M in judged or S in judged:
        enough = {S, M}
    elif L in judged:
        enough = {L}
    elif G in judged:
        enough = {G}
    else:
        enough = {A}
    rewards, taken = [], False
    for letter in letters:
        if letter == X:
            rewards.append(None)
        elif letter == U:
            rewards.append(unparsed_reward)
        elif letter in enough and not (mode == "single" and taken):
            rewards.append(1.0)
            taken = True
        else:
            rewards.append(0.0)
    return rewards


LETTERS = st.lists(st.sampled_from([W, A, G, L, S, M, U, X]), max_size=12)
MODES = st.sampled_from(["all", "single"])


def rewards_of(letters, mode="all", unparsed_reward=-1.0):
    reward = BestOfGroupReward(mode, unparsed_reward)
    values = reward(trial_group([outcome(letter) for letter in letters])).tolist()
    return [None if math.isnan(value) else value for value in values]


@settings(deadline=None)
@given(LETTERS, MODES, st.sampled_from([-1.0, 0.0, -0.5]))
def test_equals_slow_loop(letters, mode, unparsed_reward):
    assert rewards_of(letters, mode, unparsed_reward) == slow_rewards(
        letters, mode, unparsed_reward
    )


@settings(deadline=None)
@given(LETTERS.flatmap(lambda letters: st.tuples(st.just(letters), st.permutations(letters))))
def test_order_does_not_matter(letters_and_permuted):
    letters, permuted = letters_and_permuted
    by_letter = dict(zip(letters, rewards_of(letters), strict=True))
    assert rewards_of(permuted) == [by_letter[letter] for letter in permuted]


@settings(deadline=None)
@given(LETTERS, MODES, st.integers(0, 12), st.sampled_from([U, X]))
def test_what_was_not_judged_changes_nothing_else(letters, mode, place, extra):
    longer = rewards_of([*letters[:place], extra, *letters[place:]], mode)
    del longer[min(place, len(letters))]
    assert longer == rewards_of(letters, mode)


@settings(deadline=None)
@given(LETTERS, MODES)
def test_bounds(letters, mode):
    rewards = rewards_of(letters, mode)
    ones = rewards.count(1.0)
    assert set(rewards) <= {-1.0, 0.0, 1.0, None}
    assert ones <= 1 or mode == "all"
    assert (ones >= 1) == bool(set(letters) & {A, G, L, S, M})


@settings(deadline=None)
@given(LETTERS)
def test_single_rewards_the_first_of_all(letters):
    every, single = rewards_of(letters, "all"), rewards_of(letters, "single")
    if 1.0 in every:
        first = every.index(1.0)
        assert single.index(1.0) == first
        every[first + 1 :] = [0.0 if value == 1.0 else value for value in every[first + 1 :]]
    assert single == every


def test_codes_are_not_changed():
    codes = torch.tensor([0, 5, -1, -2])
    best_of_group(codes, "all", -1.0)
    assert codes.tolist() == [0, 5, -1, -2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "any"}, "mode: expected 'all' or 'single', got 'any'"),
        ({"unparsed_reward": NAN}, "unparsed_reward: expected a finite number, got nan"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        BestOfGroupReward(**arguments)


def test_is_a_reward():
    assert issubclass(BestOfGroupReward, Reward)
