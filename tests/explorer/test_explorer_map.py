"""The page in a real browser: what it shows is what the model gives, and nobody outside hears of it."""

import csv
import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from vaekit.data.readers.image_files import read_images

import vaekit
from browser_fixtures import differ, shown
from vaekit.data import Examples
from vaekit.run_plots.latent_paths import slerp
from vaekit.workflows.use import encode

# --- The map and the decoder ----------------------------------------------------------------------------------------------


def test_the_page_loads_without_an_error_or_a_request_to_anybody_else(explorer, address):
    page = explorer(address)
    assert (page.errors, page.outside) == ([], [])
    assert page.text("#title") == "mlp on bars"
    assert "60 rows" in page.text("#summary") and "3 latent dimensions" in page.text("#summary")


def test_moving_the_pointer_decodes_what_is_under_it(explorer, address, small_run):
    page, seen = explorer(address), []
    for place in ((0.3, 0.4), (0.7, 0.6)):
        page.hover(*place)
        z, image = page.decoded()
        assert differ(image, shown(small_run, small_run.decode(z[None]))) <= 1
        seen.append((z, image))
    assert differ(seen[0][1], seen[1][1]) > 1
    first, second = seen[0][0], seen[1][0]
    assert (first != second).sum() == 2  # what the map does not show stays


def test_a_click_holds_the_place_and_another_lets_it_go(explorer, address):
    page = explorer(address)
    page.hover(0.4, 0.4)
    page.page.mouse.click(*page.at(0.4, 0.4))
    held = page.text("#place").split(" · decoded")[0]
    page.page.mouse.move(*page.at(0.6, 0.6))
    page.page.wait_for_timeout(200)
    assert page.text("#place").startswith(held)
    page.page.mouse.click(*page.at(0.6, 0.6))
    page.hover(0.7, 0.7)
    assert not page.text("#place").startswith(held)


def test_the_row_behind_a_dot_is_shown_with_its_terms(explorer, address, small_run, bars):
    rows, classes = bars
    page = explorer(address)
    page.wait("document.getElementById('original').width === 8")  # row 0 is shown first
    words = page.text("#row-facts").split(" · ")
    assert words[:2] == ["Row 0", f"class {classes[0]}"]
    read = "Array.from(document.getElementById('original').getContext('2d').getImageData(0, 0, 8, 8).data)"
    pixels = page.page.evaluate(read)
    assert np.array_equal(np.array(pixels).reshape(8, 8, 4)[..., 0], rows[0, 0])
    assert words[2].startswith("reconstruction ") and words[3].startswith("divergence ")
    page.act(lambda: page.page.locator("#to-row").click())
    z, _ = page.decoded()
    assert np.allclose(z, encode(small_run, Examples(rows[:1])).mean[0], atol=1e-6)


def test_principal_components_take_the_place_of_axes_together(explorer, address, small_run, bars):
    codes = encode(small_run, Examples(bars[0])).mean
    page = explorer(address)
    names = page.page.locator("#across option").all_text_contents()
    assert names[:3] == ["z1", "z2", "z3"] and [name[:4] for name in names[3:]] == [
        "PC 1",
        "PC 2",
        "PC 3",
    ]
    page.page.locator("#across").select_option("3")
    assert page.page.locator("#up").input_value() == "4"
    page.act(lambda: page.page.mouse.move(*page.at(0.5, 0.5)))
    first, _ = page.decoded()
    page.hover(0.8, 0.5)
    second, _ = page.decoded()
    _, axes, _ = vaekit.plots.principal_axes(codes, 3)
    assert page.text("#place").startswith("PC 1 = ") and " · PC 2 = " in page.text("#place")
    move = (second - first) @ axes
    assert move[0] > 0 and np.allclose(move[1:], 0, atol=1e-5 * max(1, move[0]))


