"""What the tests of model files share: models to save, what makes two of them differ, and ways to damage one.

A case is the bytes of a file and what may come of loading it. `failures` runs cases and tells which came
out otherwise: a refusal must be a ModelFileError, and what is loaded must be what was saved or, where the
file was forged, a Training that could have been saved as that very file.
"""

import copy
import io
import json
import random
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import fields, replace
from time import process_time
from typing import NamedTuple

import numpy as np
import pandas as pd

import fastnn
from fastnn.models.npz import Member, written

SECONDS = 2.0  # for a case that takes well under a millisecond: of the processor


class Case(NamedTuple):
    """A file's bytes; the Training that it is a damaged copy of, or None for a forgery."""

    what: str
    content: bytes
    saved: fastnn.Training | None


def dataset(rows=12, seed=0):
    """A small Dataset with a column of categories."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": draw.integers(18, 65, rows),
            "smoker": [("no", "yes")[row % 2] for row in range(rows)],
            "Größe, in cm": draw.normal(170, 10, rows),
            "charges": draw.normal(1e4, 1e3, rows),
        }
    )
    return fastnn.Dataset.from_frame(frame, ["age", "smoker", "Größe, in cm"], "charges")


def models():
    """Trainings of every kind, each with the Dataset to save it with or None."""
    data = dataset()
    net = fastnn.Network((3, 2, 1))
    draw = np.random.default_rng(1)
    X, Y = draw.random((6, 2)), draw.random((6, 2))
    two = fastnn.Network((2, 3, 2, 2), hidden=("tanh", "relu"), output="sigmoid")
    flat = fastnn.Network((2, 2), output="identity")
    quick = {"engine": "batched"}
    some = fastnn.normal(0, 1).draw(two, range(3), 0)
    rates = [0.01, 1e30, 0.02]
    remembers = {"optimizer": "momentum", "shuffle": True, "seed": 7, "sample_weight": range(1, 7)}
    validated = fastnn.train(net, data.X, data.y, epochs=1, validation=(data.X, data.y), **quick)
    several = fastnn.train(two, X, Y, some, epochs=4, dtype="float32", validation=(X, Y), **quick)
    return [
        (fastnn.train(net, data.X, data.y, epochs=3, **quick), data),
        (replace(validated, number=1064), None),
        (replace(several, number=np.array([7, 0, 2**40])), None),
        (fastnn.train(flat, X, Y, epochs=2, **quick), None),
        (fastnn.train(flat, X, Y, np.ones((3, 6)), learning_rate=rates, epochs=9, **quick), None),
        (fastnn.train(flat, X, Y, epochs=2, **remembers, **quick), None),
    ]


def unlike(one, other):
    """The fields in which two Trainings differ in a bit; a file has notes, but no rows and no form."""
    left_out = ("trained_on", "told", "form")
    names = ["notes", *(field.name for field in fields(one) if field.name not in left_out)]
    return [name for name in names if _bits(getattr(one, name)) != _bits(getattr(other, name))]


def _bits(value):
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return "float", struct.pack("d", value)
    if hasattr(value, "minimum"):
        return _bits(value.minimum), _bits(value.range)
    if hasattr(value, "X"):
        return value.input_columns, value.target_columns, _bits(value.X), _bits(value.y)
    return type(value).__name__, value


def saved_models(folder):
    """The models, with the scaling they will have when loaded, and the bytes that saving them writes."""
    path, found = folder / "saved.npz", []
    for run, data in models():
        run.save(path, data, finite=False)
        scaling = None if data is None else data.scaling
        found.append((replace(run, scaling=scaling), path.read_bytes()))
    return found


def unsound(run):
    """What a loaded Training has that training cannot give, told without fastnn's own checks."""
    diverged = np.atleast_1d(run.diverged)
    rates, parameters = np.atleast_1d(run.learning_rate), np.atleast_2d(run.parameters)
    P = run.network.n_parameters
    found = {
        "shapes": parameters.shape != (len(diverged), P) or run.start.shape != run.parameters.shape,
        "curve": np.shape(run.loss_curve)[-1] != run.epochs,
        "epochs": run.epochs < 1 or run.rows < 1 or (diverged < 0).any() or (diverged > run.epochs).any(),
        "rates": not (rates > 0).all() or not np.isfinite(rates).all(),
        "parameters": not np.isfinite(parameters[diverged == 0]).all(),
        "state": np.shape(run.state)[-1] != run.recipe.rule.state_size(run.network),
        "order": run.order == "shuffled" and run.seed is None,
        "start": not np.isfinite(run.start).all(),
        "number": run.number is not None and bool((np.asarray(run.number) < 0).any()),
        "names": "\\ud800" in ascii(run) or "\\ud800" in ascii(run.scaling),
        "scaling": run.scaling is not None and _unsound_scaling(run.scaling, run.network),
    }
    return [name for name, wrong in found.items() if wrong]


