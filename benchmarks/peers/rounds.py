"""Finding every peer's best form, and timing all of them in turns."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from peers.roster import FASTNN
from peers.workers import Worker, processors

ONE, MANY = "one", "many"


@dataclass
class Job:
    """A row's best form, ready to run, and what it took in each round."""

    peer: object
    kind: str
    tried: object  # workers.Tried
    workers: list
    rows: int
    tuning: list  # everything that was tried
    epochs: int = 1
    times: int = 1
    nanoseconds: list = field(default_factory=list)

    @property
    def key(self):
        return self.peer.row, self.kind

    def plan(self, problem, seconds):
        """Choose epochs and calls so that a round takes so many seconds or a little more."""
        a_row = self.tried.seconds * self.tried.networks
        wanted = max(1, math.ceil(seconds / (a_row * self.rows)))
        self.epochs = problem.epochs if self.tried.all_epochs else min(problem.epochs, wanted)
        self.times = max(1, math.ceil(wanted / self.epochs))

    def run(self):
        """Time a round: from the start of all workers to the end of the last."""
        for worker in self.workers:
            worker.ask("run", self.key, self.epochs, self.times)
        seconds = max(worker.answer() for worker in self.workers)
        visits = len(self.workers) * self.tried.networks * self.rows * self.epochs * self.times
        self.nanoseconds.append(seconds / visits * 1e9)


class Pool:
    """The worker processes, started when they are first needed, one for each processor."""

    def __init__(self):
        self.processors = processors() or [None]
        self.started = {}

    def workers(self, peer):
        if peer.processes not in self.started:
            homes = [None] if peer.own_threads else self.processors
            self.started[peer.processes] = [
                Worker(peer.environment, home, part) for part, home in enumerate(homes)
            ]
        return self.started[peer.processes]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in self.all():
            worker.close()

    def all(self):
        return [worker for workers in self.started.values() for worker in workers]

    def forget(self):
        for worker in self.all():
            worker.call("forget")


def compare(problem, peers, pool, rounds, seconds, tell=print):
    """Results by row and kind: what was timed, or why nothing was.

    Every round runs each job once, every other round in reverse order; a ratio is one round's time by
    the time of fastnn in the same round.
    """
    found = {peer.row: {} for peer in (*peers, FASTNN)}
    jobs = []
    for peer, tuned in tuned_forms(problem, peers, pool, tell):
        for kind in (ONE, MANY):
            job = tuned if isinstance(tuned, str) else made(peer, kind, tuned, problem, pool)
            if isinstance(job, Job):
                job.plan(problem, seconds)
                jobs.append(job)
            elif job:
                found[peer.row][kind] = {"error": job}
    tell(f"  {len(jobs)} jobs, {rounds} rounds")
    for number in range(rounds):
        for job in jobs[:: 1 if number % 2 else -1]:
            job.run()
    ours = {job.kind: np.array(job.nanoseconds) for job in jobs if job.peer is FASTNN}
    for job in jobs:
        found[job.peer.row][job.kind] = summary(job, ours[job.kind])
    pool.forget()
    return found


def tuned_forms(problem, peers, pool, tell):
    """Each peer with all its forms that were tried, or with a word why there are none.

    On every processor one peer after the other, and then fastnn, which takes all of them.
    """
    for peer in (*peers, FASTNN):
        if not peer.missing:
            pool.workers(peer)

    def tuned(peer, place):
        if peer.missing:
            return f"not installed: {', '.join(peer.missing)}"
        try:
            tried = pool.workers(peer)[place].call("tune", peer, problem)
        except RuntimeError as error:
            tell(f"  {peer.row}: {error}")
            return str(error)
        best = min(tried, key=lambda t: t.seconds)
        form = f"{best.form}, {best.networks} networks"
        tell(f"  {peer.row}: {form}, {best.seconds * 1e9:.3g} ns per network and row on a processor")
        return tried

    places = len(pool.processors)

    def share(place):
        return [tuned(peer, place) for peer in peers[place::places]]

    with ThreadPoolExecutor(places) as threads:
        shares = list(threads.map(share, range(places)))
    found = [(peer, shares[n % places][n // places]) for n, peer in enumerate(peers)]
    return [*found, (FASTNN, tuned(FASTNN, 0))]


def made(peer, kind, tuned, problem, pool):
    """A job of the best form of this kind, or in words why there is none, or None without such a form.

    Where nothing trains many at once, every processor trains one network after the other.
    """
    alone = [tried for tried in tuned if tried.networks == 1]
    together = [tried for tried in tuned if tried.networks > 1]
    choice = alone if kind == ONE else together or alone
    if not choice:
        return None
    tried = min(choice, key=lambda t: t.seconds)
    workers = pool.workers(peer)[: 1 if kind == ONE else None]
    for worker in workers:
        worker.ask("make", (peer.row, kind), peer, problem, tried.form, tried.networks)
    answers = [worker.reply() for worker in workers]
    errors = [value for told, value in answers if told == "error"]
    return errors[0] if errors else Job(peer, kind, tried, workers, answers[0][1], choice)


def summary(job, ours):
    """What the table and the file need."""
    values = np.array(job.nanoseconds)
    tuning = [f"{t.form}, {t.networks} networks: {t.seconds * 1e9:.3g} ns on a processor" for t in job.tuning]
    return {
        "form": job.tried.form,
        "networks": job.tried.networks,
        "tried": tuning,
        "processes": len(job.workers),
        "rows": job.rows,
        "epochs": job.epochs,
        "rounds": values.tolist(),
        "nanoseconds": float(np.median(values)),
        "ratio": float(np.median(values / ours)),
    }
