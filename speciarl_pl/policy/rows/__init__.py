"""Rows of rollouts on their way through the model, and the scores that come out."""
