"""The map: the page shows the output of the model at the position of the pointer."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

import vaekit
from browser_fixtures import decoded_image, max_difference
from vaekit.inputs import ModelInputs

pytestmark = pytest.mark.browser


def coordinates(page) -> str:
    """The coordinates that the page shows, without the time of decoding."""
    return page.text("#coordinates").split(" · decoded")[0]


# --- The decoder under the pointer ----------------------------------------------------------------


def test_the_page_loads_without_errors_and_without_remote_requests(explorer, address):
    page = explorer(address)
    assert (page.errors, page.remote_requests) == ([], [])
    assert page.text("#title") == "mlp on bars"
    assert "60 examples" in page.text("#summary")
    assert "3 latent dimensions" in page.text("#summary")


def test_the_pointer_decodes_the_code_at_its_position(explorer, address, small_run):
    page = explorer(address)
    codes, images = [], []
    for position in ((0.3, 0.4), (0.7, 0.6)):
        page.hover(*position)
        z, image = page.decoded()
        assert max_difference(image, decoded_image(small_run, z)) <= 1
        codes.append(z)
        images.append(image)
    assert max_difference(*images) > 1
    assert (codes[0] != codes[1]).sum() == 2  # the dimension off the map is fixed


def test_a_click_pins_the_position_and_another_click_unpins_it(explorer, address):
    page = explorer(address)
    page.hover(0.4, 0.4)
    page.page.mouse.click(*page.pixel(0.4, 0.4))
    pinned = coordinates(page)
    page.page.mouse.move(*page.pixel(0.6, 0.6))
    page.page.wait_for_timeout(200)
    assert coordinates(page) == pinned
    page.page.mouse.click(*page.pixel(0.6, 0.6))
    page.hover(0.7, 0.7)
    assert coordinates(page) != pinned


def test_the_example_of_a_point_is_shown_with_its_class_and_loss_terms(
    explorer, address, small_run, bars
):
    x, classes = bars
    page = explorer(address)
    page.wait_until("document.getElementById('original').width === 8")  # example 0 is the first
    words = page.text("#example-facts").split(" · ")
    assert words[:2] == ["Example 0", f"class {classes[0]}"]
    read = """Array.from(document.getElementById('original').getContext('2d')
        .getImageData(0, 0, 8, 8).data)"""
    pixels = np.array(page.page.evaluate(read)).reshape(8, 8, 4)
    assert np.array_equal(pixels[..., 0], x[0, 0])
    assert words[2].startswith("reconstruction ") and words[3].startswith("divergence ")
    page.act(lambda: page.click("#go-to-example"))
    z, _ = page.decoded()
    assert np.allclose(z, small_run.encode(x[:1]).mean[0], atol=1e-6)


def test_axes_are_both_dimensions_or_both_principal_components(explorer, address, small_run, bars):
    page = explorer(address)
    names = page.locate("#x-axis option").all_text_contents()
    assert names[:3] == ["z1", "z2", "z3"]
    assert [name[:4] for name in names[3:]] == ["PC 1", "PC 2", "PC 3"]
    page.choose("#x-axis", value="3")
    assert page.locate("#y-axis").input_value() == "4"
    page.hover(0.5, 0.5)
    first, _ = page.decoded()
    page.hover(0.8, 0.5)
    second, _ = page.decoded()
    _, axes, _ = vaekit.plots.principal_axes(small_run.encode(bars[0]).mean, 3)
    assert page.text("#coordinates").startswith("PC 1 = ")
    assert " · PC 2 = " in page.text("#coordinates")
    move = (second - first) @ axes
    assert move[0] > 0 and np.allclose(move[1:], 0, atol=1e-5 * max(1, move[0]))


def test_samples_of_the_prior_are_normal(explorer, address):
    page = explorer(address)
    samples = []
    for _ in range(12):
        page.act(lambda: page.click("#sample"))
        samples.append(page.decoded()[0])
    # 36 numbers: the bounds are more than three standard deviations away
    assert np.std(samples) == pytest.approx(1, abs=0.45) and abs(np.mean(samples)) < 0.7


def test_a_position_pinned_by_a_card_is_moved_into_view(explorer, address):
    page = explorer(address)
    page.hover(0.9, 0.9)
    for _ in range(14):
        page.click("#zoom-in")
    page.act(lambda: page.click("#go-to-example"))
    codes = [page.decoded()[0]]
    for _ in range(2):
        page.act(lambda: page.locate("#overlay").press("Shift+ArrowLeft"))
        codes.append(page.decoded()[0])
    steps = [np.abs(b - a).max() for a, b in pairwise(codes)]
    # the first step from outside the map would be longer, to its edge
    assert steps[0] == pytest.approx(steps[1], rel=0.02)


def test_numbers_have_enough_digits_to_distinguish_positions(explorer, address):
    texts = explorer(address).page.evaluate(
        """async () => {
        const { formatFixed, formatMetric, formatTick } = await import('./format.js');
        return [
            formatFixed(-0.001), formatFixed(1234.5), formatFixed(-0.0123456, 0.01),
            formatFixed(1.5e-6, 1e-6), formatFixed(12345),
            formatTick(0.30000000000000004, 0.1), formatTick(-2, 1), formatTick(0, 0.5),
            formatTick(-0.0123, 0.0001),
            formatMetric({ value: 138.184, standard_error: 0.4871 }),
            formatMetric({ value: 1285.31, standard_error: 200 }),
            formatMetric({ value: 44.633, standard_error: null }),
        ]; }"""
    )
    assert texts == [
        *("0.00", "1234.50", "−0.0123", "1.50e−6", "1.23e+4", "0.3", "−2", "0.0", "−0.0123"),
        *("138.18 ± 0.49", "1285 ± 200", "44.633"),
    ]


# --- Sliders --------------------------------------------------------------------------------------


def test_a_slider_changes_its_dimension_alone(explorer, address, small_run):
    page = explorer(address)
    page.act(lambda: page.click("#go-to-example"))
    for index in range(3):
        before, _ = page.decoded()
        slider = page.locate("#sliders .slider").nth(index)
        dimension = int(slider.locator("span").text_content().split(" ")[0][1:]) - 1
        page.act(partial(slider.locator("input").fill, "1.5"))
        after, image = page.decoded()
        assert after[dimension] == pytest.approx(1.5, abs=0.01)
        assert np.array_equal(np.delete(before, dimension), np.delete(after, dimension))
        assert max_difference(image, decoded_image(small_run, after)) <= 1


def test_sliders_show_the_activity_of_their_dimension_and_the_current_code(
    explorer, address, small_run, bars
):
    page = explorer(address)
    page.act(lambda: page.click("#go-to-example"))
    z, _ = page.decoded()
    inputs = ModelInputs(bars[0], small_run.transform)
    terms = vaekit.evaluation.elbo_per_example(small_run.model, inputs)
    nats = terms.divergence.mean(0).numpy()
    low, high = np.quantile(small_run.encode(bars[0]).mean, (0.005, 0.995), axis=0)
    order = np.argsort(-nats)
    names = page.locate("#sliders .slider span").all_text_contents()
    assert [int(name.split(" · ")[0][1:]) - 1 for name in names] == order.tolist()
    activity = [float(name.split(" · ")[1]) for name in names]
    assert np.allclose(activity, nats[order], atol=0.0051)
    for index, dimension in enumerate(order):
        slider = page.locate("#sliders .slider").nth(index)
        ends = [float(slider.locator("input").get_attribute(end)) for end in ("min", "max")]
        assert np.allclose(ends, (min(low[dimension], -3), max(high[dimension], 3)), atol=1e-4)
        text = float(slider.locator("output").text_content().replace("−", "-"))
        assert text == pytest.approx(z[dimension], abs=0.0051)
        position = float(slider.locator("input").input_value())
        assert position == pytest.approx(z[dimension], abs=(ends[1] - ends[0]) / 1000)


# --- Keys and fingers -----------------------------------------------------------------------------


def test_every_action_on_the_map_has_a_key(explorer, address):
    page = explorer(address)
    keys = page.page.keyboard
    for _ in range(30):
        keys.press("Tab")
        if page.page.evaluate("document.activeElement.id") == "overlay":
            break
    assert page.page.evaluate("document.activeElement.id") == "overlay"
    before = page.decoded()[0]
    page.locate("#overlay").focus()
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp"):
        page.act(lambda key=key: keys.press(key))
    keys.press("s")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown") * 2:  # around the first example
        page.act(lambda key=key: keys.press(key))
    keys.press("s")
    page.wait_until_enabled("selection-clear")
    page.wait_until("document.activeElement.id === 'selection-card'")
    keys.press("Escape")
    page.wait_until_disabled("selection-clear")
    assert page.page.evaluate("document.activeElement.id") == "overlay"
    keys.press("a")
    page.act(lambda: keys.press("Shift+ArrowLeft"))
    keys.press("b")
    page.wait_until_enabled("play")
    keys.press("Escape")
    assert not np.array_equal(before, page.decoded()[0])


def test_fingers_decode_and_pinch(explorer, address):
    page = explorer(address, 390, 844, has_touch=True, is_mobile=True)
    page.act(lambda: page.page.touchscreen.tap(*page.pixel(0.5, 0.5)))
    before = page.decoded()[0]
    page.locate("h1").scroll_into_view_if_needed()
    text = coordinates(page)
    session = page.page.context.new_cdp_session(page.page)

    def touch(kind: str, *offsets: int) -> None:
        x, y = page.pixel(0.5, 0.5)
        points = [{"x": x + offset, "y": y} for offset in offsets]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -20, 20)
    for offset in (40, 60, 80):
        touch("touchMove", -offset, offset)
    assert coordinates(page) == text  # two fingers do not decode
    touch("touchEnd")
    page.act(lambda: page.page.touchscreen.tap(*page.pixel(0.9, 0.5)))
    zoomed = page.decoded()[0]
    page.click("#fit")
    page.act(lambda: page.page.touchscreen.tap(*page.pixel(0.9, 0.5)))
    fitted = page.decoded()[0]
    # the zoom is fourfold
    assert 0 < np.abs(zoomed - before).max() < 0.5 * np.abs(fitted - before).max()
    assert page.errors == []


# --- Layout ---------------------------------------------------------------------------------------


def test_controls_have_names_and_the_dialog_closes_by_key(explorer, address):
    page = explorer(address).page
    unnamed = page.evaluate(
        """Array.from(document.querySelectorAll('button, select, input, canvas:not(#points)'))
        .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length))
        .map(e => e.id)"""
    )
    assert unnamed == []
    page.locator("#help-open").click()
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def is_dark(page, name: str) -> bool:
    """Whether a color of the page is dark."""
    color = page.evaluate("name => getComputedStyle(document.body)[name]", name)
    return sum(map(int, color[4:-1].split(","))) < 384


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_fits_every_window_and_remembers_its_theme(explorer, address, scheme: str):
    page = explorer(address, color_scheme=scheme).page
    for width, height in [(320, 640), (390, 844), (844, 390), (820, 1180), (1700, 1000)]:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = scheme == "dark"
    assert (is_dark(page, "backgroundColor"), is_dark(page, "color")) == (dark, not dark)
    page.locator("#theme").click()
    assert (is_dark(page, "backgroundColor"), is_dark(page, "color")) == (not dark, dark)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert (is_dark(page, "backgroundColor"), is_dark(page, "color")) == (not dark, dark)
