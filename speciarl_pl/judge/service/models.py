"""What the judge service takes and gives, as its OpenAPI document describes it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, InstanceOf


class PairModel(BaseModel):
    """A truth and what a model answered, both as written."""

    model_config = ConfigDict(title="Pair", strict=True, extra="forbid")

    # Any string, also one that is no valid Unicode: such a pair is unjudged, not its request.
    truth: InstanceOf[str] = Field(description="The label of the data set.")
    prediction: InstanceOf[str] = Field(description="The answer of the model.")
    dataset: InstanceOf[str] = Field(
        "", description="Tree or data set of the truth; a judge with trees of several reads that."
    )


class JudgeRequest(BaseModel):
    """Pairs to be judged."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"pairs": [{"truth": "Samoyed", "prediction": "dog"}], "stream": False}]
        },
    )

    # At the first fault it is refused: a body of millions of them would make as many errors.
    pairs: Annotated[list[PairModel], FailFast()]
    stream: bool = Field(
        False, description="Whether verdicts are sent as they come, one line of JSON each."
    )


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
