"""Files that commands read and write: none is lost, none is misread."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit.cli.options import may_overwrite_run

pytestmark = pytest.mark.slow


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of a trained run, and 40 examples that suit it, in the folder of the commands."""
    shutil.copytree(small_run.path, tmp_path / "run")
    rng = np.random.default_rng(0)
    shape = (40, *small_run.model.data_shape)
    np.save(tmp_path / "examples.npy", rng.integers(0, 256, shape, np.uint8))
    return tmp_path / "run"


@pytest.mark.parametrize(
    "command",
    [
        ("encode", "run", "examples.npy", "--out", "examples.npy"),
        ("decode", "run", "--z=0,0,0", "--out", "examples.npy"),
        ("sample", "run", "--out", "examples.npy"),
        ("score", "run", "--out", "examples.npy"),
        ("reconstruct", "run", "examples.npy", "--out", "examples.npy"),
        ("plot", "run", "curves", "--out", "examples.png"),
        ("export", "run", "examples.html"),
    ],
    ids=lambda words: words[0],
)
def test_a_file_is_overwritten_only_on_request(run, cli, refused, tmp_path, command):
    path = tmp_path / command[-1]
    if not path.exists():
        path.write_text("mine")
    before = path.read_bytes()
    assert "option --o" in refused(*command)
    assert path.read_bytes() == before
    status, _, err = cli(*command, "--overwrite")
    assert status == 0, err
    assert path.read_bytes() != before


def test_imputed_examples_are_overwritten_only_on_request(run, cli, refused):
    gaps = np.full((2, 8, 8), np.nan)
    gaps[:, :4] = 40
    np.save("gaps.npy", gaps)
    command = ("impute", "run", "gaps.npy", "--iterations", 2, "--out", "examples.npy")
    assert "(option --overwrite)" in refused(*command)
    assert cli(*command, "--overwrite")[0] == 0
    assert np.load("examples.npy").shape == (2, 1, 8, 8)


def test_a_comparison_is_overwritten_only_on_request(small_run, cli, refused, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(small_run.path, tmp_path / name)
    (tmp_path / "compare-curves.png").write_bytes(b"mine")
    assert "compare-curves.png" in refused("compare", "a", "b")
    assert cli("compare", "a", "b", "--overwrite")[0] == 0


def test_a_run_is_overwritten_only_on_request(run, cli, refused):
    train = ("train", "mlp", "--data", "digits", "--epochs", "1", "--train-size", "100")
    (run / "notes.txt").write_text("mine")
    before = (run / "model.safetensors").read_bytes()
    assert "option --o" in refused(*train, "--out", "run")
    assert (run / "model.safetensors").read_bytes() == before
    assert cli(*train, "--out", "run", "--overwrite")[0] == 0
    assert (run / "model.safetensors").read_bytes() != before
    assert (run / "notes.txt").read_text() == "mine"


def test_the_files_of_a_run_are_never_overwritten(run, refused):
    before = (run / "split.npz").read_bytes()
    command = ("encode", "run", "examples.npy", "--out", "run/split.npz", "--overwrite")
    assert "(option --out)" in refused(*command)
    assert (run / "split.npz").read_bytes() == before


def test_a_path_under_a_file_is_an_error(run, refused):
    line = refused("encode", "run", "examples.npy", "--out", "examples.npy/codes.csv")
    assert "examples.npy" in line


def test_codes_are_read_by_the_names_of_their_columns(run, cli, tmp_path):
    text = "\N{ZERO WIDTH NO-BREAK SPACE}example,z3,z1,z2\r\n0,3,1,2\r\n\r\n"
    (tmp_path / "codes.csv").write_text(text, encoding="utf-8")
    assert cli("decode", "run", "codes.csv", "--out", "a.npy")[0] == 0
    assert cli("decode", "run", "--z=1,2,3", "--out", "b.npy")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


@pytest.mark.parametrize(
    "text", ["", "\n", "z1,z2\n", "0.5,1\n", "z1;z2\n1;2\n", "z1,z2\n1,two\n", "z1,z2\n1\n"]
)
def test_a_table_without_codes_is_an_error(run, refused, tmp_path, text):
    (tmp_path / "codes.csv").write_text(text)
    assert "codes.csv" in refused("decode", "run", "codes.csv")


@pytest.mark.parametrize(
    "arguments",
    [
        ("encode", "run", "examples.npy"),
        ("reconstruct", "run", "examples.npy"),
        ("evaluate", "run", "--data", "examples.npy"),
    ],
    ids=lambda words: words[0],
)
def test_a_split_of_data_without_parts_is_an_error(run, refused, arguments):
    assert "(option --split)" in refused(*arguments, "--split", "train")


def test_the_split_of_another_run_is_an_error(run, refused):
    with np.load(run / "split.npz") as file:
        arrays = dict(file)
    np.savez(run / "split.npz", **{**arrays, "train": arrays["train"][:-1]})
    assert "split.npz" in refused("encode", "run")


def test_a_dataset_that_moved_is_an_error_until_its_new_location_is_set(cli, refused, tmp_path):
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).random((60, 5)))
    assert cli("train", "mlp", "--data", "mine.npy", "--epochs", "1", "--out", "run")[0] == 0
    (tmp_path / "mine.npy").rename(tmp_path / "moved.npy")
    assert "mine.npy" in refused("encode", "run")
    assert cli("evaluate", "run", "--data", "moved.npy")[0] == 0
    sampled = ("sample", "run", "--mixture", "--count", "3")
    assert cli(*sampled, "--data", "moved.npy", "--out", "samples.npy")[0] == 0