def _unsound_scaling(scaling, network):
    names = [*scaling.inputs, *scaling.targets]
    numbers = [scaling.X.minimum, scaling.X.range, scaling.y.minimum, scaling.y.range]
    return (
        len(scaling.inputs) != network.n_inputs
        or len(set(names)) != network.n_inputs + network.n_outputs
        or not all(isinstance(name, str) for name in names)
        or scaling.X.minimum.shape != (network.n_inputs,)
        or not all(np.isfinite(number).all() for number in numbers)
        or not (scaling.X.range >= 0).all()
        or not (scaling.y.range >= 0).all()
        or any(len(set(known)) < len(known) or len(known) < 2 for known in scaling.categories.values())
    )


def failures(cases, folder):
    """The cases that came out otherwise than they may, in words; and how many were loaded and refused."""
    path, again = folder / "case.npz", folder / "again.npz"
    wrong, loaded, refused = [], 0, 0
    for case in cases:
        path.write_bytes(case.content)
        began = process_time()
        try:
            run = fastnn.Training.load(path, finite=False)
        except fastnn.ModelFileError as refusal:
            refused += 1
            fault = "" if "; got " in str(refusal) and len(str(refusal)) < 500 else f"refused by {refusal}"
        except Exception as error:  # whatever it is, it should not have come out
            fault = f"{type(error).__name__}: {error}"[:200]
        else:
            loaded += 1
            fault = _fault_of_loaded(run, case, again)
        if not fault and process_time() - began > SECONDS:
            fault = f"took {process_time() - began:.1f} s"
        if fault:
            wrong.append(f"{case.what}: {fault}")
    return wrong, loaded, refused


def _fault_of_loaded(run, case, again):
    if case.saved is not None:
        return ", ".join(unlike(run, case.saved))
    if unsound(run):
        return f"unsound {', '.join(unsound(run))}"
    try:
        run.save(again, finite=False)
    except fastnn.InputError as refusal:
        return f"loaded and cannot be saved: {refusal}"
    same = unversioned(again.read_bytes()) == unversioned(case.content)
    return "" if same else "saved otherwise than loaded"


def unversioned(content):
    """A file's header as it is spelled, but for the versions that wrote it; and its arrays' bytes."""
    found = np.load(io.BytesIO(content))
    header = found["header.json"]
    versions = json.dumps(json.loads(header)["versions"]).encode()
    arrays = [(name, found[name].tobytes()) for name in found.files if name != "header.json"]
    return header.replace(versions, b"", 1), arrays


# --- Damage: the bytes of a file, changed at random ---


def flip(content, draw):
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :]


def overwrite(content, draw):
    new = draw.randbytes(draw.choice((1, 2, 4, 8, 64)))
    place = draw.randrange(len(content))
    return content[:place] + new + content[place + len(new) :]


def overwrite_number(content, draw):
    number = draw.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, len(content), len(content) - 22))
    place = draw.randrange(len(content) - 4)
    return content[:place] + struct.pack("<I", number) + content[place + 4 :]


def truncate(content, draw):
    return content[: draw.randrange(len(content))]


def extend(content, draw):
    return content + draw.randbytes(draw.choice((1, 22, 300)))


def prepend(content, draw):
    return draw.randbytes(draw.randrange(1, 50)) + content


def cut_out(content, draw):
    first, last = sorted(draw.sample(range(len(content) + 1), 2))
    return content[:first] + content[last:]


