"""The search for every peer's best form, and the timing of all peers in turns."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from peers.roster import FASTNN
from peers.workers import Worker, processors

ONE, MANY = "one", "many"


@dataclass
class Job:
    """A peer's best form, its workers, and its time in each round."""

    peer: object
    kind: str
    tried: list  # workers.Tried, all of this kind
    workers: list
    rows: int = 0
    epochs: int = 1
    times: int = 1
    nanoseconds: list = field(default_factory=list)

    @property
    def key(self):
        return self.peer.name, self.kind

    @property
    def best(self):
        return min(self.tried, key=lambda tried: tried.seconds)

    def prepare(self):
        """Ask all workers to prepare and check the job, each with its own networks."""
        for worker in self.workers:
            worker.ask("make", self.key, self.peer, self.best.form, self.best.networks)

    def failure(self):
        """Wait for the workers; return what went wrong in words, or None."""
        replies = [worker.reply() for worker in self.workers]
        self.rows = replies[0][1]
        return next((value for told, value in replies if told == "error"), None)

    def plan(self, problem, seconds):
        """Choose epochs and calls so that a round takes `seconds` or a little more."""
        a_row = self.best.seconds * self.best.networks
        wanted = max(1, math.ceil(seconds / (a_row * self.rows)))
        self.epochs = problem.epochs if self.best.all_epochs else min(problem.epochs, wanted)
        self.times = max(1, math.ceil(wanted / self.epochs))

    def run(self):
        """Time a round: the time of the slowest worker counts."""
        for worker in self.workers:
            worker.ask("run", self.key, self.epochs, self.times)
        seconds = max(worker.answer() for worker in self.workers)
        visits = len(self.workers) * self.best.networks * self.rows * self.epochs * self.times
        self.nanoseconds.append(seconds / visits * 1e9)


class Pool:
    """The worker processes: for each peer one on each processor, or one for all processors."""

    def __init__(self):
        self.processors = processors() or [None]
        self.started = {}

    def start(self, peers):
        """Start the workers of some peers, unless they run already."""
        for peer in peers:
            if not peer.missing and peer.processes not in self.started:
                homes = [None] if peer.own_threads else self.processors
                self.started[peer.processes] = [
                    Worker(peer.environment, home, part) for part, home in enumerate(homes)
                ]

    def workers(self, peer):
        return self.started[peer.processes]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in self.all():
            worker.close()

    def all(self):
        return [worker for workers in self.started.values() for worker in workers]

    def meet(self, problem):
        """Tell all workers the problem of the next questions."""
        for worker in self.all():
            worker.call("meet", problem)


def compare(problem, peers, pool, rounds, seconds, tell=print):
    """Return the results by peer and kind: times, or the reason why there are none.

    Every round runs each job once, every other round in reverse order. A ratio is one round's time divided
    by the time of fastnn in the same round.
    """
    found = {peer.name: {} for peer in (*peers, FASTNN)}
    jobs = []
    pool.start([*peers, FASTNN])
    pool.meet(problem)
    for peer, tuned in tuned_forms(peers, pool, tell):
        if isinstance(tuned, str):
            found[peer.name] = {kind: {"error": tuned} for kind in (ONE, MANY)}
        else:
            jobs += jobs_of(peer, tuned, pool)
    for job in jobs:  # start all workers before waiting for the first
        job.prepare()
    for job in list(jobs):
        if failure := job.failure():
            if job.peer is FASTNN:
                raise RuntimeError(f"fastnn itself {failure}")
            found[job.peer.name][job.kind] = {"error": failure}
            jobs.remove(job)
        else:
            job.plan(problem, seconds)
    tell(f"  {len(jobs)} jobs, {rounds} rounds")
    for number in range(rounds):
        for job in jobs[:: 1 if number % 2 else -1]:
            job.run()
    ours = {job.kind: np.array(job.nanoseconds) for job in jobs if job.peer is FASTNN}
    for job in jobs:
        found[job.peer.name][job.kind] = summary(job, ours[job.kind])
    return found


def tuned_forms(peers, pool, tell):
    """Return each peer with all its forms that were tried, or with the reason why there are none.

    Each processor tries one peer after the other. Then fastnn is tried, which uses all processors.
    """

    def tuned(peer, place):
        if peer.missing:
            return f"not installed: {', '.join(peer.missing)}"
        try:
            tried = pool.workers(peer)[place].call("tune", peer)
        except RuntimeError as error:
            tell(f"  {peer.name}: {error}")
            return str(error)
        best = min(tried, key=lambda t: t.seconds)
        form = f"{best.form}, {best.networks} networks"
        tell(f"  {peer.name}: {form}, {best.seconds * 1e9:.3g} ns per network and row on a processor")
        return tried

    places = len(pool.processors)

    def share(place):
        return [tuned(peer, place) for peer in peers[place::places]]

    with ThreadPoolExecutor(places) as threads:
        shares = list(threads.map(share, range(places)))
    found = [(peer, shares[n % places][n // places]) for n, peer in enumerate(peers)]
    return [*found, (FASTNN, tuned(FASTNN, 0))]


def jobs_of(peer, tuned, pool):
    """The jobs of a peer: one network on one processor, if it has a form for that, and many on all.

    If no form trains many networks at once, every processor trains one network after the other.
    """
    alone = [tried for tried in tuned if tried.networks == 1]
    together = [tried for tried in tuned if tried.networks > 1]
    workers = pool.workers(peer)
    found = [Job(peer, ONE, alone, workers[:1])] if alone else []
    return [*found, Job(peer, MANY, together or alone, workers)]


def summary(job, ours):
    """A job's results for the table and the file."""
    values = np.array(job.nanoseconds)
    tuning = [f"{t.form}, {t.networks} networks: {t.seconds * 1e9:.3g} ns on a processor" for t in job.tried]
    return {
        "form": job.best.form,
        "networks": job.best.networks,
        "tried": tuning,
        "processes": len(job.workers),
        "rows": job.rows,
        "epochs": job.epochs,
        "rounds": values.tolist(),
        "nanoseconds": float(np.median(values)),
        "ratio": float(np.median(values / ours)),
    }
