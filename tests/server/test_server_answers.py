"""Answers are what the library gives, in every format, for every kind of model."""

import numpy as np
import pytest
from server_client import NPY, arrays, ask, ask_all, figures, npy, post, sent, served

from conftest import small_images, train_small
from vaekit.data import Examples
from vaekit.errors import ConfigError
from vaekit.server import Limits
from vaekit.workflows import use
from vaekit.workflows.score import score

ROWS = small_images(24)
NAMES = [ROWS.classes[y] for y in ROWS.train.y]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return train_small(
        tmp_path_factory.mktemp("conditional") / "run",
        small_images(),
        conditional=True,
        latent_dim=3,
    )


@pytest.fixture(
    scope="module", params=["plain", "conditional", "categorical", "vq", "deterministic"]
)
def run(request, small_run, tmp_path_factory):
    """Runs of every kind that answers differ in, read-only."""
    known = {"plain": small_run}
    if request.param in known:
        return known[request.param]
    if request.param == "conditional":
        return request.getfixturevalue("conditional")
    parts = {
        "categorical": {"posterior": {"kind": "categorical", "classes": 4}, "latent_dim": 5},
        "vq": {
            "posterior": {"kind": "vector-quantized", "codes": 8, "groups": 2},
            "latent_dim": 4,
            "prior_stage": {"epochs": 2},
        },
        "deterministic": {
            "posterior": "deterministic",
            "objective": "reconstruction-only",
            "latent_dim": 2,
        },
    }
    return train_small(tmp_path_factory.mktemp(request.param) / "run", **parts[request.param])


def labels(run, rows: int = len(ROWS.train.x)):
    return {"y": NAMES[:rows]} if run.model.classes else {}


def query(run, rows: int = len(ROWS.train.x)):
    return {"params": [("y", name) for name in NAMES[:rows]]} if run.model.classes else {}


def test_encode_gives_the_posterior_in_json_and_binary(run):
    app, x = served(run), ROWS.train.x
    wanted = use.encode(run, Examples(x, ROWS.train.y if run.model.classes else None))
    json = arrays(post(app, "encode", {"x": x.tolist(), **labels(run)}))
    binary = arrays(post(app, "encode", x, **query(run)))
    assert set(json) == set(binary) == {"mean", "sigma" if wanted.indices is None else "indices"}
    for found in (json, binary):
        np.testing.assert_allclose(found["mean"], wanted.mean, **CLOSE)
    if wanted.indices is None:
        np.testing.assert_allclose(json["sigma"], wanted.sigma, **CLOSE)
    else:
        np.testing.assert_array_equal(json["indices"], wanted.indices)
        assert json["indices"].dtype.kind == "i"
    q = run.encode(x, NAMES if run.model.classes else None)
    if wanted.indices is None:
        np.testing.assert_allclose(binary["mean"], q.mean.numpy(), **CLOSE)
        np.testing.assert_allclose(binary["sigma"], q.stddev.numpy(), **CLOSE)


def test_decode_gives_the_means_in_raw_units(run):
    app = served(run)
    z = use.encode(run, Examples(ROWS.train.x, ROWS.train.y if run.model.classes else None)).mean
    wanted = run.decode(z, NAMES if run.model.classes else None)
    np.testing.assert_allclose(
        arrays(post(app, "decode", {"z": z.tolist(), **labels(run)}))["x"], wanted, **CLOSE
    )
    np.testing.assert_allclose(arrays(post(app, "decode", z, **query(run)))[""], wanted, **CLOSE)
    assert wanted.max() > 1  # the bytes that came in, not what the model sees


@pytest.mark.parametrize("seed", [0, 7])
def test_sample_is_that_of_the_command(run, seed):
    wanted = use.sample(run, 7, seed=seed)
    found = arrays(post(served(run), "sample", {"count": 7, "seed": seed}))
    np.testing.assert_allclose(found["x"], wanted, **CLOSE)


