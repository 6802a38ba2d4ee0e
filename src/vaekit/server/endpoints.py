"""The POST endpoints of a run: the models of their requests and answers, in one table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, create_model
from pydantic.json_schema import JsonSchemaValue

from vaekit.server.limits import Limits
from vaekit.server.schemas import (
    NUMBER,
    Answer,
    DecodeRequest,
    EncodeRequest,
    Request,
    SampleRequest,
    ScoreRequest,
    array_schema,
    array_type,
    label_type,
    labels_type,
    value_schema,
)
from vaekit.server.service import Facts

DEFAULT_SAMPLES = 20
MAX_SHOWN_CLASSES = 20


@dataclass(frozen=True)
class Endpoint:
    """One POST endpoint.

    Attributes:
        name: Its name.
        summary: One line for the description.
        max_examples: Examples in one request or its answer.
        request: The model of its requests.
        answer: The model of its answers, arrays by name; an .npy answer has the first.
        array: The field of the array in a request, if there is one.
        shape: Shape of one example of that array.
    """

    name: str
    summary: str
    max_examples: int
    request: type[Request]
    answer: type[Answer]
    array: str | None = None
    shape: tuple[int, ...] = ()

    @property
    def path(self) -> str:
        """The path of its address."""
        return f"/v1/{self.name}"

    @property
    def takes_images(self) -> bool:
        """Whether a body may be a gray or color image."""
        return self.array == "x" and len(self.shape) == 3 and self.shape[0] in (1, 3)

    @property
    def labels(self) -> str:
        """The field of the classes."""
        return "y" if self.array else "label"

    @cached_property
    def fields(self) -> Mapping[str, JsonSchemaValue]:
        """The schemas of the fields of a request, by name."""
        return self.request.model_json_schema()["properties"]


def endpoints(facts: Facts, limits: Limits, scores: tuple[str, ...]) -> dict[str, Endpoint]:
    """The endpoints of a run, by name."""
    x_shape = facts.shape
    z_shape = (facts.latent_dim,)
    max_examples = limits.max_examples_of(max(x_shape, z_shape, key=math.prod))
    requests = _requests(facts, limits, scores, max_examples)
    codes = {"indices": (facts.positions,)} if facts.positions else {"stddev": z_shape}
    table = (
        Endpoint(
            "encode",
            "Encode examples: q(z|x).",
            max_examples,
            requests["encode"],
            _answer("EncodeAnswer", {"mean": z_shape, **codes}),
            "x",
            x_shape,
        ),
        Endpoint(
            "decode",
            "Decode latent codes: the means of p(x|z).",
            max_examples,
            requests["decode"],
            _answer("DecodeAnswer", {"x": x_shape}),
            "z",
            z_shape,
        ),
        Endpoint(
            "sample",
            "Draw samples: latent codes from the prior, decoded.",
            max_examples,
            requests["sample"],
            _answer("SampleAnswer", {"x": x_shape}),
        ),
        Endpoint(
            "score",
            "Score examples for anomalies, in nats: the higher, the more anomalous.",
            max_examples,
            requests["score"],
            _answer("ScoreAnswer", {"score": ()}),
            "x",
            x_shape,
        ),
    )
    return {endpoint.name: endpoint for endpoint in table}


def _requests(
    facts: Facts, limits: Limits, scores: tuple[str, ...], max_examples: int
) -> dict[str, type[Request]]:
    """The models of requests with the shapes, classes and limits of a run, by endpoint."""
    examples = array_type("x", facts.shape, max_examples, value_schema(facts.support))
    latents = array_type("z", (facts.latent_dim,), max_examples, NUMBER)
    shape = ", ".join(map(str, facts.shape))
    x = (examples, Field(description=f"Examples [N, {shape}] in raw units."))
    z = (latents, Field(description=f"Latent codes [N, {facts.latent_dim}]."))
    y = {}
    label = {}
    if facts.classes:
        names = ", ".join(facts.classes[:MAX_SHOWN_CLASSES])
        several = labels_type(facts.classes, max_examples)
        y["y"] = (several, Field(description=f"Class of all examples, or of each: {names}."))
        one = label_type(facts.classes) | None
        label["label"] = (one, Field(None, description=f"Class, by default in turn: {names}."))

    count = Field(1, ge=1, le=max_examples, description="Number of samples.")
    metric = Field(scores[0], description="The metric of the score.")
    samples = Field(
        min(DEFAULT_SAMPLES, limits.max_samples),
        ge=1,
        le=limits.max_samples,
        description="Samples of z per example.",
    )
    kinds = Literal[scores]  # type: ignore[valid-type]
    options = {"metric": (kinds, metric), "samples": (int, samples)}
    return {
        "encode": create_model("EncodeRequest", __base__=EncodeRequest, x=x, **y),
        "decode": create_model("DecodeRequest", __base__=DecodeRequest, z=z, **y),
        "sample": create_model(
            "SampleRequest", __base__=SampleRequest, count=(int, count), **label
        ),
        "score": create_model("ScoreRequest", __base__=ScoreRequest, x=x, **y, **options),
    }


def _answer(name: str, shapes: Mapping[str, tuple[int, ...]]) -> type[Answer]:
    """The model of arrays with these shapes per example."""
    arrays: dict[str, Any] = {
        key: (Annotated[Any, WithJsonSchema(array_schema(shape, NUMBER))], ...)
        for key, shape in shapes.items()
    }
    return create_model(name, __base__=Answer, **arrays)
