"""Lightning callbacks: rollout engines, adapter export, rollout log, progress and results."""
