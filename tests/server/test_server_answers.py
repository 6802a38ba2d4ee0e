"""Answers equal the results of the library, in every format, for every kind of model."""

import numpy as np
import pytest
from server_client import (
    NPY,
    arrays,
    as_request,
    ask,
    ask_all,
    metrics,
    npy,
    post,
    served,
)

from conftest import small_images, train_small
from raising import raises
from vaekit.errors import ConfigError

DATA = small_images(24)
X = DATA.train.x
LABELS = [DATA.classes[y] for y in DATA.train.y]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conditional")
    return train_small(folder / "run", small_images(), conditional=True, latent_dim=3)


@pytest.fixture(
    scope="module", params=["plain", "conditional", "categorical", "vq", "deterministic"]
)
def run(request, small_run, tmp_path_factory):
    """A run of every kind that answers differ in; tests must not change it."""
    if request.param == "plain":
        return small_run
    if request.param == "conditional":
        return request.getfixturevalue("conditional")
    options = {
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
    return train_small(tmp_path_factory.mktemp(request.param) / "run", **options[request.param])


def labels(run):
    """The labels of X if the run is conditional."""
    return LABELS if run.model.classes else None


def with_labels(run, **fields):
    """The fields of a JSON request about X."""
    return {**fields, "y": LABELS} if run.model.classes else fields


def query(run):
    """The options of a binary request about X."""
    return {"params": [("y", name) for name in LABELS]} if run.model.classes else {}


def test_encode_answers_with_the_posterior_in_json_and_binary(run):
    app = served(run)
    codes = run.encode(X, labels(run))
    json = arrays(post(app, "encode", with_labels(run, x=X.tolist())))
    binary = arrays(post(app, "encode", X, **query(run)))
    second = "stddev" if codes.indices is None else "indices"
    assert set(json) == set(binary) == {"mean", second}
    for answer in (json, binary):
        np.testing.assert_allclose(answer["mean"], codes.mean, **CLOSE)
        np.testing.assert_allclose(answer[second], getattr(codes, second), **CLOSE)
    if second == "indices":
        assert json["indices"].dtype.kind == binary["indices"].dtype.kind == "i"


def test_decode_answers_with_the_means_in_raw_units(run):
    app = served(run)
    z = run.encode(X, labels(run)).mean
    means = run.decode(z, labels(run))
    json = arrays(post(app, "decode", with_labels(run, z=z.tolist())))["x"]
    binary = arrays(post(app, "decode", z, **query(run)))[""]
    np.testing.assert_allclose(json, means, **CLOSE)
    np.testing.assert_allclose(binary, means, **CLOSE)
    assert means.max() > 1  # bytes, not the values that the model takes


@pytest.mark.parametrize("seed", [0, 7])
def test_sample_answers_with_the_samples_of_the_library(run, seed: int):
    answer = arrays(post(served(run), "sample", {"count": 7, "seed": seed}))
    np.testing.assert_allclose(answer["x"], run.sample(7, seed=seed), **CLOSE)


def test_sample_of_one_class(conditional):
    app = served(conditional)
    for label in DATA.classes:
        answer = arrays(post(app, "sample", {"count": 5, "label": label, "seed": 3}))
        np.testing.assert_allclose(answer["x"], conditional.sample(5, label, seed=3), **CLOSE)
    assert post(app, "sample", {"label": "zebra"}).status_code == 422


def test_a_conditional_model_uses_the_class_of_each_example(conditional):
    app = served(conditional)
    z = np.zeros((3, 3)).tolist()
    each = arrays(post(app, "decode", {"z": z, "y": ["a", "b", "c"]}))["x"]
    alone = [arrays(post(app, "decode", {"z": z[:1], "y": name}))["x"][0] for name in "abc"]
    np.testing.assert_allclose(each, alone, **CLOSE)
    assert np.abs(each[0] - each[1]).max() > 0.1


@pytest.mark.parametrize("name", ["encode", "decode", "score"])
def test_a_conditional_model_needs_classes(conditional, name: str):
    array = np.zeros((3, 3)) if name == "decode" else X[:3]
    field = "z" if name == "decode" else "x"
    app = served(conditional)
    for response in (
        post(app, name, {field: array.tolist()}),
        post(app, name, {field: array.tolist(), "y": None}),
        post(app, name, array),
    ):
        assert response.status_code == 422 and "y" in response.json()["error"].split()


@pytest.mark.parametrize("metric", ["bound", "loss", "reconstruction", "latent"])
def test_score_answers_with_the_scores_of_the_library(small_run, metric: str):
    scores = small_run.score(X, metric=metric, samples=5, seed=3)
    app = served(small_run)
    options = {"metric": metric, "samples": 5, "seed": 3}
    requests = [
        ("POST", "/v1/score", as_request({"x": X[:count].tolist(), **options}))
        for count in (1, len(X), 5)
    ]
    _, answer, _ = ask_all(app, requests)  # concurrent requests do not change it
    np.testing.assert_allclose(arrays(answer)["score"], scores, rtol=1e-6)
    binary = arrays(post(app, "score", X, params=options))[""]
    np.testing.assert_array_equal(binary, scores.astype(binary.dtype))


def test_only_stochastic_posteriors_have_the_score_of_the_latent_code(run):
    request = with_labels(run, x=X.tolist(), metric="latent")
    deterministic = run.config.part("posterior").kind == "deterministic"
    assert post(served(run), "score", request).status_code == (422 if deterministic else 200)


def test_offered_metrics_are_those_of_the_run(run):
    app = served(run)
    request = with_labels(run, x=X.tolist())
    schemas = ask(app, "GET", "/openapi.json").json()["components"]["schemas"]
    offered = schemas["ScoreRequest"]["properties"]["metric"]
    deterministic = run.config.part("posterior").kind == "deterministic"
    stochastic_only = [] if deterministic else ["bound", "latent"]
    assert sorted(offered["enum"]) == sorted(["loss", "reconstruction", *stochastic_only])
    default = post(app, "score", {**request, "metric": offered["default"]})
    assert post(app, "score", request).json() == default.json()
    for metric in offered["enum"]:
        assert post(app, "score", {**request, "metric": metric}).status_code == 200
    if deterministic:
        with raises(ConfigError, "metric"):
            run.score(X)


# --- Formats -------------------------------------------------------------------------------------


def test_examples_of_every_layout_and_type_are_the_same_examples(small_run):
    app = served(small_run)
    mean = arrays(post(app, "encode", X))["mean"]
    for same in (
        X.astype(np.float64),
        X.astype(np.int16),
        np.asfortranarray(X),
        X[:, 0],
        np.moveaxis(X, 1, -1).copy(),
    ):
        np.testing.assert_array_equal(arrays(post(app, "encode", same))["mean"], mean)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/json", "application/json"),
        ("application/x-npy", "application/x-npy"),
        ("text/html, application/x-npz;q=0.5", "application/x-npz"),
        ("*/*", "application/x-npz"),
    ],
)
def test_the_answer_has_the_accepted_format(small_run, accept: str, media: str):
    request = {"content": npy(X), "headers": {**NPY, "accept": accept}}
    response = ask(served(small_run), "POST", "/v1/encode", **request)
    assert response.headers["content-type"] == media
    mean = arrays(response)["" if media == "application/x-npy" else "mean"]
    np.testing.assert_allclose(mean, small_run.encode(X).mean, **CLOSE)


