"""Which texts are doubtful."""

import pytest

from cipin.reading.quality import quality_flags

CLAUSE = "本行持续推进金融科技创新"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (f"{CLAUSE}。" * 200, ()),
        (f"{CLAUSE} 3.5 " * 200, ("lost_punctuation",)),
        (CLAUSE * 100, ()),
        ("the bank adopts machine learning. " * 200, ()),
        (f"{CLAUSE}。".encode().decode("gb18030", "replace") * 100, ("garbled",)),
        ("", ()),
    ],
    ids=["normal", "no marks", "too short to judge", "English", "wrong encoding", "empty"],
)
def test_flags(text, flags):
    assert quality_flags(text) == flags
