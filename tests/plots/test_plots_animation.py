"""Animations play forward and back, in sharp pixels and files of bounded size."""

import numpy as np
import pytest
from PIL import Image

from raising import raises
from vaekit.errors import DataError, OutputError
from vaekit.plots import save_animation

LEVELS = np.linspace(0, 1, 5)
MOVING = np.broadcast_to(LEVELS[:, None, None, None, None], (5, 2, 1, 8, 8)).copy()
MOVING[:, 1] = 1 - MOVING[:, 1]


def frames(path):
    with Image.open(path) as file:
        shown = []
        for index in range(getattr(file, "n_frames", 1)):
            file.seek(index)
            shown.append(np.asarray(file.convert("RGB")).astype(int))
        return shown, file.info


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".GIF"])
def test_frames_play_forward_and_back_in_a_loop(tmp_path, suffix):
    path = save_animation(MOVING, tmp_path / f"a{suffix}", captions=["up", "down"], title="moving")
    shown, info = frames(path)
    assert len(shown) == 8 and info["loop"] == 0
    left, right = (
        [frame[120, at, 0] / 255 for frame in shown] for at in (90, 240)
    )  # two tiles of an inch, 150 dots
    forward_and_back = [*LEVELS, *LEVELS[-2:0:-1]]
    assert left == pytest.approx(forward_and_back, abs=0.02)
    assert right == pytest.approx([1 - level for level in forward_and_back], abs=0.02)
    assert all((frame[0] == 255).all() for frame in shown)
    assert list(tmp_path.iterdir()) == [path]


def test_small_images_are_scaled_by_whole_factors(tmp_path):
    images = np.zeros((2, 1, 1, 8, 8))
    images[:, 0, 0] = np.indices((8, 8)).sum(0) % 2
    images[1] = 1 - images[1]
    shown, _ = frames(save_animation(images, tmp_path / "a.webp", captions=["board"]))
    inside = shown[0][shown[0].shape[0] // 3, :, 0]
    edges = np.flatnonzero(np.diff(inside)) + 1
    assert len(edges) >= 6
    assert set(np.diff(edges)) == {19}  # an inch has 150 dots, and the image eight pixels


def test_a_large_file_has_fewer_frames_or_is_refused(tmp_path):
    size = save_animation(MOVING, tmp_path / "a.gif", captions="ab").stat().st_size
    limit = int(0.7 * size)
    path = save_animation(MOVING, tmp_path / "b.gif", captions="ab", max_bytes=limit)
    assert path.stat().st_size <= limit
    shown, info = frames(path)
    assert len(shown) == 4
    assert 4 * info["duration"] == pytest.approx(2700, rel=0.05)  # as long as with all frames
    with raises(OutputError, "images"):
        save_animation(MOVING, tmp_path / "c.gif", captions="ab", max_bytes=100)
    assert not (tmp_path / "c.gif").exists()


@pytest.mark.parametrize(
    ("images", "name", "error", "parameter"),
    [
        (MOVING, "a.png", OutputError, "path"),
        (MOVING[:1], "a.gif", DataError, "images"),
        (np.zeros((61, 1, 1, 4, 4)), "a.gif", DataError, "images"),
        (MOVING[0], "a.gif", DataError, "images"),
        (np.zeros((2, 3, 1, 4, 4)), "a.gif", DataError, "captions"),
    ],
)
def test_invalid_arguments(tmp_path, images, name, error, parameter):
    with raises(error, parameter):
        save_animation(images, tmp_path / name, captions=["a"] * 2)
    assert not list(tmp_path.iterdir())
