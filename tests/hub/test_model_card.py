"""The model card says what was measured, and no name becomes markup or a further key."""

import math
import re

import pytest
import yaml

from vaekit.hub import model_card

CONFIG = {
    "recipe": "mlp",
    "data": {"name": "bars", "shape": [1, 8, 8], "support": "integers:256"},
    "latent_dim": 2,
    "codes": None,
    "conditional": False,
    "classes": ["a", "b"],
    "parts": {"encoder": "mlp", "posterior": "diagonal-normal", "likelihood": "bernoulli"},
    "objective": "elbo",
    "parameters": {"encoder": 1234, "decoder": 99, "prior": 0},
}
SUMMARY = {
    "data": {
        "examples": {"train": 4900, "validation": 5, "test": 6},
        "validation": "held out of training",
        "fingerprint": "ab12",
    },
    "test": {
        "loss": {"value": 44.2205, "standard_error": 0.0713},
        "reconstruction": {"value": 44.1419, "standard_error": None},
        "divergence": {"value": 0.0786, "standard_error": 0.0315},
    },
    "epochs": 3,
    "best_epoch": 2,
    "seed": 7,
    "versions": {"vaekit": "0.1.0"},
}
PROTOCOL = {"likelihood": "density, not dequantized", "weights": "of the best epoch"}
HOSTILE = (
    'x"}], license: evil',
    "<script>alert(1)</script>",
    "![p](http://x/y)",
    "a|b",
    "`rm`",
    "# x",
    "a\nlicense: no",
    "\N{RIGHT-TO-LEFT OVERRIDE}lmth",
)


