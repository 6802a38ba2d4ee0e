"""Which rows a job is about: changed data, other data, labels by name, memory maps, images of another colour."""

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.errors import DataError
from vaekit.runs.run_data import find_examples
from vaekit.workflows import files, use
from vaekit.workflows.plot import PlotContext, View, grid
from vaekit.workflows.plot import latent as latent_picture

QUICK = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}, "console": QUIET}


def picture_folder(folder, shape=(20, 30), classes=("cat", "dog"), each=15):
    rng = np.random.default_rng(list(folder.name.encode()))
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(each):
            Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(
                folder / name / f"{i}.png"
            )
    return str(folder)


def test_a_folder_of_colour_images_that_are_resized(tmp_path):
    data = {"source": picture_folder(tmp_path / "pictures"), "resize": (9, 7)}
    run = vaekit.train("conv", data=data, out=tmp_path / "run", **QUICK)
    assert run.model.data_shape == (3, 9, 7)
    assert run.config.part("likelihood").kind == "gaussian"
    assert len(list((run.path / "plots").iterdir())) == 8
    assert vaekit.evaluate(run.path, samples=1)["rows"] == 3
    assert (
        vaekit.evaluate(run.path, samples=1, data=picture_folder(tmp_path / "more"))["rows"] == 30
    )


def test_labels_of_other_data_are_read_by_name(tmp_path):
    run = vaekit.train(
        "mlp", data=picture_folder(tmp_path / "pictures"), out=tmp_path / "run", **QUICK
    )
    dogs = use.reconstruct(
        run, data=picture_folder(tmp_path / "dogs", classes=("dog",)), label="dog", indices=[0]
    )
    assert run.config.data.classes[dogs.labels[0]] == "dog"
    assert (
        find_examples(run, data=picture_folder(tmp_path / "cows", classes=("cow", "dog")))[0].y
        is None
    )


def test_a_runs_own_data_given_again_are_split_as_they_were(small_run, tmp_path):
    again = vaekit.evaluate(small_run, data=small_images(), samples=3)
    assert again["rows"] == small_run.summary["data"]["rows"]["test"]
    assert again["loss"] == vaekit.evaluate(small_run, samples=3)["loss"]


def test_other_data_with_a_test_part_are_judged_on_it(small_run, tmp_path):
    data = small_images(examples=40)
    np.savez(tmp_path / "two.npz", x=data.train.x[:10], x_test=data.train.x[10:])
    assert vaekit.evaluate(small_run, data=tmp_path / "two.npz", samples=1)["rows"] == 30
    assert (
        vaekit.evaluate(small_run, data=tmp_path / "two.npz", split="train", samples=1)["rows"]
        == 10
    )


def test_data_that_changed_since_the_run_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((60, 6)))
    run = vaekit.train("mlp", data=str(tmp_path / "x.npy"), out=tmp_path / "run", **QUICK)
    np.save(tmp_path / "x.npy", np.random.default_rng(1).random((60, 6)))
    for job in (vaekit.evaluate, vaekit.plot):
        with pytest.raises(
            DataError, match="is not what it was when this configuration was recorded"
        ):
            job(run)


def test_a_run_finds_its_data_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.random.default_rng(0).random((60, 6)))
    run = vaekit.train("mlp", data="x.npy", out=tmp_path / "run", **QUICK)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert vaekit.evaluate(run, samples=1)["rows"] == 6


def test_rows_that_were_in_memory_are_asked_for(tmp_path):
    run = vaekit.train(
        "mlp", data=small_images(), likelihood="gaussian", out=tmp_path / "run", **QUICK
    )
    with pytest.raises(DataError, match="in memory"):
        vaekit.evaluate(run)


