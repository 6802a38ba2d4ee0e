"""The model card: what a model is and what was measured, as Markdown with a YAML header.

Names come from data and recipes: all are escaped, so that none becomes markup or a further key.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from vaekit.evaluation.catalogue import LIKELIHOOD, NATS
from vaekit.run_plots.captions import CAPTIONS

Fields = Mapping[str, Any]
"""The content of config.json or summary.json."""

MAX_CLASSES = 20
TERMS = ("loss", "reconstruction", "divergence")
RECONSTRUCTION_LOSS = "Loss (no ELBO)"
RECONSTRUCTION_MEANING = "The reconstruction alone: the posterior is deterministic."
NO_DIVERGENCE = "reconstruction-only"
"""The objective without a divergence, whose codes need not resemble samples of the prior."""

PLOT_ORDER = (
    "samples",
    "classes",
    "grid",
    "reconstructions",
    "latent",
    "nearest",
    "curves",
    "dimensions",
    "usage",
    "losses",
)
UNMATCHED_SAMPLES = (
    "Samples: latent codes from the prior, decoded. Training did not match the codes to the prior."
)
USAGE = """\
```python
import vaekit  # pip install "vaekit[hub]"

run = vaekit.pull("{repository}")  # or, from a folder: vaekit.load_run("FOLDER")
samples = run.sample(16)  # in the units of the data
codes = run.encode({arguments}).mean  # {comment}
```
"""
COUNTS = {"train": "to train on", "validation": "to choose the epoch by", "test": "to test on"}


def model_card(
    config: Fields,
    summary: Fields,
    protocol: Mapping[str, str],
    plots: Sequence[str] = (),
    license: str | None = None,
    repository: str = "OWNER/NAME",
) -> str:
    """The README.md of a shared folder.

    Args:
        config: The content of config.json.
        summary: The summary of the run; empty while training has not finished.
        protocol: How the metrics were measured.
        plots: Names of the files in plots/.
        license: Identifier of the license on the Hub, such as "mit".
        repository: OWNER/NAME, if known.

    Returns:
        Markdown.
    """
    sections = (
        _introduction(config),
        _metrics(summary, protocol),
        _usage(config, repository),
        _plots(config, plots),
        _limitations(config, summary, protocol),
    )
    texts = ("\n".join(section) for section in sections)
    body = "\n".join(f"{text}\n" for text in texts if text)
    return f"---\n{_header(config, summary, license)}---\n\n{body}"


def escape(text: object) -> str:
    r"""Text as Markdown that shows it literally.

    >>> print(escape("<b>|[x](y)"))
    \<b\>\|\[x\]\(y\)
    """
    return re.sub(r"([!-*./:;<>?@\[-`{-~])", r"\\\1", _printable(text))


def _printable(text: object) -> str:
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text)
    )


# --- Header --------------------------------------------------------------------------------------


def _header(config: Fields, summary: Fields, license: str | None) -> str:
    tags = ["autoencoder"] if _is_deterministic(config) else ["variational-autoencoder", "vae"]
    fields = {
        "library_name": "vaekit",
        "license": license,
        "pipeline_tag": _task(config),
        "tags": ["vaekit", *tags, "representation-learning"],
        "model-index": _model_index(config, summary),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return yaml.safe_dump(known, sort_keys=False, allow_unicode=True, width=math.inf)


def _task(config: Fields) -> str | None:
    """The Hub's name of the model's task; it has none for most models."""
    is_image = len(config["data"]["shape"]) == 3
    is_generator = config["objective"] != NO_DIVERGENCE
    if is_image and is_generator and not config["conditional"]:
        return "unconditional-image-generation"
    return None


def _is_deterministic(config: Fields) -> bool:
    return config["parts"].get("posterior") == "deterministic"


def _model_index(config: Fields, summary: Fields) -> list[Fields] | None:
    """The test metrics as the Hub lists them; None if the test examples chose the weights."""
    metrics = _test_metrics(summary)
    if not metrics or _is_chosen_on_test(summary):
        return None

    entries = [
        {"type": f"test_{name}", "name": f"{_title(name, metrics)}, {NATS}", "value": m["value"]}
        for name, m in metrics.items()
    ]
    data = _printable(config["data"]["name"])
    result = {
        "task": {"type": _task(config) or "other"},
        "dataset": {"type": data, "name": data, "split": "test"},
        "metrics": entries,
    }
    return [{"name": f"{_printable(config['recipe'])} on {data}", "results": [result]}]


# --- Summary -------------------------------------------------------------------------------------


def _test_metrics(summary: Fields) -> dict[str, Fields]:
    """The test metrics that have a value."""
    test = summary.get("test", {})
    return {name: test[name] for name in TERMS if _has_value(test.get(name))}


def _has_value(metric: Any) -> bool:
    return isinstance(metric, Mapping) and _is_number(metric.get("value"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_chosen_on_test(summary: Fields) -> bool:
    return str(summary.get("data", {}).get("validation", "")).startswith("the test ")


def _title(name: str, metrics: Mapping[str, Fields]) -> str:
    if name == "loss" and "divergence" not in metrics:
        return RECONSTRUCTION_LOSS
    return LIKELIHOOD[name].title


def _meaning(name: str, metrics: Mapping[str, Fields]) -> str:
    if name == "loss" and "divergence" not in metrics:
        return RECONSTRUCTION_MEANING
    return LIKELIHOOD[name].meaning


# --- Sections ------------------------------------------------------------------------------------


def _introduction(config: Fields) -> Iterator[str]:
    data = config["data"]
    kind = "An autoencoder" if _is_deterministic(config) else "A variational autoencoder"
    condition = ", conditional on the class," if config["conditional"] else ""
    yield f"# {escape(config['recipe'])} on {escape(data['name'])}\n"
    yield f"{kind}{condition} with {_latent(config)}, trained with vaekit.\n"
    if config["objective"] == NO_DIVERGENCE:
        yield "It was trained on the reconstruction alone, without a divergence from the prior.\n"

    parts = (f"{name} {escape(kind)}" for name, kind in config["parts"].items())
    counts = (f"{name} {count:,}" for name, count in config["parameters"].items() if count)
    shape = f"shape {escape(data['shape'])}, values {escape(data['support'])}"
    yield "| | |\n|---|---|"
    yield f"| Parts | {', '.join(parts)} |"
    yield f"| Parameters | {', '.join(counts)} |"
    yield f"| Data | {escape(data['name'])}: {shape} |"
    if config["classes"]:
        yield f"| Classes | {_classes(config['classes'])} |"


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(map(escape, names[:MAX_CLASSES]))
    hidden = len(names) - MAX_CLASSES
    return f"{shown}, and {hidden:,} more" if hidden > 0 else shown


def _latent(config: Fields) -> str:
    dimensions = config["latent_dim"]
    codes = config["codes"]
    if codes is None:
        return f"{dimensions:,} latent dimension{'' if dimensions == 1 else 's'}"
    positions = codes["positions"]
    number = f"{positions:,} code{'' if positions == 1 else 's'}"
    return f"a discrete latent ({number}, each one of {codes['count']:,}; {dimensions:,} values)"


def _metrics(summary: Fields, protocol: Mapping[str, str]) -> Iterator[str]:
    metrics = _test_metrics(summary)
    yield "## Metrics\n"
    if not metrics:
        yield "None: training has not finished."
        return

    yield f"Means over the test examples with their standard errors, in {NATS}.\n"
    yield "| Metric | Value | Standard error | Meaning |\n|---|---:|---:|---|"
    for name, metric in metrics.items():
        error = metric.get("standard_error")
        cells = (
            _title(name, metrics),
            f"{metric['value']:.2f}",
            f"{error:.2f}" if _is_number(error) else "none",
            _meaning(name, metrics).replace("|", r"\|"),
        )
        yield f"| {' | '.join(cells)} |"

    yield "\nMetrics are comparable only if all of this is equal:\n"
    yield "| | |\n|---|---|"
    for name, value in {**protocol, **_conditions(summary)}.items():
        yield f"| {escape(name)} | {escape(value)} |"


def _conditions(summary: Fields) -> dict[str, object]:
    """What the metrics depend on besides the protocol."""
    data = summary.get("data", {})
    examples = data.get("examples", {})
    counts = (
        f"{examples[part]:,} {purpose}"
        for part, purpose in COUNTS.items()
        if _is_number(examples.get(part))
    )
    versions = summary.get("versions", {}).items()
    return {
        "examples": ", ".join(counts),
        "validation examples": data.get("validation", ""),
        "best epoch": f"{summary.get('best_epoch')} of {summary.get('epochs')}",
        "seed": summary.get("seed", ""),
        "versions": ", ".join(f"{name} {version}" for name, version in versions),
        "SHA-256 of the data": data.get("fingerprint", ""),
    }


def _usage(config: Fields, repository: str) -> Iterator[str]:
    arguments = "images" if len(config["data"]["shape"]) == 3 else "examples"
    comment = f"{arguments} of your own, of the shape above"
    if config["conditional"]:
        arguments += ", labels"
        comment += "; labels are names of classes"
    yield "## Usage\n"
    yield USAGE.format(repository=repository, arguments=arguments, comment=comment)
    yield "Loading the folder executes no code from it: it contains safetensors, YAML, JSON, CSV."
    if config["conditional"]:
        yield (
            "The model is conditional: samples are of all classes in turn, and "
            "`run.decode(codes, labels)` needs labels too."
        )


def _plots(config: Fields, names: Sequence[str]) -> Iterator[str]:
    if not names:
        return
    captions = dict(CAPTIONS)
    if config["objective"] == NO_DIVERGENCE:
        captions["samples"] = UNMATCHED_SAMPLES
    known = [name for name in PLOT_ORDER if name in names]
    other = sorted(set(names) - set(PLOT_ORDER))

    yield "## Plots\n"
    for name in (*known, *other):
        yield f"![{escape(name)}](plots/{name}.png)\n\n{captions.get(name, '')}\n"


def _limitations(config: Fields, summary: Fields, protocol: Mapping[str, str]) -> Iterator[str]:
    yield "## Limitations\n"
    yield (
        "- It models examples like those it was trained on, with their gaps and biases, "
        "and no others."
    )
    yield (
        "- Metrics in nats are comparable only for the same data, targets and scale of the "
        "likelihood."
    )
    if "not normalized" in protocol.get("likelihood", ""):
        yield (
            "- The likelihood is not normalized on these data: the loss ranks models of one kind, "
            "but is no bound of log p(x)."
        )
    elif "divergence" in _test_metrics(summary):
        yield "- The loss is a bound: -log p(x) is lower by an unknown amount."
    if config["objective"] == NO_DIVERGENCE:
        yield (
            "- Training did not match its codes to the prior: samples may not resemble the data."
        )
    yield "- No metric on this page measures the quality of samples."
    if _is_chosen_on_test(summary):
        yield (
            "- The test examples chose the epoch whose weights were kept: metrics on them are "
            "optimistic."
        )