def header(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def test_the_header_has_the_fields_of_the_hub():
    fields = header(model_card(CONFIG, SUMMARY, PROTOCOL, license="mit"))
    assert fields["library_name"] == "vaekit" and fields["license"] == "mit"
    assert fields["pipeline_tag"] == "unconditional-image-generation"
    ((index,), result) = fields["model-index"], fields["model-index"][0]["results"][0]
    assert index["name"] == "mlp on bars" and result["dataset"] == {
        "type": "bars",
        "name": "bars",
        "split": "test",
    }
    assert {m["type"]: m["value"] for m in result["metrics"]} == {
        "test_loss": 44.2205,
        "test_reconstruction": 44.1419,
        "test_divergence": 0.0786,
    }


def test_a_conditional_model_has_no_unconditional_task():
    config = {**CONFIG, "conditional": True}
    assert "pipeline_tag" not in header(model_card(config, SUMMARY, PROTOCOL))


def test_without_a_license_the_header_has_none():
    assert "license" not in header(model_card(CONFIG, SUMMARY, PROTOCOL))


def test_kind_and_size_of_the_model():
    text = model_card(CONFIG, SUMMARY, PROTOCOL)
    assert "A variational autoencoder with 2 latent dimensions, trained" in text
    assert "| Parameters | encoder 1,234, decoder 99 |" in text
    assert "with 1 latent dimension, trained" in model_card(
        CONFIG | {"latent_dim": 1}, SUMMARY, PROTOCOL
    )
    discrete = model_card(
        CONFIG | {"latent_dim": 784, "codes": {"positions": 49, "count": 128}}, SUMMARY, PROTOCOL
    )
    assert "with a discrete latent (49 codes, each one of 128; 784 values), trained" in discrete
    assert "codes = run.encode(images).mean" in text


def test_a_model_without_divergence_is_not_called_a_generator():
    plain = CONFIG | {
        "objective": "reconstruction-only",
        "parts": CONFIG["parts"] | {"posterior": "deterministic"},
    }
    text = model_card(plain, SUMMARY, PROTOCOL, ["samples"])
    assert (
        "An autoencoder with 2" in text
        and "variational" not in text
        and "pipeline_tag" not in header(text)
    )
    for shown in (
        text,
        model_card(CONFIG | {"objective": "reconstruction-only"}, SUMMARY, PROTOCOL, ["samples"]),
    ):
        assert (
            "without a divergence from the prior" in shown
            and "did not match its codes to the prior: samples" in shown
        )
        assert "Training did not match the codes to the prior." in shown
        assert "unconditional-image-generation" not in shown
    assert "did not match" not in model_card(CONFIG, SUMMARY, PROTOCOL, ["samples"])


def test_the_code_names_the_repository():
    assert 'vaekit.pull("OWNER/NAME")' in model_card(CONFIG, SUMMARY, PROTOCOL)
    text = model_card(CONFIG | {"conditional": True}, SUMMARY, PROTOCOL, repository="ada/digits")
    assert 'vaekit.pull("ada/digits")' in text and "OWNER/NAME" not in text
    assert "codes = run.encode(images, labels).mean" in text


def test_metrics_have_standard_errors_and_their_protocol():
    text = model_card(CONFIG, SUMMARY, PROTOCOL)
    assert "| Loss (negative ELBO) | 44.22 | 0.07 |" in text
    assert "| Reconstruction | 44.14 | none |" in text
    assert "Means over the test examples with their standard errors, in nats per example.\n" in text
    assert "| examples | 4,900 to train on, 5 to choose the epoch by, 6 to test on |" in text
    for fact in ("2 of 3", "| seed | 7 |", "ab12", "density, not dequantized", "encoder 1,234"):
        assert fact in text


def test_metrics_on_examples_that_chose_the_weights_are_not_listed():
    chosen = SUMMARY | {
        "data": SUMMARY["data"] | {"validation": "the test examples, as in the original protocol"}
    }
    text = model_card(CONFIG, chosen, PROTOCOL)
    assert "model-index" not in header(text)
    assert "metrics on them are optimistic" in text and "optimistic" not in model_card(
        CONFIG, SUMMARY, PROTOCOL
    )


def test_an_unnormalized_likelihood_gives_no_bound():
    text = model_card(CONFIG, SUMMARY, {"likelihood": "Bernoulli, not normalized: gray"})
    assert "no bound of log p(x)" in text and "The loss is a bound" not in text
    assert "The loss is a bound" in model_card(CONFIG, SUMMARY, PROTOCOL)


def test_a_deterministic_posterior_has_no_elbo():
    test = {
        "loss": SUMMARY["test"]["loss"],
        "reconstruction": SUMMARY["test"]["reconstruction"],
        "divergence": None,
    }
    text = model_card(CONFIG, SUMMARY | {"test": test}, PROTOCOL)
    assert "Loss (no ELBO)" in text and "negative ELBO" not in text


@pytest.mark.parametrize(
    "summary", [{}, {"test": {"loss": {"value": math.nan}}}, {"test": {"loss": "much"}}]
)
def test_without_metrics_training_has_not_finished(summary):
    text = model_card(CONFIG, summary, PROTOCOL)
    assert "model-index" not in header(text) and "has not finished" in text


def test_samples_come_before_curves():
    text = model_card(CONFIG, SUMMARY, PROTOCOL, ["curves", "samples"])
    assert re.findall(r"\]\((plots/.*?)\)", text) == ["plots/samples.png", "plots/curves.png"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_literally(name):
    fields = {
        **CONFIG,
        "recipe": name,
        "classes": [name],
        "data": CONFIG["data"] | {"name": name},
        "parts": {"encoder": name},
    }
    text = model_card(fields, SUMMARY | {"versions": {name: name}}, {"likelihood": name})
    found = header(text)
    assert set(found) == {"library_name", "pipeline_tag", "tags", "model-index"}
    assert found["model-index"][0]["results"][0]["dataset"]["name"].isprintable()
    body = text.split("---\n", 2)[2]
    assert not re.search(r"(?<!\\)<", body) and "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert not re.search(r"(?<!\\)\]\(http", body)
    plain = body.split("```")
    assert len(plain) == 3  # the one block of code that is ours
    ours = model_card(CONFIG, SUMMARY | {"versions": {"v": "v"}}, {"likelihood": "l"}).split(
        "---\n", 2
    )[2]
    unescaped = re.compile(r"(?<!\\)\|")
    rows = [len(unescaped.findall(line)) for line in body.splitlines() if line.startswith("|")]
    assert rows == [
        len(unescaped.findall(line)) for line in ours.splitlines() if line.startswith("|")
    ]