def test_memory_maps_are_trained_on_without_being_loaded(tmp_path):
    x = np.random.default_rng(0).random((400, 50, 50)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    dataset = vaekit.load_data(tmp_path / "x.npy")
    rows, indices = vaekit.data.split(dataset, seed=0).where(dataset, "train")
    assert np.shares_memory(rows.x, dataset.train.x)
    assert len(indices) == 324
    run = vaekit.train("mlp", data=str(tmp_path / "x.npy"), out=tmp_path / "run", **QUICK)
    again = vaekit.train("mlp", data=x, out=tmp_path / "again", **QUICK)
    assert (run.path / "model.safetensors").read_bytes() == (
        again.path / "model.safetensors"
    ).read_bytes()


def test_batch_normalisation_trains_where_one_row_would_be_left_over(tmp_path):
    options = {"hidden": [4], "batch_norm": True}
    run = train_small(
        tmp_path / "run", encoder=options, decoder=options, training={"batch_size": 16}
    )
    assert run.summary["data"]["rows"]["train"] % 16 == 1


def test_a_run_in_double_precision_comes_back_in_it(tmp_path):
    run = train_small(tmp_path / "run", training={"precision": "64-true"})
    found = vaekit.load_run(run.path)
    assert next(found.model.parameters()).dtype == torch.float64
    x = small_images().train.x[:4]
    assert torch.equal(found.encode(x).mean, run.encode(x).mean)


def test_a_density_has_no_bits_per_dimension_on_booleans_and_whole_numbers(tmp_path):
    for name, x in (
        ("coins", np.random.default_rng(0).random((60, 6)) > 0.5),
        ("counts", np.arange(360).reshape(60, 6) % 7),
    ):
        np.save(tmp_path / f"{name}.npy", x)
        run = vaekit.train(
            "mlp",
            data=str(tmp_path / f"{name}.npy"),
            likelihood="gaussian",
            out=tmp_path / name,
            **QUICK,
        )
        assert (
            "bounds no code length" in vaekit.evaluate(run, samples=1)["why_no_bits_per_dimension"]
        )


def test_a_single_row_has_no_standard_error(small_run):
    figures = vaekit.evaluate(small_run, samples=1, limit=1)
    assert figures["loss"]["standard_error"] is None
    assert figures["importance_weighted_bound"]["standard_error"] is None


def test_codes_know_their_rows_and_classes(small_run, tmp_path):
    rows, part = find_examples(small_run)
    files.save_codes(tmp_path / "codes.csv", use.encode(small_run, rows))
    table = [line.split(",") for line in (tmp_path / "codes.csv").read_text().splitlines()]
    assert table[0] == ["row", "class", "z1", "z2", "z3", "sigma1", "sigma2", "sigma3"]
    assert [line[0] for line in table[1:]] == [str(i) for i in range(len(rows))]
    assert [line[1] for line in table[1:]] == [small_run.config.data.classes[y] for y in rows.y]
    assert part == "test"


def test_a_named_file_is_used_whole_even_if_the_run_was_trained_on_it(small_run):
    rows, part = find_examples(small_run, data=small_run.config.data.source)
    assert (len(rows), part) == (60, "all")


def test_gray_and_colour_images_fit_each_others_models(tmp_path):
    colour = vaekit.train(
        "mlp", data=picture_folder(tmp_path / "colour"), out=tmp_path / "a", **QUICK
    )
    (tmp_path / "gray/one").mkdir(parents=True)
    for i in range(30):
        image = np.random.default_rng(i).integers(0, 256, (20, 30), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / f"gray/one/{i:02}.png")
    gray = vaekit.train("mlp", data=str(tmp_path / "gray"), out=tmp_path / "b", **QUICK)
    shown = find_examples(colour, data=str(tmp_path / "gray"))[0].x
    assert shown.shape == (30, 3, 20, 30)
    assert (shown == shown[:, :1]).all()
    lightness = find_examples(gray, data=str(tmp_path / "colour"))[0].x
    first = sorted((tmp_path / "colour/cat").iterdir())[0]
    with Image.open(first) as image:
        np.testing.assert_allclose(lightness[0, 0], np.asarray(image.convert("L")), atol=1)


def test_pictures_that_need_no_data_are_drawn_without_them(tmp_path):
    np.savez(tmp_path / "bars.npz", x=small_images().train.x)
    run = train_small(tmp_path / "run", str(tmp_path / "bars.npz"))
    (tmp_path / "bars.npz").unlink()
    assert len(vaekit.plot(run, ["curves", "samples", "grid"], out=tmp_path / "out")) == 3


def test_the_map_and_the_grid_show_the_same_axes(tmp_path):
    run = train_small(tmp_path / "run", latent_dim=5)
    shown = PlotContext(run, lambda: find_examples(run, data=small_images())[0])
    with torch.no_grad():
        maps, grids = latent_picture(shown, View()).axes[0], grid(shown, View()).axes[0]
    assert (maps.get_xlabel(), maps.get_ylabel()) == (grids.get_xlabel(), grids.get_ylabel())


def test_a_run_decodes_and_takes_gray_images_without_their_channel(small_run):
    x = small_images().train.x[:4]
    codes = small_run.encode(x[:, 0]).mean
    assert torch.equal(codes, small_run.encode(x).mean)
    np.testing.assert_allclose(small_run.decode(codes), small_run.reconstruct(x), rtol=1e-5)
