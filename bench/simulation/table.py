"""The scenarios that are simulated, and the table that README.md shows of them."""

from __future__ import annotations

from dataclasses import replace

from cipin.running.remote import AHEAD
from simulation.cluster import Machines, Storage
from simulation.costs import Costs
from simulation.scenario import MEMORY_BYTES, Outcome, Scenario, listing_of

COLUMNS = (
    "Nodes", "Reports", "Shards", "Ideal", "Makespan", "Efficiency", "Listing", "Planning", "Work", "Publishing",
    "Panel", "Driver CPU", "Driver memory", "Store requests/s", "Tried again", "Work held up by",
    "Gives out first, then",
)  # fmt: skip
HEAD = f"| {' | '.join(COLUMNS)} |\n| --- |{' --: |' * (len(COLUMNS) - 3)} --- | --- |"
#: 3,500 PUT and 5,500 GET a second into one prefix is what Amazon promises of S3, which knows no links, lists a
#: thousand names at a time, and tells files apart by hashes of its own; each is fetched, and compared again.
OBJECTS = Storage(
    0.2, reads_a_second=5500, puts_a_second=3500, asks=2, ahead=AHEAD, listing=0.001, listed_at_once=1, hashes=False,
    publishing=3,
)  # fmt: skip


def scenarios() -> list[Scenario]:
    """Return what the table has: growth, then what goes wrong on a hundred nodes, then other reports."""
    grid = [
        Scenario(f"{nodes:,}", reports, Machines(nodes))
        for nodes in (10, 100, 1000)
        for reports in (10**5, 10**6, 10**7, 10**8, 10**9)
    ]
    return grid + troubles()


def troubles() -> list[Scenario]:
    """Return the runs in which something fails, of text on a hundred nodes and of PDFs on ten."""
    # All shards of PDFs one by one: of a part, what straggles would be waited for, or tried beside, at its end.
    text = Scenario("", 10**6, Machines(100))
    pdfs = Scenario("", 10**6, Machines(10), kind="pdf", least_shards=10**6)
    some, few = text.machines, pdfs.machines
    return [
        replace(text, name="100, 1 % stragglers ×10", machines=replace(some, stragglers=0.01)),
        replace(text, name="100, one lost an hour", machines=replace(some, lost_an_hour=0.01)),
        replace(text, name="100, a store that answers at once", storage=Storage(0.0)),
        replace(text, name="100, object store, 200 ms", storage=OBJECTS),
        replace(pdfs, name="10, PDFs"),
        replace(pdfs, name="10, PDFs, 1 % stragglers ×10", machines=replace(few, stragglers=0.01)),
        replace(pdfs, name="10, PDFs, 1 ‰ stragglers ×1,000", machines=replace(few, stragglers=0.001, slower=1000.0)),
        replace(pdfs, name="10, PDFs, one lost a minute", machines=replace(few, lost_an_hour=6.0)),
        replace(pdfs, name="10, PDFs, 1 % killed for memory", machines=replace(few, killed=0.01)),
        replace(pdfs, name="10, PDFs, object store, 200 ms", storage=OBJECTS),
    ]


def row(outcome: Outcome) -> str:
    """Return a run as a row of the table; ~ marks what is extrapolated from smaller sizes."""
    scenario = outcome.scenario
    far = "~" if scenario.reports > 10**6 else ""
    parts = [outcome.listing, outcome.planning, outcome.work, outcome.publishing, outcome.panel]
    memory = f"{far}{outcome.peak_bytes / (1 << 30):,.1f} GB"
    cells = [
        scenario.name,
        f"10{str(len(str(scenario.reports)) - 1).translate(_HIGH)}",
        f"{outcome.shards:,}",
        duration(outcome.ideal),
        far + duration(outcome.makespan),
        f"{outcome.efficiency:.2%}",
        *(far + duration(each) for each in parts),
        f"{outcome.driver_seconds / outcome.makespan:.0%}",
        f"**{memory}**" if outcome.peak_bytes > MEMORY_BYTES else memory,
        f"{outcome.requests_a_second:,.0f}",
        f"{outcome.retries:,} of {outcome.simulated:,}",
        outcome.work_limit,
        ", ".join(outcome.bottlenecks[:3]),
    ]
    return f"| {' | '.join(cells)} |"


_HIGH = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def duration(seconds: float) -> str:
    """Return seconds as people say them.

    >>> duration(0.4), duration(75), duration(7000), duration(400_000)
    ('0.4 s', '75 s', '1.9 h', '4.6 d')
    """
    for most, unit, size in ((10.0, "s", 1.0), (600.0, "s", 1.0), (3600.0, "min", 60.0), (172_800.0, "h", 3600.0)):
        if seconds < most:
            return f"{seconds / size:.{1 if unit != 's' or most == 10.0 else 0}f} {unit}"
    return f"{seconds / 86_400:,.1f} d"


def limits(costs: Costs) -> list[str]:
    """Return where the driver gives out, in words: what each of its parts can keep up with."""
    driver, lines = costs.driver(), []
    task = driver.begin + driver.ended + driver.handle
    lines.append(f"tasks: {task * 1e3:.2f} ms each in the driver's main thread, {1 / task:,.0f} a second")
    for kind, times in costs.times.items():
        report_bytes = costs.measured["report_bytes"][kind]
        alone, disk = Storage(0.0), Storage()
        looked, answered, listed = (
            report_bytes / sum(listing_of(costs, report_bytes, each, Machines(1).cpus)) / times.bytes_per_second
            for each in (alone, disk, OBJECTS)
        )
        lines.append(
            f"{kind}: {times.mean:.2f} s a shard, {times.bytes_per_second / 1e6:.1f} MB/s a CPU; tasks keep "
            f"{times.mean / task:,.0f} CPUs busy; looking at reports on a disk that answers at once {looked:,.0f}, "
            f"after {disk.seconds * 1e3:.0f} ms {answered:,.0f}, on an object store {listed:,.0f}"
        )
    for name, line in costs.peak.items():
        if name in {"list", "write_plan", "work", "publish"}:
            lines.append(f"{name}: {line.each:,.0f} bytes a report; {MEMORY_BYTES / line.each:,.0f} reports fill 64 GB")
    _, fixed = costs.tables(0, 0)
    by_report, by_group = costs.tables(1e6, 0)[1] - fixed, costs.tables(0, 1e6)[1] - fixed
    lines.append(
        f"panel: {by_report / 1e6:,.0f} bytes a report and {by_group / 1e6:,.0f} an entity-year; "
        f"{MEMORY_BYTES / (by_report + by_group) * 1e6:,.0f} reports of an entity-year each fill 64 GB"
    )
    for name, line in costs.seconds.items():
        lines.append(
            f"{name}: {line.each * 1e6:,.1f} µs a report up to {line.largest:,} (grows as n^{line.exponent:.2f})"
        )
    return lines
