"""Configuration: one typed record of everything that makes a run, its parts derived from their constructors.

A part's keyword arguments, with their types and defaults, are its options; nothing is declared twice, and nothing outside the
package's own parts can be named. `null` means "as fits the data"; `resolve` fills it in.
"""

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Union

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    create_model,
    field_validator,
)

from vaekit.errors import ConfigError, suggest
from vaekit.likelihoods import LIKELIHOODS
from vaekit.nets import DECODERS, ENCODERS
from vaekit.nets.blocks import Width
from vaekit.objectives import OBJECTIVES
from vaekit.optim.optimizers import OPTIMIZERS
from vaekit.optim.schedules import SCHEDULES
from vaekit.posteriors import POSTERIORS
from vaekit.priors import PRIORS

_PLAIN = {"Input should be a valid tuple": "a list is needed, such as [32, 64]"}
_TAGS = {"constrained-float", "constrained-int", "float", "int", "str"}

FORMAT = 2
MAX_VALUES = 2**24  # of one row: 16 million, an image of 2,364 x 2,364 in colour


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Custom(_Options):
    """A part of the user's own: its name for people; it is never imported, only handed over as an object."""

    kind: Literal["custom"] = "custom"
    name: str = Field(max_length=200)


def schema(kind: str, part: type) -> type[BaseModel]:
    """The options of a part: the keyword-only arguments of its constructor."""
    parameters = inspect.signature(part, eval_str=True).parameters
    options: dict[str, Any] = {
        name: (p.annotation, ... if p.default is p.empty else p.default)
        for name, p in parameters.items()
        if p.kind is p.KEYWORD_ONLY
    }
    options["kind"] = (Literal[kind], kind)
    return create_model(part.__name__, __base__=_Options, __doc__=part.__doc__, **options)


def _one_of(family: Mapping[str, type]) -> Any:
    """One of a family's parts by `kind`; a bare name stands for the part with its defaults."""
    members = tuple(schema(kind, part) for kind, part in family.items())
    union = Annotated[Union[(*members, Custom)], Field(discriminator="kind")]
    return Annotated[
        union, BeforeValidator(lambda given: {"kind": given} if isinstance(given, str) else given)
    ]


FAMILIES: dict[str, Mapping[str, type]] = {
    "encoder": ENCODERS,
    "posterior": POSTERIORS,
    "prior": PRIORS,
    "decoder": DECODERS,
    "likelihood": LIKELIHOODS,
    "objective": OBJECTIVES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
MODEL_PARTS = ("encoder", "posterior", "prior", "decoder", "likelihood")


class DataOptions(_Options):
    """Where the rows come from and how they are divided."""

    source: str = Field("mnist", description="a name (see `vaekit data`) or a path")
    test: str | None = Field(
        None, description="a path with the test rows, where the source has none"
    )
    support: str | None = Field(
        None, description="binary, unit, integers:L or real, where the default rule is wrong"
    )
    binarize: Literal["threshold", "fixed", "dynamic"] | None = Field(
        None,
        description="gray to binary: above one half, or drawn with the gray value as its probability, once or each time",
    )
    resize: tuple[Width, Width] | None = Field(
        None, description="height and width, for folders of images"
    )
    validation: Annotated[float, Field(gt=0, lt=1)] | Literal["test"] = Field(
        0.1,
        description="share of the training rows (at most 5,000 rows); 'test' repeats protocols that stop on test data",
    )
    train_size: PositiveInt | None = Field(
        None,
        description="that many training rows, drawn by seed; of several shards, so many rows are called an epoch",
    )
    shuffle_buffer: PositiveInt = Field(
        5000, description="rows of shards that are shuffled at a time"
    )
    num_workers: Annotated[int, Field(ge=1, le=256)] = Field(
        2, description="processes that read shards; the order depends on it"
    )
    shape: Annotated[tuple[Width, ...], Field(min_length=1, max_length=3)] | None = Field(
        None, description="of one row; recorded by the run"
    )
    classes: Annotated[tuple[str, ...], Field(max_length=100_000)] = Field(
        (), description="recorded by the run"
    )
    streamed_examples: PositiveInt | None = Field(
        None, description="in all shards but the last; recorded by the run"
    )
    fingerprint: str | None = Field(
        None, max_length=200, description="of the content; recorded by the run, checked where set"
    )

    @field_validator("shape")
    @classmethod
    def _of_a_size_that_fits_memory(cls, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if shape is not None and math.prod(shape) > MAX_VALUES:
            raise ValueError(
                f"a row has {math.prod(shape):,} values, at most {MAX_VALUES:,} are allowed"
            )
        return shape


class TrainingOptions(_Options):
    """How long, in what batches, on what."""

    epochs: PositiveInt | None = Field(
        None, description="passes over the training rows; null: as many as make `max_steps`"
    )
    max_steps: PositiveInt = Field(
        4500, description="updates of the weights, where `epochs` is null"
    )
    batch_size: PositiveInt = 64
    patience: PositiveInt | None = Field(
        None, description="epochs without a better validation loss after which to stop; null: never"
    )
    grad_clip_norm: PositiveFloat | None = Field(None, description="bound on the gradient's norm")
    precision: Literal["auto", "32-true", "64-true", "bf16-mixed"] = Field(
        "auto", description="auto: bf16-mixed on a GPU that computes in it natively, else 32-true"
    )
    device: str = Field("auto", max_length=20, description="auto, cpu, cuda or cuda:N")
    devices: PositiveInt | None = Field(
        None, description="processes on each machine; null: as torchrun or SLURM says, else 1"
    )
    nodes: PositiveInt | None = Field(
        None, description="machines; null: as torchrun or SLURM says, else 1"
    )
    checkpoint_seconds: NonNegativeFloat = Field(
        30.0, description="between checkpoints within an epoch"
    )
    loggers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = Field(
        (), description="besides metrics.csv"
    )


class PriorStage(_Options):
    """The second stage of training, for a prior that learns when all else has been trained."""

    epochs: PositiveInt | None = Field(
        None, description="passes over the training rows; null: as many as make `max_steps`"
    )
    max_steps: PositiveInt = Field(4500, description="updates of the prior, where `epochs` is null")
    batch_size: PositiveInt = 32
    lr: PositiveFloat = Field(
        5e-3, description="of Adam, rising over a tenth of the updates and falling linearly to zero"
    )


class Settings(_Options):
    """The part of a configuration that is no part of the model; `Config` adds one field per family."""

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)] = FORMAT
    recipe: str = Field("custom", max_length=100, pattern=r"^[\w.-]+$")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    data: DataOptions = DataOptions.model_validate({})
    latent_dim: Width | None = Field(
        None, description="null: 2 for gray images up to 32 x 32, 32 for other images, ..."
    )
    conditional: bool = Field(
        False, description="whether encoder, decoder and prior are given the class"
    )
    training: TrainingOptions = TrainingOptions.model_validate({})
    prior_stage: PriorStage = PriorStage.model_validate({})

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """A checked configuration with these keys on top."""
        return validate(merge(self.model_dump(), changes))

    def part(self, family: str) -> Any:
        """The options of one family's part."""
        return getattr(self, family)

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


