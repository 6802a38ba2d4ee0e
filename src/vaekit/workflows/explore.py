"""A run's explorer: what its page is given, a local server for it, and the page as one file."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

import vaekit
from vaekit.atomic_io import atomic_write_bytes
from vaekit.core.distributions import is_deterministic
from vaekit.data import Examples, evenly_spaced_indices
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, OutputError
from vaekit.explorer import Content, explorer_app, to_page
from vaekit.export import DECODER, ENCODER
from vaekit.inference.bounds import elbo_per_example
from vaekit.inputs import as_tensor
from vaekit.inputs.tracked import track_inputs
from vaekit.plots import CLASS_COLORS, principal_axes
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import data_label, select_examples
from vaekit.runs.run_data import data_name
from vaekit.runtime.seeding import seeded_noise
from vaekit.web import LOOPBACK, serve_app
from vaekit.workflows.export import export_graphs

MOST_POINTS = 200_000
MOST_COMPONENTS = 8
DRAWS = 512  # of a prior that is not normal, which a page cannot draw from by itself
MOST_THUMBNAILS, MOST_THUMBNAIL_BYTES = 2_000, 16_000_000
REACH = 3.0  # deviations of the prior that sliders go to at least


def explore(
    run: Run | str | os.PathLike,
    *,
    split: SplitName | None = None,
    data: Any = None,
    port: int = 0,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve a page about a run's latent space to this machine only, until Ctrl-C.

    split, data: which rows are on its map, by default the run's test rows, or all of `data`; 200,000 at most.
    ready: told the address once it is there.
    Raises ConfigError where what it takes is not installed, OutputError for a port that is taken.

    >>> explore(run)  # doctest: +SKIP
    """
    run = as_run(run)
    make = lambda: explorer_app(content_of(run, split=split, data=data), hosts=LOOPBACK)  # noqa: E731
    serve_app(make, LOOPBACK[0], port, ready=ready, extra="explore")


