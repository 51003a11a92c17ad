"""The study of Proben1 sets: files, the rule that stops, the errors, and the published means."""

import json

import numpy as np
import pytest

import fastnn
from fastnn import InputError
from fastnn.commands.cli import main
from fastnn.studies import proben1
from fastnn.studies.proben1.outcomes import Spread
from fastnn.studies.proben1.study import OPTIMIZER, START

HEADER = "bool_in=0\nreal_in=9\nbool_out=2\nreal_out=0\n"
COUNTS = "training_examples=20\nvalidation_examples=10\ntest_examples=10\n"


def made_up():
    """40 rows of 9 inputs, with the class in two outputs."""
    X = np.random.default_rng(5).uniform(0, 1, (40, 9)).round(3)
    first = X[:, 0] + X[:, 1] > 1
    return np.column_stack([X, first, ~first])


def written(rows):
    """Rows as lines of a file."""
    return "".join(" ".join(f"{cell:g}" for cell in row) + "\n" for row in rows)


@pytest.fixture
def file(tmp_path):
    """A made-up file in the shape of cancer1."""
    path = tmp_path / "cancer1.dt"
    path.write_text(HEADER + COUNTS + written(made_up()), encoding="utf-8")
    return path


class TestFiles:
    def test_parts_follow_each_other(self, file):
        found, rows = proben1.read(file), made_up()
        for (X, Y), part in zip(
            (found.training, found.validation, found.test), (rows[:20], rows[20:30], rows[30:]), strict=True
        ):
            assert np.array_equal(X, part[:, :9])
            assert np.array_equal(Y, part[:, 9:])

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("real_in=9", "real_in=8", "must have 9 inputs and 2 outputs; got 8 and 2"),
            ("real_in=9", "real_in=-9", "line 2: must be real_in= and a count"),
            ("real_in=9", "real_in=²", "line 2: must be real_in= and a count"),
            ("bool_in=0\n", "", "line 1: must be bool_in="),
            ("test_examples=10", "test_examples=11", "41 by its first lines"),
            ("test_examples=10", "test_examples=0", "rows to train, to validate and to test"),
            ("test_examples=10\n", "test_examples=10\n1 2 3\n", "line 8: must be 11 finite numbers"),
            ("test_examples=10\n", "test_examples=10\n" + "nan " * 11 + "\n", "line 8: must be 11 finite"),
            ("test_examples=10\n", "test_examples=10\n" + "x " * 11 + "\n", "line 8: must be 11 finite"),
        ],
    )
    def test_refused(self, file, old, new, said):
        file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")
        with pytest.raises(InputError, match=said):
            proben1.read(file)

    def test_a_short_file(self, file):
        file.write_text(HEADER, "utf-8")
        with pytest.raises(InputError, match="must begin with 7 lines"):
            proben1.read(file)

    def test_a_set_without_published_errors(self, file):
        other = file.rename(file.with_name("card1.dt"))
        with pytest.raises(InputError, match=r"must be a set with published errors.*got card1\.dt"):
            proben1.read(other)


FALLING = np.geomspace(1, 0.01, 30)


class TestStopping:
    def test_validation_is_looked_at_every_five_epochs(self):
        validation = FALLING.copy()
        validation[11] = 1e-9  # epoch 12, which is not looked at
        validation[19] = 1.04 * validation[14]
        validation[24] = 1.06 * validation[14]
        assert proben1.stop(FALLING, validation) == proben1.Stop(25, 15, "validation")

    def test_no_progress(self):
        loss = FALLING.copy()
        loss[5:10] = 0.3 * (1 + np.array([0, 2e-4, 0, 2e-4, 0]))  # mean 0.08 per thousand above the smallest
        assert proben1.stop(loss, FALLING) == proben1.Stop(10, 10, "progress")
        loss[5:10] = 0.3 * (1 + np.array([0, 3e-4, 0, 3e-4, 0]))
        assert proben1.stop(loss, FALLING) is None

    def test_the_last_epoch(self):
        assert proben1.stop(FALLING, FALLING, most=20) == proben1.Stop(20, 20, "epochs")

    def test_the_first_of_equal_losses(self):
        assert proben1.stop(FALLING, np.ones(30), most=30) == proben1.Stop(30, 5, "epochs")

    def test_divergence_ends_it(self):
        validation = FALLING.copy()
        validation[9:] = np.nan
        assert proben1.stop(FALLING, validation) == proben1.Stop(10, 5, "validation")


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        (9.9, "outside, below"),
        (10, "inside"),
        (90, "inside"),
        (90.1, "outside, above"),
    ],
)
def test_verdicts(mean, verdict):
    """Of the values 1 to 100 the 10 % and the 90 % quantile are 10 and 90."""
    spread = Spread(np.arange(1.0, 101.0), (mean, 0))
    assert (spread.verdict, spread.inside) == (verdict, verdict == "inside")


def test_errors_are_those_of_the_best_epoch(file):
    """Each start is trained once more, alone, and its errors are computed in plain Python."""
    data = proben1.read(file)
    found = proben1.run(file, 2, seed=7, engine="batched")  # compiling takes 12 s
    network = fastnn.Network((9, 4, 2, 2), hidden="softsign")
    X, Y = data.test
    for number, ended in enumerate(found.stops):
        start = START.draw(network, [number], 7)[0]
        settings = {"optimizer": OPTIMIZER, "validation": data.validation, "engine": "batched"}
        run = fastnn.train(network, *data.training, start, epochs=ended.epoch, **settings)
        assert proben1.stop(run.loss_curve, run.validation_curve) == ended
        outputs = fastnn.train(network, *data.training, start, epochs=ended.best, **settings).predict(X)
        squares = sum(
            (o - t) ** 2
            for row, wanted in zip(outputs, Y, strict=True)
            for o, t in zip(row, wanted, strict=True)
        )
        assert found.error.errors[number] == pytest.approx(100 / (10 * 2) * squares, rel=1e-12)
        wrong = sum((o[0] < o[1]) != (t[0] < t[1]) for o, t in zip(outputs, Y, strict=True))
        assert found.misclassified.errors[number] == pytest.approx(100 * wrong / 10)


class TestCommand:
    def test_table(self, file, capsys):
        command = ["studies", "--proben1", str(file), "--networks", "2", "--engine", "batched"]
        assert main(command) == 0
        out = capsys.readouterr().out
        assert "1.32 ± 0.13" in out
        assert "Lutz Prechelt" in out
        assert max(map(len, out.splitlines())) <= 80
        assert main([*command, "--json"]) == 0
        values = json.loads(capsys.readouterr().out)
        assert [each["published"] for each in values["sets"]] == [1.32, 1.38]
        assert sum(values["ended"]["cancer1"].values()) == 2

    @pytest.mark.parametrize(
        "other", [["--quick"], ["--out", "x"], ["--data", "generated"], ["--workers", "2"]]
    )
    def test_options_of_the_report_are_refused(self, file, capsys, other):
        assert main(["studies", "--proben1", str(file), *other]) == 2
        assert f"got {other[0]} as well" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.parametrize("name", proben1.PUBLISHED)
def test_published_mean_is_between_our_quantiles(name, published_sets):
    found = proben1.run(published_sets / f"{name}.dt")
    assert found.error.inside
    assert found.misclassified.inside
