"""What a notebook shows, read from notebooks that are run."""

import pytest

nbclient = pytest.importorskip("nbclient", reason='needs nbclient: pip install "fastnn-sweep[tutorial]"')
nbformat = pytest.importorskip("nbformat", reason='needs nbformat: pip install "fastnn-sweep[tutorial]"')


REFUSED = "fastnn.train(net, [1.0], [1.0], learning_rate=-1)"
SWEEP = "fastnn.sweep(net, [0.0, 1.0], [1.0, 0.0], networks=64, epochs=2, engine='batched')"
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
CELLS = {
    "begin": "import fastnn, os; from fastnn.system import progress; progress.UNASKED_SECONDS = 60",
    "refused": f"net = fastnn.Network((1, 1)); {REFUSED}",
    "damaged": "raise fastnn.ModelFileError('model.npz must be whole; got half.\\nFetch it again.')",
    "store": "raise fastnn.StoreError('the disk is full')",
    "fault": "1 / 0",
    "debugged": f"os.environ['FASTNN_DEBUG'] = '1'; {REFUSED}",
    "run": "fastnn.train(net, [0.0, 1.0], [1.0, 0.0], epochs=5, engine='batched')",
    "swept": SWEEP,
    "soon": f"progress.UNASKED_SECONDS = 0; {SWEEP};",
    "asked": f"progress.UNASKED_SECONDS = 2; {SWEEP.replace(')', ', progress=True)')};",
    "widget": f"{WIDGETS}\n{SWEEP};",
    "data": "fastnn.load_insurance(simulated=True)",
}


@pytest.fixture(scope="module")
def shown():
    """What each cell shows, run one after another in one kernel."""
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, CELLS.values())])
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def text(outputs, name):
    """What a cell printed on a stream."""
    return "".join(output.text for output in outputs if output.get("name") == name)


def test_a_refusal_is_one_sentence(shown):
    (refused,), (damaged,), (store,), (fault,), (debugged,) = map(
        shown.get, ("refused", "damaged", "store", "fault", "debugged")
    )
    assert refused.traceback[0].startswith("InputError: learning_rate must be")
    assert len(refused.traceback) == 1
    assert damaged.traceback == ["ModelFileError: model.npz must be whole; got half.", "Fetch it again."]
    assert store.traceback == ["StoreError: the disk is full"]
    assert len(fault.traceback) > 1
    assert len(debugged.traceback) > 1
    assert "plan.py" in "".join(debugged.traceback)


def test_things_show_themselves_and_progress_shows_when_it_takes_long(shown):
    for name, what in (
        ("run", "Training of 1-1"),
        ("swept", "Sweep of 1-1"),
        ("data", "Dataset of 1 338 rows"),
    ):
        (result,) = shown[name]  # and no progress of what is soon done
        assert what in result.data["text/html"]
        assert result.data["text/plain"][0] in "<D"
    for name in ("soon", "asked"):
        assert "64/64" in text(shown[name], "stderr")
    assert "64 networks, about" in text(shown["asked"], "stderr")
    assert "about" not in text(shown["soon"], "stderr")
    told = text(shown["widget"], "stdout").splitlines()
    assert (told[:2], told[-1]) == (["widget 0 64 2", "and 64"], "closed")
