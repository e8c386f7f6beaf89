"""Memory that a thread works in again and again.

What is allocated anew for each chunk stays with malloc when it was freed, in places that depend on what else
was allocated meanwhile: 20 MB after the chunks of 100 channels got full at the same moment. And its first use
costs more than the copy into it.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

MOST_KEPT_NBYTES = 2**21


class Scratch:
    """A buffer for each thread, valid until that thread asks for it again. Long ones are not kept."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def buffer(self, nbytes: int) -> npt.NDArray[np.uint8]:
        """So many bytes, of no matter what."""
        kept: npt.NDArray[np.uint8] | None = getattr(self._of_thread, "kept", None)
        if kept is None or len(kept) < nbytes:
            kept = np.empty(nbytes, np.uint8)
            if nbytes <= MOST_KEPT_NBYTES:
                self._of_thread.kept = kept
        return kept[:nbytes]
