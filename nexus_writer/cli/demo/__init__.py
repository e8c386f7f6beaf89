"""``nexus-writer demo``: a beamline, the writer and a client on this machine, for about 15 s."""

from .run import run_demo

__all__ = ["run_demo"]
