"""What can be asked for, in one table: requests are read by it and it is what the OpenAPI description is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaekit.server.limits import Limits
from vaekit.server.service import Facts

Schema = dict[str, Any]

SEED: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": 2**63 - 1,
    "default": 0,
    "description": "Seed of the noise.",
}


@dataclass(frozen=True)
class Endpoint:
    """One POST endpoint: the array that it takes, what else it takes, and the arrays that it gives.

    takes: name and shape of a row of the array in the request; None: there is none. most_rows: in a request.
    labels: the name under which classes are given, "" where none are; one each or one for all with an array, else one.
    options: the others, by name, as JSON Schema. gives: shapes of one row by name, the first being the one of an .npy answer.
    """

    name: str
    summary: str
    takes: tuple[str, tuple[int, ...]] | None
    most_rows: int
    labels: str
    gives: Mapping[str, tuple[int, ...]]
    options: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v1/{self.name}"

    @property
    def allowed(self) -> tuple[str, ...]:
        """The names that a request may hold."""
        return (*([self.takes[0]] if self.takes else []), self.labels, *self.options)


def endpoints(facts: Facts, limits: Limits, scores: tuple[str, ...]) -> dict[str, Endpoint]:
    """The endpoints of a run, by name."""
    x, z = ("x", facts.shape), ("z", (facts.latent_dim,))
    beside = {"indices": (facts.positions,)} if facts.positions else {"sigma": (facts.latent_dim,)}
    rows = limits.rows_of(max(x[1], z[1], key=math.prod))  # of what comes in and of what goes out
    count: Schema = {
        "type": "integer",
        "minimum": 1,
        "maximum": rows,
        "default": 1,
        "description": "How many.",
    }
    samples: Schema = {"type": "integer", "minimum": 1, "maximum": limits.samples, "default": 20}
    by: Schema = {
        "type": "string",
        "enum": list(scores),
        "default": scores[0],
        "description": "What the score is.",
    }
    judged = {"by": by, "samples": samples | {"description": "Draws of z per row."}, "seed": SEED}
    found = (
        Endpoint(
            "encode", "Codes of rows: what q(z given x) is.", x, rows, "y", {"mean": z[1], **beside}
        ),
        Endpoint(
            "decode", "Rows of codes: the means of p(x given z).", z, rows, "y", {"x": facts.shape}
        ),
        Endpoint(
            "sample",
            "New rows: codes from the prior, decoded. Without a label, classes take turns.",
            None,
            rows,
            "label",
            {"x": facts.shape},
            {"count": count, "seed": SEED},
        ),
        Endpoint(
            "score",
            "How unlike the training rows each row is, in nats.",
            x,
            rows,
            "y",
            {"score": ()},
            judged,
        ),
    )
    return {endpoint.name: endpoint for endpoint in found}
