"""The Ray executor of cipin: schedules `run_shard` on a cluster, and nothing else.

It is declared, so that `--on ray` is a known choice; running on a cluster comes with a later version.
"""

from __future__ import annotations

from cipin.errors import UsageError

__all__ = ["RayExecutor"]


class RayExecutor:
    """Runs shards as Ray tasks. Raises UsageError when made: this version cannot do it yet."""

    def __init__(self, workers: int = 0) -> None:
        del workers
        raise UsageError(
            "--on ray: this version of cipin does not run on Ray yet; use --on processes, which takes all CPUs of one "
            "machine and writes the same tables"
        )
