"""How many there are of something, as people read it: 1 row, 2 rows, in every message of the package."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

import fastnn
from fastnn.showing.lettering import counted

PACKAGE = Path(fastnn.__file__).parent
NOUNS = (
    "(?:row|network|epoch|start|column|input|target|unit|shard|kernel|number|parameter|cell|weight|value|name"
    "|answer|layer|byte)s"
)
# Never one: these, and bounds (in capitals). A rate, a column of a table, or words in the place of a number.
NEVER_ONE = {"n_parameters", "n_weights", "st_size", "end", "some", "units", "units - 1", "shown(shards)"}
NEVER_ONE |= {"len(all_cells)", "len(claim.values)", "written(experiment.networks)", "shown(networks)"}
NEVER_ONE |= {
    "grouped(round(rate))",
    "grouped(count)",
    "each['rows']",
    "' and '.join(map(str, rows)) or 'no'",
}
NEVER_ONE |= {"most", "len(y)", "numbers.max()", "unbroken(MOST_IN_A_FAN)"}
NEVER_ONE |= {"found.trained_epochs.mean()"}  # 1.0 epochs


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "row", "0 rows"),
        (1, "row", "1 row"),
        (2, "more row", "2 more rows"),
        (12345, "row", "12 345 rows"),
    ],
)
def test_counted(number, noun, text):
    assert counted(number, noun) == text


def uncounted(source):
    """Numbers in f-strings before a plural that is always one."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for number, words in zip(node.values, node.values[1:], strict=False):  # noqa: PD011 - a syntax tree
            if isinstance(number, ast.FormattedValue) and isinstance(words, ast.Constant):
                name = ast.unparse(number.value)
                last = name if "(" in name else name.rpartition(".")[2]
                plural = re.match(rf" (?:further |more |other )?{NOUNS}\b", str(words.value))
                if plural and not last.isupper() and last not in NEVER_ONE:
                    yield f"{node.lineno}: {{{name}}}{plural[0]}"


def test_the_check_finds_what_is_not_counted():
    assert list(uncounted("f'{n} rows, {MOST} rows, {counted(n, \"row\")}, {x.n_weights} weights'")) == [
        "1: {n} rows"
    ]


def test_every_number_before_a_plural_is_counted():
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in uncounted(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_one_of_everything(capsys):
    data = fastnn.Dataset.from_frame(
        pd.DataFrame({"a": [1.0, None], "b": [2.0, 3.0]}), ["a"], "b", missing="drop"
    )
    run = fastnn.train(
        fastnn.Network((1, 1, 1)), data.X, data.y, fastnn.constant(1), epochs=1, engine="batched"
    )
    found = fastnn.sweep(run.network, data.X, data.y, networks=1, epochs=1, engine="batched", progress=False)
    told = [repr(run), str(data), str(found), found._repr_html_(), data._repr_html_(), run._repr_html_()]
    with pytest.raises(fastnn.InputError) as refused:
        run.predict([[1.0, 2.0]])
    told.append(str(refused.value))
    assert "1 more row dropped" in told[1]
    assert not [text for text in told if re.search(rf"\b1 (?:more |further )?{NOUNS}\b", text)]
