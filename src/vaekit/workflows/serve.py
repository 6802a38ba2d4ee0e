"""Serve a run over HTTP."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

import numpy as np

import vaekit
from vaekit.data import Examples
from vaekit.data.readers.image_arrays import ImageSource
from vaekit.errors import Interrupted
from vaekit.inference.encode_decode import decode_means
from vaekit.inference.scoring import NEED_RUN_DATA, available_scores
from vaekit.inputs import as_tensor, max_batch_examples, values_per_example
from vaekit.runs import Run, as_run
from vaekit.runs.dataset_source import read_as_configured
from vaekit.runs.example_selection import data_label
from vaekit.runs.run_scores import score_inputs
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.lenient_stream import LenientStream
from vaekit.runtime.library_call import library_call
from vaekit.server import Facts, Limits
from vaekit.server.service import Arrays, Labels
from vaekit.web import (
    SHUTTING_DOWN,
    AccessLog,
    App,
    BearerToken,
    RunningServer,
    hosts_for,
    in_event_loop,
    missing_package,
    serve_app,
    tls_files,
)


@library_call
def serve(
    run: Run | str | os.PathLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    token: str | None = None,
    tls_certificate: str | os.PathLike | None = None,
    tls_key: str | os.PathLike | None = None,
    access_log: TextIO | None = None,
    ready: Callable[[str], None] = print,
    background: bool | None = None,
) -> RunningServer | None:
    """Serve encode, decode, sample and score of a run over HTTP: until Ctrl-C, or in a thread.

    Args:
        run: A run or its folder.
        host: Address of this machine to listen on. Requests to a loopback address must name it;
            to another address they may have any Host header.
        port: The port; 0 picks a free one.
        limits: Limits of requests; by default, batches are limited by the size of the model.
        token: The bearer token of all requests but `GET /health`; None: none is needed.
        tls_certificate: PEM file of a certificate and its chain, for https.
        tls_key: PEM file of its private key, not encrypted.
        access_log: The stream, such as `sys.stderr`, that gets one line per request.
        ready: Called with the address when the server listens.
        background: Serve in a thread of its own; default if an event loop runs in this one, as in
            a notebook.

    Returns:
        In the background the server, with `url` and `stop()`; else None, after Ctrl-C.

    Raises:
        ConfigError: A package that is not installed, an invalid host, port or token, or
            unusable files of TLS.
        OutputError: A port that is in use.

    >>> serve("runs/conv-mnist-20260101-120000", port=8000)  # doctest: +SKIP
    """
    keep_freed_memory()
    tls = tls_files(tls_certificate, tls_key)
    secret = None if token is None else BearerToken(token)
    run = as_run(run)

    def make_app() -> App:
        app = application(run, hosts=hosts_for(host), limits=limits, token=secret)
        return app if access_log is None else AccessLog(app, LenientStream(access_log))

    if background is None:
        background = in_event_loop()
    if not background:
        return serve_app(make_app, host, port, ready=ready, tls=tls)
    server = RunningServer(make_app, host, port, tls=tls)
    ready(server.url)
    return server


def application(
    run: Run,
    *,
    hosts: Collection[str] | None,
    limits: Limits | None = None,
    token: BearerToken | None = None,
) -> App:
    """The server of a run as an ASGI app, for another ASGI server of one process.

    Args:
        run: The run.
        hosts: Names that requests may have in their Host header; None: any.
        limits: Limits of requests; by default, batches are limited by the size of the model.
        token: The bearer token of all requests but `GET /health`; None: none is needed.

    Raises:
        ConfigError: A package that is not installed.
    """
    try:
        from vaekit.server.app import create
    except ImportError as error:
        raise missing_package(error, "serve") from None
    if limits is None:
        limits = Limits(max_batch_examples=max_batch_examples(values_per_example(run.model)))
    return create(RunService(run), limits, hosts, token)


class RunService:
    """The functions of a run that a server calls; see `vaekit.server.Service`."""

    def __init__(self, run: Run):
        self.run = run
        scores = available_scores(run.model)
        self.scores = tuple(name for name in scores if name not in NEED_RUN_DATA)
        codebook = run.model.codebook
        self.facts = Facts(
            recipe=run.config.recipe,
            data=data_label(run.config.data.source),  # without the folder of the data
            shape=tuple(run.model.data_shape),
            support=str(run.support),
            latent_dim=run.model.latent_shape.numel(),
            classes=run.classes,
            positions=0 if codebook is None else codebook.positions,
            version=vaekit.__version__,
        )
        self.image_sizes = _image_sizes(run)

    def check_examples(self, x: np.ndarray, y: Labels) -> Examples:
        """Raw examples and their class numbers; DataError unless they suit the model."""
        return self._with_labels(self.run.check_examples(x), y)

    def check_latents(self, z: np.ndarray, y: Labels) -> Examples:
        """Latent codes and their class numbers; DataError unless they suit the model."""
        return self._with_labels(self.run.check_latents(z).flatten(1).numpy(force=True), y)

    def read_image(self, file: BinaryIO) -> np.ndarray:
        """Raw example [1, C, H, W] of a PNG or JPEG, cropped and resized as configured."""
        images = [ImageSource(file, "the body")]
        return read_as_configured(images, self.run.config, self.run.model.data_shape[0])

    def encode(self, examples: Examples) -> Arrays:
        """mean and stddev of q(z|x); of discrete codes mean and indices."""
        codes = self.run.encode(examples)
        if codes.indices is None:
            return {"mean": codes.mean, "stddev": codes.stddev}
        return {"mean": codes.mean, "indices": codes.indices}

    def decode(self, latents: Examples) -> Arrays:
        """The means of p(x|z) in raw units."""
        z = as_tensor(latents.x).reshape(-1, *self.run.model.latent_shape)
        y = None if latents.y is None else as_tensor(latents.y)
        return {"x": self.run.transform.inverse(decode_means(self.run.model, z, y)).numpy()}

    def sample_latents(self, count: int, label: str | int | None, seed: int) -> Examples:
        """Latent codes from the prior and their class numbers."""
        name = None if label is None else str(label)
        z, y = self.run.sample_latents(count, name, seed=seed)
        return Examples(z.flatten(1).numpy(force=True), None if y is None else y.numpy(force=True))

    def score(self, examples: Examples, metric: str, samples: int, seed: int) -> Arrays:
        """Anomaly scores."""
        inputs = self.run.inputs(examples)
        return {"score": score_inputs(self.run, inputs, metric, samples=samples, seed=seed)}

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """A context in which every call of the model fails."""

        def stop(*_: object) -> None:
            raise Interrupted(SHUTTING_DOWN)

        hooks = [module.register_forward_pre_hook(stop) for module in self.run.model.modules()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _with_labels(self, x: np.ndarray, y: Labels) -> Examples:
        numbers = self.run.condition(y, len(x))
        return Examples(x, None if numbers is None else numbers.numpy(force=True))


def _image_sizes(run: Run) -> frozenset[tuple[int, int]] | None:
    """Sizes of images that are examples as they are; a photograph may lie on its side."""
    data, shape = run.config.data, run.model.data_shape
    if data.crop or data.resize:
        return None
    if len(shape) != 3:
        return frozenset()
    _, height, width = shape
    return frozenset({(width, height), (height, width)})
