"""Files that commands read and write: nothing of the user's is lost, nothing is misread."""

import json
import shutil

import numpy as np
import pytest

import vaekit


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of a trained run, and 40 rows that suit it, in the folder where commands are given."""
    shutil.copytree(small_run.path, tmp_path / "run")
    rng = np.random.default_rng(0)
    np.save(
        tmp_path / "rows.npy", rng.integers(0, 256, (40, *small_run.model.data_shape), np.uint8)
    )
    return tmp_path / "run"


@pytest.mark.parametrize(
    "command",
    [
        ("encode", "run", "rows.npy", "--out", "rows.npy"),
        ("decode", "run", "--z=0,0,0", "--out", "rows.npy"),
        ("sample", "run", "--out", "rows.npy"),
        ("reconstruct", "run", "rows.npy", "--out", "rows.npy"),
    ],
)
def test_a_file_is_only_overwritten_by_force(run, cli, refused, tmp_path, command):
    before = (tmp_path / "rows.npy").read_bytes()
    assert "rows.npy exists: choose another --out, or overwrite it with --force" in refused(
        *command
    )
    assert (tmp_path / "rows.npy").read_bytes() == before
    assert cli(*command, "--force")[0] == 0
    assert (tmp_path / "rows.npy").read_bytes() != before


def test_the_files_of_a_run_are_never_overwritten(run, refused):
    before = (run / "split.npz").read_bytes()
    assert "is a file of the run" in refused(
        "encode", "run", "rows.npy", "--out", "run/split.npz", "--force"
    )
    assert (run / "split.npz").read_bytes() == before


def test_a_place_under_a_file_is_named(run, refused):
    assert "rows.npy is not a folder" in refused(
        "encode", "run", "rows.npy", "--out", "rows.npy/codes.csv"
    )


def test_codes_are_read_by_the_names_of_their_columns(run, cli, tmp_path):
    (tmp_path / "codes.csv").write_text("﻿row,z3,z1,z2\r\n0,3,1,2\r\n\r\n", encoding="utf-8")
    assert cli("decode", "run", "codes.csv", "--out", "a.npy")[0] == 0
    assert cli("decode", "run", "--z=1,2,3", "--out", "b.npy")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


@pytest.mark.parametrize(
    "text", ["", "\n", "z1,z2\n", "0.5,1\n", "z1;z2\n1;2\n", "z1,z2\n1,two\n", "z1,z2\n1\n"]
)
def test_a_table_without_codes_is_refused(run, refused, tmp_path, text):
    (tmp_path / "codes.csv").write_text(text)
    assert "under a row with the names z1, z2" in refused("decode", "run", "codes.csv")


def test_codes_beyond_the_models_precision_are_refused(run, refused):
    assert "beyond the model's precision" in refused("decode", "run", "--z=1e39,1,1")


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_a_split_of_data_without_parts_is_refused(run, refused, command):
    assert "'rows' has no parts to choose train from" in refused(
        command, "run", "rows.npy", "--split", "train"
    )
    assert "no parts to choose" in refused(
        "evaluate", "run", "--data", "rows.npy", "--split", "train"
    )


def test_the_split_of_another_run_is_refused(run, refused):
    with np.load(run / "split.npz") as file:
        arrays = dict(file)
    np.savez(run / "split.npz", **{**arrays, "train": arrays["train"][:-1]})
    assert "split.npz is that of another run" in refused("encode", "run")


def test_data_that_moved_are_told_with_the_remedy(cli, refused, tmp_path):
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).random((60, 5)))
    assert cli("train", "mlp", "--data", "mine.npy", "--epochs", "1", "--out", "run")[0] == 0
    (tmp_path / "mine.npy").rename(tmp_path / "moved.npy")
    assert "mine.npy, which this run was trained on, is not there any more" in refused(
        "encode", "run"
    )
    assert cli("evaluate", "run", "--data", "moved.npy")[0] == 0


def test_real_values_of_another_scale_are_noted(cli, tmp_path):
    np.save(tmp_path / "wide.npy", 1000 * np.random.default_rng(0).standard_normal((60, 5)))
    status, _, err = cli("train", "mlp", "--data", "wide.npy", "--epochs", "1", "--out", "run")
    assert status == 0
    assert "note: the values have means or deviations of up to" in err


def test_images_with_channels_last_are_taken_too(small_run):
    x = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
    np.testing.assert_array_equal(
        small_run.reconstruct(x), small_run.reconstruct(x.transpose(0, 3, 1, 2))
    )


def test_binarised_data(cli, tmp_path):
    status, out, _ = cli(
        "train",
        "mlp",
        "--data",
        "digits",
        "--binarize",
        "fixed",
        "--epochs",
        "1",
        "--out",
        "run",
        "--json",
    )
    assert status == 0
    status, out, _ = cli("evaluate", "run", "--json")
    assert json.loads(out)["bits_per_dimension"]["value"] > 0
    np.save(tmp_path / "gray.npy", np.random.default_rng(0).integers(0, 256, (9, 8, 8), np.uint8))
    assert cli("evaluate", "run", "--data", "gray.npy")[0] == 0


def test_codes_of_a_conditional_run_are_decoded_with_their_classes(cli, refused, tmp_path):
    options = (
        "mlp",
        "--data",
        "digits",
        "--conditional",
        "--epochs",
        "1",
        "--limit",
        "100",
        "--set",
        "encoder.hidden=[8]",
    )
    assert cli("train", *options, "--out", "run")[0] == 0
    for name in ("codes.csv", "codes.npz"):
        assert cli("encode", "run", "--out", name)[0] == 0
        assert cli("decode", "run", name, "--out", f"{name}.npy")[0] == 0
        run = vaekit.load_run("run")
        rows = vaekit.load_data("digits").train
        with np.load("run/split.npz") as split:
            chosen = rows.select(split["test"])
        expected = run.reconstruct(chosen.x, [str(y) for y in chosen.y])
        np.testing.assert_allclose(np.load(f"{name}.npy"), expected, rtol=1e-4, atol=1e-4)
    assert "this model is conditional: give labels" in refused(
        "decode", "run", "--z=0,0", "--out", "x.npy"
    )


def test_the_support_of_gray_values_that_are_binarised_is_kept(cli, tmp_path):
    np.save("gray.npy", np.random.default_rng(0).integers(0, 17, (80, 1, 6, 6), np.uint8))
    options = (
        "--support",
        "integers:17",
        "--binarize",
        "threshold",
        "--epochs",
        "1",
        "--out",
        "run",
    )
    assert cli("train", "mlp", "--data", "gray.npy", *options)[0] == 0
    run = vaekit.load_run("run")
    assert (str(run.support), run.config.data.support) == ("binary", "integers:17")
    assert cli("evaluate", "run")[0] == 0  # the data, read again, are what they were
    assert cli("encode", "run", "gray.npy")[0] == 0


def test_a_dataset_in_memory_is_binarised_too(tmp_path):
    run = vaekit.train(
        "gumbel",
        data=vaekit.load_data("digits"),
        out=tmp_path / "run",
        training={"epochs": 1},
        latent_dim=2,
    )
    assert str(run.support) == "binary"
    assert (
        run.summary["test"]["reconstruction"]["value"] < 64 * np.log(2) + 5
    )  # of gray values up to 16 it would be far off


def test_a_comparison_is_only_overwritten_by_force(small_run, cli, refused, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(small_run.path, tmp_path / name)
    (tmp_path / "compare-curves.png").write_bytes(b"mine")
    assert "compare-curves.png exists" in refused("compare", "a", "b")
    assert cli("compare", "a", "b", "--force")[0] == 0
