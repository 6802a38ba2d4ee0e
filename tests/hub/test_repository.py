"""Pushing and pulling, against a hub on this machine: honest, hostile, broken."""

import json
import re
import sys

import numpy as np
import pytest
import torch
from fake_hub import COMMIT, REPO, fake_hub  # noqa: F401 - a fixture
from safetensors.torch import load, save

import vaekit
from conftest import train_small
from raising import raises
from vaekit.errors import ConfigError, NetworkError, OutputError, RunError

pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=:DeprecationWarning"
)  # of huggingface_hub to its own HTTP library


@pytest.fixture(scope="module")
def exported(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "exported"
    vaekit.export_hub(small_run, folder)
    return folder


@pytest.fixture
def hub(fake_hub, exported):  # noqa: F811
    fake_hub.hold(exported)
    return fake_hub


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def of_repository(files):
    """What `export` writes, with a card that names the repository."""
    return files | {"README.md": files["README.md"].replace(b"OWNER/NAME", REPO.encode())}


@pytest.fixture
def nothing_left(tmp_path):
    """Nothing is there when the test ends."""
    yield
    assert list(tmp_path.iterdir()) == []


# --- Both ways -----------------------------------------------------------------------------------


def test_a_pushed_run_is_what_export_writes_and_is_pulled_unchanged(
    fake_hub,  # noqa: F811
    exported,
    small_run,
    tmp_path,
):
    fake_hub.exists = False
    address = vaekit.push(small_run, REPO, private=True, message="first")
    assert address.endswith(f"{REPO}/commit/{COMMIT}")
    pushed = of_repository(contents(exported))
    assert fake_hub.files == pushed
    assert fake_hub.private and fake_hub.header["summary"] == "first"
    run = vaekit.pull(REPO, tmp_path / "there")
    assert contents(tmp_path / "there") == pushed and run.path == tmp_path / "there"
    z = torch.randn(4, 3)
    assert np.array_equal(run.decode(z), small_run.decode(z))
    assert sorted(tmp_path.iterdir()) == [tmp_path / "there"]


def test_pushing_again_deletes_old_plots_and_keeps_other_files(hub, exported, small_run):
    hub.files |= {"plots/old.png": b"old", ".gitattributes": b"lfs", "NOTES.txt": b"mine"}
    vaekit.push(small_run, REPO)
    assert hub.files == of_repository(contents(exported)) | {
        ".gitattributes": b"lfs",
        "NOTES.txt": b"mine",
    }


def test_a_private_push_to_a_public_repository_is_rejected(hub, small_run):
    hub.files = {}
    with raises(OutputError):
        vaekit.push(small_run, REPO, private=True)
    assert hub.files == {}


def test_pull_overwrites_only_on_request(hub, tmp_path):
    vaekit.pull(f"{REPO}@v1", tmp_path / "there")
    assert f"GET /api/models/{REPO}/revision/v1" in hub.asked
    before = len(hub.asked)
    with raises(OutputError):
        vaekit.pull(REPO, tmp_path / "there")
    assert len(hub.asked) == before
    hub.files["README.md"] = b"second"
    vaekit.pull(REPO, tmp_path / "there", overwrite=True)
    assert (tmp_path / "there/README.md").read_bytes() == b"second"
    (tmp_path / "there/thesis.tex").write_text("years")
    with raises(OutputError):
        vaekit.pull(REPO, tmp_path / "there", overwrite=True)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "there"]


def test_the_commands(hub, cli, small_run, tmp_path):
    status, out, err = cli("pull", REPO, "--json")
    assert (status, json.loads(out)) == (
        0,
        {"run": "runs/digits", "recipe": "mlp", "data": "bars.npz"},
    ), err
    assert vaekit.load_run(tmp_path / "runs/digits").config.latent_dim == 3
    status, out, err = cli("push", small_run.path, REPO, "--message", "again", "--json")
    assert (status, json.loads(out)["repository"]) == (0, REPO), err
    assert "plots/reconstructions.png, plots/nearest.png" in err


# --- Hostile hubs --------------------------------------------------------------------------------


def test_only_files_of_a_run_are_downloaded(hub, exported, tmp_path):
    evil = (
        "model.pkl",
        "pytorch_model.bin",
        "run.py",
        "plots/x.py",
        "plots/a/b.png",
        ".cache/x.png",
        "checkpoints/last.safetensors",
    )
    traversing = (
        "../evil.png",
        "plots/../../evil.png",
        "plots/..png",
        "/tmp/evil.png",
        "plots\\..\\evil.png",
        "CONFIG.YAML",
    )
    hub.files |= dict.fromkeys((*evil, *traversing), b"evil")
    vaekit.pull(REPO, tmp_path / "there")
    assert contents(tmp_path / "there") == contents(exported)
    assert not [asked for asked in hub.asked if any(name in asked for name in (*evil, "evil"))]


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", ["model.safetensors", "README.md", "plots/samples.png"])
@pytest.mark.parametrize("said", [10, 1])
def test_a_file_larger_than_announced_is_rejected(hub, tmp_path, name, said):
    hub.said[name] = said
    with raises(NetworkError):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_a_file_shorter_than_announced_is_rejected(hub, tmp_path):
    hub.said["README.md"] = 100_000
    with raises(NetworkError):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("said", [10**12, -1, None])
