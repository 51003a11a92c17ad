"""Ctrl-C and SIGTERM: what is finished is kept, one line is said, and no process is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import fastnn
from fastnn.training import calls, running, train


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("FASTNN_DATA", raising=False)


def begun(*arguments, module="fastnn"):
    """The command line in a process of its own."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def offspring(process, fewest=1):
    """The processes that one has started, once there are as many as asked for."""

    def found():
        return psutil.Process(process.pid).children(recursive=True)

    wait_for(lambda: len(found()) >= fewest)
    return found()


def wait_for(condition):
    """Wait up to a minute until something is so."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "code", "moment"),
    [
        pytest.param(signal.SIGINT, 130, 0, marks=pytest.mark.slow),
        (signal.SIGTERM, 143, 0),
        pytest.param(signal.SIGINT, 130, 2, marks=pytest.mark.slow),
    ],
)
def test_the_tutorial_ends_in_one_line_and_leaves_no_kernel(number, code, moment):
    with begun("tutorial", "--networks", "50000") as process:
        kernels = offspring(process)
        time.sleep(moment)
        # As a terminal does: to the whole group, of which a kernel is not.
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    assert err.splitlines()[-1] == "fastnn: interrupted"
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 3
    _, alive = psutil.wait_procs(kernels, timeout=10)
    assert alive == []
    assert list(Path().iterdir()) == []


def test_the_exit_code_is_that_of_ctrl_c_wherever_it_came():
    """Also while a text was run, of which a dataclass is made: CPython would end by a signal."""
    Path("pressed.py").write_text("""
import sys
from fastnn.commands import cli

def pressed(name):
    exec("raise KeyboardInterrupt")

cli.command = pressed
sys.exit(cli.main(["cache"]))
""")
    done = subprocess.run([sys.executable, "-m", "pressed"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "fastnn: interrupted\n")


@pytest.mark.parametrize(
    "module", ["fastnn.system.floating_point", "fastnn.commands.cli", "argparse", "fastnn.commands", "numpy"]
)
def test_ctrl_c_while_python_imports_ends_as_later(module):
    Path("pressed.py").write_text(f"""
import sys

class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            exec("raise KeyboardInterrupt")

sys.meta_path.insert(0, Pressed())
sys.modules.pop({module!r}, None)
from fastnn.__main__ import main
sys.exit(main(["train", "--epochs=1"]))
""")
    done = subprocess.run([sys.executable, "-m", "pressed"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "fastnn: interrupted\n")


DATA = fastnn.load_insurance(simulated=True)
NETWORK = fastnn.Network((2, 2, 1))
INTERRUPTED = "training was interrupted: this is the result after {} of 10 000 000 epochs"
ROWS = DATA.X[:40], DATA.y[:40]
FURTHER = DATA.X[40:60], DATA.y[40:60]


class TestTrain:
    @pytest.fixture(autouse=True)
    def _long_ago(self, monkeypatch):
        monkeypatch.setattr(train, "_interrupted", -np.inf)

    @pytest.fixture
    def ctrl_c(self, monkeypatch):
        """Has Ctrl-C pressed in an epoch, from 1; each is trained by itself."""
        original = calls.Calls.trained
        monkeypatch.setattr(running._Run, "_together", lambda run, *_: range(run.epoch, run.epoch + 1))

        def after(epoch):
            def trained(made, group, state, epochs, *others):
                if epochs.start == epoch - 1:
                    raise KeyboardInterrupt
                return original(made, group, state, epochs, *others)

            monkeypatch.setattr(calls.Calls, "trained", trained)

        return after

    def trained(self, epochs, **settings):
        settings |= {"validation": FURTHER, "engine": "batched"}
        return fastnn.train(NETWORK, *ROWS, epochs=epochs, **settings)

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_what_was_reached_is_returned(self, ctrl_c, shuffle):
        whole = self.trained(5, shuffle=shuffle)
        ctrl_c(6)
        with pytest.warns(RuntimeWarning, match="this is the result after 5 of 300 epochs"):
            found = self.trained(300, shuffle=shuffle)
        assert (found.interrupted, found.epochs, found.status) == (True, 5, "ok")
        assert found.parameters.tobytes() == whole.parameters.tobytes()
        assert found.loss_curve.tobytes() == whole.loss_curve.tobytes()
        assert found.validation_curve.tobytes() == whole.validation_curve.tobytes()
        assert not whole.interrupted

    def test_of_several_networks_those_that_diverged_are_known(self, ctrl_c):
        starts, rates = np.full((2, 9), 0.1), [0.01, 5.0]
        network = fastnn.Network((2, 2, 1), "tanh")
        settings = {"learning_rate": rates, "validation": FURTHER, "engine": "batched"}
        whole = fastnn.train(network, *ROWS, starts, epochs=5, **settings)
        ctrl_c(6)
        with pytest.warns(RuntimeWarning, match="interrupted"):
            found = fastnn.train(network, *ROWS, starts, epochs=9, **settings)
        assert found.status.tolist() == ["ok", "diverged"]
        assert found.parameters.tobytes() == whole.parameters.tobytes()
        assert found.loss_curve.tobytes() == whole.loss_curve.tobytes()

    def test_it_is_saved_and_loaded(self, ctrl_c):
        ctrl_c(3)
        with pytest.warns(RuntimeWarning, match="interrupted"):
            self.trained(300).save("model.npz")
        assert fastnn.Training.load("model.npz").loss_curve.shape == (2,)

    def test_before_an_epoch_is_over_there_is_nothing_to_return(self, ctrl_c):
        ctrl_c(1)
        with pytest.raises(KeyboardInterrupt):
            self.trained(300)

    def test_pressed_twice_it_ends_a_loop(self, ctrl_c):
        ctrl_c(3)
        with pytest.warns(RuntimeWarning, match="interrupted"):
            self.trained(300)
        ctrl_c(3)
        with pytest.raises(KeyboardInterrupt):
            self.trained(300)

    def test_a_network_trained_again_is_whole_or_none(self, monkeypatch):
        sweep = fastnn.sweep(NETWORK, *ROWS, networks=3, epochs=4)
        stretch = running._Run.stretch

        def interrupted(run, most):
            if run.epoch:
                raise KeyboardInterrupt
            stretch(run, 1)

        monkeypatch.setattr("fastnn.training.running._Run.stretch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sweep.replay(1)

    @pytest.mark.parametrize(
        ("number", "code", "plot"),
        [
            (signal.SIGINT, 130, []),
            pytest.param(signal.SIGTERM, 143, ["--plot=l.png"], marks=pytest.mark.slow),
        ],
    )
    def test_on_the_command_line(self, number, code, plot):
        Path("telling.py").write_text("""
import sys
from pathlib import Path
from fastnn.__main__ import main
from fastnn.training import running

stretch = running._Run.stretch

def telling(run, most):
    stretch(run, most)
    Path("training").touch()

running._Run.stretch = telling
sys.exit(main(sys.argv[1:]))
""")
        options = ["--data=simulated", "--epochs=1e7", "--save=m.npz", "--json", *plot]
        with begun("train", *options, module="telling") as process:
            wait_for(Path("training").exists)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        found = json.loads(out)
        assert process.returncode == code
        assert err == f"note: {INTERRUPTED.format(found['epochs'])}\n"
        assert len(found["loss_curve"]) == found["epochs"] == fastnn.Training.load("m.npz").epochs > 0
        assert Path("l.png").is_file() == bool(plot)
