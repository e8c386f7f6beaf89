"""Registration with a real Tango database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tango

from nexus_writer import __version__
from tango_server.register import TooManyWriters, main, writers_of_session

from .servers import Database, free_port, run_program, serving

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def register(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run RegisterNexusWriter; exit code, and what it says."""
    for name in ("BEAMLINE", "BEAMLINENAME"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, **variables: str) -> tuple[int, str]:
        for name, value in ({"TANGO_HOST": database.tango_host} | variables).items():
            monkeypatch.setenv(name, value)
        code: object = 0
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
        assert isinstance(code, int)
        return code, "".join(capsys.readouterr())

    return run


def properties(database: Database, device: str) -> dict[str, list[str]]:
    client = database.client()
    return {
        name: list(client.get_device_property(device, name)[name])
        for name in client.get_device_property_list(device, "*").value_string
    }


def test_a_session_gets_its_device(register: Run, database: Database) -> None:
    code, said = register("reg_one")
    assert code == 0
    assert "id00/bliss_nxwriter/reg_one" in said
    info = database.client().get_device_info("id00/bliss_nxwriter/reg_one")
    assert info.class_name == "NexusWriter"
    assert info.ds_full_name == "nexuswriter/reg_one"
    assert properties(database, "id00/bliss_nxwriter/reg_one") == {"session": ["reg_one"]}


def test_all_names_can_be_chosen(register: Run, database: Database) -> None:
    names = ("--server=writers", "--instance=shared", "--domain=id99", "--family=nx", "--member=first")
    more = ("--beacon-host=bea:25000", "--redis=redis://somewhere/1")
    assert register("reg_names", *names, *more)[0] == 0
    assert database.client().get_device_info("id99/nx/first").ds_full_name == "writers/shared"
    assert properties(database, "id99/nx/first") == {
        "session": ["reg_names"],
        "beacon_host": ["bea:25000"],
        "redis_url": ["redis://somewhere/1"],
    }


@pytest.mark.parametrize(
    ("variables", "domain"),
    [
        ({"BEAMLINE": "ID21"}, "id21"),
        ({"BEAMLINENAME": "ID22"}, "id22"),
        ({"BEAMLINE": "A", "BEAMLINENAME": "B"}, "a"),
    ],
)
def test_the_domain_is_the_beamline(register: Run, variables: dict[str, str], domain: str) -> None:
    session = f"reg_domain_{domain}"
    code, said = register(session, **variables)
    assert (code, f"{domain}/bliss_nxwriter/{session}" in said) == (0, True)


def test_a_session_keeps_the_device_it_has(register: Run, database: Database) -> None:
    assert register("reg_twice", "--member=first")[0] == 0
    code, said = register("reg_twice", "--member=second")
    assert code == 0
    assert "has a writer already: id00/bliss_nxwriter/first" in said
    assert writers_of_session(database.client(), "reg_twice") == ["id00/bliss_nxwriter/first"]


def test_the_server_that_is_said_is_that_of_the_database(register: Run, database: Database) -> None:
    register("reg_server", "--instance=one")
    assert "of the server nexuswriter/one\n" in register("reg_server")[1]
    code, said = register("reg_server", "--instance=two")
    assert (code, said.count("\n")) == (1, 1)
    assert "reg_server belongs to the server nexuswriter/one, not to nexuswriter/two: give --move" in said
    assert database.client().get_device_info("id00/bliss_nxwriter/reg_server").ds_full_name.endswith("/one")


def test_another_redis_is_not_passed_over_in_silence(register: Run, database: Database) -> None:
    register("reg_redis")
    code, said = register("reg_redis", "--redis=redis://there/1")
    assert (code, said.count("\n")) == (1, 1)
    assert "reg_redis is registered already, with no redis_url: set that property" in said
    register("reg_redis2", "--redis=redis://:secret@here/1")
    assert register("reg_redis2", "--redis=redis://:secret@here/1")[0] == 0
    said = register("reg_redis2", "--redis=redis://there/1")[1]
    assert "with redis_url redis://:***@here/1: set that property" in said


def test_move_takes_the_device_to_another_server(register: Run, database: Database) -> None:
    device = "id00/bliss_nxwriter/reg_move"
    register("reg_move", "--redis=redis://somewhere/1")
    code, said = register("reg_move", "--instance=two", "--move")
    assert (code, "of the server nexuswriter/two\n" in said) == (0, True)
    assert database.client().get_device_info(device).ds_full_name == "nexuswriter/two"
    assert device not in list(database.client().get_device_class_list("nexuswriter/reg_move"))
    assert properties(database, device) == {"session": ["reg_move"], "redis_url": ["redis://somewhere/1"]}


