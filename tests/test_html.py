"""HTML of objects in a notebook: correct, escaped and bounded, whatever their state."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import vaekit
from conftest import small_images, train_small
from vaekit import html
from vaekit.data import Dataset, Examples, Support, thumbnails

HOSTILE = ("<script>alert(1)</script>", "\"><img src=x onerror='1'>", "a&b")


class Page(HTMLParser):
    """Tags, attributes, cells and words; every tag that opens closes."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.cells, self.words, self.attributes = [], [], [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "img":
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data

    def fact(self, name: str) -> str:
        return self.cells[self.cells.index(name) + 1]

    def images(self) -> list[Image.Image]:
        sources = [
            value.removeprefix("data:image/png;base64,")
            for name, value in self.attributes
            if name == "src"
        ]
        return [Image.open(io.BytesIO(base64.b64decode(source))) for source in sources]


def shown(item) -> Page:
    """The page of an object in a notebook: self-contained, bounded, without colors of its own."""
    text = item._repr_html_()
    page = Page(text)
    assert len(text) < 500_000
    assert not {"script", "style", "link", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"background|(?<!-)color:\s*#", text)
    assert all(
        value.startswith("data:image/png;base64,")
        for name, value in page.attributes
        if name in ("src", "href")
    )
    return page


# --- Models --------------------------------------------------------------------------------------


def test_a_model_shows_its_parts_with_shapes_and_counts(small_run):
    model, page = small_run.model, shown(small_run.model)
    for part in ("encoder", "posterior", "prior", "decoder", "likelihood"):
        assert page.fact(part) == type(getattr(model, part)).__name__
    counts = model.count_parameters()
    assert (
        f"{counts['encoder'].trainable:,}" in page.cells
        and f"{counts['decoder'].trainable:,}" in page.cells
    )
    assert f"{sum(p.numel() for p in model.parameters()):,} parameters" in page.words
    assert {
        "x (1, 8, 8)",
        "(8,)",
        "q(z (3,)|x)",
        "p(z (3,))",
        "z (3,)",
        "p(x (1, 8, 8)|z)",
    } <= set(page.cells)


def test_showing_a_model_changes_nothing(small_run):
    model = vaekit.build("conv-batchnorm", small_images(), latent_dim=2)
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    page = shown(model)
    assert model.training and torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert f"and {model.count_parameters()['encoder'].fixed:,} fixed" in page.words


@pytest.mark.parametrize("recipe", ["vq", "gumbel", "autoencoder"])
def test_models_with_other_latents_show_their_parts(recipe):
    data = small_images(shape=(1, 16, 16))
    model = vaekit.build(recipe, data)
    assert shown(model).fact("posterior") == type(model.posterior).__name__


def test_a_conditional_model_names_its_condition():
    model = vaekit.build("mlp", small_images(), conditional=True)
    page = shown(model)
    assert "conditional on 3 classes" in page.words
    assert {"x (1, 8, 8), y", "z (2,), y", "q(z (2,)|x, y)"} <= set(page.cells)


class Flatten(nn.Module):
    def forward(self, x):
        if getattr(self, "broken", False):
            raise RuntimeError("on another device")
        return x.flatten(1)


def test_a_part_that_fails_has_an_unknown_shape():
    model = vaekit.build("mlp", small_images(), encoder=Flatten())
    assert "(64,)" in shown(model).cells
    model.encoder.broken = True
    page = shown(model)
    assert page.fact("encoder") == "Flatten" and "?" in page.cells


# --- Runs ----------------------------------------------------------------------------------------


def test_a_run_shows_its_metrics_its_losses_and_samples(small_run):
    page = shown(small_run)
    assert page.fact("folder") == str(small_run.path)
    for name in ("loss", "reconstruction", "divergence"):
        metric = small_run.summary["test"][name]
        value = f"{metric['value']:.2f} ± {metric['standard_error']:.2f}"
        assert page.fact(f"test {name}").startswith(value)
    counts = small_run.summary["data"]["examples"]
    for part in ("train", "validation", "test"):
        assert f"{part} {counts[part]}" in page.fact("examples")
    assert page.tags.count("polyline") == 2
    (image,) = page.images()
    assert image.width == 12 * 60 - 4
    assert ("style", "max-width:100%;height:auto") in page.attributes


def test_a_run_shows_samples_of_the_prior_without_a_change_of_the_random_state(small_run):
    state = torch.get_rng_state()
    first = shown(small_run).images()[0].tobytes()
    assert torch.equal(state, torch.get_rng_state())
    samples = small_run.sample(24, seed=0)
    expected = Image.open(io.BytesIO(thumbnails(samples, small_run.support) or b""))
    assert first == expected.tobytes() == shown(small_run).images()[0].tobytes()


UNAVAILABLE = {"value": None, "unavailable": "the posterior is deterministic"}


@pytest.mark.parametrize("summary", [{}, {"test": {}}, {"test": {"divergence": UNAVAILABLE}}])
def test_a_run_without_metrics_shows_the_rest(small_run, summary):
    run = vaekit.load_run(small_run.path)
    run.summary, run.history = summary, {}
    page = shown(run)
    assert page.fact("latent dimensions") == "3"
    assert ("unfinished" in page.fact("training")) == (not summary)
    assert not [cell for cell in page.cells if cell.startswith("test ")]
    assert "svg" not in page.tags


def test_a_run_with_nan_weights_shows_all_but_its_samples(small_run):
    run = vaekit.load_run(small_run.path)
    with torch.no_grad():
        for parameter in run.model.parameters():
            parameter.fill_(torch.nan)
    run.history["val_loss"] = [float("nan"), float("inf")]
    page = shown(run)
    assert page.fact("latent dimensions") == "3"
    assert page.tags.count("polyline") == 1


