"""Paths through the latent space: their dimensions, ranges, ends and classes."""

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from conftest import QUIET, small_images, train_small
from raising import raises
from vaekit.data import Examples
from vaekit.errors import ConfigError, DataError
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.interpolations import interpolations, lerp, slerp
from vaekit.run_plots.latent_paths import FRAMES, draw_paths, save_path_animation
from vaekit.run_plots.traversals import traversals
from vaekit.runs.example_selection import ExampleSelection, select_examples
from vaekit.runs.reconstruction import reconstruct_examples
from vaekit.runs.run_data import RunData

pytestmark = pytest.mark.slow

POSITIONS = np.linspace(0, 1, 7)


def context_of(run, data=None, split=None) -> PlotContext:
    return PlotContext(
        run, lambda: select_examples(run, split, data), lambda: RunData.load(run, data)
    )


@pytest.fixture(scope="module")
def context(small_run):
    return context_of(small_run, split="train")


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conditional")
    run = train_small(folder / "run", latent_dim=4, conditional=True)
    return context_of(run, small_images())


def decoded(context, paths, positions):
    """The decoded codes of paths without classes [P, T, *shape], through the public decoder."""
    z = paths.codes(positions)
    run = context.run
    images = run.decode(z.reshape(-1, *run.model.latent_shape))
    return images.reshape(*z.shape[:2], *run.model.data_shape) / 255


# --- Interpolation of codes ----------------------------------------------------------------------


def test_slerp_turns_evenly_and_its_length_changes_linearly():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30))
    b *= 3
    z = slerp(a, b, POSITIONS)
    np.testing.assert_allclose(z[[0, -1]], [a, b], atol=1e-12)
    lengths = np.linalg.norm(z, axis=1)
    expected = (1 - POSITIONS) * np.linalg.norm(a) + POSITIONS * np.linalg.norm(b)
    np.testing.assert_allclose(lengths, expected)
    unit = z / lengths[:, None]
    angles = np.arccos((unit[:-1] * unit[1:]).sum(1))
    np.testing.assert_allclose(angles, angles[0], rtol=1e-6)
    total = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert angles.sum() == pytest.approx(total)


