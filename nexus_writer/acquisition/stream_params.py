"""The parameters of a stream: their defaults, other spellings, and what is checked of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .compression import compression_name
from .dtypes import described, make_dtype
from .errors import SpecMismatch
from .transfer_modes import checked_transfermode

__all__ = ["COMPARED", "check_against", "complete"]

DEFAULTS: dict[str, Any] = {
    "protocol": "tcp",
    "interface": "127.0.0.1",
    "port": "*",
    "transfermode": "plaindata",
    "streamtype": "analogsignal",
    "dtype": "float32",
    "shape": (-1, 1),
    "compression": "",
    "scale": None,
    "offset": None,
    "units": "",
    "sample_rate": 1.0,
    "axisorder": None,
    "buffer_size": 0,
    "double": False,
    "fill": None,
    "policy": None,
    "queue_chunks": 1000,
    "send_timeout_s": 10.0,
}
PROTOCOLS = {"tcp": "tcp", "ipc": "ipc", "inpc": "ipc", "inproc": "inproc", "udp": "udp"}
STREAM_TYPES = ("analogsignal", "digitalsignal", "event", "image/video", "image", "video")
POLICIES = ("block", "drop_newest", "drop_oldest")
COMPARED = ("protocol", "transfermode", "dtype", "shape")


def complete(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters, in one spelling; keys that are not ours stay. SpecMismatch, ValueError, TypeError."""
    for key, asked in spec.items():
        if key in given and not _equal(key, asked, given[key], wildcard=False):
            raise SpecMismatch(key, asked, given[key])
    params = {**DEFAULTS, **spec, **given}
    for key in ("protocol", "transfermode", "dtype", "shape", "compression"):
        params[key] = _normal(key, params[key])
    if params["streamtype"] not in STREAM_TYPES:
        known = ", ".join(STREAM_TYPES)
        raise ValueError(f"unknown streamtype {params['streamtype']!r}: use one of {known}")
    rate = params["sample_rate"]
    if rate is not None and not (isinstance(rate, int | float) and rate > 0):
        raise ValueError(f"sample_rate {rate!r}: give a number of Hz above 0, or None")
    _check_port(params["port"])
    _check_scaling(params)
    _check_policy(params)
    return params


def check_against(spec: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """An input needs what its spec says; -1 in a shape is any length. SpecMismatch names the first."""
    for key in COMPARED:
        if key in spec and not _equal(key, spec[key], params[key], wildcard=True):
            raise SpecMismatch(key, spec[key], params[key])


def _equal(key: str, asked: Any, found: Any, wildcard: bool) -> bool:
    if key == "shape":
        asked, found = tuple(asked), tuple(found)
        return len(asked) == len(found) and all(
            a == b or (wildcard and -1 in (a, b)) for a, b in zip(asked, found, strict=True)
        )
    return bool(_normal(key, asked) == _normal(key, found))


def _normal(key: str, value: Any) -> Any:
    if key == "protocol":
        if value not in PROTOCOLS:
            raise ValueError(f"unknown protocol {value!r}: use tcp, ipc, inproc or udp")
        return PROTOCOLS[value]
    if key == "transfermode":
        return checked_transfermode(value)
    if key == "dtype":
        return described(make_dtype(value))
    if key == "compression":
        return compression_name(value)
    return _shape(value) if key == "shape" else value


def _shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, int):
        raise ValueError(f"shape {value}: give a length for each axis, like (-1, {value})")
    shape = tuple(int(n) for n in value)
    if not shape or not (shape[0] == -1 or shape[0] > 0) or any(n < 1 for n in shape[1:]):
        raise ValueError(f"shape {shape}: the first number is -1 or above 0, the others are above 0")
    return shape


def _check_port(port: Any) -> None:
    """ZeroMQ takes any number, modulo 65536."""
    if port != "*" and not (str(port).isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(f"port {port!r}: give a number from 1 to 65535, or '*' for a free one")


def _check_scaling(params: Mapping[str, Any]) -> None:
    scaled = params["scale"] is not None or params["offset"] is not None
    if scaled and make_dtype(params["dtype"]).kind not in "fc":
        raise ValueError(f"scale and offset need a stream of floats, and this one is {params['dtype']}")


def _check_policy(params: dict[str, Any]) -> None:
    shared, udp = params["transfermode"] == "sharedmem", params["protocol"] == "udp"
    possible = ("drop_oldest", "block") if shared else ("drop_newest",) if udp else POLICIES
    policy = params["policy"] or possible[0]
    if policy not in possible:
        what = "udp" if udp and not shared else params["transfermode"]
        raise ValueError(f"policy {policy!r} is not possible with {what}: use {' or '.join(possible)}")
    if udp and shared:
        raise ValueError("sharedmem tells its readers by tcp, ipc or inproc, not by udp")
    if params["queue_chunks"] < 1:
        raise ValueError(f"queue_chunks {params['queue_chunks']}: give 1 or more")
    if shared and int(params["buffer_size"]) < 1:
        raise ValueError("transfermode 'sharedmem' needs buffer_size, the number of samples of its ring")
    params["policy"] = policy