def test_a_device_is_not_moved_away_from_a_server_that_runs(
    register: Run, database: Database, redis_url: str, tmp_path: Path
) -> None:
    register("reg_runs", f"--redis={redis_url}")
    with serving(tmp_path, "reg_runs", variables={"TANGO_HOST": database.tango_host}):
        code, said = register("reg_runs", "--instance=two", "--move")
    assert code == 1
    assert "nexuswriter/reg_runs runs and serves id00/bliss_nxwriter/reg_runs: stop it" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("demo", "--redis=foo"), "'foo' is not a Redis address"),
        (("demo", "--beacon-host=foo:bar"), "'foo:bar' is not the address of a Beacon server"),
        (("a b",), "'a b' is no session name"),
        (("a:b",), "'a:b' is no session name"),
        (("",), "'' is no session name"),
        (("demo", "--member=a/b"), "'id00/bliss_nxwriter/a/b' is no device name"),
        (("demo", "--instance=a b"), "'nexuswriter/a b' is no server/instance"),
    ],
)
def test_what_cannot_work_is_not_registered(arguments: tuple[str, ...], says: str, register: Run) -> None:
    code, said = register(*arguments)
    assert (code, said.count("\n")) == (2, 1)
    assert says in said


def test_several_writers_are_refused_and_named(register: Run, database: Database) -> None:
    assert register("reg_many", "--member=many1")[0] == 0
    assert register("reg_many", "--member=many2", "--ignore_existing")[0] == 0
    code, said = register("reg_many", "--member=many3")
    assert code == 1
    assert said.count("\n") == 1
    assert "id00/bliss_nxwriter/many1, id00/bliss_nxwriter/many2" in said
    assert len(writers_of_session(database.client(), "reg_many")) == 2


@pytest.mark.parametrize("how", [(), ("--ignore_existing",)])
def test_a_device_of_another_session_is_not_taken(
    register: Run, database: Database, how: tuple[str, ...]
) -> None:
    register("reg_owner", "--member=taken")
    code, said = register("reg_thief", "--member=taken", *how)
    assert code == 1
    assert "has the session 'reg_owner'" in said
    assert properties(database, "id00/bliss_nxwriter/taken") == {"session": ["reg_owner"]}


def test_a_device_of_another_class_is_not_taken(register: Run, database: Database) -> None:
    info = tango.DbDevInfo()
    info.server, info._class, info.name = "Motor/one", "Motor", "id00/bliss_nxwriter/motor"
    database.client().add_device(info)
    code, said = register("motor")
    assert (code, "is of class Motor" in said) == (1, True)


def test_a_writer_without_beacon_host_serves_any(register: Run, database: Database) -> None:
    register("reg_host", "--member=any")
    assert "already: id00/bliss_nxwriter/any" in register("reg_host", "--member=b", "--beacon-host=bea:1")[1]
    register("reg_hosts", "--member=bea1", "--beacon-host=bea1:1")
    assert register("reg_hosts", "--member=bea2", "--beacon-host=bea2:1")[0] == 0
    assert writers_of_session(database.client(), "reg_hosts", "bea2:1") == ["id00/bliss_nxwriter/bea2"]


def test_no_database(register: Run) -> None:
    host = f"127.0.0.1:{free_port()}"
    code, said = register("anything", TANGO_HOST=host)
    assert code == 1
    assert said == (
        f"RegisterNexusWriter: no Tango database answers at TANGO_HOST={host} (Connection refused): "
        "start it, or correct TANGO_HOST\n"
    )


def test_as_a_program(database: Database) -> None:
    done = run_program("tango_server.register", "reg_program", TANGO_HOST=database.tango_host)
    assert (done.returncode, done.stderr) == (0, "")
    assert writers_of_session(database.client(), "reg_program") == ["id00/bliss_nxwriter/reg_program"]


def test_version_and_unknown_options(register: Run) -> None:
    assert register("--version") == (0, f"RegisterNexusWriter {__version__}\n")
    code, said = register("session", "--nonsense")
    assert code == 2
    assert said.count("\n") == 1
    assert "--nonsense" in said


def test_too_many_writers_say_what_to_do() -> None:
    assert "delete all but one" in str(TooManyWriters("s", ["a/b/c", "d/e/f"]))
