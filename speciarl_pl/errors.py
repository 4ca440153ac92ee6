"""Errors that a user can act on.

```
SpeciaRLError
├── DataError         an image, a table or a folder is not what it should be
├── PromptError       the question does not become a prompt with one image, whatever the image
├── ModelError        a checkpoint cannot serve as the policy
├── JudgeError        a judge cannot be set up or does not keep its contract
│   └── UnjudgedError too much was left unjudged
├── RewardError       a reward does not keep its contract
├── TrainingError     the policy cannot learn from what it is given
├── RolloutError      the rollout engine failed or returned something unusable
├── RunError          a run directory or one of its files cannot be used
└── MissingExtraError an optional package is needed and absent
```

A mistake in an argument raises `ValueError`, at the place where the argument enters.
"""

from speciarl_pl.system.file_names import printable


class SpeciaRLError(Exception):
    """Base of all errors of this package; its message can always be printed and written."""

    def __str__(self) -> str:
        return printable(super().__str__())


class DataError(SpeciaRLError):
    """An image, a table or a folder is not what it should be; the message names it."""


class PromptError(SpeciaRLError):
    """The question does not become a prompt with one image, whatever the image."""


class ModelError(SpeciaRLError):
    """A checkpoint cannot serve as the policy; the message names the path."""


class JudgeError(SpeciaRLError):
    """A judge cannot be set up or does not keep its contract."""


class UnjudgedError(JudgeError):
    """A judge left more unjudged than the run allows; all ranks raise it together."""


class RewardError(SpeciaRLError):
    """A reward does not keep its contract; the message names the class."""


class TrainingError(SpeciaRLError):
    """The policy cannot learn from what it is given; all ranks raise it together.

    Args:
        message: What is wrong.
        untrained: Whether nothing was learned that is worth keeping, so that no adapter is left
            that passes for a trained one.
    """

    def __init__(self, message: str, untrained: bool = False) -> None:
        super().__init__(message)
        self.untrained = untrained


class RolloutError(SpeciaRLError):
    """The rollout engine failed or returned something unusable."""


class RunError(SpeciaRLError):
    """A run directory or one of its files cannot be used."""


class MissingExtraError(SpeciaRLError, ImportError):
    """An optional package is needed and absent; the message names the extra to install."""

    def __init__(self, package: str, extra: str, cpu_extra: str | None = None) -> None:
        without_gpu = f" (without a GPU: 'speciarl_pl[{cpu_extra}]')" if cpu_extra else ""
        super().__init__(
            f"{package} is needed here and not installed; "
            f"run: pip install 'speciarl_pl[{extra}]'{without_gpu}"
        )
