"""Image files and folders of them."""

import os

import numpy as np
import pytest
from PIL import Image, ImageOps

from raising import raises
from vaekit.data import load, split
from vaekit.data.readers.image_arrays import MixedSizesError
from vaekit.errors import ConfigError, DataError

RNG = np.random.default_rng(0)


def write_image(path, size=(4, 6), mode="L"):
    """Write an image of random pixels (height, width); return its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = RNG.integers(0, 256, (*size, 3)).astype(np.uint8)
    image = Image.fromarray(values).convert(mode)
    image.save(path)
    return np.asarray(image)


def test_flat_folder_in_order_of_names(tmp_path):
    second, first = write_image(tmp_path / "b.png"), write_image(tmp_path / "a.PNG")
    data = load(tmp_path)
    assert data.shape == (1, 4, 6) and data.name == tmp_path.name
    assert not data.labeled and data.test is None
    assert data.train.x.dtype == np.uint8 and str(data.support) == "integers:256"
    assert np.array_equal(data.train.x[:, 0], [first, second])


def test_sub_folders_are_classes(tmp_path):
    for name in (
        "dog/x.png",
        "ant/deep/er/y.png",
        "ant/z.png",
        "cat/.hidden.png",
        "notes/readme.txt",
        ".git/w.png",
    ):
        if name.endswith("png"):
            write_image(tmp_path / name)
        else:
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).write_text("no image")
    data = load(tmp_path)
    assert data.classes == ("ant", "dog") and data.train.y is not None
    assert data.train.y.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("train", "val", "test"), ("Training", "DEV", "holdout"), ("TRAIN", "valid", "Testing")],
)
def test_folders_of_splits(tmp_path, train, validation, test):
    pixels = [
        write_image(tmp_path / name)
        for name in (
            f"{train}/a/1.png",
            f"{train}/b/2.png",
            f"{validation}/a/5.png",
            f"{test}/b/3.png",
            f"{test}/new/4.png",
        )
    ]
    data = load(tmp_path)
    assert data.classes == ("a", "b", "new") and data.test is not None
    assert np.array_equal(data.train.x[:, 0], pixels[:3])
    assert data.train.y is not None and data.train.y.tolist() == [0, 1, 0]
    assert np.array_equal(data.test.x[:, 0], pixels[3:])
    assert data.test.y is not None and data.test.y.tolist() == [1, 2]
    parts = split(data, seed=0)
    assert (parts.train.tolist(), parts.validation.tolist()) == ([0, 1], [2])
    assert split(data, seed=0, validation="test").train.tolist() == [0, 1, 2]


def test_training_and_validation_without_test(tmp_path):
    for i in range(20):
        write_image(tmp_path / f"train/{i:02}.png")
    write_image(tmp_path / "val/1.png")
    data = load(tmp_path)
    assert data.test is None and not data.labeled
    parts = split(data, seed=0)
    assert parts.validation.tolist() == [20] and parts.counts()["test"] == 2
    assert 20 not in parts.train and 20 not in parts.test
    assert parts.counts()["train"] == 18


@pytest.mark.parametrize("names", [("train", "test", "extra"), ("train",), ("val", "test")])
def test_other_folders_are_classes_and_a_note_says_so(tmp_path, names):
    for name in names:
        write_image(tmp_path / name / "1.png")
    data = load(tmp_path)
    assert data.classes == tuple(sorted(names)) and data.test is None
    (note,) = data.notes
    assert "train" in note or "val" in note


def test_a_folder_without_images_beside_splits_is_no_class(tmp_path):
    for name in ("train/1.png", "test/2.png"):
        write_image(tmp_path / name)
    (tmp_path / "notes").mkdir()
    write_image(tmp_path / "cover.png")
    data = load(tmp_path)
    assert data.test is not None and data.notes == ()
    assert [(each.count, each.names) for each in data.skipped] == [(1, ("cover.png",))]


def test_only_one_of_training_and_validation_with_classes_is_refused(tmp_path):
    write_image(tmp_path / "train/a/1.png")
    write_image(tmp_path / "val/1.png")
    with raises(DataError, "data"):
        load(tmp_path)


def test_labels_of_one_part_only_are_refused(tmp_path):
    write_image(tmp_path / "train/a/1.png")
    write_image(tmp_path / "test/1.png")
    with raises(DataError, "data"):
        load(tmp_path)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_gray(tmp_path, mode):
    write_image(tmp_path / "a.png", mode=mode)
    assert load(tmp_path).shape == (1, 4, 6)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_one_color_image_makes_all_rgb(tmp_path, mode):
    gray = write_image(tmp_path / "a.png")
    write_image(tmp_path / "b.png", mode=mode)
    data = load(tmp_path)
    assert data.shape == (3, 4, 6)
    assert all(np.array_equal(data.train.x[0, channel], gray) for channel in range(3))


def test_color_channels_keep_their_order(tmp_path):
    pixels = write_image(tmp_path / "a.png", mode="RGB")
    assert np.array_equal(load(tmp_path).train.x[0], pixels.transpose(2, 0, 1))


def test_palette_with_transparency_is_no_warning(tmp_path):
    Image.new("P", (3, 3)).save(tmp_path / "a.png", transparency=b"\x00\x80")
    assert load(tmp_path).shape == (1, 3, 3)


def test_a_palette_of_grays_is_gray(tmp_path):
    indices = RNG.integers(0, 4, (4, 6)).astype(np.uint8)
    image = Image.fromarray(indices, "P")
    grays = [7, 90, 30, 255]
    image.putpalette([level for gray in grays for level in (gray, gray, gray)])
    image.save(tmp_path / "a.png")
    assert np.array_equal(load(tmp_path).train.x[0], np.array(grays)[indices][None])
    image.putpalette([1, 2, 3] * 4)
    image.save(tmp_path / "a.png")
    assert load(tmp_path).shape == (3, 4, 6)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_gray_frames_stay_gray(tmp_path, ending):
    frames = [Image.new("L", (3, 2), level) for level in (3, 200, 90)]
    frames[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:], lossless=True)
    assert load(tmp_path).train.x[:, 0, 1, 1].tolist() == [3, 200, 90]
    assert load(tmp_path).shape == (1, 2, 3)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_every_frame_is_an_example(tmp_path, ending):
    frames = [Image.new("RGB", (3, 2), color) for color in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:], lossless=True)
    data = load(tmp_path)
    assert data.train.x[:, :, 1, 1].argmax(1).tolist() == [0, 1, 2]
    assert data.train.files is not None
    assert data.train.files.tolist() == [f"a.{ending}[{i}]" for i in range(3)]


def test_a_gif_that_starts_gray_keeps_its_colors(tmp_path):
    frames = [Image.new("L", (3, 2), 10), Image.new("RGB", (3, 2), "red")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    data = load(tmp_path / "a.gif")
    assert data.train.x[1, :, 0, 0].tolist() == [255, 0, 0]
    assert len(set(data.train.x[0, :, 0, 0].tolist())) == 1


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff", "gif"])
def test_one_file_of_every_kind(tmp_path, ending):
    Image.new("RGB", (6, 4), (255, 0, 0)).save(tmp_path / f"a.{ending}")
    data = load(tmp_path / f"a.{ending}")
    assert data.train.x.shape == (1, 3, 4, 6) and data.name == "a"
    assert np.abs(data.train.x[0, :, 2, 3].astype(int) - [255, 0, 0]).max() <= 2


def test_mixed_sizes_are_refused_unless_resized(tmp_path):
    for name, size in (("a.png", (4, 6)), ("b.png", (5, 6)), ("c.png", (9, 9))):
        write_image(tmp_path / name, size)
    with raises(MixedSizesError, "resize"):
        load(tmp_path)
    assert load(tmp_path, resize=(3, 2)).train.x.shape == (3, 1, 3, 2)


def test_resizing_averages(tmp_path):
    board = np.tile(np.array([[0, 200], [200, 0]], np.uint8), (8, 8))
    Image.fromarray(board).save(tmp_path / "a.png")
    small = load(tmp_path, resize=(4, 4)).train.x
    assert np.abs(small.astype(int) - 100).max() <= 2


def test_resizing_to_the_same_size_changes_nothing(tmp_path):
    pixels = write_image(tmp_path / "a.png")
    assert np.array_equal(load(tmp_path, resize=(4, 6)).train.x[0, 0], pixels)


@pytest.mark.parametrize("size", [(0, 4), (4,), (4, 4, 4), (4.0, 4), "4x4", 4, (True, True)])
def test_other_sizes_are_refused(tmp_path, size):
    write_image(tmp_path / "a.png")
    with raises(ConfigError, "resize"):
        load(tmp_path, resize=size)


def test_images_outside_class_folders_are_refused(tmp_path):
    write_image(tmp_path / "loose.png")
    write_image(tmp_path / "cat/a.png")
    with raises(DataError, "data"):
        load(tmp_path)


def test_folders_without_images_are_refused(tmp_path):
    with raises(DataError, "data"):
        load(tmp_path)
    write_image(tmp_path / "train/a.png")
    (tmp_path / "test").mkdir()
    with raises(DataError, "data"):
        load(tmp_path)


@pytest.mark.parametrize("cut", [0, 4, 20, 40, 60])
def test_corrupt_image_is_named(tmp_path, cut):
    write_image(tmp_path / "a.png")
    write_image(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:cut])
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert str(tmp_path / "b.png") in str(caught.value) and "\n" not in str(caught.value)


def test_another_format_under_the_name_of_an_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with raises(DataError, "data"):
        load(tmp_path)


@pytest.mark.parametrize("pixels", [20, 10])
def test_decompression_bombs_are_refused(tmp_path, monkeypatch, pixels):
    write_image(tmp_path / "a.png", (5, 5))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)
    with raises(DataError, "data"):
        load(tmp_path)


def test_links_that_leave_the_folder_are_not_followed(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "data"
    write_image(outside / "secret.png")
    own = write_image(inside / "a/own.png")
    (inside / "a/link.png").symlink_to(inside / "a/own.png")
    (inside / "a/leak.png").symlink_to(outside / "secret.png")
    (inside / "b").symlink_to(outside)
    (inside / "a/loop").symlink_to(inside)
    (inside / "a/broken.png").symlink_to(inside / "nowhere.png")
    data = load(inside)
    assert data.classes == ("a",) and np.array_equal(data.train.x[:, 0], [own, own])


def test_a_pipe_is_refused(tmp_path):
    write_image(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    for path in (tmp_path, tmp_path / "b.png"):
        with raises(DataError, "data"):
            load(path)
    assert len(load(tmp_path, skip_unreadable=True).train) == 1


def test_test_images_from_another_folder(tmp_path):
    for name in ("one/a/1.png", "one/b/2.png", "two/b/3.png"):
        write_image(tmp_path / name, (5, 5))
    data = load(tmp_path / "one", test=tmp_path / "two", resize=(4, 4))
    assert data.test is not None and data.test.y is not None
    assert data.test.y.tolist() == [1] and data.test.x.shape == (1, 1, 4, 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_upright(tmp_path, orientation):
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    (loaded,) = load(tmp_path).train.x
    assert np.array_equal(loaded[0], expected)
    turned = {1: pixels, 3: pixels[::-1, ::-1], 6: np.rot90(pixels, -1), 8: np.rot90(pixels)}
    assert np.array_equal(loaded[0], turned.get(orientation, expected))


def test_damaged_metadata_do_not_turn_an_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 77
    Image.new("L", (3, 2), 9).save(tmp_path / "a.png", exif=exif)
    Image.new("L", (3, 2), 9).save(tmp_path / "b.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")
    assert load(tmp_path).train.x.shape == (2, 1, 2, 3)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "LA", "I;16"])
def test_damaged_pixels_are_an_error_and_not_black(tmp_path, mode):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (40, 40, 3), np.uint8)
    image = Image.fromarray(values).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(values[..., 0].astype(np.uint16) * 256)
    for name in ("a", "b"):
        image.save(tmp_path / f"{name}.png")
    content = bytearray((tmp_path / "b.png").read_bytes())
    start = content.index(b"IDAT") + 4
    middle = start + (len(content) - start) // 2
    content[middle : middle + 20] = b"\xff" * 20
    (tmp_path / "b.png").write_bytes(content)
    with raises(DataError):
        load(tmp_path)
