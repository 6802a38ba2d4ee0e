"""One page about a run that explains itself: figures, what each means, pictures, protocol, warnings."""

import os
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from vaekit import html
from vaekit import runs as store
from vaekit.atomic_io import atomic_write_bytes
from vaekit.runs import Run, load_run
from vaekit.workflows.plot import plot

Text = Callable[[dict[str, Any]], str]

FIGURES: dict[str, tuple[str, str]] = {
    "loss": (
        "Loss (negative ELBO), nats per row",
        "An upper bound of -log p(x), reconstruction and divergence together. Lower is better.",
    ),
    "reconstruction": (
        "Reconstruction, nats per row",
        "What is left to say about a row when its code is known: -E[log p(x given z)]. Lower is better, as long as the "
        "divergence does not grow by more.",
    ),
    "divergence": (
        "Divergence, nats per row",
        "What the code itself costs, KL(q(z given x) || p(z)): the price of the reconstruction. Near 0 codes say nothing.",
    ),
    "importance_weighted_bound": (
        "Importance-weighted bound of log p(x), nats per row",
        "A closer lower bound of log p(x) than the ELBO, from K draws of z a row. Higher is better; it rises with K.",
    ),
    "ais_bound": (
        "Annealed bound of log p(x), nats per row",
        "A lower bound that stays close where the posterior is poor. Higher is better; far above the importance-weighted bound "
        "it says that the encoder is what to improve.",
    ),
    "log_likelihood": (
        "log p(x), nats per row",
        "Exact: the sum over all codes that there are, of which the bounds are estimates from below. Higher is better.",
    ),
    "bits_per_dimension": (
        "Bits per dimension, at most",
        "The bound as bits for each pixel or column, which compares data of different sizes. Lower is better.",
    ),
}

LATENT: dict[str, tuple[str, Text, str]] = {
    "active": (
        "Active dimensions",
        lambda found: f"{found['active']} of {found['dimensions']}",
        "Dimensions of z whose mean moves with the row (variance above 0.01). Those that are not carry nothing.",
    ),
    "mutual_information": (
        "Information I(x; z), nats",
        lambda found: html.with_error(found["mutual_information"]),
        "How much a code says about which row it came from. Higher means a richer code; near 0, the decoder ignores it.",
    ),
    "marginal_kl": (
        "Distance of all codes from the prior, nats",
        lambda found: html.with_error(found["marginal_kl"]),
        "KL(q(z) || p(z)): how much the codes of all rows, taken together, differ from what the prior draws. Lower is better, "
        "for samples.",
    ),
    "prior_holes": (
        "Draws of the prior that are far from every code",
        lambda found: f"{found['holes']:.1%}",
        "Where the decoder has learned nothing. 1 % where codes fill the prior; lower is better for samples.",
    ),
    "probes": (
        "Classes read off codes",
        lambda found: (
            f"{found['probes']['linear']:.1%} linear, {found['probes']['nearest']:.1%} by neighbours"
        ),
        "Test accuracy of a linear classifier, and of the five nearest training codes. Higher means that classes lie apart.",
    ),
}

RECONSTRUCTIONS: dict[str, tuple[str, int, str]] = {
    "mse": (
        "Squared error of a value",
        5,
        "Between a row and what the model makes of it, the mean over values. Lower is better.",
    ),
    "psnr": (
        "PSNR, decibels",
        2,
        "The same as a ratio of the range of values to the error. Higher is better; 3 decibels halve the squared error.",
    ),
    "ssim": (
        "Structural similarity",
        4,
        "Whether windows of 11 pixels look alike in both (Wang et al., 2004). 1 is best.",
    ),
}

SAMPLES: dict[str, tuple[str, int, str]] = {
    "frechet": (
        "Fréchet distance",
        3,
        "How far samples are from real rows, both taken for normal distributions of features. Lower is better; other "
        "real rows show how low it can be.",
    ),
    "kernel": (
        "Kernel distance",
        4,
        "The same without taking them for normal (squared maximum mean discrepancy). Lower is better; 0 where they are equal.",
    ),
    "precision": (
        "Precision",
        3,
        "Share of samples among real rows: how many look real. Higher is better.",
    ),
    "recall": (
        "Recall",
        3,
        "Share of real rows among samples: how much of the data they reach. Higher is better.",
    ),
    "density": (
        "Density",
        3,
        "How many real rows are close to a sample; above 1, samples crowd where rows are most usual.",
    ),
    "coverage": (
        "Coverage",
        3,
        "Share of real rows with a sample close to them. Higher is better.",
    ),
    "nearest_training_distance": (
        "Distance to the closest training row",
        2,
        "Of a sample; in the last line, of a real row. Samples that are far closer than real rows are copies.",
    ),
}

SOURCES = {
    "prior": "prior",
    "mixture": "mixture over codes",
    "real_data_baseline": "other real rows",
}

