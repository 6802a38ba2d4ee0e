"""The page about a run: whole, safe, and with a sentence for every figure."""

import re
import shutil
from html.parser import HTMLParser

import pytest

import vaekit
from conftest import train_small
from vaekit.report.report import report


@pytest.fixture
def run(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return vaekit.load_run(tmp_path / "run")


class Page(HTMLParser):
    """Tags opened and closed, images, cells and text."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.sources, self.cells, self.words = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.sources += [facts[name] for name in ("src", "href") if name in facts]
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


def test_every_figure_is_there_with_its_error_and_a_sentence(run):
    found = vaekit.evaluate(run, samples=3, annealing=2)
    path = report(run, found)
    page = Page(path.read_text(encoding="utf-8"))
    assert path == run.path / "report.html" and page.open == []
    for name in ("loss", "reconstruction", "divergence", "importance_weighted_bound", "ais_bound"):
        value, error = found[name]["value"], found[name]["standard_error"]
        at = page.cells.index(f"{value:.2f} ± {error:.2f}")
        assert re.search(r"(Lower|Higher) is better|Near 0 codes say nothing", page.cells[at + 1])
    assert "K = 3." in page.words and all(
        value in page.cells for value in found["protocol"].values()
    )


def test_the_page_needs_nothing_from_elsewhere(run):
    page = Page(report(run, vaekit.evaluate(run, samples=1)).read_text(encoding="utf-8"))
    assert len(page.sources) >= 3 and all(
        source.startswith("data:image/png;base64,") for source in page.sources
    )
    assert "script" not in page.words


def test_samples_are_there_with_their_floor_or_the_reason_why_not(run):
    few = vaekit.evaluate(run, samples=1)
    assert few["why_no_sample_quality"] in Page(report(run, few).read_text(encoding="utf-8")).words
    figure = {"value": 0.25, "standard_error": 0.125}
    names = (
        "frechet",
        "kernel",
        "precision",
        "recall",
        "density",
        "coverage",
        "nearest_training_distance",
    )
    judged = {source: dict.fromkeys(names, figure) for source in ("prior", "real_data_baseline")}
    facts = {
        "rows": 30,
        "features": "3 of <these>",
        "values": "means",
        "baseline_of": "training rows",
        "warnings": ["few"],
    }
    page = Page(report(run, few | {"sample_quality": facts | judged}).read_text(encoding="utf-8"))
    assert page.cells.count("prior: 0.250 ± 0.125\nother real rows: 0.250 ± 0.125") == 5
    assert "3 of <these>" in page.words and "few" in page.words


def test_what_a_run_names_is_text_and_no_markup(run):
    found = vaekit.evaluate(run, samples=1) | {"data": "<script>alert(1)</script>"}
    found["latent"]["warnings"] = ["<b>so</b>"]
    text = report(run, found).read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;" in text and "&lt;b&gt;so&lt;/b&gt;" in text


def test_the_page_of_a_run_goes_with_it(tmp_path):
    run = train_small(tmp_path / "run", training={"epochs": 1})
    (run.path / "report.html").write_text("of the run before")
    train_small(tmp_path / "run", training={"epochs": 1}, force=True)
    assert not (run.path / "report.html").exists()


def test_pictures_that_are_not_there_are_drawn(run):
    shutil.rmtree(run.path / "plots")
    assert (
        len(Page(report(run, vaekit.evaluate(run, samples=1)).read_text(encoding="utf-8")).sources)
        >= 3
    )