def repeat_part(content, draw):
    first, last = sorted(draw.sample(range(len(content) + 1), 2))
    return content[:last] + content[first:last] + content[last:]


def blank_part(content, draw):
    first, last = sorted(draw.sample(range(len(content) + 1), 2))
    return content[:first] + bytes(last - first) + content[last:]


def swap_digits(content, draw):
    """Another digit in the header's JSON, or anywhere else where there is one."""
    places = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    place = draw.choice(places or [0])
    return content[:place] + str(draw.randrange(10)).encode() + content[place + 1 :]


DAMAGES = (
    *(flip, overwrite, overwrite_number, truncate, extend, prepend, cut_out, repeat_part, blank_part),
    swap_digits,
)


def damaged_files(saved, count, seed):
    """Yield `count` cases of (Training, its file's bytes) damaged once or a few times, or not at all."""
    draw = random.Random(seed)  # noqa: S311 - a seed to be repeated, not a secret
    files = [content for _, content in saved]
    for number in range(count):
        run, content = draw.choice(saved)
        done = []
        for _ in range(draw.choice((0, 1, 1, 1, 1, 1, 2, 3))):
            if not content or draw.random() < 0.03:
                other = draw.choice(files)
                place = draw.randrange(len(other))
                content, damage = content[:place] + other[place:], "splice"
            else:
                chosen = draw.choice(DAMAGES) if len(content) > 8 else extend
                content, damage = chosen(content, draw), chosen.__name__
            done.append(damage)
        whole = [other for other, known in saved if known == content]  # a splice may be another whole file
        yield Case(f"{number} {'+'.join(done)}", content, whole[0] if whole else run)


# --- Forgery: files made to look right ---

NUMBERS = (0, 1, -1, 2, 3, 1.5, 1e308, -0.0, 2**31 - 1, 2**31, 2**32, 2**53, 2**63, 10**30, 10**400)
NO_NUMBERS = (None, True, False, float("nan"), float("inf"), -float("inf"))
TEXTS = ("", "relu", "float32", "identity", "\ud800", "x" * 20_000, "../../x", "=1+1", "\x1b[2J")
NESTED = ([], {}, [[]], [None], [1], [3, 2, 1], [10**9, 10**9, 10**9], ["relu"], [2] * 3000, {"a": 1})
ODD = (*NUMBERS, *NO_NUMBERS, *TEXTS, *NESTED)


def odd(draw):
    return copy.deepcopy(draw.choice(ODD))


def one_lie(header, draw):
    """A header in which one thing is wrong, and all the rest as it was."""
    lies = [
        {"engine": draw.choice(("\ud800", "x" * 20_000))},
        {"more": None},
        {"networks": 2**31 - 1},
        {"epochs": 2**31 - 1},
        {"network": header["network"] | {"layers": [2**31 - 1, 2**31 - 1, 1]}},
        {"rows": 0},
        {"diverged": header["diverged"] + 1},
    ]
    scaling = header["scaling"]
    if scaling is not None:
        age, smoker, size = scaling["inputs"]
        wrong = [
            {"inputs": [age, age, smoker]},
            {"inputs": [age, age | {"name": "charges"}, smoker]},
            {"inputs": [age, smoker]},
            {"inputs": [age, smoker, size | {"name": "\ud800"}]},
            {"minimum": scaling["minimum"] | {"inputs": [1.0, 2.0]}},
            {"range": scaling["range"] | {"targets": -1.5}},
            {"inputs": [age, smoker | {"categories": ["no"]}, size]},
            {"inputs": [age, smoker | {"categories": ["no", "no"]}, size]},
            {"inputs": [age, smoker | {"categories": [["no"], {"yes": None}]}, size]},
            {"inputs": [age, smoker | {"one_hot": True}, size]},
            {"targets": [scaling["targets"][0] | {"one_hot": True, "categories": ["a", "b", "c"]}]},
        ]
        lies += [{"scaling": scaling | lie} for lie in wrong]
    return header | draw.choice(lies)


