"""Comparisons without Keras, in this process, for questions that are not about Keras."""

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from fastnn.comparing import comparison, process
from fastnn.models import keras


def compare_alone(monkeypatch):
    """For a test, have Keras missing and fastnn's part of a comparison run here: a process takes 1 s."""
    monkeypatch.setattr(keras, "_is_installed", lambda name: False)
    _run_here(monkeypatch)


def compare_with_itself(monkeypatch):
    """For a test, have a Keras on JAX whose part is fastnn's as well, run here: a process takes 3 s."""
    run = comparison._run

    def run_fastnn(name, *problem):
        return replace(run("fastnn", *problem), name=comparison._title(name))

    monkeypatch.setattr(keras, "_is_installed", lambda name: name in ("keras", "jax"))
    monkeypatch.setattr(comparison, "_run", run_fastnn)
    _run_here(monkeypatch)


def measure_briefly(monkeypatch):
    """For a test, have processes of comparisons measure no longer than they must."""

    def run(command, **options):
        briefly = f"import {process.__name__} as p; p.MEASURED_SECONDS = 1e-4; "
        briefly += f"p.main(p.Path({command[-1]!r}))"
        return subprocess.run([command[0], "-c", briefly], **options)

    here = SimpleNamespace(run=run, CalledProcessError=subprocess.CalledProcessError)
    monkeypatch.setattr(comparison, "subprocess", here)


def _run_here(monkeypatch):
    def run(command, **options):
        process.main(Path(command[-1]))

    here = SimpleNamespace(run=run, CalledProcessError=subprocess.CalledProcessError)
    monkeypatch.setattr(comparison, "subprocess", here)
    monkeypatch.setattr(process, "MEASURED_SECONDS", 1e-6)  # what is measured is no question here
