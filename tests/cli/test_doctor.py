"""`cipin doctor`: facts of this machine, and a way out wherever one is needed."""

import os

import pytest

from cipin.cli import main
from cipin.matching.processor import missing_features
from cipin.running import doctor


def test_it_says_what_a_run_will_meet(tmp_path, capsys):
    assert main(["doctor", str(tmp_path / "not" / "yet"), "-l", "wu2021"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("  cipin ") and "Python" in line for line in lines)
    assert any("packages" in line and "polars" in line and "ray" in line for line in lines)
    path = "portable" if missing_features() else "avx512"
    assert any("kernel for wu2021" in line and f"{path}-filtered" in line for line in lines)
    assert any("free disk" in line and "GB" in line for line in lines)


def test_the_processor_that_lacks_something_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "missing_features", lambda: ("avx512vbmi2",))
    (found,) = [each for each in doctor.examine() if each.what == "processor"]
    assert "portable kernels, since it lacks avx512vbmi2" in found.state


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_caches_and_disks_that_cannot_be_written_have_a_way_out(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("CIPIN_CACHE", str(tmp_path / "cache"))
    found = {each.what: each for each in doctor.examine(tmp_path / "out")}
    assert "CIPIN_CACHE" in found["automata"].way_out
    assert "another OUT" in found["free disk"].way_out
    tmp_path.chmod(0o700)


def test_a_cache_that_is_a_file_and_a_full_disk_have_a_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CIPIN_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(doctor.numba.config, "CACHE_DIR", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(doctor, "LITTLE_DISK", 1 << 60)
    findings = doctor.examine(tmp_path)
    found = {each.what: each for each in findings}
    assert "CIPIN_CACHE" in found["automata"].way_out
    assert "NUMBA_CACHE_DIR" in found["kernels' cache"].way_out
    assert "make room" in found["free disk"].way_out
    text = doctor.report(findings).splitlines()
    marked = [number for number, line in enumerate(text) if line.startswith("!")]
    assert len(marked) == 3
    assert all("->" in text[number + 1] for number in marked)


def test_a_lexicon_that_is_not_there(capsys):
    assert main(["doctor", "-l", "nowhere"]) == 2
    assert "no lexicon 'nowhere'" in capsys.readouterr().err
