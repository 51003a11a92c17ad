"""The folders of a user in which fastnn keeps things."""

from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return the folder for fastnn's caches, where this user's system keeps them.

    Raises
    ------
    RuntimeError
        The user has no home folder.
    """
    from platformdirs import user_cache_path  # imported here: `import fastnn` needs no folder

    folder = user_cache_path("fastnn")
    if not folder.is_absolute():  # as older versions of platformdirs say that there is no home
        raise RuntimeError(f"{folder} is no absolute path")
    return folder
