"""Folders of images: bit depths, links, unreadable files, names, crops, tiles and groups."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from raising import raises
from vaekit.data import load, split
from vaekit.data.duplicates import count_duplicates, count_repeated
from vaekit.data.readers.image_arrays import MixedSizesError
from vaekit.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 2**16, (4, 6, 4)).astype(np.uint16)


def write_image(path, size=(4, 6)):
    """Write a gray image of random pixels (height, width); return its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, size).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def write_deep_png(path, pixels, color_type):
    """Write 16 bits per channel, big-endian, each row unfiltered."""

    def chunk(name, content):
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


# --- Bit depth -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "color_type"), [(1, 0), (3, 2), (4, 6)])
def test_all_bits_of_a_png_of_16_bits_are_read(tmp_path, channels, color_type):
    write_deep_png(tmp_path / "a.png", DEEP[..., :channels], color_type)
    data = load(tmp_path)
    assert data.train.x.dtype == np.uint16 and str(data.support) == "integers:65536"
    expected = np.moveaxis(DEEP[..., : min(channels, 3)], -1, 0)
    assert np.array_equal(data.train.x[0], expected)


def test_gray_of_16_bits_with_transparency_is_refused(tmp_path):
    write_deep_png(tmp_path / "a.png", DEEP[..., :2], 4)
    with raises(DataError, "data"):
        load(tmp_path)


def test_mixed_bit_depths_are_refused_by_the_names_of_both(tmp_path):
    write_image(tmp_path / "a.png")
    write_deep_png(tmp_path / "b.png", DEEP[..., :1], 0)
    with raises(DataError, "data"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"a\.png.*uint8.*b\.png.*uint16"):
        load(tmp_path)


def test_values_of_16_bits_are_resized_and_stay_in_range(tmp_path):
    write_deep_png(tmp_path / "a.png", np.full((4, 6, 1), 65535, np.uint16), 0)
    x = load(tmp_path, resize=(3, 5)).train.x
    assert x.dtype == np.uint16 and (x == 65535).all()


def test_dark_images_of_16_bits_are_noted(tmp_path):
    write_deep_png(tmp_path / "a.png", (DEEP % 4096)[..., :1], 0)
    (note,) = load(tmp_path).notes
    assert "integers:4096" in note
    assert load(tmp_path, support="integers:4096").notes == ()


# --- Links, skipped and unreadable files ---------------------------------------------------------


def test_links_within_the_folder_are_followed_and_others_are_named(tmp_path):
    inside, outside = tmp_path / "data", tmp_path / "outside"
    own = write_image(inside / "cat/1.png")
    write_image(outside / "2.png")
    (inside / "dog").symlink_to(inside / "cat")
    (inside / "elk").symlink_to(outside)
    (inside / "cat/loop").symlink_to(inside)
    data = load(inside)
    assert data.classes == ("cat", "dog")
    assert np.array_equal(data.train.x[:, 0], [own, own])
    assert {name for each in data.skipped for name in each.names} == {
        "elk",
        "cat/loop",
        "dog/loop",
    }
    (note,) = data.notes
    assert "elk" in note and "loop" not in note


def test_links_that_cross_each_other_end(tmp_path):
    for name in "abcd":
        write_image(tmp_path / name / "1.png")
    for name in "abcd":
        for other in "abcd":
            (tmp_path / name / f"to-{other}").symlink_to(tmp_path / other)
    assert load(tmp_path).classes == tuple("abcd")


def test_skipped_files_are_counted_and_named(tmp_path):
    write_image(tmp_path / "a.png")
    write_image(tmp_path / ".hidden.png")
    for i in range(12):
        (tmp_path / f"{i:02}.txt").write_text("no image")
    hidden, texts = load(tmp_path).skipped
    assert (hidden.count, hidden.names) == (1, (".hidden.png",))
    assert (texts.count, len(texts.names)) == (12, 10)


def test_all_unreadable_files_are_named_or_skipped(tmp_path):
    for i in range(3):
        write_image(tmp_path / f"good-{i}.png", (40, 40))
    (tmp_path / "header.png").write_bytes(b"no image")
    cut = (tmp_path / "good-0.png").read_bytes()[:300]
    (tmp_path / "pixels.png").write_bytes(cut)
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert all(name in str(caught.value) for name in ("2 of 5", "header.png", "pixels.png"))
    data = load(tmp_path, skip_unreadable=True)
    assert data.train.files is not None and len(data.train) == 3
    assert data.train.files.tolist() == [f"good-{i}.png" for i in range(3)]
    assert data.skipped[0].count == 2 and len(data.notes) == 1


def test_labels_belong_to_the_readable_files(tmp_path):
    for name in ("a/1.png", "b/2.png", "b/3.png"):
        write_image(tmp_path / name)
    (tmp_path / "a/0.png").write_bytes(b"no image")
    data = load(tmp_path, skip_unreadable=True)
    assert data.train.y is not None and data.train.y.tolist() == [0, 1, 1]


