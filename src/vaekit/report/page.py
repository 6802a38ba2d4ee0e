"""The page of a report: an evaluation, every metric explained, as one HTML file."""

import base64
from collections.abc import Iterator, Mapping, Sequence

from vaekit.errors import ConfigError
from vaekit.evaluation.lines import (
    latent_lines,
    likelihood_lines,
    reconstruction_lines,
    sample_lines,
)
from vaekit.evaluation.results import Evaluation
from vaekit.run_plots.captions import CAPTIONS

TEMPLATE = "report.html.jinja"
SECTION_PLOTS = {
    "likelihood": ("losses", "curves"),
    "latent": ("latent", "dimensions", "usage", "grid"),
    "reconstructions": ("reconstructions",),
    "samples": ("samples", "classes", "nearest"),
}
"""The plots of each section."""
SHOWN_PLOTS = tuple(name for names in SECTION_PLOTS.values() for name in names)


def render_report(
    evaluation: Evaluation,
    *,
    title: str,
    latent_dim: int | None,
    config: str,
    plots: Mapping[str, bytes],
    findings: Sequence[str] = (),
) -> str:
    """The HTML of the report.

    Args:
        evaluation: The evaluation.
        title: Title of the page.
        latent_dim: Number of latent dimensions.
        config: The text of config.yaml.
        plots: Plots to show by name, as PNG, each beside the table that it explains.
        findings: The verdict about the run, one sentence each.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed. Install jinja2.") from None
    environment = Environment(
        loader=PackageLoader("vaekit.report", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(TEMPLATE).render(
        title=title,
        evaluation=evaluation,
        dimensions=f"{latent_dim} latent dimension{'' if latent_dim == 1 else 's'}",
        likelihood=list(likelihood_lines(evaluation)),
        latent=list(latent_lines(evaluation.latent)),
        reconstructions=list(reconstruction_lines(evaluation)),
        samples=list(sample_lines(evaluation.sample_quality)),
        plots={section: list(_plots(plots, names)) for section, names in SECTION_PLOTS.items()},
        findings=findings,
        config=config,
    )


def _plots(plots: Mapping[str, bytes], names: Sequence[str]) -> Iterator[dict[str, str]]:
    for name in names:
        if name in plots:
            image = base64.b64encode(plots[name]).decode()
            yield {"name": name, "image": image, "caption": CAPTIONS[name]}
