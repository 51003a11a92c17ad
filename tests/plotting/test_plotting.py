"""Pictures: what is drawn is what was found, its numbers stand in a table, and nothing is trained for it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

import fastnn
from fastnn import plotting
from fastnn.data.holding import grid_of_inputs
from fastnn.plotting import canvas, tables
from fastnn.plotting.distributions import Counts, draw_dead_units, draw_histogram
from fastnn.plotting.surface_tables import GRID
from fastnn.sweeping.modes import modes

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET = fastnn.Network((2, 2, 1))


@pytest.fixture(scope="module")
def data():
    return fastnn.load_insurance(simulated=True)


@pytest.fixture(scope="module")
def grid(data):
    """A sweep with fitted, half-dead, dead and diverged networks in four cells."""
    return fastnn.sweep(
        NET, data.X, data.y, networks=60, epochs=8, learning_rate=[0.005, 40.0], rows=[30, 200], curves=True
    )


@pytest.fixture(scope="module")
def run(data):
    return fastnn.train(NET, data.X[:200], data.y[:200], [2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3], epochs=5)


@pytest.fixture
def ax():
    return Figure().subplots()


def texts(ax):
    """All that is written in a picture."""
    return [text.get_text() for text in ax.figure.findobj(Text)]


class TestLossCurves:
    def test_the_curve_drawn_is_the_loss_curve(self, run, ax):
        assert plotting.loss_curves(run, ax) is ax
        (line,) = ax.get_lines()
        assert np.array_equal(line.get_ydata(), run.loss_curve)
        assert np.array_equal(line.get_xdata(), [1, 2, 3, 4, 5])
        assert "epoch" in ax.get_xlabel()
        assert tables.loss_curves(run)["loss"].tolist() == run.loss_curve.tolist()

    def test_many_curves_and_their_validation_share_one_legend(self, data, ax):
        starts = fastnn.normal().draw(NET, range(3), 0)
        validation = (data.X[:9], data.y[:9])
        many = fastnn.train(
            NET, data.X, data.y, starts, epochs=2, learning_rate=[0.1, 0.2, 0.3], validation=validation
        )
        plotting.loss_curves(many, ax)
        assert len(ax.get_lines()) == 6
        named = [text.get_text() for text in ax.get_legend().get_texts()]
        assert named == ["0.1", "0.2", "0.3", "validation"]
        assert ax.get_legend().get_title().get_text() == "learning rate"
        assert ax.get_title() == "2-2-1, learning rates 0.1 to 0.3"
        table = tables.loss_curves(many)
        assert table[table["network"] == 2]["validation_loss"].tolist() == many.validation_curve[2].tolist()


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


class TestLossCurvesOfSeveral:
    @pytest.fixture
    def runs(self, data):
        return [
            fastnn.train(NET, data.X, data.y, learning_rate=rate, epochs=4) for rate in (0.001, 0.01, 0.1)
        ]

    def test_a_list_has_a_colour_and_a_label_for_each(self, runs, ax):
        plotting.loss_curves(runs, ax)
        lines = ax.get_lines()
        assert [line.get_ydata().tolist() for line in lines] == [run.loss_curve.tolist() for run in runs]
        assert len({to_hex(line.get_color()) for line in lines}) == 3
        assert legend_of(ax) == ["0.001", "0.01", "0.1"]
        assert ax.get_title() == "2-2-1, learning rates 0.001 to 0.1"
        table = tables.loss_curves(runs)
        assert table["curve"].unique().tolist() == [f"learning rate {rate}" for rate in (0.001, 0.01, 0.1)]
        assert table["loss"].tolist() == np.concatenate([run.loss_curve for run in runs]).tolist()

    def test_a_mapping_gives_the_names(self, runs, ax):
        plotting.loss_curves({"slow": runs[0], "_fast": runs[2]}, ax)
        assert [text.removeprefix("\u200b") for text in legend_of(ax)] == ["slow", "_fast"]

    def test_what_differs_is_told_and_else_the_number(self, data, ax):
        starts = fastnn.normal().draw(NET, range(3), 0)
        wide = fastnn.train(fastnn.Network((2, 3, 1)), data.X, data.y, epochs=2)
        alike = fastnn.train(NET, data.X, data.y, starts[:2], epochs=2)
        assert tables.loss_curves([wide, alike])["curve"].unique().tolist() == [
            "2-3-1, network 0",
            *("2-2-1, network 0", "2-2-1, network 1"),
        ]
        again = fastnn.train(NET, data.X, data.y, starts[2:], epochs=2)
        assert tables.loss_curves(iter([alike, again]))["network"].unique().tolist() == [0, 1]
        assert tables.loss_curves([alike, again])["curve"].nunique() == 3
        rates = fastnn.train(NET, data.X, data.y, starts, epochs=2, learning_rate=[0.1234567, 0.1234568, 0.1])
        assert tables.loss_curves(rates)["curve"].nunique() == 3

    def test_a_part_of_a_sweep_tells_its_numbers_and_epochs(self, grid, data, ax):
        part = grid.part([7, 9])
        plotting.loss_curves(part, ax)
        assert legend_of(ax) == ["network 7", "network 9"]
        assert np.array_equal(ax.get_lines()[1].get_ydata(), part.curves[1])
        replayed = grid.replay([7, 9])
        assert tables.loss_curves(replayed)["curve"].unique().tolist() == ["network 7", "network 9"]

    def test_losses_of_some_epochs_stand_at_these(self, data, tmp_path, ax):
        kept = fastnn.sweep(NET, data.X, data.y, networks=2, epochs=6, store=tmp_path / "s", curves=3)
        plotting.loss_curves(kept, ax)
        assert ax.get_lines()[0].get_xdata().tolist() == [3, 6]
        assert tables.fan(kept)["epoch"].tolist() == [3, 6]

    def test_many_are_in_order_of_colour_and_ten_are_named(self, data, ax):
        many = fastnn.train(NET, data.X[:9], data.y[:9], fastnn.normal().draw(NET, range(40), 0), epochs=2)
        plotting.loss_curves(many, ax)
        assert len({to_hex(line.get_color()) for line in ax.get_lines()}) == 40
        assert legend_of(ax)[:2] == ["network 0", "network 4"]
        assert len(legend_of(ax)) == 10
        assert ax.get_legend().get_title().get_text() == "(10 of 40)"

    @pytest.mark.parametrize(("first", "scale"), [(99.0, "linear"), (101.0, "log")])
    def test_more_than_two_decades_are_logarithmic_and_said_to_be(self, run, ax, first, scale):
        long = replace(run, loss_curve=np.geomspace(first, 1.0, run.epochs))
        plotting.loss_curves(long, ax)
        assert ax.get_yscale() == scale
        assert ("logarithmic" in ax.get_ylabel()) == (scale == "log")

    def test_a_loss_of_0_has_no_logarithm(self, run, ax):
        plotting.loss_curves(replace(run, loss_curve=np.array([1e3, 1, 1, 1, 0])), ax)
        assert ax.get_yscale() == "linear"

    def test_one_that_diverged_ends_with_a_mark(self, run, ax):
        curve = np.array([1.0, 1e100, 1e300, np.nan, np.nan])
        lost = replace(run, loss_curve=curve, diverged=4)
        plotting.loss_curves([run, lost], ax)
        assert legend_of(ax)[1].endswith(", diverged in epoch 4")
        (mark,) = [line for line in ax.get_lines() if line.get_marker() == "X"]
        assert mark.get_xdata().tolist() == [3]
        assert mark.get_ydata()[0] == ax.get_ylim()[1] < 1e3  # the other one can still be seen
        ax.figure.draw_without_rendering()

    def test_one_that_diverged_at_once_has_a_mark_as_well(self, run, ax):
        lost = replace(run, loss_curve=np.full(5, np.nan), diverged=1)
        plotting.loss_curves(lost, ax)
        assert [line.get_xdata().tolist() for line in ax.get_lines() if line.get_marker() == "X"] == [[1]]
        ax.figure.draw_without_rendering()

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ([], r"draws 1 to 500 curves; got 0\."),
            ([[1.0, 2.0]], r"needs a Training, several of them, a mapping .*; got \[1\.0, 2\.0\]\. Give"),
            (3, "needs a Training, several of them, a mapping .*; got 3"),
        ],
    )
    def test_refuses(self, given, message):
        with pytest.raises(fastnn.InputError, match=message):
            plotting.loss_curves(given)

    def test_refuses_a_sweep_without_curves_and_too_many(self, data):
        bare = fastnn.sweep(NET, data.X[:9], data.y[:9], networks=2, epochs=1)
        with pytest.raises(fastnn.InputError, match=r"needs loss curves; got a Sweep that kept none"):
            plotting.loss_curves(bare)
        many = fastnn.sweep(NET, data.X[:9], data.y[:9], networks=501, epochs=1, curves=True)
        with pytest.raises(fastnn.InputError, match=r"draws 1 to 500 curves; got 501\. Choose some"):
            plotting.loss_curves(many)


class TestFan:
    def test_the_quantiles_are_members_of_the_fan(self):
        curves = np.arange(100.0)[:, None] + [0, 1000]
        table = tables.fan(np.random.default_rng(1).permutation(curves))
        assert table["epoch"].tolist() == [1, 2]
        assert table.loc[0, list(tables.QUANTILE_NAMES)].tolist() == [4, 24, 49, 74, 94]

    def test_a_diverged_network_counts_as_the_largest(self):
        curves = np.array([[1.0], [2.0], [np.nan], [np.nan], [np.nan]])
        quantiles = tables.fan(curves).loc[0, list(tables.QUANTILE_NAMES)]
        assert quantiles.tolist() == [1, 2, np.inf, np.inf, np.inf]

    def test_one_fan_for_each_cell_of_a_sweep(self, grid, ax):
        assert plotting.fan(grid, ax) is ax
        assert [line.get_label() for line in ax.get_lines()] == [
            *("learning rate 0.005, 30 rows", "learning rate 0.005, 200 rows"),
            *("learning rate 40, 30 rows", "learning rate 40, 200 rows"),
        ]
        table = tables.fan(grid)
        first = ax.get_lines()[0]
        assert np.array_equal(first.get_ydata(), table["50 %"][:8])
        assert table["50 %"][7] == np.sort(grid.curves[:60, 7])[29]

    def test_strokes_and_colours_differ(self, ax):
        plotting.fan({"a": np.ones((3, 2)), "b": np.ones((3, 2))}, ax)
        one, two = ax.get_lines()
        assert one.get_linestyle() != two.get_linestyle()
        assert one.get_color() != two.get_color()

    def test_all_diverged(self, ax):
        plotting.fan(np.full((3, 2), np.nan), ax)
        assert np.isnan(ax.get_lines()[0].get_ydata()).all()

    @pytest.mark.parametrize(
        ("curves", "message"),
        [
            (np.ones(3), r"curves must be arrays \(M, E\), a line for each network; got shape \(3,\). Give"),
            (np.ones((0, 3)), r"got shape \(0, 3\)"),
            ({}, r"curves must name at least one fan; got {}. Give arrays"),
        ],
    )
    def test_refuses(self, curves, message):
        with pytest.raises(fastnn.InputError, match=message):
            plotting.fan(curves)

    def test_refuses_a_sweep_without_curves(self, data):
        sweep = fastnn.sweep(NET, data.X[:9], data.y[:9], networks=2, epochs=1)
        with pytest.raises(
            fastnn.InputError, match=r"needs loss curves; got a Sweep that kept none\. Sweep with"
        ):
            plotting.fan(sweep)


class TestSweepHistogram:
    def test_counts_the_networks_by_their_mode(self, data, ax):
        sweep = fastnn.sweep(NET, data.X, data.y, networks=200, epochs=2)
        assert plotting.sweep_histogram(sweep, ax) is ax
        table = tables.sweep_histogram(sweep)
        low, high = np.quantile(sweep.loss, tables.SHOWN)
        shown = (sweep.loss >= low) & (sweep.loss <= high)
        ended = np.asarray(modes(sweep))
        for name in ("fitted", "one unit dead", "both units dead"):
            assert table[name].sum() == (shown & (ended == name)).sum() > 0
        drawn = [patch.get_data() for patch in ax.patches]
        assert ax.get_legend_handles_labels()[1] == list(table.columns[2:])
        assert np.array_equal(drawn[-1].values, table.iloc[:, 2:].sum(axis=1))
        assert np.array_equal(drawn[0].edges[:-1], table["from"])
        assert f"{(~shown).sum()} larger" in ax.get_title()

    def test_diverged_networks_are_counted_in_the_title(self, grid, ax):
        plotting.sweep_histogram(grid, ax)
        count = (grid.status == "diverged").sum()
        assert count > 0
        assert f"{count} diverged" in ax.get_title()

    def test_a_sweep_in_which_all_diverged_has_an_empty_picture(self, data, ax):
        sweep = fastnn.sweep(NET, data.X, data.y, networks=5, epochs=2, learning_rate=1e9)
        plotting.sweep_histogram(sweep, ax)
        assert not ax.patches
        assert "5 diverged" in ax.get_title()
        assert len(tables.sweep_histogram(sweep)) == 0

    def test_equal_losses_can_be_drawn(self, data, ax):
        sweep = fastnn.sweep(NET, data.X, data.y, networks=5, epochs=2, start=fastnn.constant(1))
        plotting.sweep_histogram(sweep, ax)
        (stairs,) = ax.patches
        counts, _, _ = stairs.get_data()
        assert counts.sum() == 5


class TestDeadUnits:
    def test_shares_of_each_cell(self, grid, ax):
        assert plotting.dead_units(grid, ax) is ax
        table = tables.dead_units(grid)
        assert table["networks"].tolist() == [60] * 4
        assert (table.iloc[:, 3:].sum(axis=1) == 60).all()
        assert table["diverged"].tolist() == grid.summary()["diverged"].tolist()
        widths = np.array([[bar.get_width() for bar in bars] for bars in ax.containers])
        names = [bars.get_label() for bars in ax.containers]
        np.testing.assert_allclose(widths, 100 / 60 * table[names].T)
        assert "%" in ax.get_xlabel()

    def test_written_shares_are_readable_on_their_bars(self, grid, ax):
        plotting.dead_units(grid, ax)
        assert any(text.get_text() for text in ax.texts)
        assert {text.get_color() for text in ax.texts} == {canvas.DARK, canvas.BRIGHT}

    def test_shares_are_written_where_they_fit(self, ax, monkeypatch):
        table = pd.DataFrame(
            {"rows": [30], "networks": 100, "fitted": 90, "one unit dead": 10, "diverged": 0}
        )
        drawn = []
        monkeypatch.setattr("matplotlib.text.Text.draw", lambda self, _: drawn.append(self.get_text()))
        draw_dead_units(ax, table)
        ax.figure.draw_without_rendering()
        assert {"90 %", "10 %"} <= {*drawn}
        drawn.clear()
        ax.set_position([0.1, 0.1, 0.15, 0.8])  # as names at the axis leave it
        ax.figure.draw_without_rendering()
        assert "90 %" in drawn
        assert "10 %" not in drawn


class TestScores:
    @pytest.fixture
    def scores(self):
        rows = np.repeat([30, 100], 100)
        return pd.DataFrame({"rows": rows, "r2": np.tile(np.arange(100.0), 2) / 100, "mape": 1.25})

    def test_quantiles_for_each_number_of_rows(self, scores, ax):
        assert plotting.scores_against_rows(scores, "mape", ax) is ax
        (line,) = ax.get_lines()
        assert line.get_xdata().tolist() == [30, 100]
        assert line.get_ydata().tolist() == [125, 125]
        assert ax.get_ylabel() == "MAPE (%)"

    def test_the_worse_end_of_r2_is_the_lower_one(self, scores):
        scores.loc[:9, "r2"] = np.nan  # ten of a hundred diverged
        table = tables.scores_against_rows(scores, "r2")
        assert table.loc[0, "5 %"] == -np.inf
        assert table.loc[0, "50 %"] == 0.5
        assert table.loc[1, "5 %"] == 0.05

    def test_learning_rates_have_lines_of_their_own(self, grid, data, ax):
        scores = grid.frame().merge(grid.score(data)[["network", "r2", "mape"]])
        plotting.scores_against_rows(scores, "r2", ax)
        assert [text.get_text() for text in ax.get_legend().get_texts()] == [
            "learning rate 0.005",
            "learning rate 40",
        ]

    def test_very_different_medians_get_a_logarithmic_scale(self, scores, ax):
        scores.loc[scores["rows"] == 100, "mape"] = 1e5
        plotting.scores_against_rows(scores, "mape", ax)
        assert ax.get_yscale() == "log"
        scores.loc[scores["rows"] == 100, "r2"] = -1e5
        plotting.scores_against_rows(scores, "r2", ax)
        assert ax.get_yscale() == "symlog"

    def test_refuses_another_metric(self, scores):
        with pytest.raises(
            fastnn.InputError,
            match="metric must be one of 'mse', 'r2', 'mape', 'accuracy', 'log_loss', 'f1'; got 'loss'",
        ):
            plotting.scores_against_rows(scores, "loss")


def test_intervals_stand_below_one_another_with_their_claims(ax):
    table = pd.DataFrame(
        {"label": ["one", "two"], "5 %": 1.0, "25 %": 2.0, "50 %": 3.0, "75 %": 4.0, "95 %": 5.0}
    )
    table["claim"] = [4.5, np.nan]
    assert plotting.intervals(table, "loss", ax) is ax
    medians, claims = ax.get_lines()
    assert medians.get_xdata().tolist() == [3, 3]
    assert claims.get_xdata()[0] == 4.5
    assert [text.get_text() for text in ax.get_yticklabels()] == ["one", "two"]
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "loss"


class TestSurface:
    def test_in_the_units_of_the_data(self, run, data, ax):
        assert plotting.surface(run, data, ax=ax) is ax
        table = tables.surface(run, data)
        rows = table[table["kind"] == "data"]
        assert rows["charges"].tolist() == data.target_values[:200].tolist()
        np.testing.assert_allclose(rows["age"], data.X_scaling.invert(data.X)[:200, 0])
        fitted = table[table["kind"] == "fitted"]
        corner = fitted.iloc[0]
        point = (corner[["age", "bmi"]].to_numpy(float) - data.X_scaling.minimum) / data.X_scaling.range
        assert corner["charges"] == pytest.approx(float(data.in_target_unit(run.predict(point[None]))[0]))
        assert len(fitted) == GRID**2
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "bmi")
        assert "network's charges" in texts(ax)

    def test_the_map_is_coloured_by_the_answers_and_dots_by_residuals(self, run, data, ax):
        plotting.surface(run, data, ax=ax)
        (image,) = ax.images
        table = tables.surface(run, data)
        fitted = table[table["kind"] == "fitted"]["charges"].to_numpy()
        assert np.array_equal(image.get_array(), fitted.reshape(GRID, GRID).T)
        assert image.get_clim() == (fitted.min(), fitted.max())
        residuals = data.target_values[:200] - data.in_target_unit(run.predict(data.X[:200]))
        rows = table[table["kind"] == "data"]
        assert rows["residual"].tolist() == residuals.tolist()
        dots = ax.collections[-1]
        low, high = dots.get_clim()
        assert -low == high == np.sort(np.abs(residuals))[-4]  # 98 % of 200
        assert np.array_equal(dots.get_array(), np.clip(residuals, low, high))
        colours = dots.to_rgba(np.array([low, 0.0, high]))
        expected = [to_rgb(colour) for colour in (canvas.BLUE, canvas.BRIGHT, canvas.VERMILION)]
        np.testing.assert_allclose(colours[:, :3], expected, atol=0.01)
        assert "rows: target less answer" in texts(ax)

    def test_categories_are_named(self, ax):
        frame = pd.DataFrame(
            {
                "smoker": ["no", "yes", "yes", "no"] * 3,
                "city": ["Graz", "Linz", "Wien", "Linz"] * 3,
                "size": pd.Categorical(["S", "M", "L", "S"] * 3, ["S", "M", "L"], ordered=True),
                "sold": ["early", "late", "late", "early"] * 3,
            }
        )
        data = fastnn.Dataset.from_frame(frame, ["smoker", "city", "size"], "sold")
        run = fastnn.train(fastnn.Network((5, 2, 1), output="sigmoid"), data, epochs=2, engine="batched")
        plotting.surface(run, data, ax=ax, inputs=(0, 4), output=0)
        assert (ax.get_xticks().tolist(), ax.get_yticks().tolist()) == ([0, 1], [0, 1, 2])
        assert [text.get_text() for text in ax.get_xticklabels()] == ["no", "yes"]
        assert [text.get_text() for text in ax.get_yticklabels()] == ["S", "M", "L"]
        bar = ax.figure.axes[1]
        assert [text.get_text() for text in bar.get_yticklabels()] == ["other", "late"]
        assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == (
            "smoker",
            "size",
            "network's sold=late",
        )
        assert ax.get_title() == "5-2-1\nheld: city = Linz"
        plotting.surface(run, data, ax=ax, inputs=(2, 4), output=0)
        assert ax.get_xlabel() == "city=Linz"
        assert [text.get_text() for text in ax.get_xticklabels()] == ["other", "Linz"]
        assert ax.get_title() == "5-2-1\nheld: smoker = no"
        numbers = tables.surface(run, data)  # of city, size and smoker: not two cities
        assert numbers.columns.tolist() == ["kind", "smoker", "size", "sold", "predicted", "early", "late"]

    def test_further_categories_are_held_at_one_that_occurs(self):
        frame = pd.DataFrame(
            {
                "age": [1, 2, 3, 4, 5, 6],
                "city": ["Graz", "Graz", "Linz", "Linz", "Linz", "Wien"],
                "smoker": ["no", "yes", "yes", "no", "yes", "yes"],
                "y": [1.0, 2, 3, 4, 5, 6],
            }
        )
        data = fastnn.Dataset.from_frame(frame, ["age", "city", "smoker"], "y")
        points = np.array([[0.0, 0.5], [1, 1]])
        of_numbers = grid_of_inputs(data, data.X, points[:, :1], (0,))
        assert of_numbers.tolist() == [[0, 0, 1, 0, 1], [1, 0, 1, 0, 1]]
        of_one_city = grid_of_inputs(data, data.X, points[:, :1], (2,))
        assert of_one_city.tolist() == [[0.5, 1, 0, 0, 1], [0.5, 0, 1, 0, 1]]
        of_two_cities = grid_of_inputs(data, data.X, points, (1, 2))
        assert of_two_cities.tolist() == [[0.5, 0, 0.5, 0.5, 1], [0.5, 1, 1, 0, 1]]

    def test_of_arrays(self, run, data, ax):
        plotting.surface(run, data.X, data.y, ax=ax)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x1", "x2")

    def test_one_input_is_a_line(self, data, ax):
        line = fastnn.train(fastnn.Network((1, 2, 1)), data.X[:50, 0], data.y[:50], epochs=2)
        plotting.surface(line, data.X[:50, :1], data.y[:50], ax=ax)
        dots, curve = ax.get_lines()
        assert len(dots.get_xdata()) == 50
        assert np.array_equal(curve.get_ydata(), line.predict(curve.get_xdata()[:, None]))

    def test_other_inputs_are_held_at_the_median_and_outputs_chosen(self, data, ax):
        X = np.column_stack([data.X, data.X[::-1]])[:99]
        Y = np.column_stack([data.y, data.y[::-1]])[:99]
        both = fastnn.train(fastnn.Network((4, 3, 2)), X, Y, epochs=2)
        table = tables.surface(both, X, Y, inputs=(3, 1), output=1)
        assert table.columns.tolist() == ["kind", "x4", "x2", "y2", "residual"]
        corner = np.median(X, axis=0)
        corner[[3, 1]] = X[:, 3].min(), X[:, 1].min()
        assert table["y2"][0] == both.predict(corner[None])[0, 1]
        plotting.surface(both, X, Y, ax=ax, inputs=(3, 1), output=1)
        held = [
            f"{name} = {value:.4g}"
            for name, value in zip(("x1", "x3"), np.median(X, axis=0)[[0, 2]], strict=True)
        ]
        assert table.attrs["held"] == held
        assert ax.get_title() == f"4-3-2\nheld: {', '.join(held)}"

    def test_a_diverged_network_has_dots_only(self, data, ax):
        lost = fastnn.train(NET, data.X, data.y, learning_rate=1e9, epochs=2)
        plotting.surface(lost, data, ax=ax)
        assert not ax.images
        (dots,) = [line for line in ax.get_lines() if len(line.get_xdata())]
        assert len(dots.get_xdata()) == data.rows

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"inputs": (0, 2)}, "each of inputs must be a whole number from 0 to 1; got 2"),
            ({"output": 1}, "output must be a whole number from 0 to 0; got 1"),
            ({"y": None}, "X must come with y, or be a Dataset; got X alone. Give"),
        ],
    )
    def test_refuses(self, run, data, change, message):
        with pytest.raises(fastnn.InputError, match=message):
            plotting.surface(run, **{"X": data.X, "y": data.y, **change})

    def test_refuses_several_networks(self, data):
        many = fastnn.train(NET, data.X[:9], data.y[:9], np.ones((2, 9)), epochs=1)
        for draw in (lambda: plotting.surface(many, data), lambda: plotting.network(many)):
            with pytest.raises(fastnn.InputError, match=r"draws one network; got 2. Train, or replay, one"):
                draw()


class TestNetwork:
    def test_weights_and_biases_are_written(self, run, ax):
        assert plotting.network(run, ax, when="before") is ax
        written = set(texts(ax))
        assert {"w1 2", "w4 −2", "w6 3.5", "b1 −3", "b3 3", "x1", "h2", "ŷ"} <= written
        assert ax.get_title() == "before training"
        plotting.network(run, ax)
        assert f"w1 {run.parameters[0]:.3g}".replace("-", "−") in texts(ax)
        assert ax.get_title() == "after 5 epochs"

    def test_widths_are_magnitudes_on_one_scale_and_signs_are_strokes(self, run, ax):
        plotting.network(run, ax, when="before")
        lines = {lines.get_label(): lines for lines in ax.collections if hasattr(lines, "get_segments")}
        largest = np.abs([run.start, run.parameters]).max()
        expected = 0.4 + 3.6 * np.array([2, 2.5, 3, 3.5]) / largest
        np.testing.assert_allclose(lines["positive"].get_linewidths(), expected)
        assert len(lines["negative"].get_segments()) == 2
        assert lines["negative"].get_linestyle() != lines["positive"].get_linestyle()

    def test_dead_units_are_marked(self, data, ax):
        dead = fastnn.train(NET, data.X, data.y, [1, 1, -1, -1, 1, 1, 1, -1, 0], epochs=1)
        plotting.network(dead, ax, when="before", X=data)
        (discs,) = [some for some in ax.collections if some.get_offsets().tolist()[:1] == [[1, 1]]]
        faces = [to_hex(face) for face in discs.get_facecolor()]
        assert faces == [canvas.PAPER, canvas.GREY]
        assert "dead unit" in texts(ax)
        assert {"age", "bmi", "charges"} <= set(texts(ax))

    def test_without_data_no_unit_is_called_dead(self, data, ax):
        dead = fastnn.train(NET, data.X, data.y, -np.ones(9), epochs=1)
        plotting.network(dead, ax)
        assert "dead unit" not in texts(ax)

    def test_a_diverged_network(self, data, ax):
        lost = fastnn.train(NET, data.X, data.y, learning_rate=1e9, epochs=2)
        plotting.network(lost, ax, X=data)
        assert "diverged in epoch" in ax.get_title()
        assert "w1 nan" in texts(ax)

    def test_larger_networks_are_lines_without_numbers(self, data, ax):
        wide = fastnn.train(fastnn.Network((2, 16, 8, 1)), data.X[:50], data.y[:50], epochs=1)
        plotting.network(wide, ax, X=data)
        assert not any(text.startswith("w1 ") for text in texts(ax))

    def test_without_hidden_layer(self, data, ax):
        linear = fastnn.train(fastnn.Network((2, 1)), data.X[:50], data.y[:50], epochs=1)
        plotting.network(linear, ax, X=data)
        assert "b1 " in " ".join(texts(ax))

    def test_refuses_what_is_too_large_to_draw(self, data):
        huge = fastnn.train(fastnn.Network((2, 400, 1)), data.X[:5], data.y[:5], epochs=1)
        with pytest.raises(
            fastnn.InputError, match=r"at most 1000 weights; got Network.*which has 1200. Look"
        ):
            plotting.network(huge)

    def test_refuses_another_time(self, run):
        with pytest.raises(
            fastnn.InputError, match=r"when must be one of 'before', 'after'; got 'during'\. Choose"
        ):
            plotting.network(run, when="during")

    def test_the_table_names_every_parameter_and_where_it_is(self, run):
        table = tables.network(run).set_index("parameter")
        assert table.index.tolist() == list(NET.parameter_names)
        assert table.loc["w4", ["layer", "unit", "input"]].tolist() == [1, 2, 2]
        assert table.loc["b3", ["layer", "unit", "input"]].tolist() == [2, 1, 0]
        assert table["before"].tolist() == run.start.tolist()
        assert table["after"].tolist() == run.parameters.tolist()


class TestAllOfThem:
    @pytest.fixture
    def pictures(self, grid, run, data):
        scores = grid.frame().merge(grid.score(data)[["network", "r2", "mape"]])
        summary = grid.summary().assign(label="a cell")
        return [
            lambda **where: plotting.loss_curves(run, **where),
            lambda **where: plotting.fan(grid, **where),
            lambda **where: plotting.sweep_histogram(grid, **where),
            lambda **where: plotting.dead_units(grid, **where),
            lambda **where: plotting.scores_against_rows(scores, "r2", **where),
            lambda **where: plotting.intervals(summary, "loss", **where),
            lambda **where: plotting.surface(run, data, **where),
            lambda **where: plotting.network(run, **where),
        ]

    def test_none_trains(self, pictures, monkeypatch):
        def trained(*_, **__):
            raise AssertionError("a picture trained a network")

        for training in ("training.train.run_kept", "sweeping.design.run"):
            monkeypatch.setattr(f"fastnn.{training}", trained)
        for draw in pictures:
            draw(ax=Figure().subplots())
        with pytest.raises(AssertionError, match="a picture trained"):
            fastnn.train(NET, [[0.0, 1.0]], [0.0])

    def test_without_ax_there_is_a_new_figure(self, pictures):
        from matplotlib import pyplot

        for draw in pictures:
            before = set(pyplot.get_fignums())
            draw()
            assert len(set(pyplot.get_fignums()) - before) == 1
            pyplot.close("all")

    def test_without_matplotlib_it_says_what_to_install(self, pictures, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
        for draw in pictures:
            with pytest.raises(
                fastnn.InputError, match=r'not installed. Run: pip install "fastnn-sweep\[plot\]"'
            ):
                draw()


class TestColours:
    """Of Okabe and Ito; contrast as WCAG 2.2 counts it, which asks for 3 of graphics."""

    @staticmethod
    def brightness(colour):
        channels = np.array(to_rgb(colour))
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    def contrast(self, one, other):
        dark, bright = sorted([self.brightness(one), self.brightness(other)])
        return (bright + 0.05) / (dark + 0.05)

    def test_contrast_is_counted_rightly(self):
        assert self.contrast("#000000", "#ffffff") == pytest.approx(21)
        assert self.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)

    @pytest.mark.parametrize("colour", [canvas.BLUE, canvas.VERMILION, canvas.GREEN])
    @pytest.mark.parametrize("ground", ["#ffffff", "#16181c"])
    def test_lines_show_on_both_grounds(self, colour, ground):
        assert self.contrast(colour, ground) >= 3

    def test_numbers_on_bars_can_be_read(self):
        assert self.contrast(canvas.BLUE, canvas.BRIGHT) >= 4.5
        for bar in (canvas.ORANGE, canvas.VERMILION, canvas.GREEN, canvas.GREY):
            assert self.contrast(bar, canvas.DARK) >= 4.5


def test_a_figure_is_kept_in_the_kind_its_name_says(tmp_path):
    figure, _ = plotting.new_figure()
    plotting.save(figure, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    with pytest.raises(fastnn.InputError, match=r"must end in one of .*; got 'a.docx'. Use .png or .svg"):
        plotting.save(figure, tmp_path / "a.docx")


@pytest.mark.parametrize(
    ("first", "last"), [(0.0866, 0.1068), (0.0784, 0.0981), (0.08095, 0.08355), (1e-7, 3e-6)]
)
def test_the_numbers_under_a_histogram_lie_side_by_side(first, last):
    edges = np.linspace(first, last, 41)
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "fitted": np.ones(40)})
    figure, ax = plotting.new_figure()
    draw_histogram(ax, table, Counts("2-2-1", 40, 0), "last epoch's loss")
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
    boxes = [box for box in boxes if ax.bbox.x0 <= (box.x0 + box.x1) / 2 <= ax.bbox.x1]
    assert len(boxes) >= 3
    assert all(right.x0 - left.x1 > 0.5 * left.height for left, right in pairwise(boxes))


class TestSave:
    def test_a_text_names_a_file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        plotting.save(Figure(), "x.png")
        assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize("path", ["none/x.png", "x.nonsense", "", None, 3, b"x.png\0"])
    def test_what_cannot_be_written_is_refused(self, tmp_path, monkeypatch, path):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(fastnn.InputError):
            plotting.save(Figure(), path)
        assert list(tmp_path.iterdir()) == []