def forged_header(header, draw):
    """A header with a few of its entries replaced, dropped, added or moved."""
    header = json.loads(json.dumps(header))
    if draw.random() < 0.3:
        return one_lie(header, draw)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        place = header
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw.choice(keys)
            if isinstance(place[key], dict | list) and place[key] and draw.random() < 0.7:
                place = place[key]
                continue
            action = draw.random()
            if action < 0.7:
                place[key] = near(place[key], draw) if draw.random() < 0.4 else odd(draw)
            elif action < 0.85:
                place.pop(key)
            elif isinstance(place, dict):
                place[draw.choice(("scaling", "networks", "more", "__class__"))] = odd(draw)
            else:
                place.insert(key, odd(draw))
            break
    return header


def near(value, draw):
    """A value of the same kind, a little off."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + draw.choice((-1, 1, 100))
    return f"{value}x" if isinstance(value, str) else value


def spelled(header, draw):
    """The header as JSON, in fastnn's spelling or another."""
    style = draw.random()
    if style < 0.7:
        return json.dumps(header).encode()
    if style < 0.8:
        return json.dumps(header, indent=2).encode()
    if style < 0.9:
        return json.dumps(header, ensure_ascii=False).encode(errors="surrogatepass")
    more = ('"epochs": 3}', '"deep": ' + "[" * 100_000, '"rows": 1e999}', f'"rows": {"9" * 5000}}}')
    return f"{json.dumps(header)[:-1]}, {draw.choice(more)}".encode()


def forged_array(array, draw):
    """An array with some of its numbers made impossible, or of another shape or kind."""
    action = draw.random()
    array = array.copy()
    if action < 0.5:
        array.reshape(-1)[draw.randrange(array.size)] = draw.choice((0, -1, 1, 7))
    elif action < 0.8 and array.dtype.kind == "f":
        array.reshape(-1)[draw.randrange(array.size)] = draw.choice((np.nan, np.inf, -np.inf, 1e-300, -0.0))
    elif action < 0.9:
        array = np.resize(array, draw.choice(((), (0,), (1,), (3, 1), (2, 50))))
    else:
        with np.errstate(all="ignore"):
            array = array.astype(draw.choice((">f8", "<f4", "<i8", "<c16", "S3")))
    return np.ascontiguousarray(array)


def forged_files(saved, count, seed):
    """Yield `count` cases whose checksums and lengths are right, and whose contents need not be."""
    draw = random.Random(seed)  # noqa: S311
    parts = [taken_apart(content) for _, content in saved]
    for number in range(count):
        header, arrays = draw.choice(parts)
        arrays = dict(arrays)
        if draw.random() < 0.6:
            header = forged_header(header, draw)
        if draw.random() < 0.6:
            name = draw.choice(list(arrays))
            arrays[name] = forged_array(arrays[name], draw)
        text = spelled(header, draw)
        style = draw.random()
        if style < 0.8:
            content, what = sealed(text, arrays), "sealed"
        else:
            content, what = by_zipfile(text, arrays, draw), "zipfile"
        yield Case(f"{number} {what}", content, None)


def taken_apart(content):
    """The header and the arrays of a file, by NumPy's reader and not by fastnn's."""
    found = np.load(io.BytesIO(content))
    header = json.loads(found["header.json"])
    return header, {name: found[name] for name in found.files if name != "header.json"}


def sealed(text, arrays):
    """A file in fastnn's own layout, whatever it holds."""
    members = {Member(name, array.dtype.str, array.shape): array for name, array in arrays.items()}
    return b"".join(bytes(piece) for piece in written(text, members))


def by_zipfile(text, arrays, draw):
    """A file as Python's zipfile and NumPy write it, with one thing or another that fastnn never does."""
    out = io.BytesIO()
    packing = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(out, "w", packing) as archive:
        archive.writestr("header.json", text)
        for name, array in arrays.items():
            npy = io.BytesIO()
            held = np.array([{}], object) if draw.random() < 0.1 else array
            np.save(npy, np.asfortranarray(held) if draw.random() < 0.2 else held)
            where = f"../{name}.npy" if draw.random() < 0.1 else f"{name}.npy"
            archive.writestr(where, npy.getvalue())
    return out.getvalue()


def undamaged(saved) -> Iterator[Case]:
    """Yield the files as they were saved."""
    for run, content in saved:
        yield Case("whole", content, run)
