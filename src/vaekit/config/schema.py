"""The schema of configurations: one typed record of everything that defines a run.

The options of a part are the keyword arguments of its constructor, with their types, defaults and
meanings; nothing is declared twice, and only the package's own parts can be named. `null` leaves a
choice to the data, and `resolve` replaces it.
"""

import inspect
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union

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

from vaekit.config.docstrings import argument_meanings
from vaekit.config.plain_yaml import dump_plain
from vaekit.config.validation_errors import Schema, config_error
from vaekit.likelihoods import LIKELIHOODS
from vaekit.nets import DECODERS, ENCODERS
from vaekit.nets.blocks import Width
from vaekit.objectives import OBJECTIVES
from vaekit.optim.optimizers import OPTIMIZERS
from vaekit.optim.schedules import SCHEDULES
from vaekit.posteriors import POSTERIORS
from vaekit.priors import PRIORS
from vaekit.validated_init import python_values

AugmentationName = Literal["flip", "flip-vertical", "rotate", "shift"]

PlainOptions = dict[str, Any]
"""Nested keys and plain values, as YAML holds them."""

FORMAT = 2
MAX_THREADS = 1024

MAX_EXAMPLE_VALUES = 2**24
"""Values of one example: 16 million, a color image of 2,364 x 2,364."""


class Options(BaseModel):
    """A section of a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Custom(Options):
    """A part of the user's own. Its name is for people; it is never imported."""

    kind: Literal["custom"] = "custom"
    name: str = Field(max_length=200, description="Class of the part, passed as an object")


def schema(kind: str, part: type) -> type[BaseModel]:
    """The options of a part: the keyword-only arguments of its constructor.

    Args:
        kind: The name of the part in its family.
        part: The class of the part, whose docstring describes the options.
    """
    meanings = argument_meanings(part)
    options: PlainOptions = {}
    for name, parameter in inspect.signature(part, eval_str=True).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            default = ... if parameter.default is parameter.empty else parameter.default
            field = Field(default, description=meanings.get(name))
            options[name] = (parameter.annotation, field)
    options["kind"] = (Literal[kind], kind)
    return create_model(part.__name__, __base__=Options, __doc__=part.__doc__, **options)


def _kind_of(options: Any) -> Any:
    """A bare name as the options of the part with its defaults."""
    return {"kind": options} if isinstance(options, str) else options


def _one_of(family: Mapping[str, type]) -> Any:
    """The options of any part of a family, distinguished by `kind`."""
    members = tuple(schema(kind, part) for kind, part in family.items())
    union = Annotated[Union[(*members, Custom)], Field(discriminator="kind")]
    return Annotated[union, BeforeValidator(_kind_of)]


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


