"""Every kind of run opens, as a page from a file, and what a run cannot do is absent."""

import numpy as np
import pytest

import vaekit
from browser_fixtures import differ, shown
from conftest import small_images
from vaekit.data import Dataset, Examples, Support
from vaekit.workflows.use import encode


def visible(page, *ids: str) -> list[bool]:
    return [page.page.locator(f"#{name}").is_visible() for name in ids]


def test_a_conditional_run_decodes_the_class_that_is_chosen(explorer, page_of):
    run, url = page_of(conditional=True)
    page = explorer(url)
    page.hover(0.4, 0.4)
    seen = []
    for name in ("a", "c"):
        page.page.locator("#label").select_option(label=name)
        page.page.wait_for_timeout(300)
        z, image = page.decoded()
        assert differ(image, shown(run, run.decode(z[None], name))) <= 1
        seen.append(image)
    assert differ(*seen) > 1
    page.page.locator("#grid-side").select_option("0")
    page.page.locator("#grid-make").click()
    page.wait("!document.getElementById('grid-save').disabled")
    assert page.text("#grid-facts").startswith("class c: z1: ")
    page.page.locator("#label").select_option(label="a")
    page.wait("document.getElementById('grid-save').disabled")  # its images were of another class
    assert page.text("#grid-facts").startswith("Decodes") and page.errors == []


def test_a_path_between_classes_is_of_both_until_a_class_is_chosen(explorer, page_of):
    _, url = page_of(conditional=True)
    page = explorer(url)
    for which, name, across in (("a", "a", 0.4), ("b", "c", 0.6)):
        page.hover(across, 0.4)
        page.page.locator("#label").select_option(label=name)
        page.page.locator(f"#set-{which}").click()
    page.act(lambda: page.page.locator("#position").fill("0.25"))
    page.page.locator("#grid-side").select_option("0")
    page.page.locator("#grid-make").click()
    page.wait("!document.getElementById('grid-save').disabled")
    assert page.text("#grid-facts").startswith("classes a 75 %, c 25 %: z1: ")
    page.page.locator("#play").click()
    page.wait("document.getElementById('label').value === ''")
    page.page.locator("#grid-make").click()
    page.wait(
        "!document.getElementById('grid-save').disabled && document.getElementById('play').textContent === 'Play'"
    )
    page.page.locator("#play").click()
    page.wait("document.getElementById('label').value === ''")
    page.page.locator("#label").select_option(label="b")
    page.wait("document.getElementById('play').textContent === 'Play'")
    assert page.page.locator("#label").input_value() == "1" and page.errors == []


def test_a_prior_for_each_class_is_drawn_from_by_class(explorer, page_of):
    run, url = page_of(conditional=True, prior={"kind": "class-normal"}, objective={"beta": 5.0})
    page = explorer(url)
    page.act(lambda: page.page.locator("#sample").click())
    assert page.errors == [] and run.model.prior_distribution(
        run.condition("a", 1)
    ).batch_shape == (1,)


QUANTISED = {"posterior": {"kind": "vector-quantized", "codes": 8}, "prior_stage": {"epochs": 2}}


def test_a_learned_prior_is_drawn_from_by_class_however_often(explorer, page_of):
    run, url = page_of(
        conditional=True, latent_dim=4, prior_stage={"epochs": 2}, posterior=QUANTISED["posterior"]
    )
    page = explorer(url)
    assert run.model.classes == 3
    page.page.locator("#label").select_option(label="c")
    page.act(lambda: page.page.locator("#sample").click())
    first, _ = page.decoded()
    page.act(
        lambda: page.page.evaluate(
            "for (let i = 0; i < 171; i++) document.getElementById('sample').click()"
        )
    )
    assert np.array_equal(
        page.decoded()[0], first
    )  # 513 were drawn, as many of each class, and all have been shown


