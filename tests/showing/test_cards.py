"""What a Training, a Sweep and a Dataset show of themselves in a notebook."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn.showing import cards as showing
from fastnn.training import card

NET = fastnn.Network((2, 2, 1))
DEAD = [-1, -1, -1, -1, 1, 1, -5, -5, 0.3]
QUICK = {"epochs": 3, "progress": False}


@pytest.fixture(scope="module")
def data():
    """The stand-in."""
    return fastnn.load_insurance(simulated=True)


class Read(HTMLParser):
    """The texts of a card, its elements, and whether each that is opened is closed."""

    def __init__(self, thing):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(thing._repr_html_())
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)

    def after(self, name):
        """What stands beside a name."""
        return self.texts[self.texts.index(name) + 1] if name in self.texts else None


class TestTraining:
    def test_of_one_network(self, data):
        run = fastnn.train(NET, data.X, data.y, epochs=30)
        shown = Read(run)
        assert shown.after("ended") == "ok"
        assert shown.after("loss") == f"{run.loss:.6g}"
        assert shown.after("R²") == f"{run.score(data)['r2']:.4f} on the rows trained on"
        assert shown.after("dead units") == f"{run.quiet.units[0]} of 2 hidden ReLU units"
        assert shown.after("w1") == f"{run.start[0]:.6g}"
        assert {"polyline", "details"} <= set(shown.tags)
        assert "but" not in shown.texts

    def test_of_a_dead_one_and_of_one_that_diverged(self, data):
        dead = fastnn.train(NET, data.X, data.y, DEAD, epochs=2)
        assert Read(dead).after("but") == dead.notes[0]
        assert Read(dead).after("dead units") == "2 of 2 hidden ReLU units"
        gone = Read(fastnn.train(NET, data.X, data.y, learning_rate=1e200, epochs=3))
        assert gone.after("ended") == "diverged in epoch 1"
        assert not {"loss", "R²", "dead units"} & set(gone.texts)

    def test_a_loaded_one_shows_what_is_known(self, data, tmp_path):
        fastnn.train(NET, data.X, data.y, epochs=3).save(tmp_path / "m.npz")
        shown = Read(fastnn.Training.load(tmp_path / "m.npz"))
        assert shown.after("ended") == "ok"
        assert not {"R²", "dead units"} & set(shown.texts)

    def test_of_many_networks_is_small(self, data):
        starts = fastnn.normal(0, 1.5).draw(NET, range(3000), 0)
        run = fastnn.train(NET, data.X[:20], data.y[:20], starts, epochs=2)
        shown = Read(run)
        assert shown.after("ended") == run.fate
        assert f"best {run.loss.min():.6g} (place {run.loss.argmin()})" in shown.after("loss")
        assert shown.tags.count("rect") == showing.BARS
        assert len(run._repr_html_()) < 10_000

    def test_several_of_a_sweep_name_the_best_by_its_number(self, data):
        found = fastnn.sweep(NET, data.X, data.y, networks=9, epochs=3, seed=3)
        run = found.replay([4, 7, 2])
        best = run.number[run.loss.argmin()]
        assert f"(network {best})" in Read(run).after("loss")

    def test_of_a_wide_network_is_small(self):
        wide = fastnn.Network((2, 2000, 1))
        shown = Read(fastnn.train(wide, [[0.0, 1.0]], [1.0], fastnn.he(), epochs=1, engine="batched"))
        assert "and 7 901 more" in shown.texts


class TestSweep:
    def test_draws_the_losses_that_rank(self, data):
        found = fastnn.sweep(NET, data.X, data.y, networks=50, rows=[30, 200], **QUICK)
        losses = found.frame(["loss_all_rows"])["loss_all_rows"]
        caption = next(text for text in Read(found).texts if text.startswith("loss over all rows"))
        assert f": {losses.min():.6g} .. {losses.quantile(0.95):.6g}" in caption

    def test_shows_its_summary_and_a_histogram(self, data):
        found = fastnn.sweep(NET, data.X, data.y, networks=50, learning_rate=[0.005, 1e200], **QUICK)
        shown = Read(found)
        assert shown.after("ended") == "50 ok, 50 diverged"
        assert shown.after("but") == found.notes[0]
        assert shown.tags.count("rect") == showing.BARS
        counts = found.dead_unit_counts()
        assert f"none in {counts[0]}" in shown.after("dead units")
        assert f"{found.summary()['50 %'][0]:.6g}" in shown.texts

    def test_of_many_cells_is_small(self, data):
        rates = np.geomspace(1e-3, 1e-1, 40)
        found = fastnn.sweep(NET, data.X[:9], data.y[:9], networks=2, learning_rate=rates, **QUICK)
        assert "and 32 further cells: sweep.summary()" in Read(found).texts

    def test_what_a_cell_has_not_is_a_dash(self, data):
        options = {"optimizer": "irprop-", "clip": [None, 1.0], "rows": 30, "engine": "batched"}
        texts = Read(fastnn.sweep(NET, data, networks=2, **options, **QUICK)).texts
        assert texts.count("–") == 3  # no clipping, and twice no learning rate
        assert "nan" not in texts

    def test_all_of_which_diverged_has_no_histogram(self, data):
        found = fastnn.sweep(NET, data.X, data.y, networks=5, learning_rate=1e200, **QUICK)
        assert "rect" not in Read(found).tags


class TestDataset:
    def test_shows_what_became_of_its_columns(self):
        words = ["u", "<script>", "u", "<script>", "v", "v"]
        frame = pd.DataFrame({"a<b>": [1.0, 2, 3, 4, 5, 6], "$x$": words, "t": [1.0, 2, 5, 1, 2, 3]})
        data = fastnn.Dataset.from_frame(frame, ["a<b>", "$x$"], "t")
        shown = Read(data)
        assert shown.after("source") == "a DataFrame"
        at = shown.texts.index("$x$")
        assert shown.texts[at + 1 : at + 3] == ["input", "3 inputs, 0 or 1: <script>, u, v"]
        rows = shown.texts[shown.texts.index("first 5 rows, in their own units") + 1 :]
        assert rows[:9] == ["a<b>", "$x$", "t", "1", "u", "1", "2", "<script>", "2"]
        assert "<script>" not in data._repr_html_()
        assert "tex2jax_ignore" in data._repr_html_()

    def test_of_many_columns_is_small(self):
        numbers = np.random.default_rng(0).normal(size=(30, 300))
        frame = pd.DataFrame(numbers, columns=[f"column {place}" for place in range(300)])
        data = fastnn.Dataset.from_frame(frame, list(frame.columns[:-1]), "column 299")
        assert "and 280 further columns" in Read(data).texts
        assert len(data._repr_html_()) < 20_000


def test_what_cannot_be_shown_is_left_to_the_repr(data, monkeypatch):
    monkeypatch.setattr(card, "sparkline", None)
    assert fastnn.train(NET, data.X, data.y, epochs=1)._repr_html_() is None


class TestPictures:
    @pytest.mark.parametrize(
        "values",
        [
            [],
            [1.0],
            [np.nan, np.inf],
            [1e308, -1e308, 0],
            [0.0, 0.0],
            [5e-324, 1e300, np.nan, 2],
            range(10_000),
        ],
    )
    def test_never_fail_and_hold_no_nan(self, values):
        for draw in (showing.sparkline, showing.histogram):
            drawn = draw(list(values), "what")
            assert "nan" not in drawn
            assert "inf" not in drawn
            assert len(drawn) < 6000

    def test_a_line_goes_down_where_the_loss_does(self):
        points = showing.sparkline([3.0, 2.0, 1.0], "loss").partition('points="')[2].partition('"')[0]
        assert [tuple(map(float, point.split(","))) for point in points.split()] == [
            (2, 2), (showing.WIDTH / 2, showing.HEIGHT / 2), (showing.WIDTH - 2, showing.HEIGHT - 2)
        ]  # fmt: skip

    def test_losses_over_decades_are_drawn_by_their_logarithm(self):
        assert "on a logarithmic scale" in showing.sparkline([1000.0, 10.0, 0.1], "loss")
        assert "on a logarithmic scale" not in showing.sparkline([3.0, 2.0, 1.0], "loss")


def test_a_network_that_was_stopped_has_the_losses_of_then(data):
    rows = data.X[:20], data.y[:20]
    settings = {"epochs": 6, "engine": "batched", "validation": rows}
    run = fastnn.train(NET, *rows, callback=lambda seen: seen.epoch == 2, **settings)
    assert float(Read(run).after("validation loss")) == pytest.approx(run.validation_curve[1], rel=1e-5)
