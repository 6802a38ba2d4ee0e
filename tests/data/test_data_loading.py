import numpy as np
import pytest

from vaekit.data import Dataset, Examples, Support, load
from vaekit.errors import ConfigError, DataError
from vaekit.workflows.training_setup import load_data


def test_a_dataset_passes_through():
    data = load(np.zeros((3, 4)))
    assert load(data) is data


def test_a_dataset_with_another_support_or_test_part():
    data = load((np.zeros((3, 4)), [10, 2, 10]))
    other = load(data, support="real", test=(np.ones((1, 4)), [2]))
    assert str(other.support) == "real" and other.classes == data.classes == ("2", "10")
    assert other.test is not None and other.test.y is not None and other.test.y.tolist() == [0]
    assert (
        other.train.x is data.train.x
        and other.train.y is not None
        and other.train.y.tolist() == [1, 0, 1]
    )


def test_rows_and_names_of_arrays():
    data = load(Examples(np.zeros((3, 4)), np.array([4, 5, 4])))
    assert isinstance(data, Dataset) and data.name == "array" and data.classes == ("4", "5")


def test_support_is_declared():
    assert str(load(np.zeros((2, 2), np.int64), support="integers:17").support) == "integers:17"
    assert load(np.zeros((2, 2)), support=Support("binary")).support == Support("binary")
    with pytest.raises(DataError, match=r"'array': row 0 holds 17, integers:17 data are whole"):
        load(np.full((2, 2), 17), support="integers:17")
    with pytest.raises(ConfigError, match="unknown support 'rael': did you mean 'real'"):
        load(np.zeros((2, 2)), support="rael")


def test_declared_support_holds_for_the_test_part_too():
    with pytest.raises(DataError, match=r"'array' \(test rows\): row 0 holds 2.0, unit data are"):
        load(np.zeros((2, 2)), test=np.full((1, 2), 2.0))
    assert load(np.zeros((2, 2)), test=np.full((1, 2), 2.0), support="real").test is not None


def test_named_data_with_another_support():
    assert str(load("digits", support="real").support) == "real"
    with pytest.raises(DataError, match=r"'digits': row 0 holds 5, unit data are"):
        load("digits", support="unit")


@pytest.mark.parametrize(
    "name", ["mnits", "", "no/such/folder", "x.npy", "a\0b", "x" * 5000, "a\nb"]
)
def test_unknown_names(name):
    with pytest.raises(DataError) as caught:
        load(name)
    assert "\n" not in str(caught.value)


def test_unknown_name_is_answered_with_the_nearest():
    names = "cifar10, digits, dsprites, fashion-mnist, mnist"
    message = (
        f"neither a named dataset nor a path that exists: did you mean 'mnist'\\? Allowed: {names}"
    )
    with pytest.raises(DataError, match=f"^'mnits' is {message}, or a path that exists$"):
        load("mnits")


def test_a_name_is_looked_for_in_the_data_folder(monkeypatch, tmp_path):
    for folder in (tmp_path / "data/faces", tmp_path / "secret"):
        folder.mkdir(parents=True)
        (folder / "train-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8])
        )
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path / "data"))
    assert load("faces").name == "faces" and load("faces").shape == (1, 1, 2)
    for name in ("../secret", "other", str(tmp_path / "data/other"), ""):
        with pytest.raises(DataError, match="neither a named dataset nor a path"):
            load(name)


@pytest.mark.parametrize("source", [[[1.0]], 3, None, (1, 2, 3), object()])
def test_sources_of_another_kind(source):
    with pytest.raises(DataError, match=r"data of type .*: allowed are a name, a path, an array"):
        load(source)


def test_files_of_another_kind(tmp_path):
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(
        DataError, match=r"a.csv' is of no kind that can be read: allowed are .npy, .npz, IDX files"
    ):
        load(tmp_path / "a.csv")


def test_resize_is_for_image_files_only(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 3)))
    for source in (np.zeros((2, 3, 3)), load(np.zeros((2, 3, 3))), "mnist", tmp_path / "x.npy"):
        with pytest.raises(ConfigError, match="resize is for image files only"):
            load(source, resize=(2, 2))


def test_test_part_from_a_file(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 3)))
    np.save(tmp_path / "b.npy", np.ones((2, 3)))
    data = load(tmp_path / "a.npy", test=tmp_path / "b.npy")
    assert (
        data.name == "a"
        and data.test is not None
        and data.test.x.tolist() == np.ones((2, 3)).tolist()
    )
    np.save(tmp_path / "c.npy", np.ones((2, 5)))
    with pytest.raises(
        DataError, match=r"training rows of shape \(3,\) and test rows of shape \(5,\)"
    ):
        load(tmp_path / "a.npy", test=tmp_path / "c.npy")


def test_test_data_with_a_test_part_of_their_own(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), x_test=np.zeros((2, 3)))
    with pytest.raises(DataError, match="the test data 'a' have a test part of their own"):
        load(np.zeros((2, 3)), test=tmp_path / "a.npz")


def test_a_tensor_is_an_array():
    torch = pytest.importorskip("torch")
    data = load((torch.zeros(3, 2), torch.tensor([0, 1, 0])))
    assert data.shape == (2,) and data.classes == ("0", "1")
    with pytest.raises(DataError, match=r"'array' cannot be read: .*grad"):
        load(torch.zeros(3, 2, requires_grad=True))


# --- Data that a run recorded -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["source", "test"])
@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            "elsewhere.npz",
            "elsewhere.npz, which this run was trained on, is not here: give --data PATH",
        ),
        (
            "/no/such.npz",
            "/no/such.npz, which this run was trained on, is not there any more: bring it back, or give --data",
        ),
        ("x" * 5000, "cannot be read: File name too long"),
        ("a\0b", "is not here: give --data PATH"),
    ],
)
def test_data_of_a_run_that_are_not_there_are_told_with_the_remedy(
    small_run, field, place, message
):
    with pytest.raises(DataError) as caught:
        load_data(small_run.config.changed({"data": {field: place}}))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_so_are_arrays_that_were_in_memory(small_run):
    with pytest.raises(
        DataError, match=r"arrays in memory: give them again \(data=...\), or --data PATH"
    ):
        load_data(small_run.config.changed({"data": {"source": "in-memory"}}))


def test_a_name_in_a_configuration_that_recorded_nothing_is_taken_for_a_mistake(small_run):
    with pytest.raises(DataError, match="did you mean 'mnist'"):
        load_data(small_run.config.changed({"data": {"source": "mnits", "fingerprint": None}}))


def test_data_that_changed_are_told_with_what_can_be_done(small_run):
    with pytest.raises(
        DataError,
        match="to use a run on what is there now, give it with --data, and to train on it, remove",
    ):
        load_data(small_run.config.changed({"data": {"fingerprint": "0" * 64}}))