def test_a_slider_moves_its_dimension_alone(explorer, address, small_run):
    page = explorer(address)
    page.act(lambda: page.page.locator("#to-row").click())
    before, _ = page.decoded()
    named = page.page.locator("#sliders .slider").first
    dimension = int(named.locator("span").text_content().split(" ")[0][1:]) - 1
    page.act(lambda: named.locator("input").fill("1.5"))
    after, image = page.decoded()
    assert after[dimension] == pytest.approx(1.5, abs=0.01)
    assert np.array_equal(np.delete(before, dimension), np.delete(after, dimension))
    assert differ(image, shown(small_run, small_run.decode(after[None]))) <= 1


def test_samples_of_the_prior_are_normal(explorer, address):
    page = explorer(address)
    drawn = []
    for _ in range(12):
        page.act(lambda: page.page.locator("#sample").click())
        drawn.append(page.decoded()[0])
    assert (
        np.std(drawn) == pytest.approx(1, abs=0.45) and abs(np.mean(drawn)) < 0.7
    )  # 36 numbers: beyond three deviations


def test_what_is_held_elsewhere_is_brought_into_the_window(explorer, address):
    page = explorer(address)
    page.hover(0.9, 0.9)
    for _ in range(14):
        page.page.locator("#zoom-in").click()
    page.act(lambda: page.page.locator("#to-row").click())
    places = [page.decoded()[0]]
    for _ in range(2):
        page.act(lambda: page.page.locator("#overlay").press("Shift+ArrowLeft"))
        places.append(page.decoded()[0])
    steps = [np.abs(b - a).max() for a, b in pairwise(places)]
    assert steps[0] == pytest.approx(
        steps[1], rel=0.02
    )  # from outside the window the first would lead into it


def test_numbers_have_the_digits_that_tell_places_apart(explorer, address):
    page = explorer(address).page
    found = page.evaluate("""async () => { const { fixed, tick, withError } = await import('./text.js');
        return [fixed(-0.001), fixed(1234.5), fixed(-0.0123456, 0.01), fixed(1.5e-6, 1e-6), fixed(12345),
        tick(0.30000000000000004, 0.1), tick(-2, 1), tick(0, 0.5), tick(-0.0123, 0.0001),
        withError({ value: 138.184, standard_error: 0.4871 }), withError({ value: 1285.31, standard_error: 200 }),
        withError({ value: 44.633, standard_error: null })]; }""")
    assert found == [
        *("0.00", "1234.50", "−0.0123", "1.50e−6", "1.23e+4", "0.3", "−2", "0.0", "−0.0123"),
        *("138.18 ± 0.49", "1285 ± 200", "44.633"),
    ]


# --- Classes and selections -----------------------------------------------------------------------------------------------


def select_all(page, found: str) -> None:
    """With a box around the map, which must find so many rows."""
    page.page.locator("#fit").click()
    page.page.locator("#zoom-out").click()
    page.tool("box")
    page.drag((0.01, 0.01), (0.99, 0.99))
    page.wait(
        f"document.getElementById('selection-facts').textContent.startsWith('{found} of 60 rows')"
    )


def test_a_class_that_is_hidden_cannot_be_selected(explorer, address):
    page = explorer(address)
    select_all(page, "60")
    page.page.locator("#legend button", has_text="b").last.click()  # alone
    page.wait("document.getElementById('selection-facts').textContent.startsWith('20 of 60 rows')")
    page.wait("document.querySelectorAll('#legend button[aria-pressed=true]').length === 1")
    assert page.page.locator("#legend button[aria-pressed=true]").all_text_contents() == ["b"]
    select_all(page, "20")
    assert page.page.locator("#selection-classes .name").all_text_contents() == ["b"]
    page.page.locator("#legend button", has_text="All").click()
    select_all(page, "60")


