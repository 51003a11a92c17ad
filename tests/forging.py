"""Stores, manifests and answers that were changed and sealed again: their digests are right."""

import json
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from fastnn.sweeping.store.folder import NAME, Store
from fastnn.sweeping.store.manifest import sealed

# What any entry may be changed into.
JUNK = (
    *(None, True, False, 0, 1, -1, 2, 3, 12, 16, 21, 25, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, 10**30),
    *(10**400, 0.0, -0.0, 0.5, 1.0, -1.0, 1e-320, 1e308, "", "a", "\0", "relu", "given", "normal", "float32"),
    *(
        "0" * 64,
        "x" * 1000,
        "🙂",
        [],
        [1],
        [0.1],
        [[1]],
        [None],
        ["a"],
        [1, "a"],
        [2, 10**9, 1],
        [2, 2, 2, 1],
    ),
    *([1] * 3000, [0.01, 0.01], {}, {"a": 1}, {"rule": "he"}, {"rows": 12}, [[[[[[[[[[1]]]]]]]]]]),
)


def places(values, path=()):
    """The paths of all entries below some values."""
    found = [path] if path else []
    pairs = (
        values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    )
    for key, value in pairs:
        found += places(value, (*path, key))
    return found


def changed(values, random):
    """A copy of values that JSON can hold, with one change somewhere."""
    values = json.loads(json.dumps(values))
    *above, last = random.choice(places(values))
    parent = values
    for key in above:
        parent = parent[key]
    way = random.choice(("replace", "replace", "replace", "remove", "add", "repeat"))
    if way == "remove":
        del parent[last]
    elif way == "add" and isinstance(parent, dict):
        parent[random.choice(["more", "losses", "validation", "start", "mean"])] = random.choice(JUNK)
    elif way == "repeat" and isinstance(parent, list):
        parent.insert(last, parent[last])
    else:
        parent[last] = random.choice(JUNK)
    return values


def unsealed(folder):
    """What a store's manifest says."""
    values = json.loads((folder / "manifest.json").read_bytes())
    del values["sha256"]
    return values


def reseal(folder, change):
    """Change the manifest of a store, and name its files as those of the changed one."""
    values = unsealed(folder)
    change(values)
    (folder / "manifest.json").write_bytes(sealed(values))
    (folder / "digest.json").unlink(missing_ok=True)
    plan = sha256(json.dumps(values["plan"], sort_keys=True).encode()).hexdigest()
    for path in list(folder.glob("*/*.parquet")):
        named(path, path.read_bytes(), plan)


def named(path, content, plan):
    """Write a file's content under the name that it has in a store of a plan."""
    kind, number, _ = NAME.fullmatch(path.name).groups()
    digest = sha256(f"{plan} {kind} {int(number)}\n".encode() + content).hexdigest()[:32]
    path.unlink()
    path = path.with_name(f"{kind}-{number}-{digest}.parquet")
    path.write_bytes(content)
    return path


def reshaped(path, change, **options):
    """Change the table of a file of a store; write it under the name of its new bytes."""
    table = pq.read_table(path)
    sink = pa.BufferOutputStream()
    pq.write_table(change(table), sink, **{"compression": "none", "write_page_checksum": True} | options)
    plan = Store.at(path.parents[1]).manifest.plan_digest
    return named(path, sink.getvalue().to_pybytes(), plan)


def with_column(table, name, values):
    """The table with other values in a column."""
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values))
