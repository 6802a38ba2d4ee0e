"""Selections on the map: hidden classes, summaries, and the table for `vaekit decode`."""

import csv
from collections import Counter

import numpy as np
import pytest

import vaekit
from vaekit.inputs import ModelInputs

pytestmark = pytest.mark.browser


def select_all(page, count: int) -> None:
    """Draw a box around all points, which must select this number of examples."""
    page.click("#fit")
    page.click("#zoom-out")
    page.choose_tool("box")
    page.drag((0.01, 0.01), (0.99, 0.99))
    wait_for_selection(page, count)


def wait_for_selection(page, count: int) -> None:
    text = "document.getElementById('selection-facts').textContent"
    page.wait_until(f"{text}.startsWith('{count} of 60 examples')")


def loss_terms(run, x: np.ndarray):
    return vaekit.evaluation.elbo_per_example(run.model, ModelInputs(x, run.transform))


def saved_table(page) -> list[dict[str, str]]:
    lines = page.download("#selection-save").read_text().splitlines()
    return list(csv.DictReader(lines))


def test_examples_of_hidden_classes_cannot_be_selected(explorer, address):
    page = explorer(address)
    select_all(page, 60)
    page.locate("#legend button", has_text="b").last.click()  # shows this class alone
    wait_for_selection(page, 20)
    page.wait_until("document.querySelectorAll('#legend [aria-pressed=true]').length === 1")
    assert page.locate("#legend button[aria-pressed=true]").all_text_contents() == ["b"]
    select_all(page, 20)
    assert page.locate("#selection-classes .name").all_text_contents() == ["b"]
    page.locate("#legend button", has_text="All").click()
    select_all(page, 60)


def test_a_selection_is_saved_as_a_table_for_decode(
    explorer, address, small_run, bars, cli, tmp_path
):
    x, classes = bars
    page = explorer(address)
    page.choose_tool("lasso")
    page.drag((0.5, 0.02), (0.98, 0.02), (0.98, 0.98), (0.5, 0.98))  # the right half
    page.wait_until_enabled("selection-save")
    file = tmp_path / "selection.csv"
    file.write_bytes(page.download("#selection-save").read_bytes())
    table = list(csv.DictReader(file.read_text().splitlines()))
    indices = [int(line["example"]) for line in table]
    assert 0 < len(indices) < 60
    assert [line["class"] for line in table] == [classes[index] for index in indices]
    codes = small_run.encode(x[indices]).mean
    saved_codes = [[float(line[f"z{i}"]) for i in (1, 2, 3)] for line in table]
    assert np.allclose(saved_codes, codes, atol=1e-5)
    divergence = loss_terms(small_run, x).divergence.sum(-1)[indices]
    assert np.allclose([float(line["divergence"]) for line in table], divergence, rtol=1e-4)
    status, _, err = cli("decode", small_run.path, file, "--out", "decoded.npy")
    assert status == 0, err
    assert np.allclose(np.load("decoded.npy"), small_run.decode(codes), atol=0.01)


def test_a_selection_is_summarized_by_mean_terms_and_counts_per_class(
    explorer, address, small_run, bars
):
    x, classes = bars
    page = explorer(address)
    page.choose_tool("box")
    page.drag((0.5, 0.02), (0.98, 0.98))
    page.wait_until_enabled("selection-save")
    indices = [int(line["example"]) for line in saved_table(page)]
    assert 5 < len(indices) < 60
    terms = loss_terms(small_run, x)
    text = page.text("#selection-facts")
    means = [float(part.split(" ")[-1]) for part in text.removesuffix(" nats").split(", ")]
    # the page has samples of z of its own for the reconstruction term, so its mean is only close
    assert means[0] == pytest.approx(terms.reconstruction[indices].mean().item(), rel=0.05)
    assert means[1] == pytest.approx(terms.divergence.sum(-1)[indices].mean().item(), rel=1e-3)
    names = page.locate("#selection-classes .name").all_text_contents()
    counts = [int(text) for text in page.locate("#selection-classes .count").all_text_contents()]
    assert dict(zip(names, counts, strict=True)) == Counter(classes[index] for index in indices)
    assert counts == sorted(counts, reverse=True)


def test_an_empty_box_selects_nothing(explorer, address):
    page = explorer(address)
    select_all(page, 60)
    page.drag((0.005, 0.005), (0.02, 0.03))
    page.wait_until_disabled("selection-clear")
    assert "mean" not in page.text("#selection-facts")
    assert page.locate("#selection-thumbnails button").count() == 0
    assert page.text("#message") == "No examples there."


def test_the_card_of_a_selection_comes_into_view_with_some_of_its_examples(explorer, address, bars):
    x, classes = bars
    page = explorer(address, 1280, 500)
    select_all(page, 60)
    page.wait_until("document.activeElement.id === 'selection-card'")
    box = page.locate("#selection-card").bounding_box()
    assert 0 <= box["y"] < 500
    buttons = page.locate("#selection-thumbnails button")
    assert buttons.count() == 24
    button = buttons.nth(5)
    button.scroll_into_view_if_needed()
    label = button.get_attribute("aria-label")
    index = int(label.split(",")[0].removeprefix("Example "))
    assert label == f"Example {index}, class {classes[index]}"
    page.wait_until("document.querySelectorAll('#selection-thumbnails canvas')[5].width === 8")
    read = """canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 8, 8).data)"""
    pixels = np.array(button.locator("canvas").evaluate(read)).reshape(8, 8, 4)
    assert np.array_equal(pixels[..., 0], x[index, 0])
    button.click()
    page.wait_until(
        f"document.getElementById('example-facts').textContent.startsWith('Example {index} ')"
    )


def test_the_first_corner_of_a_box_is_discarded_with_its_plane(explorer, address):
    page = explorer(address)
    page.locate("#overlay").focus()
    page.page.keyboard.press("s")
    page.wait_until("!document.getElementById('message').hidden")
    page.choose("#x-axis", value="2")
    page.wait_until("document.getElementById('message').hidden")
    page.locate("#overlay").focus()
    page.page.keyboard.press("s")
    page.wait_until("!document.getElementById('message').hidden")
    assert page.locate("#selection-clear").is_disabled() and page.errors == []
