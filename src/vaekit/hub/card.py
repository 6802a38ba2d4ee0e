"""A model card: what a model is, what was measured and how, in Markdown behind a header of YAML.

Names come from data and from recipes: all of them are escaped, so that none becomes markup or a further key.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_CLASSES = 20
FIGURES = {
    "loss": ("Loss (negative ELBO)", "reconstruction and divergence together"),
    "reconstruction": (
        "Reconstruction",
        "-E[log p(x given z)], what is left to say about a row when its code is known",
    ),
    "divergence": ("Divergence", "KL(q(z given x) \\|\\| p(z)), what the code itself costs"),
}
NO_BOUND = ("Loss (no ELBO)", "the reconstruction alone: the posterior is deterministic")
NO_PRIOR = "reconstruction-only"
"""The objective that holds codes to no prior."""
PICTURES = {
    "samples": "New rows: draws from the prior through the decoder.",
    "classes": "New rows by class.",
    "grid": "What the decoder makes of points on a grid in the latent plane.",
    "reconstructions": "Test rows, and what the model makes of them.",
    "latent": "The codes of test rows, by class where there are classes.",
    "nearest": "Samples, and the training rows closest to them.",
    "curves": "Training and validation; the star marks the epoch whose weights were kept.",
    "dimensions": "What each latent dimension carries.",
    "usage": "How often each code is taken.",
    "losses": "How the loss and its terms are spread over test rows.",
}
DECODED = "Draws from the prior, which the codes were not held to, through the decoder."
USE = """\
```python
import vaekit  # pip install "vaekit[hub]"

run = vaekit.pull("{repo}")  # this repository; of a folder: vaekit.load_run("FOLDER")
samples = run.sample(16)  # in the units of the data
codes = run.encode({rows}).{code}  # {what}
```
"""


def card(
    facts: Mapping[str, Any],
    summary: Mapping[str, Any],
    protocol: Mapping[str, str],
    pictures: Sequence[str] = (),
    license: str | None = None,
    repo: str = "OWNER/NAME",
) -> str:
    """The README.md of a shared folder.

    facts: what config.json holds. summary: the run's, empty where its training has not ended. protocol: how its figures were
    obtained. pictures: names of files in plots/. license: as the Hub writes it, such as "mit"; None leaves it to be stated.
    repo: the repository, where it is known.
    """
    told = (
        _figures(summary, protocol),
        _use(facts, repo),
        _pictures(facts, pictures),
        _limits(facts, summary, protocol),
    )
    sections = (list(section) for section in (_introduction(facts), *told))
    return _header(facts, summary, license) + "\n".join(
        "\n".join(section) + "\n" for section in sections if section
    )


def escaped(text: object) -> str:
    r"""Text as Markdown that shows it and does nothing.

    >>> print(escaped("<b>|[x](y)"))
    \<b\>\|\[x\]\(y\)
    """
    return re.sub(r"([!-*./:;<>?@\[-`{-~])", r"\\\1", _printable(text))


def _printable(text: object) -> str:
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text)
    )


def _quoted(value: Any) -> str:
    """A value as JSON, which is YAML that needs no further quoting."""
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_quoted(key)}: {_quoted(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return json.dumps(_printable(value) if isinstance(value, str) else value, ensure_ascii=False)


def _header(facts: Mapping[str, Any], summary: Mapping[str, Any], license: str | None) -> str:
    kind = ["autoencoder"] if _is_plain(facts) else ["variational-autoencoder", "vae"]
    fields = {
        "library_name": "vaekit",
        "license": license,
        "pipeline_tag": _task(facts),
        "tags": ["vaekit", *kind, "representation-learning"],
        "model-index": _index(facts, summary),
    }
    lines = [f"{name}: {_quoted(value)}" for name, value in fields.items() if value is not None]
    return "\n".join(["---", *lines, "---", "", ""])


def _task(facts: Mapping[str, Any]) -> str | None:
    """What the Hub calls what the model is for; it has no name for most of it."""
    generates = (
        len(facts["data"]["shape"]) == 3
        and not facts["conditional"]
        and facts["objective"] != NO_PRIOR
    )
    return "unconditional-image-generation" if generates else None


def _is_plain(facts: Mapping[str, Any]) -> bool:
    """Whether the model is an autoencoder whose codes are points."""
    return facts["parts"].get("posterior") == "deterministic"


def _index(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The figures as the Hub lists them; none where the test rows chose the weights, and a figure of them proves nothing."""
    figures = _test(summary)
    if not figures or _chosen_on_test(summary):
        return None
    metrics = [
        {
            "type": f"test_{name}",
            "name": f"{_title(name, figures)[0]}, nats per row",
            "value": figure["value"],
        }
        for name, figure in figures.items()
    ]
    data = facts["data"]["name"]
    result = {
        "task": {"type": _task(facts) or "other"},
        "dataset": {"type": data, "name": data, "split": "test"},
        "metrics": metrics,
    }
    return [{"name": f"{facts['recipe']} on {data}", "results": [result]}]


