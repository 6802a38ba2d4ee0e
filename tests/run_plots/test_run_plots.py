"""Walks through the latent space: which dimensions, over which range, between which codes."""

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.data import Examples
from vaekit.errors import ConfigError, DataError
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.latent_paths import (
    FRAMES,
    STEPS,
    draw_paths,
    interpolations,
    slerp,
    straight,
    traversals,
)
from vaekit.runs.run_data import find_examples
from vaekit.workflows import use

T = np.linspace(0, 1, 7)


@pytest.fixture(scope="module")
def context(small_run):
    rows, _ = find_examples(small_run, "train")
    return PlotContext(small_run, lambda: rows)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    run = train_small(
        tmp_path_factory.mktemp("conditional") / "run", latent_dim=4, conditional=True
    )
    return PlotContext(run, lambda: find_examples(run, data=small_images())[0])


def raw(context, walks, positions):
    """What the walks show, without classes, through the public decoder."""
    z = walks.codes(positions)
    return (
        use.decode(context.run, z.reshape(-1, z.shape[-1])).reshape(
            *z.shape[:2], *context.run.model.data_shape
        )
        / 255
    )


# --- Paths ----------------------------------------------------------------------------------------------------------------


def test_slerp_turns_evenly_and_its_length_goes_evenly():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30))
    b *= 3
    z = slerp(a, b, T)
    np.testing.assert_allclose(z[[0, -1]], [a, b], atol=1e-12)
    lengths = np.linalg.norm(z, axis=1)
    np.testing.assert_allclose(lengths, (1 - T) * np.linalg.norm(a) + T * np.linalg.norm(b))
    unit = z / lengths[:, None]
    angles = np.arccos((unit[:-1] * unit[1:]).sum(1))
    np.testing.assert_allclose(angles, angles[0], rtol=1e-6)
    whole = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert angles.sum() == pytest.approx(whole)