PICTURES = {
    "curves": "Training and validation; the star marks the epoch whose weights were kept.",
    "reconstructions": "Rows over their reconstructions.",
    "samples": "New rows: draws from the prior through the decoder.",
    "nearest": "Samples over the training rows closest to them: where the two are the same, the model copies.",
    "latent": "The codes of rows, by class where there are classes.",
    "grid": "What the decoder makes of points on a grid in the latent plane.",
    "dimensions": "What each latent dimension carries, the most active first.",
    "usage": "How often each code is taken, the most frequent first.",
    "losses": "How the loss and its terms are spread over rows.",
}

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 960px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; margin-bottom: 0; } h2 { font-size: 1.2em; margin-top: 2em; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .45em .8em .45em 0;
border-top: 1px solid #ddd; } td:nth-child(2) { white-space: pre; font-variant-numeric: tabular-nums; font-weight: 600; }
td:nth-child(3), .muted { color: #555; }
.warning { background: #fff4d6; border-left: 4px solid #d9a300; padding: .6em 1em; margin: .6em 0; }
figure { margin: 1.5em 0; } img { max-width: 100%; } figcaption { color: #555; } pre { background: #f6f6f6; padding: 1em;
overflow-x: auto; font-size: 13px; }
"""


def report(run: Run | str | os.PathLike, found: dict[str, Any]) -> Path:
    """Write RUN/report.html from what `evaluate` found: one file, pictures in it, which needs no network."""
    run = run if isinstance(run, Run) else load_run(run)
    path = run.path / store.REPORT
    if not (run.path / store.PLOTS).is_dir():
        plot(run)
    atomic_write_bytes(path, "".join(_page(run, found)))
    return path


def _page(run: Run, found: dict[str, Any]) -> Iterator[str]:
    title = escape(f"{run.config.recipe} on {found['data']}")
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    yield f"<body><h1>{title}</h1><p class=muted>{escape(str(run.path))}: {found['rows']:,} rows ({escape(found['split'])}), "
    size = run.config.latent_dim
    yield f"{size} latent dimension{'' if size == 1 else 's'}, seed {found['seed']}</p>"
    for warning in found["latent"]["warnings"]:
        yield f"<p class=warning>{escape(warning)}</p>"
    yield "<h2>Likelihood</h2>" + html.table(_figures(found))
    yield "<h2>Latent space</h2>" + html.table(_latent(found["latent"]))
    yield "<h2>Reconstructions</h2>" + html.table(_reconstructions(found["reconstructions"]))
    yield from _samples(found)
    yield "<h2>Pictures</h2>"
    for name, caption in PICTURES.items():
        picture = run.path / store.PLOTS / f"{name}.png"
        if picture.is_file():
            yield f"<figure>{html.picture(picture.read_bytes(), name)}<figcaption>{escape(caption)}</figcaption></figure>"
    yield "<h2>Protocol</h2><p class=muted>Figures compare with those of runs for which all of this is the same.</p>"
    facts = {
        "data": found["data"],
        "rows": f"{found['rows']:,}, {found['split']}",
        "seed": str(found["seed"]),
    }
    yield html.table((name, value, "") for name, value in (facts | found["protocol"]).items())
    config = escape((run.path / store.CONFIG).read_text(encoding="utf-8"))
    yield f"<h2>Configuration</h2><details><summary>config.yaml</summary><pre>{config}</pre></details></body></html>"


def _figures(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, (title, meaning) in FIGURES.items():
        if found.get(name):
            how = f" K = {found['samples']}." if name == "importance_weighted_bound" else ""
            how = f" Of {found[name]['of']}." if name == "bits_per_dimension" else how
            yield (
                title,
                html.with_error(found[name], 4 if name == "bits_per_dimension" else 2),
                meaning + how,
            )
        elif why := found.get(f"why_no_{name}"):
            yield title, "none", why


def _latent(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, (title, text, meaning) in LATENT.items():
        if name in found:
            yield title, text(found), meaning


def _reconstructions(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, (title, digits, meaning) in RECONSTRUCTIONS.items():
        if name in found:
            yield title, html.with_error(found[name], digits), meaning


def _samples(found: dict[str, Any]) -> Iterator[str]:
    judged = found.get("sample_quality")
    if judged is None:
        if "why_no_sample_quality" in found:
            yield f"<h2>Samples</h2><p class=muted>{escape(found['why_no_samples_judged'])}</p>"
        return
    yield "<h2>Samples</h2>"
    yield from (f"<p class=warning>{escape(warning)}</p>" for warning in judged["warnings"])
    yield "<p class=muted>"
    what = f"{judged['rows']:,} of each, {judged['values']}, against as many real rows; by {judged['features']}. "
    yield escape(
        f"{what}Other real rows are {judged['floor_of']}: what samples as good as data would get."
    )
    sources = [source for source in SOURCES if source in judged]
    yield "</p>" + html.table(
        (
            title,
            "\n".join(
                f"{SOURCES[of]}: {html.with_error(judged[of][name], digits)}" for of in sources
            ),
            meaning,
        )
        for name, (title, digits, meaning) in SAMPLES.items()
    )
