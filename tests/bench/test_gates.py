"""The parts of the gates: what is counted, what is a loss, what a program took."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


def load(name: str) -> ModuleType:
    """Import a module of bench/ from its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module(name)


callgrind, instructions, processes, definitions = (
    load(name) for name in ("callgrind", "instructions", "processes", "definitions")
)
Count = instructions.Count
DUMP = "desc: Trigger: Client Request: {}\n\nevents: Ir\nsummary: 18446744073585775920\n\ntotals: {}\n"


def test_parts_are_read_from_dumps(tmp_path: Path) -> None:
    (tmp_path / "callgrind.out").write_text("desc: Trigger: Program termination\ntotals: 9\n", encoding="utf-8")
    (tmp_path / "callgrind.out.1").write_text(DUMP.format("a small", 70), encoding="utf-8")
    (tmp_path / "callgrind.out.2").write_text(DUMP.format("a large", 700), encoding="utf-8")
    assert callgrind.read_dumps(tmp_path) == {"a small": 70, "a large": 700}


def test_requests_do_nothing_on_a_processor() -> None:
    if callgrind.platform.machine() != "x86_64":
        pytest.skip("the requests are written for x86_64")
    done: list[int] = []
    callgrind.Counter().part("part", lambda: done.append(1))
    assert done == [1]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (Count(1.03, 1_000_000), {}),
        (Count(1.031, 1_000_000), {"a": "+3.1 % a byte"}),
        (Count(1.0, 1_330_000), {}),
        (Count(1.0, 1_330_001), {"a": "+330,001 a call"}),
        (Count(2.0, 9_000_000), {"a": "+100.0 % a byte, +8,000,000 a call"}),
        (Count(0.5, 1), {}),
    ],
)
def test_a_loss_is_above_three_per_cent(count: object, said: dict[str, str]) -> None:
    assert instructions.losses({"a": count}, {"a": {"per_byte": 1.0, "per_call": 1_000_000}}) == said


def test_what_is_stored_is_of_known_benchmarks() -> None:
    stored = definitions.read_table(instructions.PATH)
    assert len(instructions.cases(stored["counts"])) == len(stored["counts"]) > 0
    assert set(stored["versions"]) == set(instructions.versions())


def test_what_is_written_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "PATH", tmp_path / "instructions.toml")
    instructions.renew({"long-60-all": Count(6.5, 1_234_567)})
    assert definitions.read_table(instructions.PATH) == {
        "versions": instructions.versions(),
        "counts": {"long-60-all": {"per_byte": 6.5, "per_call": 1_234_567}},
    }


@pytest.mark.skipif(not processes.PROC.is_dir(), reason="there is no /proc to ask for memory")
def test_memory_of_a_child_is_seen_and_not_that_of_the_parent() -> None:
    ballast = bytearray(200_000_000)
    sleep = "import time; time.sleep(0.2)"
    small = processes.run_python(sleep)
    large = processes.run_python(f"x = b'x' * 100_000_000; {sleep}")
    below = processes.run_python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])")
    del ballast
    assert small.peak < 100e6 <= large.peak - small.peak + 5e6
    assert (small.processes, below.processes) == (1, 2)


def test_processor_time_is_counted_and_waiting_is_not() -> None:
    spin = processes.run_python("import time\nwhile time.process_time() < 0.5: pass")
    sleep = processes.run_python("import time; time.sleep(0.5)")
    assert spin.seconds - sleep.seconds > 0.3


def test_a_program_that_fails_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"exit code 3\nwhy"):
        processes.run_program([sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"])