def test_samples_of_a_class(conditional):
    app = served(conditional)
    for label in ROWS.classes:
        wanted = use.sample(conditional, 5, label=label, seed=3)
        np.testing.assert_allclose(
            arrays(post(app, "sample", {"count": 5, "label": label, "seed": 3}))["x"],
            wanted,
            **CLOSE,
        )
    assert post(app, "sample", {"label": "zebra"}).status_code == 422


def test_a_conditional_model_hears_the_class_of_each_row(conditional):
    app, z = served(conditional), np.zeros((3, 3), np.float32)
    each = arrays(post(app, "decode", {"z": z.tolist(), "y": ["a", "b", "c"]}))["x"]
    alone = [
        arrays(post(app, "decode", {"z": z[:1].tolist(), "y": name}))["x"][0] for name in "abc"
    ]
    np.testing.assert_allclose(each, alone, **CLOSE)
    assert np.abs(each[0] - each[1]).max() > 0.1
    assert "conditional" in post(app, "decode", {"z": z.tolist()}).json()["error"]


@pytest.mark.parametrize("by", ["bound", "loss", "reconstruction", "latent"])
def test_score_is_that_of_the_command(small_run, by):
    wanted = score(small_run, Examples(ROWS.train.x), by, samples=5, seed=3)
    app, options = served(small_run), {"by": by, "samples": 5, "seed": 3}
    others = [
        ("POST", "/v1/score", sent({"x": ROWS.train.x[:k].tolist(), **options})) for k in (1, 5)
    ]
    mine = ("POST", "/v1/score", sent({"x": ROWS.train.x.tolist(), **options}))
    _, found, _ = ask_all(app, [others[0], mine, others[1]])  # whatever it waits with
    np.testing.assert_allclose(arrays(found)["score"], wanted, rtol=1e-6)
    binary = arrays(post(app, "score", ROWS.train.x, params=options))[""]
    np.testing.assert_array_equal(binary, wanted.astype(binary.dtype))


def test_a_score_that_this_posterior_has_not(run):
    found = post(served(run), "score", {"x": ROWS.train.x.tolist(), **labels(run), "by": "latent"})
    assert found.status_code == (
        422 if run.config.part("posterior").kind == "deterministic" else 200
    )


def test_scores_that_are_offered_are_those_that_the_run_gives(run):
    app, x = served(run), {"x": ROWS.train.x.tolist(), **labels(run)}
    by = ask(app, "GET", "/openapi.json").json()["paths"]["/v1/score"]["post"]["requestBody"][
        "content"
    ]["application/json"]
    offered = by["schema"]["properties"]["by"]
    plain = run.config.part("posterior").kind == "deterministic"
    assert offered["enum"] == (
        ["loss", "reconstruction"] if plain else ["bound", "loss", "reconstruction", "latent"]
    )
    assert post(app, "score", x).json() == post(app, "score", x | {"by": offered["default"]}).json()
    assert all(post(app, "score", x | {"by": name}).status_code == 200 for name in offered["enum"])
    if plain:
        with pytest.raises(ConfigError, match=r"no bound of log p\(x\): score by reconstruction"):
            score(run, Examples(ROWS.train.x))


# --- Formats --------------------------------------------------------------------------------------------------------------


def test_rows_of_every_layout_and_type_are_the_same_rows(small_run):
    app, x = served(small_run), ROWS.train.x
    wanted = arrays(post(app, "encode", x))["mean"]
    for same in (
        x.astype(np.float64),
        x.astype(np.int16),
        np.asfortranarray(x),
        x[:, 0],
        np.moveaxis(x, 1, -1).copy(),
    ):
        np.testing.assert_array_equal(arrays(post(app, "encode", same))["mean"], wanted)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/json", "application/json"),
        ("application/x-npy", "application/x-npy"),
        ("text/html, application/x-npz;q=0.5", "application/x-npz"),
        ("*/*", "application/x-npz"),
    ],
)
def test_the_answer_is_in_the_format_that_is_accepted(small_run, accept, media):
    request = {"content": npy(ROWS.train.x), "headers": NPY | {"accept": accept}}
    found = ask(served(small_run), "POST", "/v1/encode", **request)
    assert found.headers["content-type"] == media
    mean = arrays(found).get("mean", arrays(found).get(""))
    np.testing.assert_allclose(mean, small_run.encode(ROWS.train.x).mean.numpy(), **CLOSE)


