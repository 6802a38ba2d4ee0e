"""TIFF files: every type, layout and number of pages, complete or refused."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from raising import raises
from vaekit.data import load
from vaekit.data.readers.tiff import TRUSTED_DEFLATE_BYTES
from vaekit.errors import DataError

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 60_000, (5, 6, 4)).astype(np.uint16)
COLORS = RNG.integers(0, 60_000, (6, 4, 6)).astype(np.uint16)
TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8")


def write(folder, pixels, **options):
    path = folder / "a.tif"
    tifffile.imwrite(path, pixels, **{"photometric": "minisblack", **options})
    return path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_pages_of_any_type_are_examples(tmp_path, dtype, compression):
    pixels = (STACK % 100).astype(dtype)
    data = load(write(tmp_path, pixels, compression=compression))
    assert data.train.x.dtype == dtype and np.array_equal(data.train.x[:, 0], pixels)
    assert data.train.files is not None and data.train.files[4] == "a.tif[4]"


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_byte_order_and_tiles(tmp_path, byteorder, tile):
    x = load(write(tmp_path, STACK, byteorder=byteorder, tile=tile)).train.x
    assert x.dtype.isnative and np.array_equal(x[:, 0], STACK)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_many_channels_are_kept(tmp_path, dtype, planar):
    pixels = COLORS.astype(dtype)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    data = load(write(tmp_path, stored, planarconfig=planar))
    assert data.shape == (6, 6, 4)
    assert np.array_equal(data.train.x[0], np.moveaxis(pixels, -1, 0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("extra", "channels"), [("unassalpha", 3), ("unspecified", 4)])
def test_transparency_is_dropped_and_other_channels_are_kept(tmp_path, dtype, extra, channels):
    pixels = COLORS[..., :4].astype(dtype)
    x = load(write(tmp_path, pixels, photometric="rgb", extrasamples=[extra])).train.x
    assert np.array_equal(x[0], np.moveaxis(pixels[..., :channels], -1, 0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_at_zero_is_turned(tmp_path, dtype):
    pixels = STACK[0].astype(dtype)
    x = load(write(tmp_path, pixels, photometric="miniswhite")).train.x
    assert np.array_equal(x[0, 0], np.iinfo(dtype).max - pixels)


def test_one_bit_and_palettes(tmp_path):
    assert np.unique(load(write(tmp_path, STACK[0] > 30_000)).train.x).tolist() == [0, 255]
    palette = np.zeros((3, 256), np.uint16)
    palette[1] = np.arange(256) * 257
    indices = STACK[0].astype(np.uint8)
    x = load(write(tmp_path, indices, photometric="palette", colormap=palette)).train.x
    assert np.array_equal(x[0, 1], indices) and not x[0, [0, 2]].any()


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "CMYK", "I;16", "I", "F"])
def test_compressions_of_pillow(tmp_path, mode):
    types = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    if mode in types:
        image = Image.fromarray(STACK[0].astype(types[mode]))
    else:
        image = Image.fromarray(COLORS[..., :3].astype(np.uint8)).convert(mode)
    image.save(tmp_path / "a.tif", compression="tiff_lzw")
    expected = np.asarray(image if mode in types else image.convert("RGB"))
    x = load(tmp_path / "a.tif").train.x[0]
    assert np.array_equal(x, np.moveaxis(np.atleast_3d(expected), -1, 0)[: len(x)])


def test_a_compression_that_cannot_be_decoded_names_the_package(tmp_path):
    path = write(tmp_path, COLORS[..., :3], photometric="rgb")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["Compression"].overwrite(34887)  # LERC
    with raises(DataError, "data"):
        load(path)
    with pytest.raises(DataError, match="imagecodecs"):
        load(path)


def test_thumbnails_and_masks_are_no_examples(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(STACK[0], photometric="minisblack", subifds=1)
        writer.write(STACK[0, ::2, ::2], photometric="minisblack", subfiletype=1)
        writer.write(STACK[0, ::3, ::3], photometric="minisblack", subfiletype=1)
        writer.write(STACK[1], photometric="minisblack")
    assert np.array_equal(load(tmp_path / "a.tif").train.x[:, 0], STACK[:2])


def test_metadata_of_microscopes_name_no_other_file(tmp_path):
    write(tmp_path, STACK, ome=True, metadata={"axes": "TYX"})
    (tmp_path / "a.tif").rename(tmp_path / "first.tif")
    content = (tmp_path / "first.tif").read_bytes()
    (tmp_path / "first.tif").write_bytes(content.replace(b"<TiffData ", b"<TiffDaXa "))
    assert len(load(tmp_path).train) == 5


def test_images_that_imagej_lists_in_its_description_alone(tmp_path):
    path = write(
        tmp_path, STACK[:1], description="ImageJ=1.11a\nimages=5\nslices=5\n", metadata=None
    )
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages.first.dataoffsets[0]
    content = path.read_bytes()
    path.write_bytes(content[:offset] + STACK.tobytes())
    assert np.array_equal(load(path).train.x[:, 0], STACK)
    path.write_bytes(path.read_bytes()[:-1])
    with raises(DataError, "data"):
        load(path)


CHANNELS = RNG.integers(0, 60_000, (3, 2, 4, 6, 5)).astype(np.uint16)
"""Times, depths, channels, rows, columns."""


@pytest.mark.parametrize("axes", ["TZCYX", "TCZYX", "ZTCYX", "ZCTYX", "CTZYX", "CZTYX"])
def test_pages_that_are_channels_of_an_image_by_ome(tmp_path, axes):
    pages = CHANNELS.transpose(["TZC".index(axis) for axis in axes[:3]] + [3, 4])
    path = write(tmp_path, pages, ome=True, metadata={"axes": axes})
    data = load(path)
    others = [axis for axis in axes[:3] if axis != "C"]
    expected = CHANNELS if others == ["T", "Z"] else CHANNELS.swapaxes(0, 1)
    assert np.array_equal(data.train.x, expected.reshape(6, 4, 6, 5))
    assert data.train.files[5] == "a.tif[5]"


@pytest.mark.parametrize("hidden", [False, True])
def test_pages_that_are_channels_of_an_image_by_imagej(tmp_path, hidden):
    path = write(tmp_path, CHANNELS, imagej=True, metadata={"axes": "TZCYX"})
    if not hidden:  # all pages are listed
        description = "ImageJ=1.11a\nimages=24\nchannels=4\nslices=2\nframes=3\n"
        pages = CHANNELS.reshape(24, 6, 5)
        with tifffile.TiffWriter(path) as writer:
            for page in pages:
                writer.write(page, description=description, metadata=None, contiguous=False)
                description = None
    assert np.array_equal(load(path).train.x, CHANNELS.reshape(6, 4, 6, 5))


@pytest.mark.parametrize(
    "description",
    [
        "ImageJ=1.11a\nimages=5\nchannels=2\n",
        "ImageJ=1.11a\nimages=5\nchannels=0\n",
        "ImageJ=1.11a\nimages=5\nchannels=9999999\nslices=9999999\n",
        '<OME><Pixels DimensionOrder="XYCZT" SizeC="3" SizeT="1" SizeZ="1"/></OME>',
        '<OME><Pixels DimensionOrder="XYCCC" SizeC="5"/></OME>',
        '<OME><Pixels DimensionOrder="XYCZT" SizeC="XYCZT"/></OME>',
        '<OME><Pixels DimensionOrder="XYCZT" SizeC="5"/><Pixels SizeC="5"/></OME>',
    ],
)
def test_channels_that_do_not_account_for_the_pages_are_ignored(tmp_path, description):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for page in STACK:
            writer.write(page, description=description, metadata=None, contiguous=False)
    assert np.array_equal(load(path).train.x[:, 0], STACK)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_image_is_turned_upright(tmp_path, orientation, dtype):
    pixels = STACK[0].astype(np.uint8)
    path = write(tmp_path, pixels.astype(dtype), extratags=[(274, 3, 1, orientation, True)])
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(load(path).train.x[0, 0], expected)


# --- Damaged and hostile files -------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_truncated_file_is_one_line_and_logs_nothing(tmp_path, compression, capfd, caplog):
    path = write(tmp_path, STACK, compression=compression)
    content = path.read_bytes()
    for length in range(0, len(content) - 20, 41):
        path.write_bytes(content[:length])
        with raises(DataError, "data"):
            load(path)
    assert not caplog.records and capfd.readouterr() == ("", "")


def test_pages_in_a_circle_are_refused(tmp_path):
    path = write(tmp_path, STACK)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        offsets = [page.offset for page in tiff.pages]
    (tags,) = struct.unpack_from("<H", content, offsets[-1])
    struct.pack_into("<I", content, offsets[-1] + 2 + 12 * tags, offsets[1])
    path.write_bytes(content)
    with raises(DataError, "data"):
        load(path)


@pytest.mark.parametrize("tag", ["ImageWidth", "ImageLength"])
def test_a_size_beyond_the_file_is_refused_before_memory_is_allocated(tmp_path, tag):
    path = write(tmp_path, STACK[0])
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags[tag].overwrite(2**31)
    with raises(DataError, "data"):
        load(path)


def test_content_that_expands_without_end_is_refused(tmp_path):
    path = write(tmp_path, STACK[0], compression="zlib")
    with tifffile.TiffFile(path) as tiff:
        tags = tiff.pages.first.tags
        places = [tags[name].valueoffset for name in ("StripOffsets", "StripByteCounts")]
    content = bytearray(path.read_bytes())
    compressor, megabyte = zlib.compressobj(1), bytes(2**20)
    bomb = b"".join(compressor.compress(megabyte) for _ in range(80)) + compressor.flush()
    assert len(bomb) > TRUSTED_DEFLATE_BYTES
    for place, value in zip(places, (len(content), len(bomb)), strict=True):
        struct.pack_into("<I", content, place, value)
    path.write_bytes(content + bomb)
    with raises(DataError, "data"):
        load(path)
