"""What the judge service takes and gives, as its OpenAPI document describes it."""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    InstanceOf,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

_MOST_MEMBERS: Final = 10
"""Members of an object that are looked at one by one."""


class _Sent(BaseModel):
    """What clients send: its own members and no others.

    A body can hold a million others, or faults; each would become an error of its own. So lists are
    left at their first fault, and objects with far too many members are not looked at.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few_members(cls, given: Any) -> Any:
        if isinstance(given, dict) and len(given) > _MOST_MEMBERS:
            raise PydanticCustomError(
                "many_members",
                "expected at most {most} members, got {got}",
                {"most": _MOST_MEMBERS, "got": len(given)},
            )
        return given


class PairModel(_Sent):
    """A truth and what a model answered, both as written."""

    model_config = ConfigDict(title="Pair")

    # Any string, also one that is no valid Unicode: such a pair is unjudged, not its request.
    truth: InstanceOf[str] = Field(description="The label of the data set.")
    prediction: InstanceOf[str] = Field(description="The answer of the model.")
    dataset: InstanceOf[str] = Field(
        "", description="Tree or data set of the truth; a judge with trees of several reads that."
    )


class JudgeRequest(_Sent):
    """Pairs to be judged."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"pairs": [{"truth": "Samoyed", "prediction": "dog"}], "stream": False}]
        },
    )

    pairs: Annotated[list[PairModel], FailFast()]
    stream: bool = Field(
        False, description="Whether verdicts are sent as they come, one line of JSON each."
    )

    @classmethod
    def at_most(cls, max_pairs: int) -> "type[JudgeRequest]":
        """The same with no more than so many pairs."""
        pairs = Annotated[list[PairModel], FailFast(), Field(max_length=max_pairs)]
        return create_model(cls.__name__, __base__=cls, __doc__=cls.__doc__, pairs=(pairs, ...))


class VerdictModel(BaseModel):
    """The level of a prediction."""

    model_config = ConfigDict(title="Verdict", extra="forbid")

    category: Literal["wrong", "abstain", "generic", "less specific", "specific", "more specific"]
    source: str = Field(description="Which judge, and which rule or prompt of it.")
    cached: bool = Field(description="Whether it was answered from a store.")


class UnjudgedModel(BaseModel):
    """A pair for which there is no verdict."""

    model_config = ConfigDict(title="Unjudged", extra="forbid")

    unjudged: str = Field(min_length=1, description="What failed.")
    transient: bool = Field(description="Whether the same question may be answered later.")


class JudgeReply(BaseModel):
    """One result per pair, in order."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "verdicts": [
                        {"category": "generic", "source": "taxonomy:ancestor", "cached": False},
                        {"unjudged": "LLMJudge: timeout", "transient": True},
                    ]
                }
            ]
        },
    )

    verdicts: list[VerdictModel | UnjudgedModel]


class ErrorReply(BaseModel):
    """Why a request was refused."""

    detail: str = Field(examples=["pairs.3.truth: Input should be an instance of str"])


class Alive(BaseModel):
    """The process lives."""

    alive: Literal[True]


class Ready(BaseModel):
    """Whether the back-end answers."""

    ready: bool
    reason: str = Field(examples=["ok", "connection refused"])
    since: float = Field(ge=0, description="For how many seconds that has been so.")
