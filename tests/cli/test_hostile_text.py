"""Text of others on a terminal: neither markup, nor formulas, nor escape sequences, nor lines."""

import io

import numpy as np
import pytest
from rich.console import Console

import vaekit
from conftest import train_small
from vaekit.cli import output
from vaekit.runtime.terminal_progress import print_line

CLASSES = ("[red]x[/red]", r"$\frac{1}$", ":smile: [link=http://a]b[/link]", "[/]")
CONTROL = "a\x1b[2J\nb\u202ec\r\x07\udcff"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file of examples whose classes look like markup and formulas, and a run on them."""
    folder = tmp_path_factory.mktemp("[bold]$x_")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (80, 1, 8, 8), np.uint8)
    y = np.arange(80) % len(CLASSES)
    np.savez(folder / "[b]$x.npz", x=x, y=np.array(CLASSES)[y])
    for beta, name in ((1.0, "[u]$r$"), (2.0, "[s]$s")):
        data = str(folder / "[b]$x.npz")
        options = {"training": {"epochs": 1}, "objective": {"beta": beta}}
        train_small(folder / name, data, conditional=True, **options)
    return folder


def test_data_are_described_with_the_names_of_their_classes(cli, folder):
    status, out, err = cli("data", folder / "[b]$x.npz")
    assert status == 0, err
    assert all(name in out for name in CLASSES)


def test_a_training_is_announced_with_its_folder_and_data(cli, folder, tmp_path):
    source, out_folder = folder / "[b]$x.npz", tmp_path / "[bold]run"
    train = ("train", "mlp", "--data", source, "--epochs", 1, "--set", "encoder.hidden=[8]")
    status, _, err = cli(*train, "--out", out_folder)
    assert status == 0, err
    assert f"run folder {out_folder}" in err


@pytest.mark.parametrize("plot", ["latent", "classes", "reconstructions"])
def test_plots_show_names_of_classes_as_they_are(folder, tmp_path, plot):
    run = vaekit.load_run(folder / "[u]$r$")
    (path,) = vaekit.plot(run, [plot], out=tmp_path / f"{plot}.svg")
    assert path.stat().st_size > 1000


def test_runs_are_compared_by_their_names(cli, folder, tmp_path):
    runs = (folder / "[u]$r$", folder / "[s]$s")
    status, out, err = cli("compare", *runs, "--max-examples", 5, "--out", tmp_path / "[c]$.png")
    assert status == 0, err
    assert "[u]$r$" in out and "[s]$s" in out


def test_a_line_and_a_table_are_printable(capsys):
    output.print_line(CONTROL)
    output.print_facts({"name": CONTROL})
    output.print_table(["name"], [[CONTROL], [CLASSES[0]]], title=CONTROL)
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isprintable() for line in lines)
    assert sum(r"a\x1b[2J\nb\u202ec\r\x07\udcff" in line for line in lines) == 4
    assert any(CLASSES[0] in line for line in lines)


def test_a_line_on_a_terminal_has_no_escape_sequence_of_others():
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, color_system="truecolor")
    for text in (CONTROL, *CLASSES):
        print_line(console, text)
    printed = terminal.getvalue()
    assert "\x1b" not in printed and printed.count("\n") == 1 + len(CLASSES)
    assert all(name in printed for name in CLASSES)


def test_hostile_arguments_are_refused_in_one_printable_line(refused):
    for command in ("train", "evaluate", "plot", "data"):
        line = refused(command, CONTROL)
        assert line.rstrip("\n").isprintable()
