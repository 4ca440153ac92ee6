"""SpeciaRL for PyTorch Lightning: reinforcement learning for specific and correct labels."""

__version__ = "0.1.0"
