"""What Prometheus scrapes from Ray of a run: shards, bytes, hits, errors, and the queue."""

from __future__ import annotations

from typing import Any

from ray.util.metrics import Gauge

#: Each is a total of the run under way, or how things stand; named after what `cipin run` itself shows.
GAUGES = {
    "shards_done": "Shards that are done, or were found done",
    "shards_planned": "Shards of the run",
    "bytes_done": "Bytes of the reports of shards that are done",
    "bytes_planned": "Bytes of all reports of the run",
    "hits": "Hits counted so far",
    "errors": "Reports quarantined so far",
    "retries": "Attempts begun again, after a death or beside a straggler",
    "queue": "Attempts under way",
    "slowest_seconds": "Seconds of the attempt that is at work for longest",
}


class Metrics:
    """The gauges of a run: `cipin_shards_done` and so on, as Ray exports them."""

    def __init__(self) -> None:
        self._gauges = {name: Gauge(f"cipin_{name}", description) for name, description in GAUGES.items()}

    def show(self, progress: Any, queue: int) -> None:
        """Set the gauges to how far a run is."""
        values = {
            "shards_done": progress.shards_done,
            "shards_planned": progress.shards_planned,
            "bytes_done": progress.done_bytes,
            "bytes_planned": progress.total_bytes,
            "hits": progress.hits,
            "errors": progress.errors,
            "retries": progress.retries,
            "queue": queue,
            "slowest_seconds": progress.slowest_seconds,
        }
        for name, value in values.items():
            self._gauges[name].set(float(value))
