"""Pushing and pulling, against a hub on this machine: honest, hostile, broken."""

import json
import sys

import numpy as np
import pytest
import torch
from fake_hub import COMMIT, REPO, fake_hub  # noqa: F401 - a fixture
from safetensors.torch import load, save

import vaekit
from conftest import train_small
from vaekit.errors import ConfigError, OutputError, RunError, WorkError

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


# --- Both ways --------------------------------------------------------------------------------------------------------------


def test_what_is_pushed_is_what_export_writes_and_what_is_pulled_gives_the_same(
    fake_hub, exported, small_run, tmp_path
):  # noqa: F811
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


def test_pushing_again_removes_old_pictures_and_leaves_what_is_not_ours(hub, exported, small_run):
    hub.files |= {"plots/old.png": b"old", ".gitattributes": b"lfs", "NOTES.txt": b"mine"}
    vaekit.push(small_run, REPO)
    assert hub.files == of_repository(contents(exported)) | {
        ".gitattributes": b"lfs",
        "NOTES.txt": b"mine",
    }


def test_a_public_repository_gets_nothing_that_was_to_be_private(hub, small_run):
    hub.files = {}
    with pytest.raises(
        OutputError, match=r"ada/digits exists and is public: make it private on the hub first"
    ):
        vaekit.push(small_run, REPO, private=True)
    assert hub.files == {}


def test_pulling_replaces_only_when_asked(hub, tmp_path):
    vaekit.pull(f"{REPO}@v1", tmp_path / "there")
    assert f"GET /api/models/{REPO}/revision/v1" in hub.asked
    before = len(hub.asked)
    with pytest.raises(
        OutputError, match="exists: choose another folder, or replace it with --force"
    ):
        vaekit.pull(REPO, tmp_path / "there")
    assert len(hub.asked) == before
    hub.files["README.md"] = b"second"
    vaekit.pull(REPO, tmp_path / "there", force=True)
    assert (tmp_path / "there/README.md").read_bytes() == b"second"
    (tmp_path / "there/thesis.tex").write_text("years")
    with pytest.raises(OutputError, match=r"holds thesis\.tex"):
        vaekit.pull(REPO, tmp_path / "there", force=True)
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
    assert (
        err
        == "note: these pictures show rows of the data: plots/reconstructions.png, plots/nearest.png\n"
    )


# --- Hostile hubs -----------------------------------------------------------------------------------------------------------