def test_a_run_on_vectors_has_no_images(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 4)).astype("f4")
    run = train_small(tmp_path / "run", x, training={"epochs": 1})
    page = shown(run)
    assert page.images() == [] and "shape (4,), real" in page.fact("data")


def test_names_in_a_run_are_escaped(small_run):
    run = vaekit.load_run(small_run.path)
    run.config = run.config.changed({"data": {"source": HOSTILE[0] + "x" * 10_000}})
    page = shown(run)
    assert "alert(1)" in page.fact("data") and page.fact("data").endswith("…")


# --- Datasets ------------------------------------------------------------------------------------


def test_a_dataset_shows_its_counts_its_classes_and_some_images():
    data = small_images(examples=31)
    page = shown(data)
    assert page.fact("examples") == "31 training" and page.fact("shape") == "(1, 8, 8)"
    assert page.fact("support") == "integers:256, as uint8"
    assert page.fact("3 classes").replace("\N{NO-BREAK SPACE}", " ") == "a (11), b (10), c (10)"
    (image,) = page.images()
    values = np.asarray(image.convert("LA"))
    first = values[:56:7, :56:7, 0]
    assert np.array_equal(first, data.train.x[0, 0])
    assert (values[:56, :56, 1] == 255).all()
    assert (values[:, 56:60, 1] == 0).all()  # transparent between images


def test_hostile_classes_are_escaped_and_many_are_counted():
    data = small_images()
    page = shown(Dataset("bars", data.train, None, data.support, HOSTILE))
    assert page.tags.count("img") == 1 and HOSTILE[0] in page.fact("3 classes")
    many = tuple("<i>" * 30 + str(i) for i in range(5000))
    examples = Examples(np.zeros((5, 2)), np.arange(5))
    page = shown(Dataset("many", examples, None, Support("unit"), many))
    assert page.fact("5,000 classes").endswith("and 4,980 more")


@pytest.mark.parametrize(
    ("shape", "support"),
    [
        ((1, 3, 300, 200), "unit"),
        ((1, 1, 1, 1), "binary"),
        ((40, 2, 5, 900), "real"),
        ((3, 4), "real"),
        ((2, 3, 1, 64), "unit"),
    ],
)
def test_examples_of_any_shape_are_shown(shape, support):
    x = np.ones(shape, np.float32)
    page = shown(Dataset("some", Examples(x), Examples(x), Support(support)))
    assert page.fact("examples") == f"{shape[0]} training, {shape[0]} test"
    assert len(page.images()) == (len(shape) == 4)


def test_only_the_thumbnails_of_a_memory_map_are_read(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((500, 1, 8, 8), np.uint8))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    read = []

    class TrackedInputs(np.memmap):
        def __getitem__(self, key):
            read.append(np.size(key))
            return np.asarray(np.memmap.__getitem__(self, key))

    thumbnails(x.view(TrackedInputs), Support("integers", 256))
    assert read == [24]


def test_values_are_shown_on_the_scale_of_their_support():
    def shades(x, support):
        png = thumbnails(np.array(x, np.float64), Support.parse(support))
        return np.asarray(Image.open(io.BytesIO(png or b"")).convert("LA"))

    assert shades([[[[0.5]]]], "unit")[0, 0, 0] == 128
    assert shades([[[[4]]]], "integers:17")[0, 0, 0] == 64
    assert set(np.unique(shades([[[[-100.0, np.nan, 300.0]]]], "real")[..., 0])) <= {0, 63, 64, 255}
    assert thumbnails(np.zeros((0, 1, 2, 2)), Support("unit")) is None


# --- Pieces --------------------------------------------------------------------------------------


def test_lines_go_through_the_finite_points():
    text = html.line_chart(
        {"training": [3.0, float("nan"), 1.0], "validation": [2.0, 2.0, 2.0]}, "loss <nats>"
    )
    page = Page(text)
    training, validation = (value for name, value in page.attributes if name == "points")
    points = [tuple(map(float, point.split(","))) for point in training.split()]
    assert len(points) == 2 and points[0][1] < points[1][1]  # downwards is a larger y
    assert points[0] == (56, 22) and points[1] == (410, 128)
    assert {y for _, y in (point.split(",") for point in validation.split())} == {"75.0"}
    assert "loss <nats>" in page.words and "training" in page.words


def test_a_line_chart_is_bounded_and_empty_without_finite_values():
    long = html.line_chart({"training": list(np.linspace(3, 1, 100_000)), "validation": []}, "loss")
    assert len(long) < 10_000 and "100,000" in long
    assert html.line_chart({"training": [float("nan")], "validation": []}, "loss") == ""
    assert html.line_chart({"training": [1.0], "validation": []}, "loss").count("<circle") == 1


def test_a_table_escapes_its_cells_and_its_header():
    page = Page(html.table([HOSTILE], "x:y", ["<i>", "b", "c"]))
    assert page.cells == ["<i>", "b", "c", *HOSTILE] and page.tags.count("td") == 3


def test_the_card_of_a_run_begins_with_its_verdict(small_run, monkeypatch):
    text = "0 of 3 latent dimensions are <active>."
    before = small_run._repr_html_()
    monkeypatch.setitem(small_run.summary, "verdict", [{"kind": "collapse", "text": text}])
    page = Page(small_run._repr_html_())
    assert text not in before
    assert page.words.index(text) < page.words.index("folder")
