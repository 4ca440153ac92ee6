"""Rewards: the outcomes of one rollout group become numbers."""