def test_the_middle_of_a_line_in_many_dimensions_has_no_codes():
    a, b = np.random.default_rng(1).normal(size=(2, 1000))
    half = np.array([0.5])
    radius = np.sqrt(1000)
    assert np.linalg.norm(lerp(a, b, half)) / radius == pytest.approx(np.sqrt(0.5), rel=0.05)
    assert np.linalg.norm(slerp(a, b, half)) / radius == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("b", [[2.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
def test_codes_without_a_unique_angle_are_joined_by_a_line(b):
    a, b = np.array([1.0, 0.0]), np.array(b)
    np.testing.assert_allclose(slerp(a, b, POSITIONS), lerp(a, b, POSITIONS), atol=1e-12)


# --- Traversals ----------------------------------------------------------------------------------


def test_the_most_active_dimension_comes_first_with_its_nats_and_its_range(context):
    paths = traversals(context, View())
    nats = context.divergence
    order = np.argsort(-nats)
    low, high = np.quantile(context.posterior_samples, (0.025, 0.975), axis=0)
    expected = [
        f"z{i + 1} {nats[i]:.2f}\N{NO-BREAK SPACE}nats\n{low[i]:.2f} to {high[i]:.2f}"
        for i in order
    ]
    assert paths.labels == [text.replace("-", "−") for text in expected]
    z = paths.codes(POSITIONS)
    for path, dimension in enumerate(order):
        steps = low[dimension] + POSITIONS * (high - low)[dimension]
        np.testing.assert_allclose(z[path, :, dimension], steps, rtol=1e-5)
        others = np.delete(np.arange(3), dimension)
        mean = context.codes.mean(0)[others]
        np.testing.assert_allclose(z[path][:, others], np.tile(mean, (7, 1)), rtol=1e-5)


def test_posterior_samples_have_the_moments_of_the_posterior(context):
    codes = context.run.encode(context.examples)
    noise = (context.posterior_samples - codes.mean) / codes.stddev
    assert abs(noise.mean()) < 0.35
    assert 0.8 < noise.std() < 1.2
    assert not np.allclose(context.posterior_samples, codes.mean)


def test_equal_examples_of_different_batches_have_different_samples(small_run, monkeypatch):
    monkeypatch.setattr("vaekit.inputs.model_inputs.MAX_BATCH_EXAMPLES", 2)
    equal = Examples(np.repeat(small_images().train.x[:1], 4, 0))
    own = RunData.load(small_run)
    selection = ExampleSelection(equal, "test", own)
    samples = PlotContext(small_run, lambda: selection, lambda: own).posterior_samples
    assert (samples[:2] != samples[2:]).all()


def test_a_path_shows_its_decoded_codes(context):
    paths = traversals(context, View(indices=[5]))
    assert paths.title.endswith("the code of example 5")
    images = paths.images(context, POSITIONS)
    np.testing.assert_allclose(images, decoded(context, paths, POSITIONS), atol=1e-6)
    z = paths.codes(POSITIONS)
    first = int(np.argmax(context.divergence))
    start = context.run.encode(context.examples.select([5])).mean[0]
    np.testing.assert_allclose(np.delete(z[0, 0], first), np.delete(start, first), rtol=1e-5)
    assert len(draw_paths(context, paths).axes) == 3


def test_the_sixteen_most_active_dimensions_are_shown(tmp_path):
    run = train_small(tmp_path / "run", latent_dim=20)
    context = context_of(run, small_images())
    paths = traversals(context, View())
    assert len(paths.labels) == 16
    assert "16" in paths.title and "20" in paths.title
    dimensions = [int(label.split()[0][1:]) - 1 for label in paths.labels]
    others = np.delete(context.divergence, dimensions)
    assert context.divergence[dimensions].min() >= others.max()


def test_dimensions_of_a_plain_autoencoder_are_ordered_by_variance(tmp_path):
    options = {"posterior": "deterministic", "objective": "reconstruction-only", "latent_dim": 3}
    run = train_small(tmp_path / "run", **options)
    context = context_of(run, small_images())
    paths = traversals(context, View())
    variances = sorted(context.codes.var(0), reverse=True)
    values = [label.split("\n")[0].split("\N{NO-BREAK SPACE}")[1] for label in paths.labels]
    assert values == [f"{variance:.2f}" for variance in variances]
    assert all("var." in label for label in paths.labels)


def test_one_dimension_has_one_traversal_and_linear_interpolations_only(tmp_path):
    run = train_small(tmp_path / "run", latent_dim=1)
    context = context_of(run, small_images())
    assert len(traversals(context, View()).labels) == 1
    paths = interpolations(context, View(indices=[0, 1]))
    assert paths.labels == ["class a → b\nexamples 0 → 1\nlinear"]


# --- Interpolations ------------------------------------------------------------------------------


def test_interpolations_end_at_the_codes_of_their_examples(context):
    indices = [3, 18, 7]
    paths = interpolations(context, View(indices=indices))
    names = {index: "abc"[context.examples.y[index]] for index in indices}
    assert paths.labels == [
        f"class {names[a]} → {names[b]}\nexamples {a} → {b}\n{kind}"
        for a, b in ((3, 18), (18, 7))
        for kind in ("linear", "spherical")
    ]
    result = reconstruct_examples(context.run, context.examples, indices)
    images = paths.images(context, np.linspace(0, 1, 5))
    for pair in range(2):
        for path in (2 * pair, 2 * pair + 1):
            np.testing.assert_allclose(images[path, 0], result.decoded[pair] / 255, atol=1e-5)
            np.testing.assert_allclose(images[path, -1], result.decoded[pair + 1] / 255, atol=1e-5)
        originals = result.originals[[pair, pair + 1]] / 255
        np.testing.assert_allclose(paths.ends[pair], originals, atol=1e-6)
    middle = paths.codes(np.array([0.5]))
    np.testing.assert_allclose(middle[0, 0], result.codes.mean[:2].mean(0), rtol=1e-5, atol=1e-6)


def test_default_interpolations_are_between_classes(context):
    paths = interpolations(context, View())
    indices = [paths.indices[0][0], *(b for _, b in paths.indices)]
    assert len({int(context.examples.y[index]) for index in indices}) == len(indices) == 3


def test_interpolations_of_a_conditional_run_change_the_class_or_keep_one(conditional):
    examples = conditional.examples
    a, b = (int(np.flatnonzero(examples.y == label)[0]) for label in (0, 2))
    paths = interpolations(conditional, View(indices=[a, b]))
    weights = paths.classes(np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(weights[1], [[1, 0, 0], [0.75, 0, 0.25], [0, 0, 1]])
    result = reconstruct_examples(conditional.run, examples, [a, b])
    ends = paths.images(conditional, np.array([0.0, 1.0]))[0]
    np.testing.assert_allclose(ends, result.decoded / 255, atol=1e-5)
    c = int(np.flatnonzero(examples.y == 1)[0])
    of_pairs = interpolations(conditional, View(indices=[a, b, c])).classes(np.array([0.25]))[:, 0]
    expected = [[0.75, 0, 0.25]] * 2 + [[0, 0.25, 0.75]] * 2
    np.testing.assert_allclose(of_pairs, expected)
    fixed = interpolations(conditional, View(indices=[a, b], label="b"))
    assert (fixed.classes(POSITIONS) == np.array([0, 1, 0])).all()


def test_a_conditional_traversal_has_one_class(conditional):
    third = int(np.flatnonzero(conditional.examples.y == 2)[0])
    assert "class a" in traversals(conditional, View()).title
    assert "class b" in traversals(conditional, View(label="b")).title
    paths = traversals(conditional, View(indices=[third]))
    assert "class c" in paths.title
    assert (paths.classes(POSITIONS) == np.array([0, 0, 1])).all()
    with raises(DataError):
        traversals(conditional, View(label="z"))


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["traversals", "interpolations"])
def test_plots_and_animations_are_written_by_suffix(small_run, tmp_path, name):
    (plot,) = vaekit.plot(small_run, [name], out=tmp_path / "a.png")
    (animation,) = vaekit.plot(small_run, [name], out=tmp_path / "a.webp")
    with Image.open(plot) as file:
        assert min(file.size) > 100
    with Image.open(animation) as file:
        assert file.n_frames == 2 * (FRAMES - 1)
        assert max(file.size) < 1000


@pytest.fixture
def animated(monkeypatch):
    """The arguments of the last animation, which is not written."""
    arguments = {}

    def keep(images, path, columns, *, captions, title):
        arguments.update(images=images, captions=captions)
        return path

    monkeypatch.setattr("vaekit.plots.save_animation", keep)
    return arguments


def test_an_animation_begins_at_the_low_end_and_turns_at_the_high_one(context, animated, tmp_path):
    paths = traversals(context, View())
    save_path_animation(tmp_path / "a.gif", context, paths)
    ends = paths.images(context, np.array([0.0, 1.0]))
    np.testing.assert_allclose(animated["images"][[0, -1]], ends.swapaxes(0, 1), atol=1e-5)
    assert animated["images"].shape[:2] == (FRAMES, 3)


def test_an_animation_has_interpolations_between_their_examples(context, animated, tmp_path):
    paths = interpolations(context, View(indices=[4, 9, 2]))
    save_path_animation(tmp_path / "a.gif", context, paths)
    kinds = ["linear", "spherical"]
    names = {i: f"example {i}, class {'abc'[context.examples.y[i]]}" for i in (4, 9, 2)}
    assert animated["captions"] == [names[4], *kinds, names[9], names[9], *kinds, names[2]]
    images = animated["images"]
    np.testing.assert_allclose(images[:, 0], np.broadcast_to(paths.ends[0, 0], images[:, 0].shape))
    np.testing.assert_allclose(images[:, 7], np.broadcast_to(paths.ends[1, 1], images[:, 7].shape))
    positions = (1 - np.cos(np.linspace(0, np.pi, FRAMES))) / 2
    spherical = paths.images(context, positions)[3]
    np.testing.assert_allclose(images[:, 6], spherical, atol=1e-6)


def test_training_draws_no_paths(small_run):
    names = {path.stem for path in (small_run.path / "plots").iterdir()}
    assert not {"traversals", "interpolations"} & names


@pytest.mark.parametrize(
    ("names", "view", "parameter"),
    [
        (["grid"], {}, "out"),
        ([], {}, "out"),
        (["traversals"], {"indices": [1, 2]}, "indices"),
        (["traversals"], {"indices": [100]}, "indices"),
        (["interpolations"], {"indices": [1]}, "indices"),
        (["interpolations"], {"indices": [0, 1] * 5}, "indices"),
    ],
)
def test_invalid_options(small_run, tmp_path, names, view, parameter):
    with raises(ConfigError, parameter):
        vaekit.plot(small_run, names, out=tmp_path / "a.gif", **view)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["traversals", "interpolations"])
def test_discrete_codes_and_vectors_have_no_paths(tmp_path, name):
    posterior = {"kind": "categorical", "classes": 4}
    run = train_small(tmp_path / "discrete", posterior=posterior, latent_dim=5)
    with raises(ConfigError, "names"):
        vaekit.plot(run, [name])
    vectors = np.random.default_rng(0).normal(size=(60, 5))
    run = train_small(tmp_path / "vectors", data=vectors)
    with raises(ConfigError, "names"):
        vaekit.plot(run, [name], data=vectors)


@pytest.mark.parametrize("shape", [(3, 9, 13), (1, 20, 8)])
def test_color_and_other_sizes(tmp_path, shape):
    data = small_images(shape=shape)
    run = train_small(tmp_path / "run", data=data, latent_dim=3)
    for name in ("traversals", "interpolations"):
        for suffix in (".png", ".gif"):
            out = tmp_path / f"{name}{suffix}"
            (path,) = vaekit.plot(run, [name], data=data, out=out)
            assert path.stat().st_size > 1000
    context = context_of(run, data)
    with torch.no_grad():
        images = traversals(context, View()).images(context, POSITIONS)
    assert images.shape == (3, 7, *shape)


def test_latent_maps(tmp_path):
    settings = {"encoder": "conv-map", "decoder": "conv-map", "latent_dim": 2}
    options = {"training": {"epochs": 1, "device": "cpu"}, "console": QUIET}
    run = vaekit.train("conv", data=small_images(), out=tmp_path / "run", **options, **settings)
    context = context_of(run, small_images())
    size = run.model.latent_shape.numel()
    assert size > 2
    paths = traversals(context, View())
    assert paths.codes(POSITIONS).shape == (min(size, 16), 7, size)
    images = interpolations(context, View()).images(context, POSITIONS)
    assert images.shape[2:] == (1, 8, 8)
