"""The way to a manager."""

from __future__ import annotations

from .manager import Manager
from .manager_proxy import ManagerProxy

__all__ = ["create_manager"]


def create_manager(mode: str = "rpc", auto_close_at_exit: bool = True) -> Manager | ManagerProxy:
    """``local``: a Manager in this process; ``rpc``: one in a process of its own.

    No process outlives the program in either case. ``auto_close_at_exit``: the manager of ``rpc`` is closed
    at the program's exit as by ``close``.
    """
    if mode == "local":
        return Manager()
    if mode == "rpc":
        return ManagerProxy(auto_close_at_exit)
    raise ValueError(f"unknown mode {mode!r} of a manager: use 'local' or 'rpc'")