def test_json_has_every_digit_of_a_float(small_run):
    app = served(small_run)
    z = np.random.default_rng(0).normal(size=(5, 3))
    json = arrays(post(app, "decode", {"z": z.tolist()}))["x"]
    np.testing.assert_array_equal(json.astype(np.float32), arrays(post(app, "decode", z))[""])


def test_facts_about_the_model(small_run, conditional):
    facts = ask(served(small_run, max_examples=9), "GET", "/v1/model").json()
    assert facts["shape"] == [1, 8, 8]
    assert facts["support"] == "integers:256"
    assert facts["latent_dim"] == 3
    assert facts["classes"] == []
    assert facts["positions"] == 0
    assert facts["recipe"] == "mlp"
    assert facts["data"] == "bars"  # without its folder
    assert facts["limits"]["max_examples"] == 9
    assert ask(served(conditional), "GET", "/v1/model").json()["classes"] == ["a", "b", "c"]
    assert ask(served(small_run), "GET", "/health").json() == {"status": "ok"}


# --- Batches -------------------------------------------------------------------------------------


def test_concurrent_requests_are_batched_and_answered_as_alone(run):
    app = served(run)
    z = run.encode(X, labels(run)).mean
    sizes = [1, 3, 2, 1, 5, 4]
    requests = []
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        part = slice(end - size, end)
        y = {"y": LABELS[part]} if run.model.classes else {}
        requests.append(("POST", "/v1/decode", as_request({"z": z[part].tolist(), **y})))
        requests.append(("POST", "/v1/encode", as_request({"x": X[part].tolist(), **y})))
    together = [arrays(response) for response in ask_all(app, requests)]
    alone = [
        arrays(ask(served(run), method, path, **request)) for method, path, request in requests
    ]
    for first, second in zip(together, alone, strict=True):
        assert first.keys() == second.keys()
        for name in first:
            np.testing.assert_allclose(first[name], second[name], **CLOSE)
    series = metrics(app)
    assert series["vaekit_batch_requests_sum"] == len(requests)
    assert series["vaekit_batch_examples_sum"] == 2 * sum(sizes)
    # The first request of all, and the requests that wait meanwhile, by endpoint.
    assert series["vaekit_batch_requests_count"] <= 4
    assert series['vaekit_examples_total{endpoint="/v1/decode"}'] == sum(sizes)
    assert series['vaekit_requests_total{endpoint="/v1/encode",status="200"}'] == len(sizes)
    assert series["vaekit_queue_examples"] == 0


def test_batches_have_at_most_the_allowed_examples(small_run):
    app = served(small_run, max_batch_examples=4)
    codes = [np.array([[i, 0, 0]] * 3) for i in range(6)]
    requests = [("POST", "/v1/decode", as_request({"z": z.tolist()})) for z in codes]
    for z, response in zip(codes, ask_all(app, requests), strict=True):
        np.testing.assert_allclose(arrays(response)["x"], small_run.decode(z), **CLOSE)
    assert metrics(app)["vaekit_batch_requests_count"] == 6  # two requests have 6 examples
    one_request = arrays(post(app, "decode", {"z": [[0, 0, 0]] * 20}))["x"]
    assert one_request.shape == (20, 1, 8, 8)


def test_an_invalid_request_fails_alone(small_run):
    valid = ("POST", "/v1/decode", as_request({"z": [[0, 0, 0]]}))
    too_large = ("POST", "/v1/decode", as_request({"z": [[1e39, 0, 0]]}))
    wrong_shape = ("POST", "/v1/decode", as_request({"z": [[0, 0]]}))
    responses = ask_all(served(small_run), [valid, too_large, valid, wrong_shape, valid])
    assert [response.status_code for response in responses] == [200, 422, 200, 422, 200]