def test_real_values_of_another_scale_are_noted(cli, tmp_path):
    np.save(tmp_path / "wide.npy", 1000 * np.random.default_rng(0).standard_normal((60, 5)))
    train = ("train", "mlp", "--data", "wide.npy", "--epochs", "1")
    status, _, err = cli(*train, "--normalize", "none", "--out", "none")
    assert status == 0 and "note: " in err
    status, _, err = cli(*train, "--out", "run")
    assert status == 0 and "note: " not in err


def test_images_with_channels_last_are_accepted(small_run):
    x = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
    channels_first = x.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(small_run.reconstruct(x), small_run.reconstruct(channels_first))


def test_binarized_data(cli, tmp_path):
    train = ("train", "mlp", "--data", "digits", "--binarize", "fixed", "--epochs", "1")
    assert cli(*train, "--out", "run")[0] == 0
    _, out, _ = cli("evaluate", "run", "--json")
    assert json.loads(out)["bits_per_dimension"]["value"] > 0
    np.save(tmp_path / "gray.npy", np.random.default_rng(0).integers(0, 256, (9, 8, 8), np.uint8))
    assert cli("evaluate", "run", "--data", "gray.npy")[0] == 0


def test_codes_of_a_conditional_run_are_decoded_with_their_classes(cli, refused, tmp_path):
    options = ("--data", "digits", "--conditional", "--epochs", "1", "--train-size", "100")
    train = ("train", "mlp", *options, "--set", "encoder.hidden=[8]", "--out", "run")
    assert cli(*train)[0] == 0
    run = vaekit.load_run("run")
    with np.load("run/split.npz") as split:
        examples = vaekit.load_data("digits").train.select(split["test"])
    expected = run.reconstruct(examples.x, [str(y) for y in examples.y])
    for name in ("codes.csv", "codes.npz"):
        assert cli("encode", "run", "--out", name)[0] == 0
        assert cli("decode", "run", name, "--out", f"{name}.npy")[0] == 0
        np.testing.assert_allclose(np.load(f"{name}.npy"), expected, rtol=1e-4, atol=1e-4)
    assert "(option --label)" in refused("decode", "run", "--z=0,0", "--out", "x.npy")
    assert cli("decode", "run", "--z=0,0", "--label", "7", "--out", "x.npy")[0] == 0
    seven = run.decode(np.zeros((1, 2)), "7")
    np.testing.assert_allclose(np.load("x.npy"), seven, rtol=1e-4, atol=1e-4)


def test_the_support_of_gray_values_that_are_binarized_is_kept(cli, tmp_path):
    np.save("gray.npy", np.random.default_rng(0).integers(0, 17, (80, 1, 6, 6), np.uint8))
    options = ("--support", "integers:17", "--binarize", "threshold", "--epochs", "1")
    assert cli("train", "mlp", "--data", "gray.npy", *options, "--out", "run")[0] == 0
    run = vaekit.load_run("run")
    assert (str(run.support), run.config.data.support) == ("binary", "integers:17")
    assert cli("evaluate", "run")[0] == 0  # the dataset, read again, has not changed
    assert cli("encode", "run", "gray.npy")[0] == 0


def test_a_dataset_in_memory_is_binarized_too(tmp_path):
    run = vaekit.train(
        "gumbel",
        data=vaekit.load_data("digits"),
        out=tmp_path / "run",
        training={"epochs": 1},
        latent_dim=2,
    )
    assert str(run.support) == "binary"
    # Of gray values up to 16, the reconstruction would be far larger.
    assert run.summary["test"]["reconstruction"]["value"] < 64 * np.log(2) + 5


def test_a_page_of_other_data_shows_them(run, cli):
    status, out, err = cli("export", "run", "page.html", "--data", "examples.npy", "--json")
    assert status == 0, err
    assert json.loads(out)["codes"] == 40
    assert Path("page.html").is_file()


class Terminal:
    """Standard input of a person."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked_before_a_file_is_overwritten(run, cli, monkeypatch, answer):
    questions = []

    def confirm(question, err):
        questions.append(question)
        return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("typer.confirm", confirm)
    before = Path("examples.npy").read_bytes()
    status, _, _ = cli("sample", "run", "--out", "examples.npy")
    assert status == (0 if answer else 2)
    assert (Path("examples.npy").read_bytes() == before) is not answer
    assert len(questions) == 1 and "examples.npy" in questions[0]


def test_a_process_of_several_never_asks_to_overwrite_a_run(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    assert may_overwrite_run(run)
    assert not may_overwrite_run(run.parent / "new")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not may_overwrite_run(run)
