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
    assert "plan.py" in "".join(debugged[0].traceback)


SWEEP = "fastnn.sweep(net, [0.0, 1.0], [1.0, 0.0], networks=64, epochs=2)"
# A stand-in for ipywidgets' bar, which tells what it is told.
WIDGETS = """
import sys, types
import importlib.machinery
sys.modules['ipywidgets'] = types.ModuleType('ipywidgets')
sys.modules['ipywidgets'].__spec__ = importlib.machinery.ModuleSpec('ipywidgets', None)
sys.modules['tqdm.notebook'] = types.ModuleType('tqdm.notebook')
class tqdm:
    def __init__(self, total, initial, **looks): print('widget', initial, total, looks['delay'])
    def update(self, more): print('and', more)
    def close(self): print('closed')
sys.modules['tqdm.notebook'].tqdm = tqdm
"""


def text(shown, name):
    """What a cell printed on a stream."""
    return "".join(output.text for output in shown if output.get("name") == name)


def test_things_show_themselves_and_progress_shows_when_it_takes_long():
    _, run, swept, soon, asked, widget, data = outputs(
        "import fastnn; from fastnn.system import progress; net = fastnn.Network((1, 1))",
        "fastnn.train(net, [0.0, 1.0], [1.0, 0.0], epochs=5)",
        SWEEP,
        f"progress.UNASKED_SECONDS = 0; {SWEEP};",
        f"progress.UNASKED_SECONDS = 2; {SWEEP.replace(')', ', progress=True)')};",
        f"{WIDGETS}\n{SWEEP};",
        "fastnn.load_insurance(simulated=True)",
    )
    for shown, what in ((run, "Training of 1-1"), (swept, "Sweep of 1-1"), (data, "Dataset of 1 338 rows")):
        (result,) = shown  # and no progress of what is soon done
        assert what in result.data["text/html"]
        assert result.data["text/plain"][0] in "<D"
    for shown in (soon, asked):
        assert "64/64" in text(shown, "stderr")
    assert "64 networks, about" in text(asked, "stderr")
    assert "about" not in text(soon, "stderr")
    told = text(widget, "stdout").splitlines()
    assert (told[:2], told[-1]) == (["widget 0 64 2", "and 64"], "closed")