def test_a_selection_is_a_table_that_decode_reads(
    explorer, address, small_run, bars, cli, tmp_path
):
    rows, classes = bars
    page = explorer(address)
    page.tool("lasso")
    page.drag((0.5, 0.02), (0.98, 0.02), (0.98, 0.98), (0.5, 0.98))  # the right half
    page.wait("!document.getElementById('selection-save').disabled")
    file = tmp_path / "chosen.csv"
    file.write_bytes(page.saved("#selection-save").read_bytes())
    table = list(csv.DictReader(file.read_text().splitlines()))
    chosen = [int(line["row"]) for line in table]
    assert 0 < len(chosen) < 60 and [line["class"] for line in table] == [
        classes[row] for row in chosen
    ]
    codes = encode(small_run, Examples(rows[chosen])).mean
    assert np.allclose(
        [[float(line[f"z{i}"]) for i in (1, 2, 3)] for line in table], codes, atol=1e-5
    )
    terms = vaekit.evaluation.elbo_per_example(
        small_run.model, vaekit.inputs.ModelInputs(rows, small_run.transform)
    )
    assert np.allclose(
        [float(line["divergence"]) for line in table], terms.divergence.sum(-1)[chosen], rtol=1e-4
    )
    status, _, err = cli("decode", small_run.path, file, "--out", "decoded.npy")
    assert status == 0, err
    assert np.allclose(np.load("decoded.npy"), small_run.decode(codes), atol=0.01)


# --- Paths, grids, images of one's own ------------------------------------------------------------------------------------


def test_a_path_goes_from_one_place_to_the_other_and_is_saved_moving(explorer, address, small_run):
    page, ends = explorer(address), []
    for which, place in (("a", (0.3, 0.3)), ("b", (0.7, 0.6))):
        page.hover(*place)
        page.page.locator(f"#set-{which}").click()
        ends.append(page.decoded()[0])
    for course, middle in (
        ("straight", lambda a, b: (a + b) / 2),
        ("spherical", lambda a, b: slerp(a, b, np.array([0.5]))[0]),
    ):
        page.page.locator("#course").select_option(label=course)
        page.act(lambda: page.page.locator("#position").fill("0.2"))
        page.act(lambda: page.page.locator("#position").fill("0.5"))
        z, image = page.decoded()
        assert np.allclose(z, middle(*ends), atol=1e-4)
        assert differ(image, shown(small_run, small_run.decode(z[None]))) <= 1
    with Image.open(page.saved("#save-path")) as moving:
        assert (moving.n_frames, moving.info["loop"]) == (46, 0)
        first = np.asarray(moving.convert("RGB"))
        moving.seek(23)
        last = np.asarray(moving.convert("RGB"))
    times = first.shape[0] // 8
    for found, end in ((first, ends[0]), (last, ends[1])):
        assert differ(found[::times, ::times], shown(small_run, small_run.decode(end[None]))) <= 1


def test_playing_moves_by_itself_until_it_is_stopped(explorer, address):
    page = explorer(address)
    for which, place in (("a", (0.3, 0.3)), ("b", (0.7, 0.6))):
        page.hover(*place)
        page.page.locator(f"#set-{which}").click()
    page.page.locator("#play").click()
    page.wait("Number(document.getElementById('position').value) > 0.1")
    page.page.locator("#play").click()
    place = page.page.locator("#position").input_value()
    page.page.wait_for_timeout(200)
    assert page.page.locator("#position").input_value() == place
    page.page.locator("#play").click()
    page.wait("document.getElementById('play').textContent === 'Stop'")
    page.page.mouse.click(*page.at(0.5, 0.5))
    page.wait("document.getElementById('play').textContent === 'Play'")
    page.page.locator("#clear-path").click()
    page.wait("document.getElementById('play').disabled")
    assert page.text("#path-facts").startswith("Choose a start")


