"""What a notebook shows, read from notebooks that are run."""

import pytest

nbclient = pytest.importorskip("nbclient", reason='needs nbclient: pip install "fastnn-sweep[tutorial]"')
nbformat = pytest.importorskip("nbformat", reason='needs nbformat: pip install "fastnn-sweep[tutorial]"')


def outputs(*cells):
    """Run cells in one kernel; what each of them shows."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_refusal_is_one_sentence():
    _, refused, damaged, store, fault, debugged = outputs(
        "import fastnn, numpy as np, os; net = fastnn.Network((1, 1))",
        "fastnn.train(net, [1.0], [1.0], learning_rate=-1)",
        "raise fastnn.ModelFileError('model.npz must be whole; got half.\\nFetch it again.')",
        "raise fastnn.StoreError('the disk is full')",
        "1 / 0",
        "os.environ['FASTNN_DEBUG'] = '1'; fastnn.train(net, [1.0], [1.0], learning_rate=-1)",
    )
    sentence = "InputError: learning_rate must be"
    assert refused[0].traceback[0].startswith(sentence)
    assert len(refused[0].traceback) == 1
    assert damaged[0].traceback == ["ModelFileError: model.npz must be whole; got half.", "Fetch it again."]
    assert store[0].traceback == ["StoreError: the disk is full"]
    assert len(fault[0].traceback) > 1
    assert len(debugged[0].traceback) > 1
    assert "planning.py" in "".join(debugged[0].traceback)
