"""Infos and records of nodes."""

import logging
import pickle

import pytest
import redis

from nexus_writer.data.info import NodeRecord, RawInfo, announced_keys, exception_of
from nexus_writer.data.node_info import NodeInfo
from nexus_writer.data.opaque import Opaque


def test_one_broken_field_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    info = RawInfo(
        {b"good": pickle.dumps(1), b"cut": pickle.dumps("text")[:-4], b"none": b"", b"last": b"I7\n."}
    )
    with caplog.at_level(logging.WARNING):
        decoded = info.decode()
    assert decoded["good"] == 1
    assert decoded["last"] == 7
    assert isinstance(decoded["cut"], Opaque)
    assert isinstance(decoded["none"], Opaque)
    assert "field cut cannot be decoded" in caplog.text


def test_code_in_a_field_is_not_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("x") / "made"
    evil = b"cos\nmkdir\n(S'" + str(target).encode() + b"'\ntR."
    assert isinstance(RawInfo({b"evil": evil}).decode()["evil"], Opaque)
    assert not target.exists()


def test_a_single_field() -> None:
    info = RawInfo({b"title": pickle.dumps("ascan")})
    assert info.get("title") == "ascan"
    assert info.get("missing", 3) == 3


def test_field_names_need_not_be_utf8() -> None:
    assert list(RawInfo({b"\xff": pickle.dumps(1)}).decode()) == ["\udcff"]


def test_from_the_reply_of_hgetall() -> None:
    assert RawInfo.from_reply([b"a", b"1", b"b", b"2"]).fields == {b"a": b"1", b"b": b"2"}
    assert RawInfo.from_reply([]).fields == {}


@pytest.mark.parametrize(
    ("version", "initialized", "supported"),
    [
        ("v1.1", True, True),
        ("v1", True, True),
        ("v10.0", True, False),
        ("v2.0", True, False),
        ("None", False, False),
    ],
)
def test_states_of_a_record(version: str, initialized: bool, supported: bool) -> None:
    record = NodeRecord.from_fields("s", {b"version": version.encode()})
    assert (record.initialized, record.supported) == (initialized, supported)


def test_a_record_without_a_name_takes_that_of_its_key() -> None:
    assert NodeRecord.from_fields("s:data:1_ct", {}).name == "1_ct"


def test_only_new_node_announces() -> None:
    entries = [
        [b"1-0", [b"__EVENT__", b"NEW_NODE", b"db_name", b"s:a"]],
        [b"2-0", [b"__EVENT__", b"OTHER", b"db_name", b"s:b"]],
        [b"3-0", [b"__EVENT__", b"NEW_NODE"]],
    ]
    assert announced_keys(entries) == ["s:a"]


@pytest.mark.parametrize(
    ("value", "text"), [("", ""), ("<class 'RuntimeError'>", "<class 'RuntimeError'>"), (None, "")]
)
def test_exception_of_an_end(value: str | None, text: str) -> None:
    assert exception_of([b"1-0", [b"__EVENT__", b"END_SCAN", b"__EXCEPTION__", pickle.dumps(value)]]) == text


def test_exception_of_an_end_that_says_nothing() -> None:
    assert exception_of([b"1-0", [b"__EVENT__", b"END_SCAN"]]) == ""


class TestNodeInfo:
    """The live mapping."""

    def test_behaves_as_a_dict(self, redis_client: redis.Redis) -> None:
        info = NodeInfo("s:node", redis_client)
        assert info.get_all() == {} and not info
        info.update({"a": 1}, b="two")
        info["c"] = None
        assert info.get_all() == {"a": 1, "b": "two"} == dict(info.items())
        assert sorted(info) == ["a", "b"] and sorted(info.keys()) == ["a", "b"] and len(info) == 2
        assert "a" in info and "c" not in info
        assert info["b"] == "two" and info.get("c", 5) == 5
        assert info.pop("a") == 1 and "a" not in info
        info["b"] = None
        assert "b" not in info

    def test_a_missing_field_is_a_key_error(self, redis_client: redis.Redis) -> None:
        info = NodeInfo("s:node", redis_client)
        with pytest.raises(KeyError):
            info["missing"]
        with pytest.raises(KeyError):
            del info["missing"]
        info.remove("missing", "as well")

    def test_one_broken_field_costs_no_other(self, redis_client: redis.Redis) -> None:
        redis_client.hset("s:node_info", mapping={"good": pickle.dumps(1), "bad": b"\x80"})
        info = NodeInfo("s:node", redis_client)
        assert info["good"] == 1
        assert isinstance(info["bad"], Opaque)
        assert set(info.get_all()) == {"good", "bad"}
