"""SpeciaRL for PyTorch Lightning: reinforcement learning for specific and correct labels.

What a user needs is handed out here, and more of each kind by the sub-packages. Anything else may
move from one version to the next.
"""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.callbacks import HFRolloutCallback, RolloutCallback
    from speciarl_pl.category import Category
    from speciarl_pl.data import (
        FileSource,
        HubImages,
        ImageFolder,
        ImageSource,
        ImageTable,
        OpenWorldDataModule,
        WorldImages,
        file_table,
    )
    from speciarl_pl.engine import Engine, TransformersEngine
    from speciarl_pl.grpo import GRPOLoss, group_advantages
    from speciarl_pl.judge import (
        CascadeJudge,
        ExactJudge,
        HTTPJudge,
        Judge,
        LLMJudge,
        TaxonomyJudge,
        judge_groups,
    )
    from speciarl_pl.module import SpeciaRLModule
    from speciarl_pl.policy import LoraSpec, Policy, load_policy
    from speciarl_pl.records import (
        JudgedGroup,
        Pair,
        Rollout,
        RolloutGroup,
        Sample,
        ScoredGroup,
        Unjudged,
        Verdict,
    )
    from speciarl_pl.reward import BestOfGroupReward, Reward, StaticReward
    from speciarl_pl.sampling import RolloutRequest, Sampling
    from speciarl_pl.step import PolicyUpdate

__version__ = "0.1.0"

__all__ = [
    "BestOfGroupReward",
    "CascadeJudge",
    "Category",
    "Engine",
    "ExactJudge",
    "FileSource",
    "GRPOLoss",
    "HFRolloutCallback",
    "HTTPJudge",
    "HubImages",
    "ImageFolder",
    "ImageSource",
    "ImageTable",
    "Judge",
    "JudgedGroup",
    "LLMJudge",
    "LoraSpec",
    "OpenWorldDataModule",
    "Pair",
    "Policy",
    "PolicyUpdate",
    "Reward",
    "Rollout",
    "RolloutCallback",
    "RolloutGroup",
    "RolloutRequest",
    "Sample",
    "Sampling",
    "ScoredGroup",
    "SpeciaRLModule",
    "StaticReward",
    "TaxonomyJudge",
    "TransformersEngine",
    "Unjudged",
    "Verdict",
    "WorldImages",
    "file_table",
    "group_advantages",
    "judge_groups",
    "load_policy",
]

__getattr__ = handed_out(__name__)
