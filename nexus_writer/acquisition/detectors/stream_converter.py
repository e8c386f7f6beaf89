"""A stream in another form."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..dtypes import described, make_dtype
from .pipe_node import PipeNode

__all__ = ["StreamConverter"]


class StreamConverter(PipeNode):
    """Output ``out``: the same samples by the protocol and the transfer mode that it is configured with.

    ``dtype`` converts them, as numpy's ``astype`` does; None keeps theirs.
    """

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"out": {}}

    def _configure(self, *, dtype: Any = None) -> None:
        self._dtype = None if dtype is None else make_dtype(dtype)
        if self.input.connected:
            self.after_input_connect("in")

    def after_input_connect(self, name: str) -> None:
        """The output is what the input is, but for the dtype."""
        params = self.input.params
        dtype = params["dtype"] if self._dtype is None else described(self._dtype)
        self.output.spec = {**self._described(), "shape": params["shape"], "dtype": dtype}

    def _run(self) -> None:
        for index, data in self._incoming():
            made = data if self._dtype is None else np.asarray(data.astype(self._dtype))
            self._forward(self.output, made, index)
