"""Device properties in a Tango database: wrong ones are named, and `start` follows those that change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tango

from nexus_writer.data.embedded import EmbeddedRedis
from tango_server.properties import BadProperty, NoAddress, check_addresses

from .servers import Beamline, Database, Server, free_port, serving, wait_until

SESSION = "properties"
NAME = f"id00/bliss_nxwriter/{SESSION}"


class Registered:
    """A device that is served, and its entry in the database."""

    def __init__(self, database: Database, url: str, server: Server) -> None:
        self.url = url
        self.server = server
        self.proxy = database.proxy(NAME)
        self._database = database.client()

    def put(self, **properties: str | None) -> None:
        """None takes one away."""
        for name, value in properties.items():
            if value is None:
                self._database.delete_device_property(NAME, name)
            else:
                self._database.put_device_property(NAME, {name: [value]})

    def reset(self) -> None:
        """As registered."""
        names = self._database.get_device_property_list(NAME, "*").value_string
        self.put(**dict.fromkeys(names))
        self.put(session=SESSION, redis_url=self.url)


@pytest.fixture(scope="module")
def served(
    database: Database, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registered]:
    """One server for all tests here."""
    info = tango.DbDevInfo()
    info.server, info._class, info.name = f"nexuswriter/{SESSION}", "NexusWriter", NAME
    database.client().add_device(info)
    database.client().put_device_property(NAME, {"session": [SESSION], "redis_url": [redis_server.url]})
    directory, variables = tmp_path_factory.mktemp("properties"), {"TANGO_HOST": database.tango_host}
    with serving(directory, SESSION, variables=variables) as server:
        yield Registered(database, redis_server.url, server)


@pytest.fixture
def device(served: Registered, redis_url: str) -> Iterator[Registered]:
    """It listens to its session, without any other property."""
    assert redis_url == served.url
    served.reset()
    served.proxy.stop()
    served.proxy.start()
    wait_until(lambda: served.proxy.state() is tango.DevState.ON, "listens")
    yield served


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"keepshape": "perhaps"}, "keepshape: 'perhaps' is no boolean: give true or false"),
        ({"required_disk_space": "abc"}, "required_disk_space: 'abc' is no number"),
        ({"session": None}, "The device property 'session' is missing: run RegisterNexusWriter"),
        ({"session": "a:b"}, "session: 'a:b' is no session name"),
        ({"redis_url": "foo"}, "redis_url: 'foo' is not a Redis address"),
        ({"beacon_host": "foo:bar", "redis_url": None}, "beacon_host: 'foo:bar' is not the address"),
        ({"redis_url": None}, "no Redis address: set the device property redis_url to redis://HOST:PORT/1"),
    ],
)
def test_a_wrong_property_is_named(properties: dict[str, str | None], says: str, device: Registered) -> None:
    device.put(**properties)
    with pytest.raises(tango.DevFailed) as error:
        device.proxy.start()
    assert says in error.value.args[0].desc
    assert error.value.args[0].desc.endswith("then call 'start'")
    assert device.proxy.state() is tango.DevState.FAULT
    assert says in device.proxy.status()
    device.reset()
    device.proxy.start()
    assert device.proxy.state() is tango.DevState.ON


def test_a_misspelt_property_is_warned_of(device: Registered) -> None:
    device.put(keepshpe="true", mine="1", polled_attr="State")
    device.proxy.start()
    output = device.server.output
    assert (
        "the device property 'keepshpe' means nothing to a NexusWriter: did you mean 'keepshape'?" in output
    )
    assert "the device property 'mine' means nothing to a NexusWriter, it is ignored" in output
    assert "polled_attr" not in output
    assert "path_map" not in output


def test_start_goes_over_to_another_session(device: Registered, redis_url: str, tmp_path: Path) -> None:
    """When no scan is being saved; while one is, it is refused, and nothing changes."""
    proxy = device.proxy
    one, other = (Beamline(redis_url, session, tmp_path / session) for session in (SESSION, "other"))
    with one.scan() as scan:
        wait_until(lambda: proxy.scan_exists(scan.key), "scan known")
        device.put(session="other")
        with pytest.raises(tango.DevFailed, match="cannot change while scans are being saved: wait until"):
            proxy.start()
        assert proxy.state() is tango.DevState.RUNNING
        scan.prepare()
    wait_until(lambda: proxy.state() is tango.DevState.ON, "saved")
    proxy.start()
    with other.scan() as scan:
        wait_until(lambda: proxy.scan_exists(scan.key), "scan of the other session known")
        scan.prepare()
    wait_until(lambda: proxy.state() is tango.DevState.ON, "saved")
    one.close()
    other.close()


def test_start_goes_over_to_another_redis(device: Registered) -> None:
    device.put(redis_url=f"redis://127.0.0.1:{free_port()}/1")
    device.proxy.start()
    wait_until(lambda: "Redis is away" in device.proxy.status(), "away")
    device.put(redis_url=device.url)
    device.proxy.start()
    wait_until(lambda: "Redis is away" not in device.proxy.status(), "back")
    assert device.proxy.state() is tango.DevState.ON


def test_addresses_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEACON_HOST", raising=False)
    monkeypatch.setenv("NEXUS_WRITER_REDIS_URL", "foo")
    with pytest.raises(BadProperty, match="NEXUS_WRITER_REDIS_URL: 'foo' is not a Redis address"):
        check_addresses(None, None)
    check_addresses("redis://host/1", None)
    monkeypatch.delenv("NEXUS_WRITER_REDIS_URL")
    with pytest.raises(NoAddress):
        check_addresses("", "")
    monkeypatch.setenv("BEACON_HOST", "a:b")
    with pytest.raises(BadProperty, match="BEACON_HOST: 'a:b'"):
        check_addresses(None, None)