class DataOptions(Options):
    """The dataset, its preprocessing and its splits."""

    source: str = Field("mnist", description="Name of a dataset (see `vaekit data`), or a path")
    test: str | None = Field(
        None, description="Path of the test split, if the source has none of its own"
    )
    support: str | None = Field(
        None,
        description="Values of the data: binary, unit, integers:L or real; null: from the data",
    )
    binarize: Literal["threshold", "fixed", "dynamic"] | None = Field(
        None,
        description="Conversion of gray to binary values; threshold: 1 from one half on; fixed: "
        "sampled once with the gray value as probability; dynamic: sampled at every visit",
    )
    resize: tuple[Width, Width] | None = Field(
        None, description="Height and width that images of a folder are resized to"
    )
    augment: tuple[AugmentationName, ...] = Field(
        (),
        description="Random changes of training images: flip, flip-vertical, rotate (by quarters), "
        "shift (by up to a tenth of the side)",
    )
    balance: bool = Field(
        False, description="Whether all classes train equally often; rare ones are repeated"
    )
    normalize: Literal["none", "unit", "standardize", "percentile"] | None = Field(
        None,
        description="Normalization of each channel or column, undone on output; unit: the range "
        "of the training examples to [0, 1]; standardize: mean 0, standard deviation 1; "
        "percentile: the 1st and 99th percentile to 0 and 1; null: standardize for real data "
        "and for images of little contrast, else none",
    )
    crop: tuple[Width, Width] | None = Field(
        None, description="Height and width cut from the center of images, before resize"
    )
    tile: tuple[Width, Width] | None = Field(
        None,
        description="Height and width of tiles that images are cut into, after resize; the tiles "
        "of an image stay in one split",
    )
    group: Literal["folder"] | None = Field(
        None, description="folder: images of one folder stay in one split; null: none"
    )
    skip_unreadable: bool = Field(
        False, description="Whether to leave out image files that cannot be read"
    )
    validation: Annotated[float, Field(gt=0, lt=1)] | Literal["test"] = Field(
        0.1,
        description="Fraction of the training split for validation, at most 5,000 examples; "
        "test: the test split, as in protocols that stop early on it",
    )
    train_size: PositiveInt | None = Field(
        None,
        description="Number of training examples, a random choice by the seed; of several shards, "
        "the examples of one epoch; null: all",
    )
    shuffle_buffer: PositiveInt = Field(
        5000, description="Examples of shards that are shuffled together"
    )
    num_workers: Annotated[int, Field(ge=1, le=256)] = Field(
        2, description="Processes that read shards; the order of examples depends on them"
    )
    shape: Annotated[tuple[Width, ...], Field(min_length=1, max_length=3)] | None = Field(
        None, description="Shape of one example; recorded by the run"
    )
    classes: Annotated[tuple[str, ...], Field(max_length=100_000)] = Field(
        (), description="Names of the classes; recorded by the run"
    )
    streamed_examples: PositiveInt | None = Field(
        None, description="Examples in all shards but the last; recorded by the run"
    )
    fingerprint: str | None = Field(
        None,
        max_length=200,
        description="Hash of the dataset's content; recorded by the run, and verified if set",
    )

    @field_validator("shape")
    @classmethod
    def _fits_memory(cls, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if shape is not None and math.prod(shape) > MAX_EXAMPLE_VALUES:
            raise ValueError(f"at most {MAX_EXAMPLE_VALUES:,} values per example")
        return shape


EPOCHS = "Passes over the training examples; null: as many as make max_steps"


class TrainingOptions(Options):
    """Duration, batches and device of training."""

    epochs: PositiveInt | None = Field(None, description=EPOCHS)
    max_steps: PositiveInt | None = Field(
        4500,
        description="Updates of the weights if epochs is null; an option replaces the recipe's "
        "epochs; null: as many as the computation of the network of the Keras example in 4,500 "
        "steps allows, at most 4,500",
    )
    batch_size: PositiveInt | None = Field(
        64,
        description="Examples of one step, over all processes; null: 64, or fewer for less than "
        "512 training examples",
    )
    patience: PositiveInt | None = Field(
        None,
        description="Epochs without a better validation metric before training stops; null: never",
    )
    grad_clip_norm: PositiveFloat | None = Field(
        None, description="Upper bound on the norm of the gradient; null: none"
    )
    precision: Literal["auto", "32-true", "64-true", "bf16-mixed"] = Field(
        "auto",
        description="Floating-point precision; auto: bf16-mixed on a GPU with native bfloat16, "
        "else 32-true",
    )
    device: str = Field("auto", max_length=20, description="Device: auto, cpu, cuda or cuda:N")
    devices: PositiveInt | None = Field(
        None, description="Processes on each machine; null: from torchrun or SLURM, else 1"
    )
    nodes: PositiveInt | None = Field(
        None, description="Number of machines; null: from torchrun or SLURM, else 1"
    )
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] | None = Field(
        None,
        description="Threads of the CPU; null: as many as PyTorch chooses. A run repeats to the "
        "bit only with the same number, on the same machine",
    )
    checkpoint_seconds: NonNegativeFloat = Field(
        30.0, description="Seconds between checkpoints within an epoch"
    )
    loggers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = Field(
        (), description="Experiment trackers in addition to metrics.csv"
    )


class PriorStage(Options):
    """The second stage of training, for a prior that is fitted after all other parts."""

    epochs: PositiveInt | None = Field(None, description=EPOCHS)
    max_steps: PositiveInt = Field(4500, description="Updates of the prior if epochs is null")
    batch_size: PositiveInt = Field(32, description="Examples of one step, over all processes")
    lr: PositiveFloat = Field(
        5e-3,
        description="Learning rate of Adam, after a rise over a tenth of the steps, with a linear "
        "descent to zero",
    )