def test_sizes_are_checked_before_any_download(hub, tmp_path, said):
    hub.said["config.yaml"] = said
    with raises(RunError):
        vaekit.pull(REPO, tmp_path / "there")
    assert not [asked for asked in hub.asked if "resolve" in asked]


@pytest.mark.usefixtures("nothing_left")
def test_the_number_of_plots_is_limited(hub, tmp_path):
    hub.files |= {f"plots/{i}.png": b"" for i in range(200)}
    with raises(RunError):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_weights_with_another_digest_are_rejected(hub, tmp_path):
    hub.digests["model.safetensors"] = hub.files["model.safetensors"]
    hub.files["model.safetensors"] = hub.files["model.safetensors"][:-1] + b"\x01"
    with raises(NetworkError):
        vaekit.pull(REPO, tmp_path / "there")


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def with_nan(content: bytes) -> bytes:
    weights = load(content)
    return save({name: torch.full_like(tensor, torch.nan) for name, tensor in weights.items()})


DAMAGE = {
    "damaged weights": ("model.safetensors", half),
    "a pickle in their place": ("model.safetensors", lambda _: b"\x80\x04cos\nsystem\n."),
    "weights that are not finite": ("model.safetensors", with_nan),
    "a tag in the configuration": (
        "config.yaml",
        lambda c: b"seed: !!python/name:os.system\n" + c,
    ),
    "a part that is code": (
        "config.yaml",
        lambda c: c.replace(b"kind: mlp", b"kind: custom\n  name: os", 1),
    ),
    "a newer format": ("config.yaml", lambda c: re.sub(rb"format: \d", b"format: 9", c)),
    "an unreadable summary": ("summary.json", half),
    "an unreadable history": ("metrics.csv", lambda _: b"a\nx\n"),
    "an unreadable split": ("split.npz", half),
}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_run_is_not_kept(hub, tmp_path, case):
    name, damage = DAMAGE[case]
    hub.files[name] = damage(hub.files[name])
    with pytest.raises(RunError) as error:
        vaekit.pull(REPO, tmp_path / "there")
    assert "\n" not in str(error.value) and str(tmp_path) not in str(error.value)


@pytest.mark.usefixtures("nothing_left")
def test_weights_of_another_model_are_rejected(hub, tmp_path, tmp_path_factory):
    other = train_small(
        tmp_path_factory.mktemp("other") / "run", latent_dim=5, training={"epochs": 1}
    )
    hub.files["model.safetensors"] = (other.path / "model.safetensors").read_bytes()
    with raises(RunError):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_a_repository_without_a_run_is_rejected(hub, tmp_path):
    del hub.files["config.yaml"]
    with raises(RunError):
        vaekit.pull(REPO, tmp_path / "there")


# --- Failing hubs -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 503, 418])
def test_a_hub_that_fails(hub, tmp_path, small_run, status, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.status = status
    for work in (
        lambda: vaekit.pull(REPO, tmp_path / "there"),
        lambda: vaekit.push(small_run, REPO),
    ):
        with raises(NetworkError):
            work()
    assert list(tmp_path.iterdir()) == []


def test_an_unspecific_404_is_a_missing_repository(hub, refused, small_run):
    hub.status = 404
    for words in (("pull", REPO), ("push", small_run.path, REPO)):
        assert "ada/digits" in refused(*words)


@pytest.mark.usefixtures("nothing_left")
def test_too_many_requests(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.status = 429
    with raises(NetworkError):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_a_hub_that_stalls(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.hub.repository.TIMEOUT", 0.2)
    hub.stalls = True
    with raises(NetworkError):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_a_hub_that_stalls_during_a_download(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    found = vaekit.hub.repository.find_repository

    def then_stall(*given):
        remote = found(*given)
        hub.stalls = True
        return remote

    monkeypatch.setattr("vaekit.hub.find_repository", then_stall)
    with raises(NetworkError):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.parametrize("status", [401, 403])
def test_missing_permission(hub, small_run, status):
    hub.status = status
    with raises(OutputError):
        vaekit.push(small_run, REPO)


def test_no_network(hub, refused, monkeypatch, tmp_path, cli):
    hub.server_close()
    status, out, err = cli("pull", REPO)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "ada/digits" in err and list(tmp_path.iterdir()) == []


def test_a_missing_repository_or_revision_is_rejected(hub):
    for name in (f"{REPO}@v9", REPO):
        hub.exists = name != REPO
        with raises(RunError, "repository"):
            vaekit.pull(name)


@pytest.mark.parametrize(
    "name",
    ["digits", "ada/../x", "ada/digits@", "ada/digits@-x", "/etc/passwd", "ada/.ssh", "a b/c", ""],
)
def test_an_invalid_name_is_rejected(name):
    with raises(ConfigError, "repository"):
        vaekit.pull(name)


def test_a_revision_cannot_be_pushed_to(small_run):
    with raises(ConfigError, "repository"):
        vaekit.push(small_run, f"{REPO}@v1")


def test_without_the_package(refused, monkeypatch, small_run):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for words in (("pull", REPO), ("push", small_run.path, REPO)):
        assert 'pip install "vaekit[hub]"' in refused(*words)
    with raises(ConfigError):
        vaekit.pull(REPO)
