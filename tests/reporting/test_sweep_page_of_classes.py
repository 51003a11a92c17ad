"""The page and the report of a sweep of classes: accuracy and log-loss, regions, confusion."""

import html
import re

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn.commands.reports import sweep_report, training_report
from fastnn.reporting import sweep_page

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NAMES = ("cat", "dog", "owl")


def dataset(classes=3):
    draw = np.random.default_rng(1)
    code = np.arange(60) % classes
    X = np.column_stack([code, code % 2]) + draw.normal(size=(60, 2)) * 0.4
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.array(NAMES)[code]})
    return fastnn.Dataset.from_frame(frame, ["a", "b"], "kind")


def swept(data, network, **options):
    options = {"networks": 4, "epochs": 15, "learning_rate": 0.05, "seed": 1} | options
    return fastnn.sweep(network, data, **options, engine="batched", workers=1, progress=False)


@pytest.fixture(scope="module")
def data():
    return dataset()


@pytest.fixture(scope="module")
def found(data):
    network = fastnn.Network((2, 2, 3), "tanh", "softmax")
    return swept(data, network, rows=[30, 60], learning_rate=[0.05, 1e300], curves=True)


@pytest.fixture(scope="module")
def page(found, data):
    return sweep_page(found, data)


def tables_of(page):
    blocks = [block for section in page.sections for block in section.blocks]
    return {block.caption: block for block in blocks if hasattr(block, "caption") and hasattr(block, "cells")}


def texts(table):
    headings, rows = table.cells()
    return [text for text, _ in headings], [[text for text, _ in row] for row in rows]


@pytest.mark.usefixtures("sketched")
def test_tables_and_pictures_tell_the_scores_of_classes(page, found, data):
    titles = [section.heading for section in page.sections]
    assert "Accuracy, log-loss and F1" in titles
    captions = tables_of(page)
    assert {"Quantiles of accuracy", "Quantiles of log-loss", "Quantiles of F1"} <= set(captions)
    assert "Medians of each end; accuracy, log-loss and F1 over all rows of the data" in captions
    html = page.html()
    assert "R²" not in html
    assert "MAPE" not in html
    assert "log-loss</th>" in html
    names = {picture.name for picture in page.pictures}
    assert {"accuracy-rows", "log_loss-rows", "f1-rows", "surface-best", "network-best-after"} <= names
    assert not page.missing


def test_quantiles_of_the_accuracy_are_the_worst_first(page, found, data):
    headings, rows = texts(tables_of(page)["Quantiles of accuracy"])
    place = headings.index("50 %")
    scored = found.score(data)
    first = scored["accuracy"][(found.frame()["learning_rate"] == 0.05) & (found.frame()["rows"] == 30)]
    assert rows[0][place] == f"{np.sort(first)[2]:.3f}"
    assert [float(text) for text in rows[0][place - 2 :]] == sorted(
        float(text) for text in rows[0][place - 2 :]
    )
    assert all(text == "\N{MINUS SIGN}inf" or text == "-inf" for text in rows[2][place - 2 :])  # diverged


def test_the_accuracy_is_set_beside_that_of_one_answer(page):
    (section,) = [section for section in page.sections if section.heading.startswith("Accuracy")]
    assert "predicting cat for all of them has 0.333" in section.blocks[0]


def test_what_rows_are_taken_for(page, found, data):
    (table,) = [table for caption, table in tables_of(page).items() if caption.startswith("Confusion matrix")]
    headings, rows = texts(table)
    assert headings == ["class", "cat", "dog", "owl"]
    best = found.replay(found.best(1, by=found.ranked_by)["network"])
    said = best.predict_classes(data)
    true = np.array(NAMES)[np.arange(60) % 3]
    expected = [[str(((true == a) & (said == b)).sum()) for b in NAMES] for a in NAMES]
    assert rows == [[name, *counts] for name, counts in zip(NAMES, expected, strict=True)]
    assert sum(int(count) for row in rows for count in row[1:]) == 60


def test_the_surface_is_told_by_its_regions(page):
    (picture,) = [picture for picture in page.pictures if picture.name == "surface-best"]
    assert "kind over a and b, as the best network answers" in picture.caption
    assert "a ring around those that it misclassifies" in picture.caption
    assert "regions of cat " in picture.alt


@pytest.mark.parametrize(
    ("classes", "network"),
    [(2, fastnn.Network((2, 2, 1), "tanh", "sigmoid")), (3, fastnn.Network((2, 3), (), "softmax"))],
    ids=["one sigmoid output", "softmax"],
)
def test_the_report_tells_the_scores_of_classes(classes, network):
    data = dataset(classes)
    found = swept(data, network, loss="cross_entropy")
    report = sweep_report(found, data)
    assert max(map(len, report.text.splitlines())) <= 80
    headings = next(line for line in report.text.splitlines() if "accuracy" in line)
    assert headings.split()[-3:] == ["accuracy", "log-loss", "F1"]
    scored = found.score(data).set_index("network")
    for each in vars(report)["values"]["best"]:
        assert each["accuracy"] == scored["accuracy"][each["network"]]
        assert each["log_loss"] == scored["log_loss"][each["network"]]
        assert not {"r2", "mape"} & set(each)