def export_page(
    run: Run | str | os.PathLike,
    out: str | os.PathLike,
    *,
    split: SplitName | None = None,
    data: Any = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write the explorer as one HTML file that needs neither a server nor a network, with at most 2,000 of the rows themselves.

    Raises as `explore` does, and OutputError where a file is there and `force` is not given.
    """
    out = Path(out)
    if out.exists() and not force:
        raise OutputError(f"{out} exists: choose another place, or overwrite it with --force")
    run = as_run(run)
    content = with_thumbnails(content_of(run, split=split, data=data))
    page = to_page(content).encode()
    atomic_write_bytes(out, page)
    return {
        "file": str(out),
        "bytes": len(page),
        "codes": content.facts["rows"],
        "images": len(content.arrays["originals"]),
    }


def with_thumbnails(content: Content) -> Content:
    """The same with some of the rows themselves, spread evenly, for a page that has nobody to ask for them."""
    rows = content.facts["rows"]
    count = max(1, min(MOST_THUMBNAILS, MOST_THUMBNAIL_BYTES // content.original(0).nbytes))
    chosen = evenly_spaced_indices(rows, count).astype(np.uint32)
    kept = {"kept": chosen, "originals": np.stack([content.original(int(row)) for row in chosen])}
    return Content(
        content.facts,
        {**content.arrays, **kept},
        content.encoder,
        content.decoder,
        content.original,
    )


def content_of(run: Run, *, split: SplitName | None = None, data: Any = None) -> Content:
    """What the explorer shows of a run: codes and loss terms of rows, both nets as ONNX, and how to read them."""
    rows, part, _ = select_examples(run, split, data)
    if len(rows) > MOST_POINTS:
        raise ConfigError(
            f"{len(rows):,} rows are too many for one map, at most {MOST_POINTS:,}: give some of them as --data"
        )
    files = export_graphs(run, rows)
    codes = run.encode(rows)
    inputs = track_inputs(run.inputs(rows))
    terms = elbo_per_example(run.model, inputs)
    arrays: dict[str, np.ndarray] = {
        "codes": codes.mean.astype(np.float32),
        **_labels(rows),
        **_losses(terms),
    }
    latent: dict[str, Any] = {"size": codes.mean.shape[1]}
    if codes.indices is not None:
        found, how = _discrete(run, codes.mean, codes.indices)
    else:
        per_dimension = terms.divergence.shape[1] == codes.mean.shape[1]
        found, how = _continuous(
            codes.mean, terms.divergence.mean(0).numpy() if per_dimension else None
        )
    arrays, latent = arrays | found, latent | how
    certain = is_deterministic(run.model.encode(*_one_row(run)))
    prior, draws = _prior(run, certain)
    facts = {
        "format": 1,
        "version": vaekit.__version__,
        "name": run.path.name,
        "recipe": run.config.recipe,
        "data": data_name(run) if data is None else data_label(data),
        "part": part,
        "rows": len(rows),
        "shape": list(run.model.data_shape),
        "support": str(run.support),
        "range": _range(run, rows),
        "latent": latent,
        "classes": list(run.config.data.classes),
        "colours": list(CLASS_COLORS),
        "conditional": bool(run.model.classes),
        "terms": ["reconstruction", "divergence"][: arrays["terms"].shape[1]],
        "test": _test_loss(run),
        "prior": prior,
        "drawn": not certain,
    }
    return Content(
        facts,
        arrays | draws,
        files[ENCODER].onnx,
        files[DECODER].onnx,
        lambda row: _raw(rows.x[row]),
    )


def _test_loss(run: Run) -> dict[str, float | None] | None:
    """The test loss and its standard error, None where the summary has none; both are numbers, whoever wrote it."""
    found = run.summary.get("test", {}).get("loss")
    value, error = (
        found.get(name) if isinstance(found, dict) else None for name in ("value", "standard_error")
    )
    return (
        {"value": value, "standard_error": error if _finite(error) else None}
        if _finite(value)
        else None
    )


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _raw(row: np.ndarray) -> np.ndarray:
    """A raw row as the page takes them: bytes, or float32."""
    return row if row.dtype == np.uint8 else row.astype(np.float32)


def _labels(rows: Examples) -> dict[str, np.ndarray]:
    return {} if rows.y is None else {"labels": rows.y.astype(np.uint16)}


def _losses(terms: Any) -> dict[str, np.ndarray]:
    """Reconstruction and, where the posterior has one, divergence, [N, 1 or 2]."""
    both = [terms.reconstruction, terms.divergence.sum(-1)][: 2 if terms.divergence.shape[1] else 1]
    return {"terms": torch.stack(both, 1).float().numpy()}


def _continuous(
    codes: np.ndarray, divergence: np.ndarray | None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Principal axes of codes, and of each dimension how much it carries and where its codes are."""
    size = codes.shape[1]
    activity = codes.var(0) if divergence is None else divergence
    low, high = np.quantile(codes, (0.005, 0.995), axis=0)
    ranges = {
        "activity": activity.round(4).tolist(),
        "unit": "nats" if divergence is not None else "variance",
        "order": np.argsort(-activity, kind="stable").tolist(),
        "low": np.minimum(low, -REACH).tolist() if divergence is not None else low.tolist(),
        "high": np.maximum(high, REACH).tolist() if divergence is not None else high.tolist(),
    }
    if size <= 2:
        return {}, ranges
    found, shares, _ = _components(codes)
    return found, ranges | {"shares": shares}


def _discrete(
    run: Run, codes: np.ndarray, indices: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Principal coordinates in the place of long code vectors, the entries that make these, and how they do."""
    codebook = run.model.codebook
    assert codebook is not None
    found, shares, coordinates = _components(codes)
    vectors = codebook.vectors.numpy(force=True).astype(np.float32)
    arrays = found | {
        "codes": coordinates,
        "indices": indices.astype(np.uint16),
        "vectors": vectors,
    }
    facts = {"positions": codebook.positions, "count": codebook.count, "groups": codebook.groups}
    return arrays, {"discrete": facts, "shares": shares}


def _components(codes: np.ndarray) -> tuple[dict[str, np.ndarray], list[float], np.ndarray]:
    """Principal components of codes and their centre, the shares of the variance, and where the codes are along them."""
    mean, axes, shares = principal_axes(codes, MOST_COMPONENTS)
    found = {"centre": mean.astype(np.float32), "axes": axes.T.astype(np.float32)}
    return found, shares.round(4).tolist(), ((codes - mean) @ axes).astype(np.float32)


def _prior(run: Run, certain: bool) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    """The prior where it is normal, by class where it depends on it; draws from another; none where nothing was held to it."""
    model = run.model
    every = (
        torch.arange(model.classes, device=next(model.parameters()).device)
        if model.classes
        else None
    )
    p = model.prior_distribution(every)
    if model.codebook is None and certain:
        return None, {}
    base = p.base_dist if isinstance(p, Independent) else p
    if isinstance(base, Normal):
        mean, sd = (
            _by_class(value, len(p.batch_shape)).tolist() for value in (base.mean, base.stddev)
        )
        return {"mean": mean, "sd": sd}, {}
    y = None if every is None else every.repeat(-(-DRAWS // len(every)))  # as many of each class
    count = DRAWS if y is None else len(y)
    with seeded_noise(0):
        z = model.sample_prior(count, y)
    if model.codebook is not None:
        return {"draws": count}, {
            "draws": model.codebook.indices(z).cpu().numpy().astype(np.uint16)
        }
    return {"draws": count}, {"draws": z.flatten(1).cpu().numpy().astype(np.float32)}


def _by_class(values: Tensor, lead: int) -> Tensor:
    """[C or 1, L]"""
    return (
        values.detach().flatten(lead).reshape(-1 if lead else 1, values[(0,) * lead].numel()).cpu()
    )


def _one_row(run: Run) -> tuple[Tensor, Tensor | None]:
    return torch.zeros(1, *run.model.data_shape).to(
        next(run.model.parameters())
    ), run.model.dummy_condition(1)


def _range(run: Run, rows: Examples) -> list[float]:
    """Which raw values are black and white: those that the support ends at, or nearly all that there are."""
    if run.support.kind != "real":
        return [0.0, float(max(run.support.levels - 1, 1))]
    low, high = np.percentile(as_tensor(rows.x[:1000]).numpy(), (0.5, 99.5))
    return [float(low), float(max(high, low + 1e-12))]