class Settings(Options):
    """The sections of a configuration without parts; `Config` adds one field per family."""

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)] = Field(
        FORMAT, description="Version of the format of configurations"
    )
    recipe: str = Field(
        "custom",
        max_length=100,
        pattern=r"^[\w.-]+$",
        description="Name of the recipe or file that the configuration started from",
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        0, description="Seed for the split, initialization, shuffling and sampling"
    )
    data: DataOptions = DataOptions.model_validate({})
    latent_dim: Width | None = Field(
        None,
        description="Latent dimensions; null: 2 for nearly binary gray images up to 32 x 32, else "
        "as many as principal components explain 80 % of the variance",
    )
    conditional: bool = Field(
        False, description="Whether encoder, decoder and prior are conditional on the class"
    )
    components: bool = Field(
        False,
        description="Whether the model starts as principal components of the training examples, "
        "which stay beside the nets of encoder and decoder",
    )
    training: TrainingOptions = TrainingOptions.model_validate({})
    prior_stage: PriorStage = PriorStage.model_validate({})

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """A validated configuration in which `changes` replace keys of this one."""
        return validate(merge(self.model_dump(), changes))

    def part(self, family: str) -> Any:
        """The options of a family's part."""
        return getattr(self, family)

    def to_yaml(self) -> str:
        """The configuration as the text of a YAML file."""
        return dump_plain(self.model_dump(mode="json"))


SECTIONS: dict[str, type[Options]] = {
    "training": TrainingOptions,
    "data": DataOptions,
    "prior_stage": PriorStage,
}

DEFAULT_PARTS: PlainOptions = {
    "encoder": {"kind": "mlp"},
    "posterior": {"kind": "diagonal-normal"},
    "prior": None,  # the posterior's default
    "decoder": {"kind": "mlp"},
    "likelihood": None,  # the default for the support of the data
    "objective": {"kind": "elbo"},
    "optimizer": {"kind": "adam"},
    "schedule": {"kind": "constant"},
}


def _family_field(name: str) -> tuple[Any, Any]:
    """Type and default of the field of a family."""
    default = DEFAULT_PARTS[name]
    kinds = _one_of(FAMILIES[name])
    return kinds if default else kinds | None, Field(default, validate_default=True)


Config = create_model(
    "Config",
    __base__=Settings,
    __doc__="Everything that defines a run; `vaekit train config.yaml` repeats it.",
    **{name: _family_field(name) for name in FAMILIES},  # type: ignore[call-overload]
)


def options_of(family: str, kind: str) -> list[str]:
    """The names of the options of a part."""
    part = FAMILIES[family].get(kind)
    if part is None:
        return list(Custom.model_fields)
    return [name for name in schema(kind, part).model_fields if name != "kind"]


def validate(content: Mapping[str, Any]) -> Settings:
    """A validated configuration.

    Args:
        content: Nested keys and values.

    Raises:
        ConfigError: A key is unknown, or a value is not allowed; `parameter` is the key.
    """
    try:
        return Config.model_validate(python_values(content))
    except ValidationError as error:
        keys = Schema(
            top_level=tuple(Config.model_fields),
            sections={name: tuple(section.model_fields) for name, section in SECTIONS.items()},
            families={name: tuple(family) for name, family in FAMILIES.items()},
            options_of=options_of,
        )
        raise config_error(error, keys) from None


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> PlainOptions:
    """`base` with `changes` key by key; a part of another kind replaces the part and its options.

    >>> merge({"seed": 1, "encoder": {"kind": "mlp"}}, {"encoder": {"hidden": [8]}})
    {'seed': 1, 'encoder': {'kind': 'mlp', 'hidden': [8]}}
    """
    merged = dict(base)
    for key, value in changes.items():
        new = _kind_of(value) if key in FAMILIES else value
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping) and _is_same_kind(old, new):
            new = merge(old, new)
        merged[key] = new
    return merged


def _is_same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether both are options of the same part, or no options of parts."""
    return new.get("kind", old.get("kind")) == old.get("kind")


def to_plain(options: Mapping[str, Any]) -> PlainOptions:
    """Options as nested plain values; some may be validated already."""
    return {
        key: value.model_dump() if isinstance(value, BaseModel) else value
        for key, value in options.items()
    }
