"""The table of a model's parts that notebooks show."""

from contextlib import suppress
from typing import TYPE_CHECKING

import torch
from torch import nn

from vaekit import html
from vaekit.core.modules import ParameterCount, eval_mode, zeros_like_model

if TYPE_CHECKING:
    from vaekit.core.vae import VAE

PARTS = ("encoder", "posterior", "prior", "decoder", "likelihood")
HEADER = ("part", "class", "input", "output", "parameters")
UNKNOWN = "?"


def summary_html(model: "VAE") -> str:
    """The parts of a model, their inputs and outputs, and the parameters of each side."""
    sides = model.count_parameters()
    counts = {"posterior": "with the encoder's", "likelihood": "with the decoder's"}
    counts |= {side: _count_text(count) for side, count in sides.items()}
    shapes = _inputs_and_outputs(model)
    rows = (
        (part, type(getattr(model, part)).__name__, *shapes[part], counts[part]) for part in PARTS
    )
    condition = f", conditional on {model.classes:,} classes" if model.classes else ""
    total = sum(count.total for count in sides.values())
    title = f"VAE{condition}: {total:,} parameters"
    return html.card(title, html.table(rows, html.CELL, HEADER))


def _count_text(count: ParameterCount) -> str:
    fixed = f" and {count.fixed:,} fixed" if count.fixed else ""
    return f"{count.trainable:,}{fixed}"


def _inputs_and_outputs(model: "VAE") -> dict[str, tuple[str, str]]:
    """The input and the output of each part for one example, by the part's name."""
    x = f"x {tuple(model.data_shape)}"
    z = f"z {tuple(model.latent_shape)}"
    y = ", y" if model.classes else ""
    given_y = "|y" if model.classes else ""
    features = _output_shape(model, model.encoder, model.data_shape)
    parameters = _output_shape(model, model.decoder, tuple(model.latent_shape))
    return {
        "encoder": (f"{x}{y}", features),
        "posterior": (features, f"q({z}|x{y})"),
        "prior": (y.removeprefix(", "), f"p({z}{given_y})"),
        "decoder": (f"{z}{y}", parameters),
        "likelihood": (parameters, f"p({x}|z{y})"),
    }


def _output_shape(model: "VAE", net: nn.Module, shape: tuple[int, ...]) -> str:
    """The shape of a net's output for one example of zeros."""
    with (
        suppress(RuntimeError),  # a part is on another device than the others
        torch.no_grad(),
        eval_mode(model),
    ):
        condition = model.condition_arguments(model.dummy_condition(1))
        output = net(zeros_like_model(model, 1, *shape), *condition)
        return str(tuple(output.shape[1:]))
    return UNKNOWN
