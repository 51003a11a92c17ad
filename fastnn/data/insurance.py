"""The medical insurance table: the published file if it is found, else a simulated stand-in."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from os import PathLike
from pathlib import Path
from typing import Any

from fastnn.checking import InputError, flag, needing
from fastnn.data.datasets import Dataset
from fastnn.data.loading import dataset_in
from fastnn.data.reading.files import MOST_BYTES, content_of, existing_file
from fastnn.system.folders import cache_folder
from fastnn.system.regular_files import bytes_of
from fastnn.system.telling import warn

__all__ = ["SimulatedDataNote", "load_insurance"]

URL = (
    "https://raw.githubusercontent.com/stedy/Machine-Learning-with-R-datasets/"
    "ff933238d9c30da179b7e3ad4b6ca938d67efc53/insurance.csv"
)
SHA256 = "505c1cbc2e63d0363bac59501563df2530aadf4cdb9cfee226f4ef32f5468281"
FILE = "insurance.csv"
VARIABLE = "FASTNN_DATA"
STAND_IN = "insurance_simulated.csv"


class SimulatedDataNote(UserWarning):
    """A note, not an error: no published file was found, so the simulated stand-in is used.

    As a warning, it is shown once per place in notebooks and scripts. Two ways silence it:
    ``load_insurance(simulated=True)``, or ``warnings.simplefilter("ignore", SimulatedDataNote)``.
    """


def load_insurance(
    path: str | PathLike[str] | None = None,
    *,
    inputs: str | Iterable[str] = ("age", "bmi"),
    target: str | Iterable[str] = "charges",
    download: bool = False,
    simulated: bool = False,
    missing: str = "refuse",
    ordered: Mapping[Any, Sequence[Any]] | None = None,
    categories: str | Iterable[str] = (),
    weights: str | None = None,
) -> Dataset:
    """Load the medical insurance table: 1338 rows of age, sex, bmi, children, smoker, region, charges.

    The first of these that applies is used:

    1. the source that an argument names: `path`, `download` or `simulated`;
    2. the file, or the insurance.csv in the folder, that the environment variable FASTNN_DATA names;
    3. insurance.csv in the user's cache folder, if its SHA-256 is the published file's;
    4. the simulated stand-in that comes with fastnn, with a `SimulatedDataNote`.

    Parameters
    ----------
    path : str or path, optional
        A CSV file with the chosen columns: the published one or any other.
    inputs, target : column name or sequence of them
        The columns to learn from (age in years, bmi in kg/m², children, or the categories sex, smoker,
        region) and the column to predict (charges in US dollars).
    download : bool
        Fetch the published file (54 kB) into the cache folder, unless it is there already, and use it.
        Nothing is ever fetched unasked. Needs pooch: ``pip install "fastnn-sweep[data]"``.
    simulated : bool
        Use the stand-in, even if there is a published file, and without the note. Its figures are close to
        the published table's, and the same everywhere.

    missing, ordered, categories, weights
        As in `Dataset.from_frame`.

    Raises
    ------
    InputError
        If more than one source is given; if the named file is missing or faulty (see `load_csv`); if the
        download fails or brings other bytes than the published ones (then nothing is kept).

    Examples
    --------
    >>> data = load_insurance(simulated=True)
    >>> data.X.shape, data.inputs, data.target
    ((1338, 2), ('age', 'bmi'), 'charges')
    >>> load_insurance(simulated=True, inputs="smoker").categories
    {'smoker': ('no', 'yes')}
    """
    asked = (path is not None) + flag(download, "download") + flag(simulated, "simulated")
    if asked > 1:
        raise InputError(
            f"only one of path, download and simulated may say where to look; got {asked} of them. Keep one."
        )
    options: dict[str, Any] = {"missing": missing, "ordered": ordered, "categories": categories}
    options["weights"] = weights
    if simulated:
        return _stand_in(inputs, target, options)
    file = _downloaded() if download else _named_file(path)
    content = content_of(file) if file is not None else _cached()
    if content is None:
        warn(_note(), SimulatedDataNote, stacklevel=2)
        return _stand_in(inputs, target, options)
    name = FILE if file is None else file.name
    source = f"{name}, {'the published file' if _is_published(content) else 'not the published file'}"
    return dataset_in(content, name, inputs, target, source=source, **options)


def _named_file(path: str | PathLike[str] | None) -> Path | None:
    """Return the file that the argument names, or else the environment; None if neither names one."""
    if path is not None:
        return existing_file(path, "path")
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    return existing_file(named, f"the environment variable {VARIABLE}", inside=FILE)


def _is_published(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256


def _cached() -> bytes | None:
    """Return the published file from the cache folder; None if it is missing or has other bytes."""
    try:
        content = bytes_of(cache_folder() / FILE, MOST_BYTES)
    except (OSError, RuntimeError):
        return None
    return content if _is_published(content) else None


def _downloaded() -> Path:
    """Fetch the published file into the cache folder; pooch writes beside it, checks, then renames."""
    with needing("download=True needs pooch", "data"):
        import pooch
    try:
        fetched = pooch.retrieve(URL, known_hash=f"sha256:{SHA256}", fname=FILE, path=cache_folder())
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong hash is a ValueError
        raise InputError(
            f"download=True must bring the published {FILE} from {URL}; got {type(error).__name__}: {error}. "
            f"Check the network, or fetch the file by hand and give its path. Nothing was kept."
        ) from error
    return Path(fetched)


def _stand_in(inputs: str | Iterable[str], target: str | Iterable[str], options: dict[str, Any]) -> Dataset:
    source = f"{STAND_IN}, a simulated stand-in for the published {FILE}"
    return dataset_in(_stand_in_file().read_bytes(), STAND_IN, inputs, target, source=source, **options)


def _stand_in_file() -> Traversable:
    """Return the stand-in: inside an installed package, or beside the package in a checkout."""
    packed = resources.files("fastnn") / "data" / STAND_IN
    return packed if packed.is_file() else Path(__file__).parents[2] / "data" / STAND_IN


def _note() -> str:
    return (
        f"no published {FILE} found: using a simulated stand-in, whose figures come close but differ. "
        f"Give its path, set {VARIABLE}, or call load_insurance(download=True); "
        "load_insurance(simulated=True) chooses the stand-in without this note."
    )
