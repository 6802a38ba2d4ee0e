"""Values of options are parsed."""

import pytest
import typer

from vaekit.cli.parsing import parse_grid


def test_commas_separate_values_outside_brackets():
    grid = parse_grid(
        [
            "objective.beta=0.5,1",
            "decoder.hidden=[64,32],[8]",
            "likelihood={kind: gaussian, scale: 1},bernoulli",
        ]
    )
    assert grid == {
        "objective.beta": ["0.5", "1"],
        "decoder.hidden": ["[64,32]", "[8]"],
        "likelihood": ["{kind: gaussian, scale: 1}", "bernoulli"],
    }


@pytest.mark.parametrize("setting", ["objective.beta", "objective.beta=", "=1,2"])
def test_a_setting_without_values_is_rejected(setting):
    with pytest.raises(typer.BadParameter):
        parse_grid([setting])
