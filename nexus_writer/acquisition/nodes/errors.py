"""What can go wrong with nodes."""

from __future__ import annotations

from ..errors import AcquisitionError

__all__ = ["NodeStateError", "NodeStuck", "NodeTypeTaken", "UnknownNodeType"]


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
