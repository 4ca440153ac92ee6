"""Judges that only compute: equality, and a tree of names."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.rules.exact import ExactJudge
    from speciarl_pl.judge.rules.taxonomy import TaxonomyJudge
    from speciarl_pl.judge.rules.tree import Taxonomy

__all__ = ["ExactJudge", "Taxonomy", "TaxonomyJudge"]

__getattr__ = handed_out(__name__)