_SECTIONS: dict[str, type[_Options]] = {
    "training": TrainingOptions,
    "data": DataOptions,
    "prior_stage": PriorStage,
}

DEFAULT_PARTS: dict[str, Any] = {
    "encoder": {"kind": "mlp"},
    "posterior": {"kind": "diagonal-normal"},
    "prior": None,  # by the posterior
    "decoder": {"kind": "mlp"},
    "likelihood": None,  # by the data's support
    "objective": {"kind": "elbo"},
    "optimizer": {"kind": "adam"},
    "schedule": {"kind": "constant"},
}

Config = create_model(
    "Config",
    __base__=Settings,
    __doc__="Everything that makes a run; `vaekit train config.yaml` repeats it.",
    **{  # type: ignore[call-overload] - one field per family
        name: (
            _one_of(family) if DEFAULT_PARTS[name] else _one_of(family) | None,
            Field(DEFAULT_PARTS[name], validate_default=True),
        )
        for name, family in FAMILIES.items()
    },
)


def validate(given: Mapping[str, Any]) -> Settings:
    """A checked configuration; ConfigError in one line: the key, what was given, what is allowed."""
    try:
        return Config.model_validate(given)
    except ValidationError as error:
        raise ConfigError(_one_line(error)) from None


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `base`, key by key; a part of another kind replaces the part with all its options."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if key in FAMILIES and isinstance(value, str):
            value = {"kind": value}
        if (
            isinstance(below, Mapping)
            and isinstance(value, Mapping)
            and value.get("kind", below.get("kind")) == below.get("kind")
        ):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def to_plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as nested plain values, where some are already checked."""
    return {
        key: value.model_dump() if isinstance(value, BaseModel) else value
        for key, value in options.items()
    }


def _is_endless(value: Any) -> bool:
    return isinstance(value, int) and value.bit_length() > 1000  # Python refuses to write it out


def _one_line(error: ValidationError) -> str:
    """The first thing that is wrong, for people."""
    errors = error.errors(include_url=False)
    first, location = errors[0], _location(errors[0])
    allowed = list(Config.model_fields)
    if location[0] in FAMILIES and len(location) > 1:
        kind = location.pop(1)
        allowed = _options(location[0], kind)
    elif location[0] in _SECTIONS:
        allowed = list(_SECTIONS[location[0]].model_fields)
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        for section, known in _options_by_section():
            if key in known:
                return f"unknown key {key!r}: did you mean {section}.{key}?"
        return f"unknown key {key!r}: {suggest(location[-1], allowed)}"
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        given = (
            first["input"].get("kind") if isinstance(first["input"], Mapping) else first["input"]
        )
        wrong = f"{key}.kind is missing" if given is None else f"unknown {key} {given!r}"
        return f"{wrong}: {suggest(str(given), FAMILIES[location[0]])}"
    given = (
        "a number of thousands of digits" if _is_endless(first["input"]) else repr(first["input"])
    )
    messages = [
        e["msg"] for e in errors if e["loc"][: len(location)] == first["loc"][: len(location)]
    ]
    wrong = [_PLAIN.get(said, said[0].lower() + said[1:]) for said in messages]
    return f"{key} = {given if len(given) < 80 else given[:77] + '...'}: {', or '.join(dict.fromkeys(wrong))}"


def _options_by_section() -> Iterator[tuple[str, Iterable[str]]]:
    """Where a key may belong, the likeliest place first."""
    yield from ((name, _SECTIONS[name].model_fields) for name in ("training", "data"))
    yield from (
        (name, _options(name, kind))
        for name in ("optimizer", "objective")
        for kind in FAMILIES[name]
    )
    yield "prior_stage", PriorStage.model_fields


def _location(error: Mapping[str, Any]) -> list[str]:
    """The keys that lead to an error, without pydantic's names for the members of a union of types."""
    keys = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":  # the last one is the user's own, whatever it looks like
        return keys
    return [
        key
        for key in keys
        if key.isdecimal() or (key.replace("-", "_").isidentifier() and key not in _TAGS)
    ]


def _options(family: str, kind: str) -> list[str]:
    part = FAMILIES[family].get(kind)
    return (
        [name for name in schema(kind, part).model_fields if name != "kind"]
        if part
        else ["kind", "name"]
    )
