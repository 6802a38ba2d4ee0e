"""The report of a run: complete, escaped, self-contained, with an explanation per metric."""

import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import vaekit
from conftest import train_small
from vaekit.evaluation.catalogue import LATENT, LIKELIHOOD, SAMPLES
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.probes import Probes
from vaekit.evaluation.results import SampleMetrics, SampleQuality
from vaekit.html import format_metric
from vaekit.report.page import SECTION_PLOTS
from vaekit.run_plots.captions import CAPTIONS
from vaekit.workflows.report import report


@pytest.fixture
def run(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return vaekit.load_run(tmp_path / "run")


def short_evaluation(run, **options):
    return vaekit.evaluate(run, **{"importance_samples": 1} | options)


class Page(HTMLParser):
    """Open tags, sources, cells and text of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.sources, self.cells, self.words = [], [], [], ""
        self.anchors, self.links, self.meta = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.sources += [attributes["src"]] if "src" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        self.anchors += [attributes["id"]] if "id" in attributes else []
        self.meta |= (
            {attributes.get("name"): attributes["content"]} if "content" in attributes else {}
        )
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


def page_of(run, evaluation) -> Page:
    return Page(report(run, evaluation).read_text(encoding="utf-8"))


def test_the_title_names_the_data_and_not_their_folder(run):
    title = page_of(run, short_evaluation(run)).words.strip().splitlines()[0]
    assert title == "mlp on bars"


def test_every_metric_has_its_standard_error_and_its_explanation(run):
    evaluation = vaekit.evaluate(run, importance_samples=3, ais_steps=2)
    path = report(run, evaluation)
    page = Page(path.read_text(encoding="utf-8"))
    assert path == run.path / "report.html"
    assert page.open == []
    metrics = evaluation.likelihood_metrics
    names = ("loss", "reconstruction", "divergence", "importance_weighted_bound", "ais_bound")
    for name in names:
        info = LIKELIHOOD[name]
        at = page.cells.index(info.heading)
        assert page.cells[at + 1] == format_metric(metrics[name])
        assert page.cells[at + 2].startswith(info.explanation)
    assert "K = 3." in page.words
    assert all(value in page.cells for value in evaluation.protocol.values())


def test_metrics_of_samples_and_of_the_latent_space_are_in_their_places(run):
    sources = [
        SampleMetrics(*[Metric(value + i) for i in range(7)]) for value in (10.0, 20.0, 30.0)
    ]
    quality = SampleQuality(None, 20, prior=sources[0], mixture=sources[1])
    quality = replace(quality, real_data_baseline=sources[2])
    evaluation = short_evaluation(run, generated_examples=0)
    latent = replace(
        evaluation.latent,
        active_dimensions=2,
        dimensions=3,
        mutual_information=Metric(1.0),
        marginal_kl=Metric(2.0),
        probes=Probes(0.25, 0.75, 0.5),
    )
    page = page_of(run, replace(evaluation, sample_quality=quality, latent=latent))
    for i, info in enumerate(SAMPLES.values()):
        cell = page.cells[page.cells.index(info.heading) + 1]
        values = (format_metric(Metric(value + i), info.digits) for value in (10.0, 20.0, 30.0))
        places = [cell.find(value) for value in values]
        assert places[0] >= 0 and places == sorted(set(places))
    for text in ("2 of 3", "25.0% linear, 75.0% nearest neighbors"):
        assert text in page.cells
    information, divergence = (page.cells.index(format_metric(Metric(x))) for x in (1.0, 2.0))
    assert page.cells[information - 1] == LATENT["mutual_information"].heading
    assert page.cells[divergence - 1] == LATENT["marginal_kl"].heading


def test_the_page_is_self_contained(run):
    page = page_of(run, short_evaluation(run))
    assert len(page.sources) >= 3
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "script" not in page.words


def test_without_sample_metrics_the_reason_is_shown(run):
    evaluation = short_evaluation(run)
    assert evaluation.sample_quality.unavailable in page_of(run, evaluation).words


def test_sample_metrics_are_shown_with_their_baseline(run):
    names = SampleMetrics.__dataclass_fields__
    metrics = SampleMetrics(**dict.fromkeys(names, Metric(0.25, 0.125)))
    quality = SampleQuality(
        examples=30,
        features="3 of <these>",
        values="means",
        baseline_of="training examples",
        prior=metrics,
        real_data_baseline=metrics,
        warnings=("few",),
    )
    page = page_of(run, replace(short_evaluation(run), sample_quality=quality))
    both = "prior: 0.250 ± 0.125\nreal-data baseline: 0.250 ± 0.125"
    assert page.cells.count(both) == 5
    assert "3 of <these>" in page.words and "few" in page.words


def test_names_and_warnings_are_escaped(run):
    evaluation = short_evaluation(run)
    latent = replace(evaluation.latent, warnings=("<b>so</b>",))
    evaluation = replace(evaluation, data="<script>alert(1)</script>", latent=latent)
    text = report(run, evaluation).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text and "&lt;b&gt;so&lt;/b&gt;" in text


def test_a_new_training_deletes_the_report(tmp_path):
    run = train_small(tmp_path / "run", training={"epochs": 1})
    (run.path / "report.html").write_text("report of the old run")
    train_small(tmp_path / "run", training={"epochs": 1}, overwrite=True)
    assert not (run.path / "report.html").exists()


def test_missing_plots_are_drawn(run):
    shutil.rmtree(run.path / "plots")
    assert len(page_of(run, short_evaluation(run)).sources) >= 3


def test_the_contents_lead_to_every_section(run):
    page = page_of(run, short_evaluation(run))
    assert [link.removeprefix("#") for link in page.links] == page.anchors
    assert len(set(page.anchors)) == 6
    assert page.meta["viewport"] == "width=device-width, initial-scale=1"


def test_every_plot_is_in_the_section_that_it_explains(run):
    text = report(run, short_evaluation(run)).read_text(encoding="utf-8")
    drawn = {path.stem for path in (run.path / "plots").glob("*.png")}
    places = {name: text.index(f'<img alt="{name}"') for name in drawn & CAPTIONS.keys()}
    starts = {section: text.index(f'<h2 id="{section}"') for section in SECTION_PLOTS}
    assert {name for names in SECTION_PLOTS.values() for name in names} == CAPTIONS.keys()
    for section, names in SECTION_PLOTS.items():
        for name in places.keys() & set(names):
            before = [each for each, start in starts.items() if start < places[name]]
            assert before[-1] == section


def test_the_verdict_is_shown_and_escaped(run):
    run.summary["verdict"] = [{"kind": "collapse", "text": "0 of 3 <active>."}]
    text = report(run, short_evaluation(run)).read_text(encoding="utf-8")
    assert '<p class="warning">0 of 3 &lt;active&gt;.</p>' in text


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_page_does_not_scroll_sideways(run, browser, width, scheme):
    run.summary["verdict"] = [{"kind": "long", "text": "x" * 500}]
    path = report(run, vaekit.evaluate(run, importance_samples=3))
    window = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = window.new_page()
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    lightness = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert lightness == ("rgb(20, 20, 22)" if scheme == "dark" else "rgb(255, 255, 255)")
    assert (
        page.evaluate("getComputedStyle(document.images[0]).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    window.close()
