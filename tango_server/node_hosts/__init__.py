"""Hosts of acquisition nodes by Tango: a Starter device starts the groups, each a device server of its own.

A program says ``manager.get_host("tango://tango/admin/HOST")``; on that host a Starter runs, and finds the
program ``NxAcqGroup`` in one of the directories of its property StartDsPath.
"""

from .host import GroupNotStarted, TangoHost, TangoHostMissing

__all__ = ["GroupNotStarted", "TangoHost", "TangoHostMissing"]
