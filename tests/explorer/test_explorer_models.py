"""Pages of every kind of model open from a file, with the cards that the model supports."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from browser_fixtures import decoded_image, max_difference
from conftest import small_images
from vaekit.data import Dataset, Examples, Support
from vaekit.explorer import render_page
from vaekit.runs.example_selection import select_examples
from vaekit.workflows.explorer_content import build_content, embed_originals

pytestmark = pytest.mark.browser

CARDS = ("path-card", "grid-card", "sliders-card", "sample")
VECTOR_QUANTIZED = {"kind": "vector-quantized", "codes": 8}
CATEGORICAL = {"kind": "categorical", "classes": 4}

READ_CANVAS = """name => {
    const canvas = document.getElementById(name);
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
    return [height, width, Array.from(data)];
}"""


def visible(page, *names: str) -> list[bool]:
    """Whether each element is visible."""
    return [page.locate(f"#{name}").is_visible() for name in names]


def canvas_pixels(page, name: str) -> np.ndarray:
    """The pixels of a canvas, [H, W, 4]."""
    height, width, values = page.page.evaluate(READ_CANVAS, name)
    return np.array(values, np.uint8).reshape(height, width, 4)


# --- Conditional models ---------------------------------------------------------------------------


def test_a_conditional_run_decodes_the_selected_class(explorer, page_of):
    run, url = page_of(conditional=True)
    page = explorer(url)
    page.hover(0.4, 0.4)
    images = []
    for name in ("a", "c"):
        page.choose("#label", label=name)
        page.page.wait_for_timeout(300)
        z, image = page.decoded()
        assert max_difference(image, decoded_image(run, z, name)) <= 1
        images.append(image)
    assert max_difference(*images) > 1
    page.decode_grid()
    assert page.text("#grid-facts").startswith("class c: z1: ")
    page.choose("#label", label="a")
    page.wait_until_disabled("grid-save")  # its images were of another class
    assert page.errors == []


@pytest.mark.nightly
def test_a_path_between_classes_mixes_them_until_a_class_is_selected(explorer, page_of):
    _, url = page_of(conditional=True)
    page = explorer(url)
    for which, name, x in (("a", "a", 0.4), ("b", "c", 0.6)):
        page.hover(x, 0.4)
        page.choose("#label", label=name)
        page.click(f"#set-{which}")
    page.act(lambda: page.locate("#path-position").fill("0.25"))
    page.decode_grid()
    assert page.text("#grid-facts").startswith("classes a 75 %, c 25 %: z1: ")
    page.click("#play")
    page.wait_until("document.getElementById('label').value === ''")
    page.click("#grid-decode")
    page.wait_until_enabled("grid-save")
    page.wait_until("document.getElementById('play').textContent === 'Play'")
    page.click("#play")
    page.wait_until("document.getElementById('label').value === ''")
    page.choose("#label", label="b")
    page.wait_until("document.getElementById('play').textContent === 'Play'")
    assert page.locate("#label").input_value() == "1" and page.errors == []


@pytest.mark.nightly
def test_an_example_is_reconstructed_with_its_own_class(explorer, page_of):
    run, url = page_of(conditional=True)
    page = explorer(url)
    examples = select_examples(run, None, small_images()).examples
    names = run.config.data.classes
    codes = run.encode(examples).mean
    checked = set()
    for x, y in np.random.default_rng(0).uniform(0.42, 0.58, (60, 2)):
        page.hover(x, y)
        words = page.text("#example-facts").split(" · ")
        index, name = (word.split(" ")[1] for word in words[:2])
        assert name == names[examples.y[int(index)]]
        if name in checked:
            continue
        checked.add(name)
        page.page.wait_for_timeout(150)
        reconstruction = canvas_pixels(page, "reconstruction")[..., :3]
        expected = decoded_image(run, codes[int(index)], name)
        assert max_difference(reconstruction, expected) <= 1
    assert len(checked) > 1


@pytest.mark.nightly
def test_a_class_dependent_normal_prior_is_sampled_by_class(explorer, page_of):
    run, url = page_of(conditional=True, prior={"kind": "class-normal"}, objective={"beta": 5.0})
    page = explorer(url)
    page.act(lambda: page.click("#sample"))
    assert page.errors == []
    assert run.model.prior_distribution(run.condition("a", 1)).batch_shape == (1,)


@pytest.mark.nightly
def test_a_learned_prior_is_sampled_by_class_and_its_samples_repeat(explorer, page_of):
    run, url = page_of(
        conditional=True, latent_dim=4, prior_stage={"epochs": 2}, posterior=VECTOR_QUANTIZED
    )
    page = explorer(url)
    assert run.model.classes == 3
    page.choose("#label", label="c")
    page.act(lambda: page.click("#sample"))
    first, _ = page.decoded()
    per_class = build_content(run, data=small_images()).facts.prior.samples // run.model.classes
    click = f"for (let i = 0; i < {per_class}; i++) document.getElementById('sample').click()"
    page.act(lambda: page.page.evaluate(click))
    assert np.array_equal(page.decoded()[0], first)


# --- Latent spaces --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            {"posterior": VECTOR_QUANTIZED, "prior_stage": {"epochs": 2}},
            marks=pytest.mark.nightly,
            id="vector-quantized",
        ),
        pytest.param({"posterior": CATEGORICAL}, id="categorical"),
    ],
)
def test_the_map_of_a_discrete_run_moves_from_example_to_example(explorer, page_of, options):
    run, url = page_of(latent_dim=4, **options)
    page = explorer(url)
    assert visible(page, *CARDS) == [False, False, True, True]
    is_stochastic = options["posterior"]["kind"] == "categorical"
    assert ("at one sample of z" in page.text("#example-facts")) == is_stochastic
    page.click("#help-open")
    keys = page.locate("#help dt:visible").all_text_contents()
    assert "S" in keys and "A, B" not in keys
    page.page.keyboard.press("Escape")
    page.act(lambda: page.click("#go-to-example"))
    z, image = page.decoded()
    examples = select_examples(run, None, small_images()).examples
    assert np.allclose(z, run.encode(examples.x[:1]).mean[0], atol=1e-6)
    assert max_difference(image, decoded_image(run, z)) <= 1
    page.act(lambda: page.click("#sample"))
    z, image = page.decoded()
    codebook = run.model.codebook
    embedded = codebook.embed(codebook.indices(run.check_latents(z[None])))
    assert embedded.numpy().ravel() == pytest.approx(z)
    assert page.errors == []


def test_an_autoencoder_has_no_prior_to_sample(explorer, page_of):
    _, url = page_of(
        posterior={"kind": "deterministic"}, objective={"kind": "reconstruction-only"}, latent_dim=2
    )
    page = explorer(url)
    assert visible(page, *CARDS) == [True, True, True, False]
    assert page.locate("#interpolation option").all_text_contents() == ["linear"]
    assert "divergence" not in page.text("#example-facts") and page.errors == []


@pytest.mark.nightly
def test_one_latent_dimension_is_shown_with_jitter(explorer, page_of):
    run, url = page_of(latent_dim=1)
    page = explorer(url)
    page.hover(0.7, 0.3)
    z, image = page.decoded()
    assert z.shape == (1,)
    assert max_difference(image, decoded_image(run, z)) <= 1
    assert visible(page, "grid-card", "x-axis") == [False, False] and page.errors == []


# --- Data -----------------------------------------------------------------------------------------


def test_images_in_color_keep_their_channels(explorer, page_of, tmp_path):
    data = small_images(shape=(3, 8, 8))
    data.train.x[:, 0] //= 3  # all channels differ
    data.train.x[:, 2] = 255 - data.train.x[:, 2]
    run, url = page_of(data)
    page = explorer(url)
    page.locate("#original[width='8']").wait_for()
    x = select_examples(run, None, data).examples.x
    assert np.array_equal(canvas_pixels(page, "original")[..., :3], x[0].transpose(1, 2, 0))
    page.hover(0.4, 0.6)
    z, image = page.decoded()
    expected = decoded_image(run, z)
    assert max_difference(image, expected) <= 1
    assert max_difference(expected, expected[..., ::-1]) > 5
    Image.fromarray(x[3].transpose(1, 2, 0)).save(tmp_path / "mine.png")
    page.act(lambda: page.locate("#upload-file").set_input_files(tmp_path / "mine.png"))
    assert np.allclose(page.decoded()[0], run.encode(x[3:4]).mean[0], atol=1e-4)


@pytest.mark.nightly
def test_images_that_are_not_square_are_in_the_middle_of_their_cells(explorer, page_of):
    run, url = page_of(small_images(shape=(1, 6, 10)), latent_dim=2)
    page = explorer(url)
    page.decode_grid()
    with Image.open(page.download("#grid-save")) as image:
        note = json.loads(image.text["vaekit"])
        pixels = np.asarray(image)
    factor = 600 // 50
    x_dimension, y_dimension = (int(note[name][1:]) - 1 for name in ("x_axis", "y_axis"))
    for row, column in ((0, 0), (1, 3), (4, 2)):
        z = np.zeros(2, np.float32)
        z[x_dimension] = note["left"] + (column + 0.5) / 5 * (note["right"] - note["left"])
        z[y_dimension] = note["top"] - (row + 0.5) / 5 * (note["top"] - note["bottom"])
        top = 6 + 10 * factor * row
        left = 44 + 10 * factor * column
        cell = pixels[top : top + 10 * factor : factor, left : left + 10 * factor : factor]
        assert max_difference(cell[2:8], decoded_image(run, z)) <= 1
        assert not cell[:2].any() and not cell[8:].any()


def table(x: np.ndarray, y: np.ndarray | None = None, classes: tuple[str, ...] = ()) -> Dataset:
    return Dataset("table", Examples(x, y), None, Support("real"), classes)


@pytest.mark.nightly
def test_the_height_of_bars_is_proportional_to_the_values(explorer, page_of):
    x = np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)
    data = table(x)
    run, url = page_of(data)
    page = explorer(url, color_scheme="light")
    page.locate("#original.bars").wait_for()
    values = select_examples(run, None, data).examples.x[0]
    pixels = canvas_pixels(page, "original")
    accent_distance = np.abs(pixels[..., :3].astype(int) - (0x33, 0x22, 0x88)).max(-1)
    is_bar = (accent_distance < 8) & (pixels[..., 3] > 200)
    width = pixels.shape[1] / len(values)
    columns = [int((i + 0.75) * width) for i in range(len(values))]  # right of the scale's labels
    bars = [np.flatnonzero(is_bar[:, column]) for column in columns]
    pairs = list(zip(bars, values, strict=True))
    zero = np.median([bar.max() if value > 0 else bar.min() for bar, value in pairs])
    ends = np.array([bar.min() if value > 0 else bar.max() for bar, value in pairs])
    heights = zero - ends
    assert (values > 0).any() and (values < 0).any()
    unit = np.abs(heights).sum() / np.abs(values).sum()
    assert np.allclose(heights / unit, values, atol=3 / unit)


@pytest.mark.nightly
def test_class_names_are_text_and_examples_other_than_images_have_no_image_cards(explorer, page_of):
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    y = (np.arange(50) % 2).astype(np.int64)
    hostile = ("</script><img src=x>", "--><script>y</script>")
    _, url = page_of(table(x, y, hostile))
    page = explorer(url)
    image_cards = ("upload-card", "grid-card", "save-decoded", "path-card")
    assert visible(page, *image_cards) == [False, False, False, True]
    assert page.locate("#legend .name").all_text_contents() == list(hostile)
    assert page.locate("#legend img").count() == 0 and page.errors == []
    page.page.evaluate("dispatchEvent(new DragEvent('drop', { dataTransfer: new DataTransfer() }))")
    assert visible(page, "message") == [True]


# --- One file -------------------------------------------------------------------------------------


def test_the_file_works_offline(explorer, page_of):
    run, url = page_of(latent_dim=2)
    page = explorer(url, offline=True)
    page.hover(0.3, 0.6)
    z, image = page.decoded()
    assert max_difference(image, decoded_image(run, z)) <= 1
    assert (page.errors, page.remote_requests) == ([], [])
    page.wait_until("document.getElementById('original-caption').textContent === 'Original'")


@pytest.mark.nightly
def test_two_hundred_thousand_points_are_drawn_and_selected(explorer, page_of, tmp_path):
    run, _ = page_of(latent_dim=2)
    content = build_content(run, data=small_images())
    count = 200_000
    codes = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    arrays = {
        "codes": codes,
        "labels": (np.arange(count) % 3).astype(np.uint16),
        "terms": np.ones((count, 2), np.float32),
    }
    example = content.original(0)
    large = replace(
        content,
        facts=replace(content.facts, examples=count),
        arrays=arrays,
        original=lambda _: example,
    )
    (tmp_path / "large.html").write_text(render_page(embed_originals(large)), encoding="utf-8")
    page = explorer((tmp_path / "large.html").as_uri())
    page.hover(0.5, 0.5)
    page.choose_tool("box")
    page.drag((0.5, 0.01), (0.99, 0.99))
    page.wait_until_enabled("selection-clear")
    selected = int(page.text("#selection-facts").split(" ")[0].replace(",", ""))
    page.hover(0.5, 0.5)
    center = page.decoded()[0]
    assert selected == pytest.approx((codes[:, 0] > center[0]).sum(), rel=0.01)
    assert page.errors == []
