"""The four kernels, each for any lexicon: what chooses between them is set aside."""

from contextlib import contextmanager

import pytest

from cipin.matching import scan, search
from cipin.matching.processor import missing_features

PORTABLE = ("portable-levels", "portable-filtered")
VECTOR = ("avx512-levels", "avx512-filtered")
MISSING = missing_features()
#: Those that run here, for tests that try all in one.
AVAILABLE = PORTABLE if MISSING else PORTABLE + VECTOR

needs_vectors = pytest.mark.skipif(bool(MISSING), reason=f"the processor lacks {', '.join(MISSING)}")
#: For parametrize: every kernel, those that can't run here skipped with the reason.
ALL = (*PORTABLE, *(pytest.param(each, marks=needs_vectors) for each in VECTOR))


@contextmanager
def forced(kernel, block_bytes=None, filter_bytes=None):
    """Search with `kernel`, whatever the lexicon; in blocks so small that patterns cross their borders, if asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "choose_kernel", lambda *_: (kernel, "forced"))
        if block_bytes:
            patch.setattr(search, "BLOCK_BYTES", block_bytes)
        if filter_bytes:
            patch.setattr(search, "FILTER_BYTES", filter_bytes)
        yield
