from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.metrics.functional import Vote, majority_vote

KEYS = st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=1, max_size=12)


@given(KEYS)
def test_the_winner_has_most_votes_and_stands_where_it_first_appears(keys):
    vote = majority_vote(keys)
    counts = Counter(keys)
    assert vote.votes == max(counts.values()) == counts[keys[vote.index]]
    assert vote.share == vote.votes / len(keys)
    assert keys[vote.index] not in keys[: vote.index]


@given(KEYS)
def test_ties(keys):
    winner = keys[majority_vote(keys).index]
    counts = Counter(keys)
    tied = [key for key in dict.fromkeys(keys) if counts[key] == max(counts.values())]
    answers = [key for key in tied if key is not None]
    assert winner == (answers[0] if answers else None)


@given(KEYS, st.randoms())
def test_order_only_breaks_ties(keys, draw):
    shuffled = draw.sample(keys, len(keys))
    before, after = majority_vote(keys), majority_vote(shuffled)
    assert (before.votes, before.share) == (after.votes, after.share)
    assert (keys[before.index] is None) == (shuffled[after.index] is None)


@pytest.mark.parametrize(
    ("keys", "vote"),
    [
        (["dog"], Vote(0, 1, 1.0)),
        ([None], Vote(0, 1, 1.0)),
        ([None, None, "dog"], Vote(0, 2, 2 / 3)),
        ([None, "dog"], Vote(1, 1, 0.5)),
        (["cat", "dog", "dog", "cat"], Vote(0, 2, 0.5)),
    ],
    ids=["one", "one without", "most without", "tie with none", "tie of two"],
)
def test_examples(keys, vote):
    assert majority_vote(keys) == vote


def test_needs_a_rollout():
    with pytest.raises(ValueError, match="keys: expected one key per rollout, got none"):
        majority_vote([])
