"""The content of the page, and the page as one file."""

import gzip
import json
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import vaekit
from conftest import small_images, train_small
from raising import raises
from vaekit.errors import ConfigError, OutputError, WorkError
from vaekit.explorer import assets
from vaekit.explorer.page import IMPORT, sorted_modules
from vaekit.export import DECODER, ENCODER
from vaekit.plots import CLASS_COLORS, class_shapes
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows.explorer_content import build_content, embed_originals

pytestmark = pytest.mark.slow

CONTENT_MODULE = import_module("vaekit.workflows.explorer_content")
SIDES = (ENCODER, DECODER)


def test_a_page_is_one_file_without_addresses_of_others(small_run, tmp_path):
    file = tmp_path / "page.html"
    page = vaekit.export_page(small_run, file)
    html = file.read_bytes()
    facts = json.loads(html.split(b'id="facts">')[1].split(b"</script>")[0])
    assert page.to_dict()["file"] == str(file) and page.bytes == len(html)
    assert page.images == page.codes == facts["examples"]
    assert facts["arrays"]["original_indices"]["shape"] == [page.images]
    assert b'src="' not in html.replace(b'src="data:', b"")
    assert b"https://" not in html.split(b"data-module")[0]


def test_the_command_writes_the_page_and_refuses_options_of_other_exports(
    cli, refused, small_run, tmp_path
):
    status, out, err = cli("export", small_run.path, "page.html", "--json")
    assert status == 0, err
    assert json.loads(out)["bytes"] == (tmp_path / "page.html").stat().st_size
    refused("export", small_run.path, "page.html", "--license", "mit")
    refused("export", small_run.path, "folder", "--split", "train")
    refused("export", small_run.path, "page.html", "--hub", "hub")


def test_an_existing_page_is_overwritten_only_on_request(small_run, tmp_path):
    file = tmp_path / "page.html"
    vaekit.export_page(small_run, file)
    before = file.read_bytes()
    with raises(OutputError, "overwrite"):
        vaekit.export_page(small_run, file, split="train")
    assert file.read_bytes() == before
    page = vaekit.export_page(small_run, file, split="train", overwrite=True)
    assert len(file.read_bytes()) == page.bytes and file.read_bytes() != before


def test_too_many_examples_are_refused(small_run):
    with raises(ConfigError, "data"):
        build_content(small_run, data=small_images(), max_examples=59)


@pytest.fixture
def without_graphs(monkeypatch):
    """Content without encoder and decoder, whose export takes seconds."""
    graphs = SimpleNamespace(onnx=b"")
    monkeypatch.setattr(
        CONTENT_MODULE, "export_graphs", lambda run, *_, **__: dict.fromkeys(SIDES, graphs)
    )


@pytest.mark.usefixtures("without_graphs")
@pytest.mark.parametrize(
    ("max_originals", "max_bytes", "indices"),
    [(3, 10**6, [0, 29, 59]), (60, 2 * 64, [0, 59]), (60, 0, [0])],
)
def test_originals_in_a_page_are_limited_in_number_and_size(
    small_run, max_originals: int, max_bytes: int, indices: list[int]
):
    content = build_content(small_run, data=small_images())
    limited = embed_originals(content, max_originals=max_originals, max_bytes=max_bytes)
    assert limited.arrays["original_indices"].tolist() == indices
    x = small_images().train.x[indices]
    assert (limited.arrays["originals"] == x).all()


@pytest.mark.usefixtures("without_graphs")
@pytest.mark.parametrize(
    ("test", "loss"),
    [
        ({"loss": {"value": 2.5, "standard_error": None}}, {"value": 2.5, "standard_error": None}),
        (
            {"loss": {"value": 2.5, "standard_error": float("inf")}},
            {"value": 2.5, "standard_error": None},
        ),
        ({"loss": {"value": float("nan"), "standard_error": 1.0}}, None),
        ({"loss": "low"}, None),
        ({}, None),
    ],
)
def test_a_test_loss_that_is_not_finite_is_left_out(small_run, test, loss):
    changed = replace(small_run, summary={**small_run.summary, "test": test})
    assert build_content(changed, split="test").to_dict()["test_loss"] == loss


@pytest.mark.usefixtures("without_graphs")
def test_samples_of_a_learned_prior_are_of_all_classes_in_turn(tmp_path):
    posterior = {"kind": "vector-quantized", "codes": 8}
    options = {"conditional": True, "latent_dim": 4, "prior_stage": {"epochs": 1}}
    run = train_small(tmp_path / "run", posterior=posterior, **options)
    for weight in run.model.prior.parameters():  # every class has another distribution
        torch.nn.init.normal_(weight)
    with seeded_noise(0):
        z = run.model.sample_prior(2001, torch.arange(2001) % 3)
    content = build_content(run, data=small_images())
    expected = run.model.codebook.indices(z)
    np.testing.assert_array_equal(content.arrays["prior_samples"], expected)


def test_a_changed_runtime_is_refused(monkeypatch, tmp_path):
    folder = tmp_path / "runtime"
    folder.mkdir()
    wasm = assets.STATIC / "runtime" / f"{assets.RUNTIME_WASM}.gz"
    changed = gzip.decompress(wasm.read_bytes())[:-1]
    (folder / wasm.name).write_bytes(gzip.compress(changed))
    (folder / assets.RUNTIME_MODULE).write_text("alert(1)")
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    for read in (assets.runtime_wasm, assets.runtime_module):
        read.cache_clear()
        with raises(WorkError):
            read()
        read.cache_clear()


def test_modules_are_sorted_after_their_imports_and_do_not_parse_html():
    names: list[str] = []
    for name, source in sorted_modules().items():
        if name.endswith(".js"):
            assert set(IMPORT.findall(source)) <= set(names), name
            assert "innerHTML" not in source and "document.write" not in source
        names.append(name)
    assert names[-1] == "main.js"


@pytest.mark.usefixtures("without_graphs")
def test_the_page_has_the_verdict_and_the_colors_and_shapes_of_plots(small_run, monkeypatch):
    monkeypatch.setitem(small_run.summary, "verdict", [{"kind": "collapse", "text": "So <it> is."}])
    content = build_content(small_run)
    assert content.facts.findings == ["So <it> is."]
    assert b"<it>" not in content.to_json()
    assert content.facts.colors == list(CLASS_COLORS)
    assert content.facts.shapes == class_shapes()