@pytest.mark.parametrize(
    "options", [QUANTISED, {"posterior": {"kind": "categorical", "classes": 4}}]
)
def test_a_discrete_run_goes_from_row_to_row(explorer, page_of, options):
    run, url = page_of(latent_dim=4, **options)
    page = explorer(url)
    assert visible(page, "path-card", "grid-card", "sliders-card", "sample") == [
        False,
        False,
        True,
        True,
    ]
    assert ("at one draw of z" in page.text("#row-facts")) == (
        options["posterior"]["kind"] == "categorical"
    )
    page.page.locator("#help-open").click()
    assert "S" in page.page.locator("#help dt:visible").all_text_contents()
    assert "A, B" not in page.page.locator("#help dt:visible").all_text_contents()
    page.page.keyboard.press("Escape")
    page.act(lambda: page.page.locator("#to-row").click())
    z, image = page.decoded()
    first = vaekit.load_run(run.path)
    rows = vaekit.runs.run_data.find_examples(first, None, small_images())[0].x[:1]
    assert np.allclose(z, encode(run, Examples(rows)).mean[0], atol=1e-6)
    assert differ(image, shown(run, run.decode(z[None]))) <= 1
    page.act(lambda: page.page.locator("#sample").click())
    z, image = page.decoded()
    assert run.model.codebook.embed(
        run.model.codebook.indices(run.codes(z[None]))
    ).numpy().ravel() == pytest.approx(z)
    assert page.errors == []


def test_an_autoencoder_has_no_prior_to_draw_from(explorer, page_of):
    _, url = page_of(
        posterior={"kind": "deterministic"}, objective={"kind": "reconstruction-only"}, latent_dim=2
    )
    page = explorer(url)
    assert visible(page, "path-card", "grid-card", "sliders-card", "sample") == [
        True,
        True,
        True,
        False,
    ]
    assert page.page.locator("#course option").all_text_contents() == ["straight"]
    assert "divergence" not in page.text("#row-facts") and page.errors == []


def test_one_dimension_is_a_line(explorer, page_of):
    run, url = page_of(latent_dim=1)
    page = explorer(url)
    page.hover(0.7, 0.3)
    z, image = page.decoded()
    assert z.shape == (1,) and differ(image, shown(run, run.decode(z[None]))) <= 1
    assert visible(page, "grid-card", "across") == [False, False] and page.errors == []


def test_rows_that_are_no_images_are_bars_and_names_are_only_names(explorer, page_of):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 6)).astype(np.float32), np.arange(50) % 2
    hostile = ("</script><img src=x>", "--><script>y</script>")
    _, url = page_of(
        Dataset("table", Examples(x, y.astype(np.int64)), None, Support("real"), hostile)
    )
    page = explorer(url)
    assert visible(page, "own-card", "grid-card", "save-decoded", "path-card") == [
        False,
        False,
        False,
        True,
    ]
    assert page.page.locator("#legend .name").all_text_contents() == list(hostile)
    assert page.page.locator("#legend img").count() == 0 and page.errors == []
    page.page.evaluate("dispatchEvent(new DragEvent('drop', { dataTransfer: new DataTransfer() }))")
    assert "no images" in page.text("#message")


# --- One file -------------------------------------------------------------------------------------------------------------


def test_the_file_works_offline_from_disk(explorer, page_of):
    run, url = page_of(latent_dim=2)
    page = explorer(url, offline=True)
    page.hover(0.3, 0.6)
    z, image = page.decoded()
    assert differ(image, shown(run, run.decode(z[None]))) <= 1
    assert (page.errors, page.outside) == ([], [])
    page.wait("document.getElementById('original-caption').textContent === 'Original'")


def test_two_hundred_thousand_points_are_shown_and_selected(explorer, page_of, tmp_path):
    from dataclasses import replace

    from vaekit.explorer import to_page
    from vaekit.workflows.explore import content_of, with_thumbnails

    run, _ = page_of(latent_dim=2)
    content, count = content_of(run, data=small_images()), 200_000
    rng = np.random.default_rng(0)
    arrays = {
        "codes": rng.normal(size=(count, 2)).astype(np.float32),
        "labels": (np.arange(count) % 3).astype(np.uint16),
        "terms": np.ones((count, 2), np.float32),
    }
    row = content.original(0)
    many = replace(
        content, facts={**content.facts, "rows": count}, arrays=arrays, original=lambda _: row
    )
    (tmp_path / "many.html").write_text(to_page(with_thumbnails(many)), encoding="utf-8")
    page = explorer((tmp_path / "many.html").as_uri())
    page.hover(0.5, 0.5)
    page.tool("box")
    page.drag((0.5, 0.01), (0.99, 0.99))
    page.wait("!document.getElementById('selection-clear').disabled")
    right = (arrays["codes"][:, 0] > 0).sum()
    assert int(page.text("#selection-facts").split(" ")[0].replace(",", "")) == pytest.approx(
        right, rel=0.05
    )
    assert page.errors == []
