"""The Ray executor of cipin: schedules shards on a cluster, and knows nothing of reports.

`executor` speaks with Ray, `connecting` finds or starts it, `exposure` says who else could command it and what nodes
lack (`cipin doctor --on ray`), `window` decides what is begun when and what is given up, `worker` is what runs on
nodes, `metrics` is what Prometheus is shown. Ray is imported when RayExecutor is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cipin_ray.executor import RayExecutor

__all__ = ["RayExecutor"]


def __getattr__(name: str) -> Any:
    if name == "RayExecutor":
        from cipin_ray.executor import RayExecutor

        return RayExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