def test_a_grid_says_where_it_is_and_has_what_is_decoded_there(explorer, address, small_run):
    page = explorer(address)
    page.page.locator("#grid-side").select_option("0")
    page.page.locator("#grid-make").click()
    page.wait("document.getElementById('grid-facts').textContent.includes(' to ')")
    with Image.open(page.saved("#grid-save")) as image:
        note, sheet = json.loads(image.text["vaekit"]), np.asarray(image)
    assert note["side"] == 5
    times = -(-600 // 40)
    first, second = (int(name[1:]) - 1 for name in (note["across"], note["up"]))
    for line, column in ((0, 0), (2, 4), (4, 1)):
        z = np.array(note["z"], np.float32)
        z[first] = note["left"] + (column + 0.5) / 5 * (note["right"] - note["left"])
        z[second] = note["top"] - (line + 0.5) / 5 * (note["top"] - note["bottom"])
        top, left = 6 + 8 * times * line, 44 + 8 * times * column
        cell = sheet[top : top + 8 * times : times, left : left + 8 * times : times]
        assert differ(cell, shown(small_run, small_run.decode(z[None]))) <= 1


@pytest.mark.parametrize("size", [(8, 8), (30, 21), (5, 6)])
def test_an_image_of_ones_own_is_encoded_as_the_command_would(
    explorer, address, small_run, tmp_path, size
):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    page = explorer(address)
    page.act(lambda: page.page.locator("#own-file").set_input_files(tmp_path / "mine.png"))
    z, _ = page.decoded()
    x = read_images([tmp_path / "mine.png"], (8, 8))
    gray = np.asarray(
        Image.fromarray(pixels).convert("L").resize((8, 8), Image.Resampling.BILINEAR)
    )[None, None]
    assert x.shape == (1, 3, 8, 8)  # the file is in colour, the run in gray
    assert np.allclose(z, encode(small_run, Examples(gray)).mean[0], atol=2e-3)
    assert page.text("#own-facts") == "mine.png is the star on the map."
    page.page.locator("#own-file").set_input_files([])  # a dialog that is closed leaves it
    page.act(lambda: page.page.locator("#invert").check())
    inverted, _ = page.decoded()
    assert np.allclose(inverted, encode(small_run, Examples(255 - gray)).mean[0], atol=2e-3)


@pytest.mark.parametrize("kind", ["turned by EXIF", "of many pixels"])
def test_large_and_turned_images_are_read_as_the_command_would(
    explorer, address, small_run, tmp_path, kind
):
    size = (60, 40) if kind == "turned by EXIF" else (5000, 900)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0]), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6 if kind == "turned by EXIF" else 1
    image.save(tmp_path / "mine.png", exif=exif)
    page = explorer(address)
    page.act(lambda: page.page.locator("#own-file").set_input_files(tmp_path / "mine.png"))
    z, _ = page.decoded()
    x = read_images([tmp_path / "mine.png"], (8, 8))
    assert np.allclose(z, encode(small_run, Examples(x)).mean[0], atol=2e-3)


def test_what_is_transparent_in_an_image_is_said_to_be_black_and_it_can_be_put_away(
    explorer, address, tmp_path
):
    Image.new("LA", (8, 8), (255, 128)).save(tmp_path / "mine.png")
    page = explorer(address)
    page.act(lambda: page.page.locator("#own-file").set_input_files(tmp_path / "mine.png"))
    told = "mine.png is the star on the map. What is transparent in it was taken for black."
    assert page.text("#own-facts") == page.text("#message") == told
    page.page.locator("#own-clear").click()
    assert page.text("#own-facts") == "" and not page.page.locator("#own-pair").is_visible()


def test_an_image_can_be_dropped_and_what_is_none_is_refused(explorer, address, small_run, bars):
    page = explorer(address)
    drop = """([bytes, name]) => { const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })); }"""
    page.page.evaluate(drop, [[1, 2, 3], "notes.txt"])
    for place in ("own-facts", "message"):
        page.wait(
            f"document.getElementById('{place}').textContent.includes('notes.txt is no image')"
        )
    from io import BytesIO

    content = BytesIO()
    Image.fromarray(bars[0][3, 0]).save(content, "PNG")
    page.act(lambda: page.page.evaluate(drop, [list(content.getvalue()), "row.png"]))
    z, _ = page.decoded()
    assert np.allclose(z, encode(small_run, Examples(bars[0][3:4])).mean[0], atol=1e-5)
    assert page.errors == []


