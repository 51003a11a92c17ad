"""Stores of sweeps on disk: files appear whole, are checked before they are read, and are found by listing.

A store is a folder::

    manifest.json               the plan: everything the results depend on, and the size of the shards
    inputs/data-00000000-*.parquet      the training rows, so that any network can be trained again
    inputs/starts-00000000-*.parquet    the starting parameters, if they were given
    inputs/order-00000000-*.parquet     the order of the rows in each epoch, if it was given
    inputs/validation-00000000-*.parquet    the validation rows, if they were given
    grown-00000001.json                 the number of starts after the store has grown for the first time
    shards/shard-00000007-*.parquet     one row for each network, all of one cell of the grid
    curves/curves-00000007-*.parquet    the loss curves of these networks, if they are kept
    damaged/                    damaged files, set aside
    digest.json                 one digest over the finished table

The ``*`` is a digest over the plan, the kind, the number and the bytes of the file, so each name fits only
one content of one sweep. A shard is done when a file with its name exists. Only the listing of the folder
tells this; nothing else records it.

A store can grow: the same sweep with more networks adds to it. Start i depends only on the seed and on i, so
existing shards stay as they are. A new file gives the new number of starts, and the new starts are cut into
shards of their own. A sweep numbers its networks cell by cell, so their numbers change when the store grows.
Therefore a shard holds the ``start``, the settings of each network, and the number of the
network is computed from these. The finished table has the same bits as a sweep made at once.

Modules, from below: `shards` (the place of each network), `entries` (the checks of a plan's entries),
`manifest` (the plan as text), `parquet` (arrays as files and back), `contents` (the checks of what files
hold), `asides` (the moving aside of files), `folder` (the files that exist or are missing), `opening` (a
store as a `Sweep`).
"""

from fastnn.checking import OneSentenceError

__all__ = ["StoreError"]


class StoreError(OneSentenceError, OSError):
    """A store, or a file of it, is damaged, incomplete or cannot be used."""
