"""The verdict of a training: findings in words, recorded with the run."""

from dataclasses import asdict, dataclass

from vaekit.json_types import JsonObject


@dataclass(frozen=True)
class Finding:
    """A problem that a training showed.

    Attributes:
        kind: Its name, such as collapse or over-fitting.
        text: One or two sentences: the problem with its numbers, and what would help.
    """

    kind: str
    text: str

    def to_dict(self) -> JsonObject:
        """The finding as summary.json holds it."""
        return asdict(self)


def read_verdict(summary: JsonObject) -> tuple[Finding, ...]:
    """The findings of a validated summary; none in summaries of earlier versions."""
    return tuple(Finding(item["kind"], item["text"]) for item in summary.get("verdict", ()))
