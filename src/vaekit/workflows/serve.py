"""A run over HTTP: what its server computes, and the server itself."""

import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import numpy as np

import vaekit
from vaekit.data import Examples
from vaekit.errors import DataError, Interrupted
from vaekit.inference.encode_decode import decode_means
from vaekit.inference.scoring import NEED_RUN_DATA, available_scores
from vaekit.inputs import as_tensor, max_batch_examples, values_per_example
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import data_label
from vaekit.runs.run_scores import score_inputs
from vaekit.server import Facts, Limits
from vaekit.server.service import Arrays, Labels
from vaekit.web import ENDING, App, hosts_for, missing_package, serve_app


def serve(
    run: Run | str | os.PathLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve a run's `encode`, `decode`, `sample` and `score` over HTTP until Ctrl-C.

    host: an address of this machine. Under a loopback one requests must name it; under another any name will do, as it is
    reached by names that only its network knows. port: 0 for any that is free. ready: told the address once it listens.

    Raises ConfigError where a package is missing or the host cannot be, OutputError where the port is taken.

    >>> serve("runs/conv-mnist-20260101-120000", port=8000)  # doctest: +SKIP
    """
    run = as_run(run)
    serve_app(
        lambda: application(run, hosts=hosts_for(host), limits=limits), host, port, ready=ready
    )


def application(run: Run, *, hosts: Collection[str] | None, limits: Limits | None = None) -> App:
    """The same as an ASGI app, for a server of one's own. hosts: the names that requests may ask for; None: any."""
    try:
        from vaekit.server.app import create
    except ImportError as error:
        raise missing_package(error, "serve") from None
    return create(
        Computed(run),
        limits or Limits(max_batch_examples=max_batch_examples(values_per_example(run.model))),
        hosts,
    )


class Computed:
    """What a server asks of a run; see `vaekit.server.Service`."""

    def __init__(self, run: Run):
        self.run, codebook = run, run.model.codebook
        self.scores = tuple(
            name for name in available_scores(run.model) if name not in NEED_RUN_DATA
        )
        self.facts = Facts(
            recipe=run.config.recipe,
            data=data_label(run.config.data.source),  # where it lies is nobody's business
            shape=run.model.data_shape,
            support=str(run.support),
            latent_dim=run.model.latent_shape.numel(),
            classes=tuple(run.config.data.classes) if run.model.classes else (),
            positions=0 if codebook is None else codebook.positions,
            version=vaekit.__version__,
        )

    def rows(self, x: np.ndarray, y: Labels) -> Examples:
        try:
            raw = self.run.check_examples(x)
        except DataError as error:
            raise DataError(
                re.sub(r" \(--[^)]*\)", "", str(error))
            ) from None  # options are for who trains
        return self._with_classes(raw, y)

    def codes(self, z: np.ndarray, y: Labels) -> Examples:
        return self._with_classes(self.run.check_latents(z).flatten(1).numpy(force=True), y)

    def encode(self, rows: Examples) -> Arrays:
        found = self.run.encode(rows)
        return {
            "mean": found.mean,
            **({"stddev": found.stddev} if found.indices is None else {"indices": found.indices}),
        }

    def decode(self, codes: Examples) -> Arrays:
        z = as_tensor(codes.x).reshape(-1, *self.run.model.latent_shape)
        x = decode_means(self.run.model, z, None if codes.y is None else as_tensor(codes.y))
        return {"x": self.run.transform.inverse(x).numpy()}

    def draw(self, count: int, label: str | int | None, seed: int) -> Examples:
        self._check_classes(label)
        z, y = self.run.sample_latents(count, None if label is None else str(label), seed=seed)
        return Examples(z.flatten(1).numpy(force=True), None if y is None else y.numpy(force=True))

    def score(self, rows: Examples, by: str, samples: int, seed: int) -> Arrays:
        scores = score_inputs(self.run, self.run.inputs(rows), by, samples=samples, seed=seed)
        return {"score": scores}

    @contextmanager
    def stopped(self) -> Iterator[None]:
        def stop(*_: object) -> None:
            raise Interrupted(ENDING)

        hooks = [module.register_forward_pre_hook(stop) for module in self.run.model.modules()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _with_classes(self, x: np.ndarray, y: Labels) -> Examples:
        self._check_classes(y)
        numbers = self.run.condition(y, len(x))
        return Examples(x, None if numbers is None else numbers.numpy(force=True))

    def _check_classes(self, y: Labels) -> None:
        """As `Run.condition` does, whose remedy is for who trains."""
        if y is not None and not self.run.model.classes:
            raise DataError("classes were given, and this model has none: leave them out")