def test_json_holds_every_digit_of_a_float(small_run):
    app, z = served(small_run), np.random.default_rng(0).normal(size=(5, 3))
    json = arrays(post(app, "decode", {"z": z.tolist()}))["x"]
    np.testing.assert_array_equal(json.astype(np.float32), arrays(post(app, "decode", z))[""])


def test_the_facts_of_the_model(small_run, conditional):
    facts = ask(served(small_run), "GET", "/v1/model").json()
    assert (
        facts["shape"] == [1, 8, 8]
        and facts["support"] == "integers:256"
        and facts["latent_dim"] == 3
    )
    assert facts["classes"] == [] and facts["positions"] == 0 and facts["recipe"] == "mlp"
    assert facts["data"] == "bars"  # not where they lie
    assert ask(served(conditional), "GET", "/v1/model").json()["classes"] == ["a", "b", "c"]
    assert ask(served(small_run), "GET", "/health").json() == {"status": "ok"}


# --- Together -------------------------------------------------------------------------------------------------------------


def test_concurrent_requests_are_computed_together_and_answered_as_alone(run):
    app, x = served(run), ROWS.train.x
    z = use.encode(run, Examples(x, ROWS.train.y if run.model.classes else None)).mean
    sizes = [1, 3, 2, 1, 5, 4]
    ends = np.cumsum(sizes)
    requests = []
    for end, size in zip(ends, sizes, strict=True):
        some = slice(end - size, end)
        y = {"y": NAMES[some]} if run.model.classes else {}
        requests.append(("POST", "/v1/decode", sent({"z": z[some].tolist(), **y})))
        requests.append(("POST", "/v1/encode", sent({"x": x[some].tolist(), **y})))
    found = [arrays(response) for response in ask_all(app, requests)]
    alone = [arrays(ask(served(run), *request[:2], **request[2])) for request in requests]
    for one, other in zip(found, alone, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_allclose(one[name], other[name], **CLOSE)
    seen = figures(app)
    assert seen["vaekit_batch_requests_sum"] == len(requests)
    assert seen["vaekit_batch_rows_sum"] == 2 * sum(sizes)
    assert (
        seen["vaekit_batch_requests_count"] <= 4
    )  # the first of all, and what came meanwhile, of each kind
    assert seen['vaekit_rows_total{endpoint="/v1/decode"}'] == sum(sizes)
    assert seen['vaekit_requests_total{endpoint="/v1/encode",status="200"}'] == len(sizes)
    assert seen["vaekit_rows_waiting"] == 0


def test_no_more_rows_at_once_than_allowed(small_run):
    app = served(small_run, max_batch_examples=4)
    requests = [("POST", "/v1/decode", sent({"z": [[i, 0, 0]] * 3})) for i in range(6)]
    for i, response in enumerate(ask_all(app, requests)):
        np.testing.assert_allclose(
            arrays(response)["x"], small_run.decode(np.array([[i, 0, 0]] * 3)), **CLOSE
        )
    assert figures(app)["vaekit_batch_requests_count"] == 6  # two of three rows are more than four
    large = arrays(post(app, "decode", {"z": [[0, 0, 0]] * 20}))[
        "x"
    ]  # one request is never divided
    assert large.shape == (20, 1, 8, 8)


def test_one_wrong_request_fails_alone(small_run):
    good = ("POST", "/v1/decode", sent({"z": [[0, 0, 0]]}))
    wrong = ("POST", "/v1/decode", sent({"z": [[1e39, 0, 0]]}))
    unfit = ("POST", "/v1/decode", sent({"z": [[0, 0]]}))
    statuses = [
        response.status_code
        for response in ask_all(served(small_run), [good, wrong, good, unfit, good])
    ]
    assert statuses == [200, 422, 200, 422, 200]


def test_limits_are_positive():
    with pytest.raises(ConfigError, match="rows_at_once = 0: at least 1"):
        Limits(max_batch_examples=0)
