"""Comparisons of fastnn with nobody, in this process, for questions that are not about Keras."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

from fastnn.comparing import comparison, process
from fastnn.models import keras


def compare_alone(monkeypatch):
    """For a test, have Keras missing and fastnn's part of a comparison run here: a process takes 1 s."""

    def run(command, **options):
        process.main(Path(command[-1]))

    monkeypatch.setattr(keras, "_is_installed", lambda name: False)
    here = SimpleNamespace(run=run, CalledProcessError=subprocess.CalledProcessError)
    monkeypatch.setattr(comparison, "subprocess", here)
