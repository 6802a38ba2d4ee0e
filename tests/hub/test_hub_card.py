"""The model card: it says what was measured, and no name becomes markup or a further key."""

import math
import re

import pytest
import yaml

from vaekit.hub import card

FACTS = {
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
        "rows": {"train": 4900, "validation": 5, "test": 6},
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
PROTOCOL = {"likelihood": "density, not dequantised", "weights": "of the best epoch"}
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


def test_its_header_is_what_the_hub_reads():
    told = header(card(FACTS, SUMMARY, PROTOCOL, license="mit"))
    assert told["library_name"] == "vaekit" and told["license"] == "mit"
    assert told["pipeline_tag"] == "unconditional-image-generation"
    ((index,), result) = told["model-index"], told["model-index"][0]["results"][0]
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


def test_a_license_is_the_users_to_state():
    assert "license" not in header(card(FACTS, SUMMARY, PROTOCOL))


def test_the_kind_of_model_and_its_size_are_said():
    text = card(FACTS, SUMMARY, PROTOCOL)
    assert "A variational autoencoder with 2 latent dimensions, trained" in text
    assert "| Parameters | encoder 1,234, decoder 99 |" in text
    assert "with 1 latent dimension, trained" in card(FACTS | {"latent_dim": 1}, SUMMARY, PROTOCOL)
    discrete = card(
        FACTS | {"latent_dim": 784, "codes": {"positions": 49, "count": 128}}, SUMMARY, PROTOCOL
    )
    assert (
        "with a discrete latent (49 codes, each one of 128; 784 numbers in all), trained"
        in discrete
    )
    assert "codes = run.encode(rows).mode" in discrete and "run.encode(rows).mean" in text


def test_of_a_model_that_was_held_to_no_prior_nothing_of_the_kind_is_said():
    plain = FACTS | {
        "objective": "reconstruction-only",
        "parts": FACTS["parts"] | {"posterior": "deterministic"},
    }
    text = card(plain, SUMMARY, PROTOCOL, ["samples"])
    assert (
        "An autoencoder with 2" in text
        and "variational" not in text
        and "pipeline_tag" not in header(text)
    )
    for shown in (
        text,
        card(FACTS | {"objective": "reconstruction-only"}, SUMMARY, PROTOCOL, ["samples"]),
    ):
        assert (
            "Its training held the codes to no prior" in shown
            and "Nothing made its codes lie where" in shown
        )
        assert (
            "Draws from the prior, which the codes were not held to, through the decoder." in shown
        )
        assert "New rows: draws" not in shown and "unconditional-image-generation" not in shown
    assert "no prior" not in card(FACTS, SUMMARY, PROTOCOL, ["samples"])


def test_what_is_to_be_typed_works_as_it_stands():
    assert 'vaekit.pull("OWNER/NAME")' in card(FACTS, SUMMARY, PROTOCOL)
    text = card(FACTS | {"conditional": True}, SUMMARY, PROTOCOL, repo="ada/digits")
    assert 'vaekit.pull("ada/digits")' in text and "OWNER/NAME" not in text
    assert (
        "codes = run.encode(rows, labels).mean  # rows: your own, of the shape above; labels: their classes by name"
        in text
    )


def test_figures_stand_with_their_errors_and_their_protocol():
    text = card(FACTS, SUMMARY, PROTOCOL)
    assert "| Loss (negative ELBO) | 44.22 | 0.07 |" in text
    assert "| Reconstruction | 44.14 | none |" in text
    assert "Means over the test rows with their standard errors, in nats per row.\n" in text
    assert "| rows | 4,900 to train on, 5 to choose the epoch by, 6 to test on |" in text
    for fact in ("2 of 3", "| seed | 7 |", "ab12", "density, not dequantised", "encoder 1,234"):
        assert fact in text


def test_figures_of_rows_that_chose_the_weights_are_not_listed_and_said_to_be_too_good():
    chosen = SUMMARY | {
        "data": SUMMARY["data"] | {"validation": "the test rows, as in the original protocol"}
    }
    text = card(FACTS, chosen, PROTOCOL)
    assert "model-index" not in header(text)
    assert "figures of these rows are too good" in text and "too good" not in card(
        FACTS, SUMMARY, PROTOCOL
    )


def test_a_likelihood_that_is_not_normalised_gives_no_bound():
    text = card(FACTS, SUMMARY, {"likelihood": "Bernoulli, not normalised: gray"})
    assert "no bound of log p(x)" in text and "The loss is a bound" not in text
    assert "The loss is a bound" in card(FACTS, SUMMARY, PROTOCOL)


def test_a_deterministic_posterior_has_no_elbo():
    test = {
        "loss": SUMMARY["test"]["loss"],
        "reconstruction": SUMMARY["test"]["reconstruction"],
        "divergence": None,
    }
    text = card(FACTS, SUMMARY | {"test": test}, PROTOCOL)
    assert "Loss (no ELBO)" in text and "negative ELBO" not in text


@pytest.mark.parametrize(
    "summary", [{}, {"test": {"loss": {"value": math.nan}}}, {"test": {"loss": "much"}}]
)
def test_without_figures_it_says_so(summary):
    text = card(FACTS, summary, PROTOCOL)
    assert "model-index" not in header(text) and "had not ended" in text


def test_pictures_are_shown_in_the_order_of_interest():
    text = card(FACTS, SUMMARY, PROTOCOL, ["curves", "samples"])
    assert re.findall(r"\]\((plots/.*?)\)", text) == ["plots/samples.png", "plots/curves.png"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_show_and_do_nothing(name):
    told = {
        **FACTS,
        "recipe": name,
        "classes": [name],
        "data": FACTS["data"] | {"name": name},
        "parts": {"encoder": name},
    }
    text = card(told, SUMMARY | {"versions": {name: name}}, {"likelihood": name})
    found = header(text)
    assert set(found) == {"library_name", "pipeline_tag", "tags", "model-index"}
    assert found["model-index"][0]["results"][0]["dataset"]["name"].isprintable()
    body = text.split("---\n", 2)[2]
    assert not re.search(r"(?<!\\)<", body) and "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert not re.search(r"(?<!\\)\]\(http", body)
    plain = body.split("```")
    assert len(plain) == 3  # the one block of code that is ours
    ours = card(FACTS, SUMMARY | {"versions": {"v": "v"}}, {"likelihood": "l"}).split("---\n", 2)[2]
    unescaped = re.compile(r"(?<!\\)\|")
    rows = [len(unescaped.findall(line)) for line in body.splitlines() if line.startswith("|")]
    assert rows == [
        len(unescaped.findall(line)) for line in ours.splitlines() if line.startswith("|")
    ]
