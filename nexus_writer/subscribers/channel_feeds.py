"""The channels of a scan on their way from Redis to its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import cast

from nexus_writer.data.errors import Undecodable
from nexus_writer.data.point_runs import PointRun
from nexus_writer.data.points import KnownKinds, PointDecoder
from nexus_writer.data.scan_items import NodeAdded
from nexus_writer.data.streams import RawEntry
from nexus_writer.layout import ScanFile
from nexus_writer.model import Block
from nexus_writer.model.block import joined
from nexus_writer.model.limits import LONGEST_NAME, MOST_CHANNELS

from .channels import credible_blocks, declared_channel, observed_channel
from .entry_size import entry_size
from .pending_points import Part

History = Callable[[str, bytes], Iterable[list[RawEntry]]]
"""What Redis still has of a channel up to an id, this included, in parts."""


class ChannelFeeds:
    """Decodes the points of one ScanFile. A channel that cannot be decoded is lost, the others are not."""

    def __init__(self) -> None:
        self._decoders: dict[str, PointDecoder] = {}
        self._kinds = KnownKinds()
        self._undeclared: dict[str, NodeAdded] = {}
        self._last_ids: dict[str, bytes] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._decoders

    def clear(self) -> None:
        """The file is opened anew: its channels are added, and read, again."""
        self._decoders.clear()
        self._undeclared.clear()

    def is_too_much(self, node: NodeAdded, file: ScanFile) -> bool:
        """A channel that is left out, which is warned of."""
        if len(node.name) > LONGEST_NAME:
            file.lose(node.key, f"the channel {node.name[:40]}... has a name of {len(node.name)} characters")
        elif len(self._decoders) >= MOST_CHANNELS:
            file.warn(f"more than {MOST_CHANNELS} channels: the others are not saved")
        else:
            return False
        return True

    def add(self, node: NodeAdded, file: ScanFile) -> None:
        """A channel appeared, or its file was opened anew."""
        self._decoders[node.key] = PointDecoder(node.key, self._kinds)
        channel = declared_channel(node)
        if channel is None:
            self._undeclared[node.key] = node
        else:
            file.add_channel(channel)

    def decode(self, key: str, parts: Sequence[Part], file: ScanFile) -> Sequence[Block]:
        """Blocks of points; a channel that cannot be decoded keeps what came before, and is given up."""
        if key in file.lost:
            return ()
        decoded: list[Block] = []
        try:
            for block in self._blocks(key, parts):
                decoded.append(block)
        except Undecodable as error:
            credible, _ = credible_blocks([*decoded, *error.decoded], file.points.get(key, 0))
            return self._given_up(key, credible, str(error), file)
        blocks = joined(decoded)
        credible, why = credible_blocks(blocks, file.points.get(key, 0))
        if why:
            return self._given_up(key, credible, f"{key} is not saved from there on: {why}", file)
        self._observe(key, blocks, file)
        return blocks

    def _blocks(self, key: str, parts: Sequence[Part]) -> Iterator[Block]:
        """Raises Undecodable."""
        for are_runs, group in groupby(parts, _is_run):
            if are_runs:
                for run in cast("Iterable[PointRun]", group):
                    yield Block(key, run.start, run.values)
            else:
                entries = chain.from_iterable(cast("Iterable[list[RawEntry]]", group))
                yield from self._decoders[key].decode([*entries])

    def received(self, key: str, last_id: bytes) -> None:
        """Entries of a channel came, up to that one; they may wait elsewhere before they are decoded."""
        self._last_ids[key] = last_id

    def read_again(self, history: History, file: ScanFile, commit_bytes: int) -> None:
        """Append what was received of all channels, each from its beginning; a commit follows every
        ``commit_bytes``."""
        for key in list(self._decoders):
            nbytes = 0
            for entries in history(key, self._last_ids[key]) if key in self._last_ids else ():
                if blocks := self.decode(key, [entries], file):
                    file.append({key: blocks})
                nbytes += len(entries) * entry_size(entries[-1])
                if nbytes >= commit_bytes:
                    file.commit()
                    nbytes = 0

    def _given_up(self, key: str, blocks: Sequence[Block], why: str, file: ScanFile) -> Sequence[Block]:
        if blocks:
            self._observe(key, blocks, file)
            file.append({key: blocks})
        file.lose(key, why)
        return ()

    def _observe(self, key: str, blocks: Sequence[Block], file: ScanFile) -> None:
        """A channel that declares nothing of itself is what its first points are."""
        if blocks and key in self._undeclared:
            file.add_channel(observed_channel(self._undeclared.pop(key), blocks))


def _is_run(part: Part) -> bool:
    return isinstance(part, PointRun)