# --- By keyboard, at every size -------------------------------------------------------------------------------------------


def test_everything_on_the_map_can_be_done_by_keyboard(explorer, address):
    page = explorer(address)
    keys = page.page.keyboard
    for _ in range(30):
        keys.press("Tab")
        if page.page.evaluate("document.activeElement.id") == "overlay":
            break
    assert page.page.evaluate("document.activeElement.id") == "overlay"
    before = page.decoded()[0]
    page.page.locator("#overlay").focus()
    page.act(lambda: keys.press("ArrowRight"))
    keys.press("s")
    for key in ("Shift+ArrowRight", "Shift+ArrowUp") * 3:
        page.act(lambda key=key: keys.press(key))
    keys.press("s")
    page.wait("!document.getElementById('selection-clear').disabled")
    keys.press("a")
    page.act(lambda: keys.press("Shift+ArrowLeft"))
    keys.press("b")
    page.wait("!document.getElementById('play').disabled")
    keys.press("Escape")
    page.wait("document.getElementById('selection-clear').disabled")
    assert not np.array_equal(before, page.decoded()[0])


def test_a_corner_of_a_box_is_of_the_plane_that_it_was_set_on(explorer, address):
    page = explorer(address)
    page.page.locator("#overlay").focus()
    page.page.keyboard.press("s")
    page.wait("!document.getElementById('message').hidden")
    page.page.locator("#across").select_option("2")
    page.wait("document.getElementById('message').hidden")
    page.page.locator("#overlay").focus()
    page.page.keyboard.press("s")
    page.wait("document.getElementById('message').textContent.startsWith('A corner of a box')")
    assert page.text("#selection-facts").startswith("Draw a lasso") and page.errors == []


def test_dialogs_and_buttons_have_names(explorer, address):
    page = explorer(address).page
    unnamed = page.evaluate(
        """Array.from(document.querySelectorAll('button, select, input, canvas:not(#points)')).filter(e =>
        !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).map(e => e.id)"""
    )
    assert unnamed == []
    page.locator("#help-open").click()
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def is_dark(page, of: str) -> bool:
    colour = page.evaluate("of => getComputedStyle(document.body)[of]", of)
    return sum(map(int, colour[4:-1].split(","))) < 384


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_is_wider_than_the_window_and_the_theme_is_kept(explorer, address, scheme):
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


def test_fingers_decode_and_pinch(explorer, address):
    page = explorer(address, 390, 844, has_touch=True, is_mobile=True)
    x, y = page.at(0.5, 0.5)
    page.act(lambda: page.page.touchscreen.tap(x, y))
    before = page.decoded()[0]
    page.page.locator("h1").scroll_into_view_if_needed()
    place = page.text("#place").split(" · decoded")[0]
    session = page.page.context.new_cdp_session(page.page)

    def touch(kind, *across):
        x, y = page.at(0.5, 0.5)
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x + by, "y": y} for by in across]},
        )

    touch("touchStart", -20, 20)
    for reach in (40, 60, 80):
        touch("touchMove", -reach, reach)
    assert page.text("#place").split(" · decoded")[0] == place  # two fingers decode nothing
    touch("touchEnd")
    page.act(lambda: page.page.touchscreen.tap(*page.at(0.9, 0.5)))
    near = page.decoded()[0]
    page.page.locator("#fit").click()
    page.act(lambda: page.page.touchscreen.tap(*page.at(0.9, 0.5)))
    far = page.decoded()[0]
    assert 0 < np.abs(near - before).max() < 0.5 * np.abs(far - before).max()  # four times as close
    assert page.errors == []
