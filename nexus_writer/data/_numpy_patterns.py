r"""The bytes that pickle writes for a numpy number or array of numbers, read without an unpickler.

Everything but the content lies before and behind it, and is the same for every point of a channel:

    protocol, frame, numpy.core.multiarray, scalar | _reconstruct, ..., type code, byte order | content | \x94\x86\x94R\x94.

``parse`` accepts exactly these opcodes in exactly this order. Every byte is either fixed or checked: the
memo indices of protocol 4 follow from the order, protocol 3 never refers to its memo. So what it accepts
means what it says; all else gives None and has to be unpickled. Source: Python's pickletools.py on the
opcodes, and the pickles of recorded scans (BLISS 1.11, numpy 1) and of numpy 2.
"""  # noqa: E501

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the content of a pickled number or array lies: ``data[offset : offset + nbytes]``.

    The content is C-contiguous; ``shape`` is () for a number.
    """

    offset: int
    nbytes: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


_FRAME = rb"(?:\x95(?P<frame>.{8}))?"
_CONTENT = rb"(?:C(?P<size1>.)|B(?P<size4>.{4})|\x8e(?P<size8>.{8}))"
_STATE = rb"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"
_CODE2 = rb"(?P<code2>b1|[iu][1248]|f[248]|c8)"
_CODE3 = rb"(?P<code3>c16)"
_ORDER = rb"(?P<order>[<>|])"
_LENGTH = rb"(?:K.|M..|J.{4})"


def _shape(memo: bytes) -> bytes:
    """Tuples of numbers; an empty one is not memoized."""
    counted = b"|".join(
        _LENGTH * count + tuple_n for count, tuple_n in ((1, rb"\x85"), (2, rb"\x86"), (3, rb"\x87"))
    )
    many = rb"\(" + _LENGTH + rb"{4,32}t"
    return rb"(?:\)|(?P<shape>" + counted + rb"|" + many + rb")" + memo + rb")"


_CORE_4 = rb"\x8c(?:\x15numpy\.core|\x16numpy\._core)\.multiarray\x94"
_DTYPE_4 = (
    rb"(?:\x8c\x02" + _CODE2 + rb"|\x8c\x03" + _CODE3 + rb")\x94\x89\x88\x87\x94R\x94"
    rb"\(K\x03\x8c\x01" + _ORDER + rb"\x94" + _STATE + rb"\x94b"
)  # fmt: skip
_NUMBER_4 = (
    rb"\x80\x04" + _FRAME + _CORE_4 + rb"\x8c\x06scalar\x94\x93\x94"
    rb"\x8c\x05numpy\x94\x8c\x05dtype\x94\x93\x94" + _DTYPE_4 + _CONTENT
)  # fmt: skip
_ARRAY_4 = (
    rb"\x80\x04" + _FRAME + _CORE_4 + rb"\x8c\x0c_reconstruct\x94\x93\x94"
    rb"\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94C\x01b\x94\x87\x94R\x94"
    rb"\(K\x01" + _shape(rb"\x94") + rb"h\x03\x8c\x05dtype\x94\x93\x94" + _DTYPE_4 + rb"\x89" + _CONTENT
)  # fmt: skip
_CORE_3 = rb"(?P<frame>)cnumpy\._?core\.multiarray\n"
_DTYPE_3 = (
    rb"cnumpy\ndtype\nq.(?:X\x02\x00\x00\x00" + _CODE2 + rb"|X\x03\x00\x00\x00" + _CODE3 + rb")q."
    rb"\x89\x88\x87q.Rq.\(K\x03X\x01\x00\x00\x00" + _ORDER + rb"q." + _STATE + rb"q.b"
)  # fmt: skip
_NUMBER_3 = rb"\x80\x03" + _CORE_3 + rb"scalar\nq." + _DTYPE_3 + _CONTENT
_ARRAY_3 = (
    rb"\x80\x03" + _CORE_3 + rb"_reconstruct\nq.cnumpy\nndarray\nq.K\x00\x85q.C\x01bq.\x87q.Rq."
    rb"\(K\x01" + _shape(rb"q.") + _DTYPE_3 + rb"\x89" + _CONTENT
)  # fmt: skip

_PATTERNS = {
    protocol: tuple((re.compile(head, re.DOTALL), re.compile(tail, re.DOTALL)) for head, tail in patterns)
    for protocol, patterns in {
        4: (
            (_NUMBER_4, rb"\x94\x86\x94R\x94\."),
            (_ARRAY_4, rb"(?:\x95(?P<frame>.{8}))?\x94t\x94b\."),
        ),
        3: ((_NUMBER_3, rb"q.\x86q.Rq.\."), (_ARRAY_3, rb"q.tq.b\.")),
    }.items()
}
_CODES: dict[bytes, np.dtype[Any]] = {
    order + code: np.dtype((order + code).decode())
    for order in (b"<", b">", b"|")
    for code in b"b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()
}


def parse(data: bytes) -> Layout | None:
    """The layout of a pickled number or array of numbers; None for any other pickle."""
    if len(data) < 2:
        return None
    for head, tail in _PATTERNS.get(data[1], ()):
        match = head.match(data)
        if match is None:
            continue
        offset = match.end()
        nbytes = int.from_bytes(match["size1"] or match["size4"] or match["size8"], "little")
        ending = tail.fullmatch(data, offset + nbytes) if offset + nbytes < len(data) else None
        if ending is None or not _frames_fit(data, match, ending):
            return None
        return _checked(match, offset, nbytes)
    return None


def _checked(match: re.Match[bytes], offset: int, nbytes: int) -> Layout | None:
    dtype = _CODES[match["order"] + (match["code2"] or match["code3"])]
    shape = _lengths(match["shape"]) if "shape" in match.re.groupindex else ()
    if shape is None or math.prod(shape) * dtype.itemsize != nbytes:
        return None
    return Layout(offset, nbytes, dtype, shape)


def _frames_fit(data: bytes, *matches: re.Match[bytes]) -> bool:
    """A frame that is longer than what follows it is an error for every unpickler."""
    for match in matches:
        if "frame" in match.re.groupindex and match["frame"]:
            length = int.from_bytes(match["frame"], "little")
            if length > len(data) - match.end("frame"):
                return False
    return True


def _lengths(opcodes: bytes | None) -> tuple[int, ...] | None:
    """The numbers of a pickled tuple; None when one is negative."""
    if not opcodes:
        return ()
    lengths = []
    pos = 1 if opcodes.startswith(b"(") else 0
    while opcodes[pos] in b"KMJ":
        size = {b"K": 1, b"M": 2, b"J": 4}[opcodes[pos : pos + 1]]
        pos += 1
        lengths.append(int.from_bytes(opcodes[pos : pos + size], "little", signed=size == 4))
        pos += size
    return None if min(lengths) < 0 else tuple(lengths)


_CORE_2 = b"\x8c\x16numpy._core.multiarray\x94"
_CORE_1 = b"\x8c\x15numpy.core.multiarray\x94"


def renamed(data: bytes) -> bytes | None:
    """The same pickle by the names of numpy 1, for a number or array of numbers; None for any other."""
    layout = parse(data)
    if layout is None:
        return None
    start = data.find(_CORE_2, 0, layout.offset)
    if start < 0:
        return data
    frame = int.from_bytes(data[3:11], "little") - 1
    return b"".join((data[:3], frame.to_bytes(8, "little"), _CORE_1, data[start + len(_CORE_2) :]))
