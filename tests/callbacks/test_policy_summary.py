import pytest
import runs

from speciarl_pl.callbacks.policy_summary import policy_line


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_counts_the_policy_and_its_adapter(dtype):
    policy = runs.world_policy(dtype=dtype)
    trained = sum(one.numel() for one in policy.trainable_parameters())
    total = sum(one.numel() for one in policy.model.parameters())
    assert policy_line(policy) == (
        f"Policy: {total / 1e6:.1f} M parameters, {trained / 1e3:.1f} K of them trained (the "
        f"adapter); computes in {dtype}"
    )
