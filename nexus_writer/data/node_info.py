"""The info of a node, as Redis has it at this moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import redis

from nexus_writer.data import keys
from nexus_writer.data.info import RawInfo, decoded
from nexus_writer.data.pickles import dumps


class NodeInfo(MutableMapping[str, Any]):
    """A mapping of names to values; every access asks Redis, ``get_all`` asks once for everything.

    A value that cannot be decoded comes as an Opaque. Setting a field to None deletes it.
    """

    def __init__(self, key: str, connection: redis.Redis) -> None:
        self._hash = keys.info(key)
        self._connection = connection

    def get_all(self) -> dict[str, Any]:
        return self.raw().decode()

    def raw(self) -> RawInfo:
        """All fields, still pickled."""
        fields: Any = self._connection.hgetall(self._hash)
        return RawInfo(fields)

    def update(self, *args: Any, **fields: Any) -> None:
        """Write several fields by one command."""
        values: Mapping[str, Any] = dict(*args, **fields)
        if values:
            pickled: dict[Any, Any] = {keys.to_bytes(name): dumps(value) for name, value in values.items()}
            self._connection.hset(self._hash, mapping=pickled)

    def remove(self, *names: str) -> None:
        """Delete fields; those that are not there do not matter."""
        if names:
            self._connection.hdel(self._hash, *map(keys.to_bytes, names))

    def __getitem__(self, name: str) -> Any:
        value: Any = self._connection.hget(self._hash, keys.to_bytes(name))
        if value is None:
            raise KeyError(name)
        return decoded(value, name)

    def __setitem__(self, name: str, value: Any) -> None:
        if value is None:
            self.remove(name)
        else:
            self.update({name: value})

    def __delitem__(self, name: str) -> None:
        if not self._connection.hdel(self._hash, keys.to_bytes(name)):
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        names: Any = self._connection.hkeys(self._hash)
        return iter([keys.to_text(name) for name in names])

    def __len__(self) -> int:
        count: Any = self._connection.hlen(self._hash)
        return int(count)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._connection.hexists(self._hash, keys.to_bytes(name)))

    def items(self) -> Any:
        return self.get_all().items()

    def values(self) -> Any:
        return self.get_all().values()

    def __repr__(self) -> str:
        return f"<info of {keys.to_text(self._hash)}: {self.get_all()}>"