def test_nothing_readable_is_an_error(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with raises(DataError, "data"):
        load(tmp_path, skip_unreadable=True)


def test_the_commonest_of_several_sizes_is_proposed(tmp_path):
    for i, size in enumerate([(5, 5), (4, 6), (4, 6), (9, 9)]):
        write_image(tmp_path / f"{i}.png", size)
    with pytest.raises(MixedSizesError, match=r"3 sizes.*4x6.*such as 4x6"):
        load(tmp_path)


def test_names_are_printable(tmp_path):
    write_image(tmp_path / "a\n\x1b[31m.png")
    data = load(tmp_path)
    assert data.train.files is not None and data.train.files[0].isprintable()


# --- Crop, tiles, groups -------------------------------------------------------------------------


def test_crop_then_resize_then_tile(tmp_path):
    pixels = write_image(tmp_path / "a.png", (10, 12))
    assert np.array_equal(load(tmp_path, crop=(4, 6)).train.x[0, 0], pixels[3:7, 3:9])
    data = load(tmp_path, crop=(8, 8), resize=(4, 4), tile=(2, 2))
    whole = load(tmp_path, crop=(8, 8), resize=(4, 4)).train.x[0, 0]
    tiles = data.train.x.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    assert np.array_equal(tiles, whole)
    assert data.train.files is not None and data.train.files[3] == "a.png[2,2]"


def test_the_remainder_of_tiles_is_noted(tmp_path):
    write_image(tmp_path / "a.png", (5, 4))
    data = load(tmp_path, tile=(2, 2))
    assert len(data.train) == 4 and "20.0%" in data.notes[0]


def test_images_of_several_sizes_give_tiles_of_one(tmp_path):
    write_image(tmp_path / "a.png", (4, 4))
    write_image(tmp_path / "b.png", (6, 2))
    assert load(tmp_path, tile=(2, 2)).train.x.shape == (7, 1, 2, 2)


@pytest.mark.parametrize("option", ["crop", "tile"])
def test_an_option_larger_than_an_image_is_refused(tmp_path, option):
    write_image(tmp_path / "a.png", (4, 4))
    with raises(DataError, option):
        load(tmp_path, **{option: (4, 5)})


@pytest.mark.parametrize(("option", "value"), [("group", "folder"), ("skip_unreadable", True)])
def test_options_of_files_are_refused_for_arrays(option, value):
    with raises(ConfigError, option):
        load(np.zeros((3, 4, 4)), **{option: value})


def in_one_part(data, parts):
    """Whether every group of examples is in one part of a split only."""
    groups = [set(data.train.groups[getattr(parts, name)]) for name in parts.counts()]
    return not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


@pytest.mark.parametrize("seed", range(3))
def test_tiles_of_an_image_stay_in_one_split(tmp_path, seed):
    for i in range(20):
        write_image(tmp_path / f"{'ab'[i % 2]}/{i}.png", (8, 8))
    data = load(tmp_path, tile=(2, 2))
    parts = split(data, seed=seed)
    assert in_one_part(data, parts) and sum(parts.counts().values()) == 320
    assert parts.counts()["test"] == 32
    assert data.train.y is not None and data.train.y[parts.test].sum() == 16


@pytest.mark.parametrize("count", [1, 2])
def test_tiles_of_fewer_images_than_splits_are_shared_and_that_is_said(tmp_path, count):
    for i in range(count):
        write_image(tmp_path / f"{i}.png", (20, 20))
    for source in (tmp_path, tmp_path / "0.png") if count == 1 else (tmp_path,):
        data = load(source, tile=(2, 2))
        assert split(data, seed=0).counts()["test"] == 10 * count
        assert len(data.notes) == 1


def test_an_image_in_each_split_of_a_folder_is_tiled_without_a_note(tmp_path):
    for part in ("train", "val", "test"):
        write_image(tmp_path / f"{part}/a.png", (4, 4))
    data = load(tmp_path, tile=(2, 2))
    assert split(data, seed=0).counts() == {"train": 4, "validation": 4, "test": 4}
    assert not [note for note in data.notes if "tiles" in note]


def test_images_of_a_folder_stay_in_one_split(tmp_path):
    for patient in range(10):
        for i in range(1 + patient % 3):
            write_image(tmp_path / f"class/{patient}/{i}.png")
    data = load(tmp_path, group="folder")
    assert in_one_part(data, split(data, seed=0))


def test_a_single_group_is_refused(tmp_path):
    for i in range(4):
        write_image(tmp_path / f"{i}.png")
    with raises(DataError, "data.group"):
        split(load(tmp_path, group="folder"), seed=0)


def test_an_unknown_group_is_refused(tmp_path):
    write_image(tmp_path / "a.png")
    with raises(ConfigError, "group"):
        load(tmp_path, group="patient")  # type: ignore[arg-type]


# --- Duplicates ----------------------------------------------------------------------------------


def test_duplicates_across_splits_are_counted(tmp_path):
    for i in range(4):
        write_image(tmp_path / f"train/{i}.png")
    write_image(tmp_path / "val/1.png")
    write_image(tmp_path / "test/1.png")
    for part in ("val", "test"):
        content = (tmp_path / "train/2.png").read_bytes()
        (tmp_path / part / "copy.png").write_bytes(content)
    data = load(tmp_path)
    assert count_duplicates(data, split(data, seed=0)) == (1, 1)
    assert count_repeated(data) == 2
