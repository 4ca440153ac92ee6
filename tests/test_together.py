"""Two processes of which one fails: the other ends too, at once, and says why."""

import lightning as L
import pytest
import rank_failures

from speciarl_pl.errors import RolloutError
from speciarl_pl.system.together import together

NOTHING = (None, "")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes found."""
    return rank_failures.run(tmp_path_factory.mktemp("ranks"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kinds", "message"),
    [
        (
            "a_push_fails_on_rank_0",
            ("RolloutError", "RolloutError"),
            "rank 0: Nowhere.open: expected no error, got KeyError: 'max_model_len'",
        ),
        (
            "following_a_push_fails_on_rank_1",
            ("RolloutError", "RolloutError"),
            "rank 1: Nowhere.open: expected no error, got KeyError: 'max_model_len'",
        ),
        (
            "rollouts_fail_on_rank_1",
            ("RolloutError", "RolloutError"),
            "rank 1: Mute.draw: expected no error, got MemoryError: the GPU is full",
        ),
        ("a_data_set_is_missing_on_rank_1", ("DataError", "DataError"), "rank 1: "),
        (
            "a_judge_opens_on_rank_0_only",
            ("JudgeError", "OSError"),
            "rank 1: OSError: no taxonomy on this node",
        ),
        (
            "a_judge_opens_on_rank_1_only",
            ("OSError", "JudgeError"),
            "rank 0: OSError: no taxonomy on this node",
        ),
        (
            "what_rank_0_does_alone_fails",
            ("KeyError", "RunError"),
            "rank 0: KeyError: 'predictions'",
        ),
        (
            "the_rollouts_of_an_earlier_run_cannot_be_read",
            ("KeyError", "RunError"),
            "rank 0: KeyError: 'unknown'",
        ),
        (
            "results_cannot_be_written",
            ("RunError", "RunError"),
            "rank 0: ",
        ),
        (
            "rollouts_cannot_be_written_on_rank_1",
            ("RunError", "KeyError"),
            "rank 1: KeyError: 'disk'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_where_one_rank_fails_the_other_names_it(ranks, name, kinds, message):
    assert tuple(found[name][0] for found in ranks) == kinds
    told = [found[name][1] for found in ranks if found[name][1].startswith(message)]
    assert len(told) == 1, "the rank that failed raises its own error"


@pytest.mark.slow
def test_the_unjudged_limit_of_a_validation_is_of_all_ranks(ranks):
    own, other = (found["unjudged_on_rank_1_is_half_of_all_and_too_much"][:2] for found in ranks)
    assert own[0] == other[0] == "UnjudgedError"
    counted = "2 of 4 rollouts were left unjudged, more than max_unjudged_share=0.49"
    assert own[1].startswith(f"{counted}; the last reason: known to another process")
    assert other[1].startswith(counted)
    assert "the last reason: down" in other[1]
    for found in ranks:
        assert found["unjudged_on_rank_1_is_half_of_all_and_allowed"][:2] == NOTHING


@pytest.mark.slow
def test_where_nothing_fails_nothing_is_raised(ranks):
    assert [found["a_push_that_works"][:2] for found in ranks] == [NOTHING, NOTHING]


@pytest.mark.slow
def test_no_rank_waits_for_one_that_failed(ranks):
    for found in ranks:
        assert max(seconds for *_, seconds in found.values()) < rank_failures.SECONDS / 2


@pytest.mark.parametrize("trainer", [None, L.Trainer(accelerator="cpu", barebones=True)])
def test_one_process_raises_its_own_error(trainer):
    with pytest.raises(KeyError, match="own"), together(trainer, RolloutError):
        raise KeyError("own")
