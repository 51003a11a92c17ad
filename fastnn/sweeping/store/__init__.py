"""Sweeps on disk: files published whole, checked before they are read, found again by listing a folder.

A store is a folder::

    manifest.json               the plan: what the results depend on, and how they are cut into shards
    inputs/data-00000000-*.parquet      the rows trained on, so that any network can be trained again
    inputs/starts-00000000-*.parquet    the starting parameters, where they were given
    inputs/validation-00000000-*.parquet    the rows measured on, where they were given
    grown-00000001.json                 to how many starts the store has grown, the first time
    shards/shard-00000007-*.parquet     one row for each network
    curves/curves-00000007-*.parquet    their loss curves, where they were asked for
    damaged/                    files that were not what they had been, set aside
    digest.json                 one digest over the finished table

The ``*`` is a digest over the plan, the kind, the number and the bytes of the file, so a name can only be
right for one content of one sweep. A shard is done when a file of its name is there: the listing is the
truth, and nothing else records it.

A store grows: the same sweep with more networks adds to it. Start i depends on the seed and on i alone, so
what is there stays as it is; a file that appears once says how many starts there are from then on, and those
that came are cut into shards of their own. Since a sweep numbers its networks cell by cell, their numbers
move: so a shard names the ``start`` of each network beside its learning rate and its rows, and its number in
the sweep is computed. The finished table is, to the bit, that of a sweep made at once.

Modules, from below: `publishing` (a file appears whole or not at all), `shards` (which network is where),
`entries` (what each entry of a plan may be), `manifest` (the plan as text), `tables` (arrays as parquet and
back), `contents` (what files must hold), `asides` (what makes way), `folder` (what is there and what is
missing), `opening` (a store as a `Sweep`).
"""

from fastnn.checking import OneSentenceError

__all__ = ["StoreError"]


class StoreError(OneSentenceError, OSError):
    """A store, or a file of it, is damaged, incomplete or cannot be used."""
