"""The peers: one for each line of the table, with what it needs to run."""

from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

import fastnn
from peers.problems import REFERENCE


@dataclass(frozen=True)
class Peer:
    """A line of the table.

    Attributes
    ----------
    name : str
    module, kind : str
        `forms(problem, kind)` of this module of the package returns its forms.
    packages : tuple of str
        The packages that it needs.
    environment : dict
        Environment variables of its processes.
    own_threads : bool
        Whether it uses all processors itself; other peers get one process on each processor.
    everywhere : bool
        Whether it takes part in all problems, not only in the reference sweep.
    optimizers : tuple of str
        Of which problems it takes part.
    """

    name: str
    module: str
    kind: str = ""
    packages: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    own_threads: bool = False
    everywhere: bool = True
    optimizers: tuple[str, ...] = ("sgd",)

    def does(self, problem):
        """Whether it takes part in a problem."""
        return problem.optimizer in self.optimizers and (self.everywhere or problem.name == REFERENCE)

    @property
    def missing(self):
        """The packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]

    @property
    def processes(self):
        """A key that is equal for peers that run in the same processes."""
        return (self.module, *sorted(self.environment.items()), self.own_threads)

    def forms(self, problem):
        return import_module(f"peers.{self.module}").forms(problem, self.kind)


BOTH = ("sgd", "adam")
ON_TORCH = {"KERAS_BACKEND": "torch"}
ON_JAX = {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}

PEERS = (
    Peer("plain Python", "with_python"),
    Peer("plain NumPy", "with_numpy"),
    Peer("scikit-learn, MLPRegressor", "with_sklearn", packages=("sklearn",)),
    Peer("Keras on PyTorch, fit", "with_keras", "fit", ("keras", "torch"), ON_TORCH, everywhere=False),
    Peer("Keras on JAX, fit", "with_keras", "fit", ("keras", "jax"), ON_JAX),
    Peer("Keras on JAX, many as one model", "with_keras", "joined", ("keras", "jax"), ON_JAX),
    Peer("PyTorch, module and SGD", "with_torch", "module", ("torch",)),
    Peer("PyTorch, torch.func", "with_torch", "func", ("torch",)),
    Peer("PyTorch, step by hand", "with_torch", "hand", ("torch",)),
    Peer("JAX, vmap over scan of grad", "with_jax", "grad", ("jax",)),
    Peer("JAX, step by hand in a scan", "with_jax", "hand", ("jax",)),
    Peer("JAX with optax", "with_optax", packages=("jax", "optax"), optimizers=("adam",)),
    *(Peer(f"fastnn, engine `{name}`", "with_fastnn", name, optimizers=BOTH) for name in fastnn.ENGINES),
)

# Every ratio is relative to this: `fastnn.train` for one network, `fastnn.sweep` for many.
FASTNN = Peer("**fastnn as it is called**", "with_fastnn", "door", own_threads=True, optimizers=BOTH)