def test_the_report_of_a_training_has_the_confusion_matrix(data):
    network = fastnn.Network((2, 3), (), "softmax")
    run = fastnn.train(network, data, epochs=5, learning_rate=0.1, engine="batched")
    report = training_report(run, data)
    counts = fastnn.confusion_matrix(np.array(NAMES)[np.arange(60) % 3], run.predict_classes(data), NAMES)
    values = vars(report)["values"]
    assert values["confusion"].tolist() == counts.tolist()
    assert values["classes"] == NAMES
    lines = report.text.splitlines()
    place = lines.index("Confusion matrix: the rows of each class, by the class predicted")
    assert [line.split() for line in lines[place + 1 : place + 5]] == [
        ["class", *NAMES],
        *([name, *map(str, line)] for name, line in zip(NAMES, counts.tolist(), strict=True)),
    ]
    lost = fastnn.train(network, data, epochs=5, learning_rate=8e307, engine="batched")
    assert lost.status == "diverged"
    assert "Confusion" not in training_report(lost, data).text


def test_a_wide_confusion_matrix_is_left_to_machines():
    draw = np.random.default_rng(0)
    code = np.arange(60) % 12
    frame = pd.DataFrame(
        {"a": code + draw.normal(size=60), "kind": [f"sort{chr(97 + each)}" for each in code]}
    )
    data = fastnn.Dataset.from_frame(frame, "a", "kind")
    report = training_report(
        fastnn.train(fastnn.Network((1, 12), (), "softmax"), data, epochs=2, engine="batched"), data
    )
    assert max(map(len, report.text.splitlines())) <= 80
    assert "Confusion" not in report.text
    assert vars(report)["values"]["confusion"].sum() == 60


def test_several_networks_have_their_layers_and_scores_in_every_table(data):
    networks = [fastnn.Network((2, units, 3), "tanh", "softmax") for units in (1, 2)]
    found = swept(data, networks, epochs=3, curves=True)
    assert found.classes == NAMES
    report = sweep_report(found, data)
    lines = [line.split() for line in report.text.splitlines()]
    assert [line[0] for line in lines if line[1:2] == ["0.05"]] == ["2-1-3", "2-2-3"]
    best = found.best(5)["network"]
    shown = [line[1] for line in lines if line[:1] and line[0] in set(map(str, best)) and len(line) > 6]
    assert shown == ["2-1-3" if number < 4 else "2-2-3" for number in best]
    assert "Quantiles of accuracy" in tables_of(sweep_page(found, data))


def test_settings_of_losses_are_in_every_table():
    data = fastnn.load_insurance(simulated=True)
    losses = [fastnn.losses.Huber(delta=delta) for delta in (0.5, 1.0)]
    report = sweep_report(swept(data, fastnn.Network((2, 2, 1)), networks=2, epochs=1, loss=losses), data)
    lines = [line.split() for line in report.text.splitlines()]
    assert [line[:2] for line in lines if line[:1] == ["huber"]] == [["huber", "0.5"], ["huber", "1"]]
    best = next(line for line in lines if line[:2] == ["network", "loss_function"])
    assert "delta" not in best


def test_of_yeses_and_noes_the_page_has_no_regions():
    draw = np.random.default_rng(1)
    X = draw.normal(size=(20, 2))
    frame = pd.DataFrame(
        {"a": X[:, 0], "b": X[:, 1], "up": (X[:, 0] > 0) * 1.0, "right": (X[:, 1] > 0) * 1.0}
    )
    data = fastnn.Dataset.from_frame(frame, ["a", "b"], ["up", "right"])
    page = sweep_page(swept(data, fastnn.Network((2, 2, 2), "tanh", "sigmoid"), loss="cross_entropy"), data)
    (section,) = [section for section in page.sections if section.heading.startswith("Accuracy")]
    assert "share of right answers, yes or no" in section.blocks[0]
    (picture,) = [picture for picture in page.pictures if picture.name == "surface-best"]
    assert "a red dot's target lies above" in picture.caption
    assert not any(caption.startswith("Confusion matrix") for caption in tables_of(page))


@pytest.mark.usefixtures("undrawn")
def test_lines_that_train_again_ask_for_the_data_that_were_given(tmp_path):
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"a": draw.random(30), "b": draw.random(30), "kind": np.arange(30) % 3})
    numbers = fastnn.Dataset.from_frame(frame, ["a", "b"], "kind")
    found = swept(numbers, fastnn.Network((2, 2, 3), "tanh", "softmax"), networks=2, epochs=2)
    text = fastnn.report(found, numbers, tmp_path / "page").read_text(encoding="utf-8")
    asked = re.search(r"data\.digest\[:\d+\] == '(\w+)'", html.unescape(re.sub("<[^>]+>", "", text)))
    assert asked is not None
    assert numbers.digest.startswith(asked[1])