def _test(summary: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """The figures of the test rows that are there and are numbers."""
    found = summary.get("test", {})
    return {name: found[name] for name in FIGURES if _is_figure(found.get(name))}


def _is_figure(found: Any) -> bool:
    return isinstance(found, Mapping) and _is_number(found.get("value"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _title(name: str, figures: Mapping[str, Any]) -> tuple[str, str]:
    return NO_BOUND if name == "loss" and "divergence" not in figures else FIGURES[name]


def _chosen_on_test(summary: Mapping[str, Any]) -> bool:
    return str(summary.get("data", {}).get("validation", "")).startswith("the test rows")


def _introduction(facts: Mapping[str, Any]) -> Iterator[str]:
    data, counts = facts["data"], facts["parameters"]
    yield f"# {escaped(facts['recipe'])} on {escaped(data['name'])}\n"
    what = "An autoencoder" if _is_plain(facts) else "A variational autoencoder"
    condition = ", conditional on the class of a row," if facts["conditional"] else ""
    yield f"{what}{condition} with {_latent(facts)}, trained with vaekit.\n"
    if facts["objective"] == NO_PRIOR:
        yield "Its training held the codes to no prior: the reconstruction was all that counted.\n"
    parts = ", ".join(f"{name} {escaped(kind)}" for name, kind in facts["parts"].items())
    yield "| | |\n|---|---|"
    yield f"| Parts | {parts} |"
    yield f"| Parameters | {', '.join(f'{name} {count:,}' for name, count in counts.items() if count)} |"
    yield f"| Data | {escaped(data['name'])}: rows of shape {escaped(data['shape'])}, values {escaped(data['support'])} |"
    if facts["classes"]:
        more = (
            f", and {len(facts['classes']) - MOST_CLASSES:,} more"
            if len(facts["classes"]) > MOST_CLASSES
            else ""
        )
        yield f"| Classes | {', '.join(map(escaped, facts['classes'][:MOST_CLASSES]))}{more} |"


def _latent(facts: Mapping[str, Any]) -> str:
    size, codes = facts["latent_dim"], facts["codes"]
    if codes is None:
        return f"{size:,} latent dimension{'' if size == 1 else 's'}"
    places = f"{codes['positions']:,} code{'' if codes['positions'] == 1 else 's'}"
    return f"a discrete latent ({places}, each one of {codes['count']:,}; {size:,} numbers in all)"


def _figures(summary: Mapping[str, Any], protocol: Mapping[str, str]) -> Iterator[str]:
    figures = _test(summary)
    yield "## Figures\n"
    if not figures:
        yield "None: the training of this run had not ended."
        return
    rows = summary.get("data", {}).get("rows", {})
    counts = ", ".join(
        f"{rows[part]:,} to {what}" for part, what in _ROWS.items() if _is_number(rows.get(part))
    )
    yield "Means over the test rows with their standard errors, in nats per row.\n"
    yield "| Figure | Value | Standard error | What it is |\n|---|---:|---:|---|"
    for name, figure in figures.items():
        title, meaning = _title(name, figures)
        error = figure.get("standard_error")
        yield f"| {title} | {figure['value']:.2f} | {f'{error:.2f}' if _is_number(error) else 'none'} | {meaning} |"
    yield "\nHow they were obtained; figures compare with those for which all of this is the same:\n"
    yield "| | |\n|---|---|"
    epochs = (summary.get("best_epoch"), summary.get("epochs"))
    facts = dict(protocol) | {
        "rows": counts,
        "validation rows": summary.get("data", {}).get("validation", ""),
    }
    facts |= {"epoch kept": f"{epochs[0]} of {epochs[1]}", "seed": summary.get("seed", "")}
    facts |= {
        "versions": ", ".join(
            f"{name} {version}" for name, version in summary.get("versions", {}).items()
        )
    }
    facts |= {"data, SHA-256": summary.get("data", {}).get("fingerprint", "")}
    for name, value in facts.items():
        yield f"| {escaped(name)} | {escaped(value)} |"


_ROWS = {"train": "train on", "validation": "choose the epoch by", "test": "test on"}


def _use(facts: Mapping[str, Any], repo: str) -> Iterator[str]:
    rows, what = "rows", "rows: your own, of the shape above"
    if facts["conditional"]:
        rows, what = "rows, labels", f"{what}; labels: their classes by name"
    yield "## Use\n"
    yield USE.format(
        repo=repo, rows=rows, code="mean" if facts["codes"] is None else "mode", what=what
    )
    yield "Reading the folder executes nothing in it: safetensors, YAML, JSON and CSV."
    if facts["conditional"]:
        yield "The model is conditional: samples are of all classes in turn, and `run.decode(codes, labels)` needs classes too."


def _pictures(facts: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    if not names:
        return
    yield "## Pictures\n"
    order = list(PICTURES)
    for name in sorted(
        names, key=lambda name: (order.index(name) if name in order else len(order), name)
    ):
        told = (
            DECODED
            if name == "samples" and facts["objective"] == NO_PRIOR
            else PICTURES.get(name, "")
        )
        yield f"![{escaped(name)}](plots/{name}.png)\n\n{told}\n"


def _limits(
    facts: Mapping[str, Any], summary: Mapping[str, Any], protocol: Mapping[str, str]
) -> Iterator[str]:
    yield "## Limits\n"
    yield "- It knows rows like those it was trained on, and no others: it reproduces their gaps and their biases."
    yield "- Figures in nats compare with those of other models only for the same data, targets and scale of the likelihood."
    if "not normalised" in protocol.get("likelihood", ""):
        yield "- The likelihood is not normalised on these data: the loss ranks models of one kind, it is no bound of log p(x)."
    elif "divergence" in _test(summary):
        yield "- The loss is a bound: -log p(x) is lower by an unknown amount."
    if facts["objective"] == NO_PRIOR:
        yield "- Nothing made its codes lie where its prior draws: samples may look like no row at all."
    yield "- No figure here says how good samples look."
    if _chosen_on_test(summary):
        yield "- The test rows chose the epoch whose weights were kept: figures of these rows are too good."
