"""What can go wrong with nodes."""

from __future__ import annotations

from ..errors import AcquisitionError

__all__ = [
    "CallTimeout",
    "ManagerClosed",
    "NameTaken",
    "NodeGroupDied",
    "NodeStateError",
    "NodeStuck",
    "NodeTypeTaken",
    "QtMissing",
    "UnknownHost",
    "UnknownNodeType",
]


class NodeStateError(AcquisitionError, AssertionError):
    """A call that the state of a node does not allow; the node is as it was."""

    def __init__(self, node: str, call: str, state: str, remedy: str) -> None:
        self.node, self.call, self.state, self.remedy = node, call, state, remedy
        super().__init__(f"{call}() is not possible, the node {node} is {state}: {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        return NodeStateError, (self.node, self.call, self.state, self.remedy)


class NodeStuck(AcquisitionError, TimeoutError):
    """The thread of a node did not end when it was asked to."""

    def __init__(self, node: str, timeout_s: float) -> None:
        self.node, self.timeout_s = node, timeout_s
        super().__init__(
            f"the thread of the node {node} did not end within {timeout_s:g} s: "
            "its _run() must return soon after stopping() is True"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return NodeStuck, (self.node, self.timeout_s)


class NodeTypeTaken(AcquisitionError, AssertionError):
    """Another class has the name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"another class is registered as node type {name}: register it by another name")

    def __reduce__(self) -> tuple[object, ...]:
        return NodeTypeTaken, (self.name,)


class UnknownNodeType(AcquisitionError, KeyError):
    """No class was registered by the name."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(name)

    def __str__(self) -> str:
        known = ", ".join(self.known) or "none"
        return (
            f"no node type {self.name} (there is {known}): "
            "call register_node_type_from_module(module, class) first"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return UnknownNodeType, (self.name, self.known)


class NodeGroupDied(AcquisitionError, EOFError):
    """The process of a node group is gone, with its nodes. ``ending``: as in "was ended by SIGKILL"."""

    def __init__(self, name: str, ending: str) -> None:
        self.name, self.ending = name, ending
        super().__init__(f"the node group {name} {ending}: make a new one")

    def __reduce__(self) -> tuple[object, ...]:
        return NodeGroupDied, (self.name, self.ending)


class CallTimeout(AcquisitionError, TimeoutError):
    """No answer from another process in time; what it was asked for may be done later."""

    def __init__(self, who: str, request: str, timeout_s: float) -> None:
        self.who, self.request, self.timeout_s = who, request, timeout_s
        super().__init__(
            f"{who} did not answer {request} within {timeout_s:g} s: wait, close it with force=True, "
            "or make node groups with a larger call_timeout_s"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return CallTimeout, (self.who, self.request, self.timeout_s)


class NameTaken(AcquisitionError, KeyError):
    """A node group of that name is there."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return f"a node group named {self.name} is there already: take another name, or close it first"

    def __reduce__(self) -> tuple[object, ...]:
        return NameTaken, (self.name,)


class UnknownHost(AcquisitionError, KeyError):
    """The manager is not connected to a host of that address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)

    def __str__(self) -> str:
        return f"no host {self.address!r} is connected: call get_host({self.address!r}) first"

    def __reduce__(self) -> tuple[object, ...]:
        return UnknownHost, (self.address,)


class ManagerClosed(AcquisitionError):
    """The manager was closed, or its process is gone."""

    def __init__(self, ending: str) -> None:
        self.ending = ending
        super().__init__(f"the manager {ending}: make a new one with create_manager()")

    def __reduce__(self) -> tuple[object, ...]:
        return ManagerClosed, (self.ending,)


class QtMissing(AcquisitionError):
    """A node group with ``qt=True`` was asked for where there is no Qt."""
