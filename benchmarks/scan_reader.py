"""CPU of reading one scan's backlog by ScanReader, against a bare XREAD drain of the same streams.

Single-point entries as BLISS publishes them (payloads taken from a recording), all channels full.

    python benchmarks/scan_reader.py [--channels 100] [--entries 2000] [--repeats 7] [--json]
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from pathlib import Path

import redis

from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.recording import Recording
from nexus_writer.data.scan_items import ScanPoints
from nexus_writer.data.scan_reader import ScanReader
from nexus_writer.interpreter import GC_THRESHOLDS

RECORDING = Path(__file__).parent.parent / "tests" / "data" / "captures" / "loopscan10"
SCAN = "session:1_scan"
ENTRIES_PER_REPLY = 2000


def recorded_payloads() -> list[tuple[bytes, ...]]:
    """Fields and values of one recorded entry per channel."""
    found: dict[bytes, tuple[bytes, ...]] = {}
    for transaction in Recording(RECORDING).transactions:
        for command in transaction:
            if command.name == b"XADD" and b"CHANNELDATA" in command.args:
                found[command.key] = command.args[command.args.index(b"__EVENT__") :]
    return list(found.values())


def publish(client: redis.Redis, channels: int, entries: int) -> None:
    """A scan that has not ended, with all its points."""
    payloads = recorded_payloads()
    keys = [f"{SCAN}:dev:c{index}" for index in range(channels)]
    with client.pipeline(transaction=False) as pipeline:
        for key, kind in [(SCAN, "scan"), (f"{SCAN}:dev", "None"), *((key, "channel") for key in keys)]:
            name, parent = key.rpartition(":")[2], key.rpartition(":")[0]
            node = {"version": "v1.1", "node_type": kind, "name": name, "db_name": key, "parent": parent}
            pipeline.hset(key, mapping=node)
            if kind != "scan":
                pipeline.xadd(f"{parent}_children_list", {"__EVENT__": "NEW_NODE", "db_name": key})
        pipeline.execute()
    for start in range(0, entries, 100):
        with client.pipeline(transaction=False) as pipeline:
            for index, key in enumerate(keys):
                payload = payloads[index % len(payloads)]
                for point in range(start, min(entries, start + 100)):
                    pipeline.execute_command("XADD", f"{key}_data", f"{point + 1}-0", *payload)
            pipeline.execute()


def bare_drain(client: redis.Redis, channels: int, entries: int) -> float:
    """CPU seconds of reading all streams by one XREAD each time, doing nothing with what comes."""
    connection = client.connection_pool.make_connection()
    connection.connect()
    names = [f"{SCAN}:dev:c{index}_data".encode() for index in range(channels)]
    position = dict.fromkeys(names, b"0-0")
    count = max(1, ENTRIES_PER_REPLY // channels)
    left = channels * entries
    started = time.process_time()
    while left:
        connection.send_command(b"XREAD", b"COUNT", count, b"STREAMS", *names, *position.values())
        for name, found in connection.read_response():
            position[name] = found[-1][0]
            left -= len(found)
    used = time.process_time() - started
    connection.disconnect()
    return used


def scan_reader(client: redis.Redis, channels: int, entries: int) -> float:
    """CPU seconds of the same by ScanReader, finding the nodes included."""
    started = time.process_time()
    reader = ScanReader(client, SCAN, entries_per_reply=ENTRIES_PER_REPLY)
    left = channels * entries
    while left:
        for item in reader.read():
            if isinstance(item, ScanPoints):
                left -= sum(len(found) for _, found in item.streams)
    used = time.process_time() - started
    reader.close()
    return used


def measure(channels: int, entries: int, repeats: int) -> dict[str, float | int]:
    """Medians of interleaved repeats."""
    with EmbeddedRedis() as server, server.client() as client:
        publish(client, channels, entries)
        drain, read = [], []
        for _ in range(repeats):
            drain.append(bare_drain(client, channels, entries))
            read.append(scan_reader(client, channels, entries))
    total = channels * entries
    drain_us, read_us = (statistics.median(used) / total * 1e6 for used in (drain, read))
    return {
        "channels": channels,
        "entries_per_channel": entries,
        "drain_us_per_entry": round(drain_us, 3),
        "scan_reader_us_per_entry": round(read_us, 3),
        "ratio": round(read_us / drain_us, 3),
        "goal_ratio": 1.3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--entries", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    options = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)
    result = measure(options.channels, options.entries, options.repeats)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['channels']} channels x {result['entries_per_channel']} single-point entries")
    print(f"bare XREAD drain  {result['drain_us_per_entry']:6.3f} us of CPU per entry")
    print(f"ScanReader        {result['scan_reader_us_per_entry']:6.3f} us of CPU per entry")
    print(f"ratio             {result['ratio']:6.3f}    (goal: at most {result['goal_ratio']})")


if __name__ == "__main__":
    main()