def test_only_files_of_a_run_are_taken(hub, exported, tmp_path):
    evil = (
        "model.pkl",
        "pytorch_model.bin",
        "run.py",
        "plots/x.py",
        "plots/a/b.png",
        ".cache/x.png",
        "checkpoints/last.ckpt",
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
def test_a_file_that_is_larger_than_announced_is_not_taken(hub, tmp_path, name, said):
    hub.said[name] = said
    with pytest.raises(
        RunError, match=r"is larger than the \d+ bytes that were announced: not taken"
    ):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_a_file_that_is_shorter_than_announced_is_not_taken(hub, tmp_path):
    hub.said["README.md"] = 100_000
    with pytest.raises(WorkError, match="the hub did not do its part"):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("said", [10**12, -1, None])
def test_sizes_are_bounded_before_anything_is_taken(hub, tmp_path, said):
    hub.said["config.yaml"] = said
    with pytest.raises(
        RunError, match=r"config\.yaml of ada/digits has .* bytes: allowed are up to 1,000,000"
    ):
        vaekit.pull(REPO, tmp_path / "there")
    assert not [asked for asked in hub.asked if "resolve" in asked]


@pytest.mark.usefixtures("nothing_left")
def test_so_is_the_number_of_pictures(hub, tmp_path):
    hub.files |= {f"plots/{i}.png": b"" for i in range(200)}
    with pytest.raises(RunError, match="more than 100 pictures"):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_weights_that_are_not_those_of_the_list_are_not_taken(hub, tmp_path):
    hub.digests["model.safetensors"] = hub.files["model.safetensors"]
    hub.files["model.safetensors"] = hub.files["model.safetensors"][:-1] + b"\x01"
    with pytest.raises(RunError, match="is not what its list of files says"):
        vaekit.pull(REPO, tmp_path / "there")


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def with_nan(content: bytes) -> bytes:
    weights = load(content)
    return save({name: torch.full_like(tensor, torch.nan) for name, tensor in weights.items()})


DAMAGE = {
    "damaged weights": ("model.safetensors", half, "is damaged or no safetensors file"),
    "a pickle in their place": (
        "model.safetensors",
        lambda _: b"\x80\x04cos\nsystem\n.",
        "is damaged or no safetensors file",
    ),
    "weights that are no numbers": ("model.safetensors", with_nan, "holds NaN or infinity"),
    "a tag in the configuration": (
        "config.yaml",
        lambda c: b"seed: !!python/name:os.system\n" + c,
        "tags are not allowed",
    ),
    "a part that is code": (
        "config.yaml",
        lambda c: c.replace(b"kind: mlp", b"kind: custom\n  name: os", 1),
        "encoder",
    ),
    "a newer format": (
        "config.yaml",
        lambda c: c.replace(b"format: 1", b"format: 9"),
        "install a newer vaekit",
    ),
    "figures that are none": ("summary.json", half, "not readable as JSON"),
    "metrics that are none": ("metrics.csv", lambda _: b"a\nx\n", "is not a table of numbers"),
    "a split that is none": ("split.npz", half, "cannot be read"),
}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_run_is_not_kept(hub, tmp_path, case):
    name, damage, message = DAMAGE[case]
    hub.files[name] = damage(hub.files[name])
    with pytest.raises(RunError, match=message) as error:
        vaekit.pull(REPO, tmp_path / "there")
    assert "\n" not in str(error.value) and str(tmp_path) not in str(error.value)


@pytest.mark.usefixtures("nothing_left")
def test_nor_weights_of_another_model(hub, tmp_path, tmp_path_factory):
    other = train_small(
        tmp_path_factory.mktemp("other") / "run", latent_dim=5, training={"epochs": 1}
    )
    hub.files["model.safetensors"] = (other.path / "model.safetensors").read_bytes()
    with pytest.raises(RunError, match="does not belong to this model"):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_nor_what_is_no_run(hub, tmp_path):
    del hub.files["config.yaml"]
    with pytest.raises(
        RunError, match=r"ada/digits holds no run of vaekit: it has no config\.yaml"
    ):
        vaekit.pull(REPO, tmp_path / "there")


# --- One line each ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 503, 418])
def test_a_hub_that_fails(hub, tmp_path, small_run, status, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.status = status
    for work in (
        lambda: vaekit.pull(REPO, tmp_path / "there"),
        lambda: vaekit.push(small_run, REPO),
    ):
        with pytest.raises(
            WorkError, match=rf"ada/digits: the hub did not do its part \(status {status}\)"
        ):
            work()
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_knows_no_such_thing_and_does_not_say_what(hub, refused, small_run):
    hub.status = 404
    for words in (("pull", REPO), ("push", small_run.path, REPO)):
        assert "ada/digits is not on the hub, or not for you: check the name" in refused(*words)


@pytest.mark.usefixtures("nothing_left")
def test_a_hub_that_wants_fewer_requests(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.status = 429
    with pytest.raises(
        WorkError,
        match=r"too many requests from here \(status 429\): wait some minutes and try again",
    ):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_a_hub_that_stalls(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.hub.remote.SECONDS", 0.2)
    hub.stalls = True
    with pytest.raises(WorkError, match="check the network and try again"):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.usefixtures("nothing_left")
def test_a_hub_that_stalls_in_the_middle(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    found = vaekit.hub.remote.find

    def then_stall(*given):
        remote = found(*given)
        hub.stalls = True
        return remote

    monkeypatch.setattr("vaekit.hub.find", then_stall)
    with pytest.raises(WorkError, match="check the network and try again"):
        vaekit.pull(REPO, tmp_path / "there")


@pytest.mark.parametrize("status", [401, 403])
def test_no_permission(hub, small_run, status):
    hub.status = status
    with pytest.raises(
        OutputError, match="does not let you do this with ada/digits: log in with `hf auth login`"
    ):
        vaekit.push(small_run, REPO)


def test_no_network(hub, refused, monkeypatch, tmp_path, cli):
    hub.server_close()
    status, out, err = cli("pull", REPO)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert (
        err.startswith("vaekit: ada/digits: the hub did not do its part (")
        and list(tmp_path.iterdir()) == []
    )


def test_a_repository_or_a_revision_that_is_not_there(hub, refused):
    assert "ada/digits has no such revision: give a branch, a tag or a commit" in refused(
        "pull", f"{REPO}@v9"
    )
    hub.exists = False
    assert "ada/digits is not on the hub, or not for you: check the name" in refused("pull", REPO)


@pytest.mark.parametrize(
    "name",
    ["digits", "ada/../x", "ada/digits@", "ada/digits@-x", "/etc/passwd", "ada/.ssh", "a b/c", ""],
)
def test_names_that_are_none(refused, name):
    assert f"{name!r} is no repository of the hub: give OWNER/NAME" in refused("pull", name)


def test_pushing_to_a_revision_is_refused(refused, small_run):
    assert "names a revision: push to ada/digits" in refused("push", small_run.path, f"{REPO}@v1")


def test_without_the_package(refused, monkeypatch, small_run):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for words in (("pull", REPO), ("push", small_run.path, REPO)):
        assert 'huggingface_hub is not installed: pip install "vaekit[hub]"' in refused(*words)
    with pytest.raises(ConfigError, match="not installed"):
        vaekit.pull(REPO)