def test_the_middle_of_a_line_in_many_dimensions_is_where_no_code_lies():
    a, b = np.random.default_rng(1).normal(size=(2, 1000))
    half = np.array([0.5])
    assert np.linalg.norm(straight(a, b, half)) / np.sqrt(1000) == pytest.approx(
        np.sqrt(0.5), rel=0.05
    )
    assert np.linalg.norm(slerp(a, b, half)) / np.sqrt(1000) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("b", [[2.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
def test_codes_that_no_one_sphere_joins_are_joined_by_a_line(b):
    a, b = np.array([1.0, 0.0]), np.array(b)
    np.testing.assert_allclose(slerp(a, b, T), straight(a, b, T), atol=1e-12)


# --- Traversals -----------------------------------------------------------------------------------------------------------


def test_the_most_active_dimension_comes_first_with_its_nats_and_its_range(context):
    walks = traversals(context, View())
    nats = context.divergence
    order = np.argsort(-nats)
    low, high = np.quantile(context.draws, (0.025, 0.975), axis=0)
    expected = [
        f"z{i + 1} {nats[i]:.2f}\N{NO-BREAK SPACE}nats\n{low[i]:.2f} to {high[i]:.2f}"
        for i in order
    ]
    assert walks.labels == [text.replace("-", "−") for text in expected]
    assert (
        "all dimensions, most active first, 2.5 to 97.5 % of the codes of bars rows; the rest at the mean code"
        in walks.title
    )
    z = walks.codes(T)
    for walk, dimension in enumerate(order):
        np.testing.assert_allclose(
            z[walk, :, dimension], low[dimension] + T * (high - low)[dimension], rtol=1e-5
        )
        others = np.delete(np.arange(3), dimension)
        np.testing.assert_allclose(
            z[walk][:, others], np.tile(context.codes.mean(0)[others], (7, 1)), rtol=1e-5
        )


def test_draws_are_those_of_the_aggregate_posterior(context):
    codes = use.encode(context.run, context.rows)
    noise = (context.draws - codes.mean) / codes.sigma
    assert abs(noise.mean()) < 0.35 and 0.8 < noise.std() < 1.2
    assert not np.allclose(context.draws, codes.mean)


def test_a_walk_shows_what_its_codes_decode_to(context):
    walks = traversals(context, View(indices=[5]))
    assert walks.title.endswith("the rest at the code of row 5")
    np.testing.assert_allclose(walks.images(context, T), raw(context, walks, T), atol=1e-6)
    z = walks.codes(T)
    first = int(np.argmax(context.divergence))
    own = use.encode(context.run, Examples(context.rows.x[5:6])).mean[0]
    np.testing.assert_allclose(np.delete(z[0, 0], first), np.delete(own, first), rtol=1e-5)
    assert len(draw_paths(context, walks).axes) == 3


def test_at_most_sixteen_dimensions_are_shown_and_the_title_says_so(tmp_path):
    run = train_small(tmp_path / "run", latent_dim=20)
    shown = PlotContext(run, lambda: find_examples(run, data=small_images())[0])
    walks = traversals(shown, View())
    assert len(walks.labels) == 16
    assert "the 16 most active of 20 dimensions" in walks.title
    named = [int(label.split()[0][1:]) - 1 for label in walks.labels]
    assert shown.divergence[named].min() >= np.delete(shown.divergence, named).max()


def test_a_plain_autoencoder_is_ordered_by_variance(tmp_path):
    options = {"posterior": "deterministic", "objective": "reconstruction-only", "latent_dim": 3}
    run = train_small(tmp_path / "run", **options)
    shown = PlotContext(run, lambda: find_examples(run, data=small_images())[0])
    walks = traversals(shown, View())
    variances = sorted(shown.codes.var(0), reverse=True)
    assert [label.split("\n")[0].split("\N{NO-BREAK SPACE}")[1] for label in walks.labels] == [
        f"{v:.2f}" for v in variances
    ]
    assert all("var." in label for label in walks.labels)


def test_one_dimension_is_walked_straight_only(tmp_path):
    run = train_small(tmp_path / "run", latent_dim=1)
    shown = PlotContext(run, lambda: find_examples(run, data=small_images())[0])
    assert len(traversals(shown, View()).labels) == 1
    assert interpolations(shown, View(indices=[0, 1])).labels == ["rows 0 → 1\nstraight"]


# --- Interpolations -------------------------------------------------------------------------------------------------------


def test_interpolations_end_at_the_codes_of_their_rows(context):
    chosen = [3, 18, 7]
    walks = interpolations(context, View(indices=chosen))
    assert walks.labels == [
        f"rows {pair}\n{name}"
        for pair in ("3 → 18", "18 → 7")
        for name in ("straight", "spherical")
    ]
    result = use.pick(context.run, context.rows, chosen)
    shown = walks.images(context, np.linspace(0, 1, 5))
    for pair in range(2):
        for walk in (2 * pair, 2 * pair + 1):
            np.testing.assert_allclose(shown[walk, 0], result.decoded[pair] / 255, atol=1e-5)
            np.testing.assert_allclose(shown[walk, -1], result.decoded[pair + 1] / 255, atol=1e-5)
        np.testing.assert_allclose(
            walks.ends[pair], result.originals[[pair, pair + 1]] / 255, atol=1e-6
        )
    middle = walks.codes(np.array([0.5]))
    np.testing.assert_allclose(middle[0, 0], result.codes.mean[:2].mean(0), rtol=1e-5, atol=1e-6)


def test_by_default_interpolations_go_between_classes(context):
    walks = interpolations(context, View())
    rows = [walks.indices[0][0], *(b for _, b in walks.indices)]
    assert len({int(context.rows.y[row]) for row in rows}) == len(rows) == 3


def test_a_conditional_run_goes_from_class_to_class_or_stays_in_one(conditional):
    rows = conditional.rows
    a, b = (int(np.flatnonzero(rows.y == label)[0]) for label in (0, 2))
    walks = interpolations(conditional, View(indices=[a, b]))
    weights = walks.classes(np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(weights[1], [[1, 0, 0], [0.75, 0, 0.25], [0, 0, 1]])
    result = use.pick(conditional.run, rows, [a, b])
    np.testing.assert_allclose(
        walks.images(conditional, np.array([0.0, 1.0]))[0], result.decoded / 255, atol=1e-5
    )
    fixed = interpolations(conditional, View(indices=[a, b], label="b"))
    assert (fixed.classes(T) == np.array([0, 1, 0])).all()


def test_a_conditional_traversal_is_of_one_class(conditional):
    rows = conditional.rows
    third = int(np.flatnonzero(rows.y == 2)[0])
    assert "class a" in traversals(conditional, View()).title
    assert "class b" in traversals(conditional, View(label="b")).title
    of_row = traversals(conditional, View(indices=[third]))
    assert "class c" in of_row.title and (of_row.classes(T) == np.array([0, 0, 1])).all()
    with pytest.raises(DataError, match="no class 'z'"):
        traversals(conditional, View(label="z"))


# --- Files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["traversals", "interpolations"])
def test_pictures_and_animations_are_written_by_suffix(small_run, tmp_path, name):
    (still,) = vaekit.plot(small_run, [name], out=tmp_path / "a.png")
    (moving,) = vaekit.plot(small_run, [name], out=tmp_path / "a.webp")
    with Image.open(still) as file:
        assert min(file.size) > 100
    with Image.open(moving) as file:
        assert file.n_frames == 2 * (FRAMES - 1)
        assert max(file.size) < 1000


def test_an_animation_begins_at_the_low_end_and_turns_at_the_high_one(
    context, monkeypatch, tmp_path
):
    from vaekit.run_plots.latent_paths import save_path_animation

    given = {}

    def keep(images, path, columns, *, captions, title):
        given.update(images=images, captions=captions)
        return path

    monkeypatch.setattr("vaekit.plots.save_animation", keep)
    walks = traversals(context, View())
    save_path_animation(tmp_path / "a.gif", context, walks)
    ends = walks.images(context, np.array([0.0, 1.0]))
    np.testing.assert_allclose(given["images"][[0, -1]], ends.swapaxes(0, 1), atol=1e-5)
    assert given["images"].shape[:2] == (FRAMES, 3)
    walks = interpolations(context, View(indices=[4, 9, 2]))
    save_path_animation(tmp_path / "a.gif", context, walks)
    assert given["captions"] == [
        "row 4",
        "straight",
        "spherical",
        "row 9",
        "row 9",
        "straight",
        "spherical",
        "row 2",
    ]
    images = given["images"]
    np.testing.assert_allclose(images[:, 0], np.broadcast_to(walks.ends[0, 0], images[:, 0].shape))
    np.testing.assert_allclose(images[:, 7], np.broadcast_to(walks.ends[1, 1], images[:, 7].shape))
    np.testing.assert_allclose(
        images[:, 6],
        walks.images(context, (1 - np.cos(np.linspace(0, np.pi, FRAMES))) / 2)[3],
        atol=1e-6,
    )


def test_training_draws_no_walks_of_its_own(small_run):
    assert not {"traversals", "interpolations"} & {
        path.stem for path in (small_run.path / "plots").iterdir()
    }


@pytest.mark.parametrize(
    ("names", "view", "message"),
    [
        (["grid"], {}, "grid does not move: .gif is for traversals and interpolations"),
        ([], {}, "one file for"),
        (
            ["traversals"],
            {"indices": [1, 2]},
            "traversals start from one row, 2 were given: write --index 1",
        ),
        (["traversals"], {"indices": [100]}, "index 100: allowed are 0 to 5"),
        (
            ["interpolations"],
            {"indices": [1]},
            "interpolations go between rows, 2 to 9 of them, not 1",
        ),
        (["interpolations"], {"indices": [0, 1] * 5}, "2 to 9 of them, not 10"),
    ],
)
def test_what_is_refused(small_run, tmp_path, names, view, message):
    with pytest.raises(ConfigError, match=message) as caught:
        vaekit.plot(small_run, names, out=tmp_path / "a.gif", **view)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["traversals", "interpolations"])
def test_discrete_codes_and_tables_have_no_walks(tmp_path, name):
    run = train_small(
        tmp_path / "discrete", posterior={"kind": "categorical", "classes": 4}, latent_dim=5
    )
    with pytest.raises(
        ConfigError, match=f"{name} needs a continuous latent, that of this run is discrete"
    ):
        vaekit.plot(run, [name])
    table = np.random.default_rng(0).normal(size=(60, 5))
    run = train_small(tmp_path / "table", data=table)
    with pytest.raises(ConfigError, match=f"{name} needs images"):
        vaekit.plot(run, [name], data=table)


@pytest.mark.parametrize("shape", [(3, 9, 13), (1, 20, 8)])
def test_colour_and_other_sizes(tmp_path, shape):
    data = small_images(shape=shape)
    run = train_small(tmp_path / "run", data=data, latent_dim=3)
    for name in ("traversals", "interpolations"):
        for suffix in (".png", ".gif"):
            assert (
                vaekit.plot(run, [name], data=data, out=tmp_path / f"{name}{suffix}")[0]
                .stat()
                .st_size
                > 1000
            )
    shown = PlotContext(run, lambda: data.train)
    with torch.no_grad():
        assert traversals(shown, View()).images(shown, T[:STEPS]).shape == (3, 7, *shape)


def test_maps_of_latents(tmp_path):
    settings = {"encoder": "conv-map", "decoder": "conv-map", "latent_dim": 2}
    options = {"training": {"epochs": 1, "device": "cpu"}, "console": QUIET}
    run = vaekit.train("conv", data=small_images(), out=tmp_path / "run", **options, **settings)
    shown = PlotContext(run, lambda: find_examples(run, data=small_images())[0])
    size = run.model.latent_shape.numel()
    assert size > 2
    walks = traversals(shown, View())
    assert walks.codes(T).shape == (min(size, 16), 7, size)
    assert interpolations(shown, View()).images(shown, T).shape[2:] == (1, 8, 8)
