"""Processes that do a peer's work: each keeps its libraries, its compiled code and its processor."""

import multiprocessing
import os
import sys
import traceback
from dataclasses import dataclass
from time import perf_counter

from peers.forms import DisagreementError, checked

TUNING_SECONDS = 0.15
TUNED_AGAIN = 3
LONGEST_CALL = 1.5  # seconds; larger numbers of networks are not tried


def processors():
    """The processors that this process may use, or None where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


@dataclass(frozen=True)
class Tried:
    """A form with a number of networks, and its seconds per network and row."""

    form: str
    networks: int
    seconds: float
    all_epochs: bool


class Worker:
    """A process on the far side of a pipe; `ask` and `answer` are apart, so that several work at once."""

    def __init__(self, environment, processor, part):
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=serve, args=(far, environment, processor, part), daemon=True)
        self.process.start()
        far.close()

    def ask(self, name, *arguments):
        self.pipe.send((name, arguments))

    def answer(self):
        kind, value = self.pipe.recv()
        if kind == "error":
            raise RuntimeError(value)
        return value

    def call(self, name, *arguments):
        self.ask(name, *arguments)
        return self.answer()

    def close(self):
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.terminate()


def serve(pipe, environment, processor, part):
    """Answer until the pipe closes."""
    os.environ.update(environment)
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    desk = Desk(part)
    while True:
        try:
            name, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send(("value", getattr(desk, name)(*arguments)))
        except DisagreementError as error:
            pipe.send(("error", f"DISAGREES: {error}"))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            pipe.send(("error", f"failed: {type(error).__name__}"))


class Desk:
    """What a worker answers."""

    def __init__(self, part):
        self.part = part
        self.jobs = {}

    def tune(self, peer, problem, many):
        """The fastest form and number of networks, and all that was tried; None where there is no form.

        A form that cannot run here, such as a compiled one without a C compiler, is passed over; wrong
        parameters are not.
        """
        found, failed = [], []
        for form in peer.forms(problem):
            for networks in form.networks:
                if many != (networks > 1):
                    continue
                try:
                    seconds, per_visit = timed(form, form.problem(problem), networks)
                except DisagreementError as error:
                    raise DisagreementError(f"{form.name}, {networks} networks: {error}") from error
                except Exception as error:
                    traceback.print_exc(file=sys.stderr)
                    failed.append(error)
                    break
                found.append(Tried(form.name, networks, per_visit, form.all_epochs))
                if seconds > LONGEST_CALL:
                    break
        if failed and not found:
            raise failed[0]
        return (min(found, key=lambda tried: tried.seconds), found) if found else None

    def make(self, key, peer, problem, name, networks):
        """Prepare and check a job, to be run by its key; return the rows it visits in an epoch."""
        form = next(form for form in peer.forms(problem) if form.name == name)
        cut = form.problem(problem)
        self.jobs[key] = (checked(form, cut, networks), cut.starts(networks, self.part))
        return len(cut.X)

    def run(self, key, epochs, times):
        """Seconds of training the job's networks for some epochs, so many times."""
        train, starts = self.jobs[key]
        began = perf_counter()
        for _ in range(times):
            train(starts, epochs)
        return perf_counter() - began

    def forget(self):
        self.jobs.clear()


def timed(form, problem, networks):
    """Seconds of a call, and seconds per network and row, of a form that has been checked."""
    train = checked(form, problem, networks)
    starts = problem.starts(networks)
    epochs, best = problem.epochs if form.all_epochs else 1, None
    for _ in range(TUNED_AGAIN):
        began = perf_counter()
        train(starts, epochs)
        seconds = perf_counter() - began
        per_visit = seconds / (networks * len(problem.X) * epochs)
        best = per_visit if best is None else min(best, per_visit)
        if seconds > LONGEST_CALL:
            break
        if not form.all_epochs:
            epochs = min(problem.epochs, max(epochs, int(epochs * TUNING_SECONDS / seconds)))
    return seconds, best
