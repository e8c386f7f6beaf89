"""Log messages: where they go, how they rotate, and that none comes twice or is lost."""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from nexus_writer.log_files import (
    LogFileNotWritable,
    LogOptions,
    add_log_arguments,
    get_log_level,
    set_log_level,
    set_up_logging,
    tear_down_logging,
)

LINE = re.compile(r"^(\S+) +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([\w.]+): (.*)$")
logger = logging.getLogger("nexus_writer.test")


@pytest.fixture(autouse=True)
def clean_logging() -> Iterator[None]:
    level = get_log_level()
    yield
    tear_down_logging()
    set_log_level(level)


def messages(path: Path) -> list[str]:
    return [LINE.match(line)[3] for line in path.read_text().splitlines()]  # type: ignore[index]


def parse(*arguments: str) -> LogOptions:
    parser = ArgumentParser()
    add_log_arguments(parser)
    return LogOptions.from_arguments(parser.parse_args(arguments))


def test_a_line_reads_level_time_logger_message(tmp_path: Path) -> None:
    set_up_logging(LogOptions(log="INFO", logfile=tmp_path / "all.log"))
    logger.info("a scan")
    line = (tmp_path / "all.log").read_text()
    found = LINE.match(line)
    assert found is not None
    assert found.groups() == ("INFO", "nexus_writer.test", "a scan")
    assert line.startswith("INFO  ")


def test_a_name_with_a_line_break_forges_no_record(tmp_path: Path) -> None:
    set_up_logging(LogOptions(logfile=tmp_path / "all.log"))
    logger.warning("channel %s", "x\r\nERROR    2026-11-20 10:00:00,000 nexus_writer.test: all is lost")
    first, second = (tmp_path / "all.log").read_text().splitlines()
    assert LINE.match(first)
    assert second.startswith("    ERROR")
    assert not LINE.match(second)


def test_each_file_gets_its_levels(tmp_path: Path) -> None:
    options = parse(
        "--log=debug",
        f"--logfile={tmp_path / 'all'}",
        f"--logfileout={tmp_path / 'out'}",
        f"--logfileerr={tmp_path / 'err'}",
    )
    set_up_logging(options)
    logger.debug("d")
    logger.info("i")
    logger.warning("w")
    logger.error("e")
    assert messages(tmp_path / "all") == ["d", "i", "w", "e"]
    assert messages(tmp_path / "out") == ["d", "i"]
    assert messages(tmp_path / "err") == ["w", "e"]


def test_the_terminal_gets_warnings_on_stderr_and_the_rest_on_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logging(LogOptions(log="INFO"))
    logger.info("i")
    logger.warning("w")
    out, err = capsys.readouterr()
    assert out.endswith(": i\n")
    assert err.endswith(": w\n")
    assert len((out + err).splitlines()) == 2


def test_nologstdout_leaves_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(parse("--nologstdout", "--log=INFO"))
    logger.info("i")
    logger.warning("w")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(": w\n")


def test_setting_up_twice_doubles_nothing(tmp_path: Path) -> None:
    for _ in range(3):
        set_up_logging(LogOptions(log="INFO", logfile=tmp_path / "all"))
    logger.info("once")
    assert messages(tmp_path / "all") == ["once"]


def test_options_that_name_one_file_share_it(tmp_path: Path) -> None:
    path = tmp_path / "one"
    set_up_logging(LogOptions(log="INFO", logfileout=path, logfileerr=tmp_path / "." / "one"))
    logger.info("i")
    logger.warning("w")
    assert messages(path) == ["i", "w"]
    assert sum(isinstance(handler, RotatingFileHandler) for handler in logging.getLogger().handlers) == 1


def test_files_rotate_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "all"
    set_up_logging(parse("--log=INFO", f"--logfile={path}", "--filesize=0.001", "--filebackups=2"))
    for number in range(60):
        logger.info("message %02d of sixty that together have more than three kilobytes", number)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all", "all.1", "all.2"]
    kept = messages(tmp_path / "all.2") + messages(tmp_path / "all.1") + messages(path)
    assert kept[-1].startswith("message 59")
    assert [int(text[8:10]) for text in kept] == list(range(60 - len(kept), 60))
    assert all(p.stat().st_size <= 1049 for p in tmp_path.iterdir())


def test_size_zero_never_rotates(tmp_path: Path) -> None:
    path = tmp_path / "all"
    set_up_logging(parse("--log=INFO", f"--logfile={path}", "--filesize=0"))
    for _ in range(100):
        logger.info("x" * 100)
    assert len(messages(path)) == 100


def test_what_is_printed_is_logged_by_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "all"
    original = sys.stdout
    set_up_logging(parse(f"--logfile={path}", "--redirectstdout", "--redirectstderr", "--nologstdout"))
    print("first", "line")
    print("second ", end="")
    print("line\nthird line")
    print("bad", file=sys.stderr)
    lines = [LINE.match(line).groups() for line in path.read_text().splitlines()]  # type: ignore[union-attr]
    assert lines == [
        ("INFO", "OUT", "first line"),
        ("INFO", "OUT", "second line"),
        ("INFO", "OUT", "third line"),
        ("ERROR", "ERR", "bad"),
    ]
    tear_down_logging()
    assert sys.stdout is original


def test_a_redirected_stream_does_not_feed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler of stdout fails for one message: its complaint must not come back as a message."""
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    set_up_logging(LogOptions(log="INFO", redirectstderr=True))
    closed = io.StringIO()
    closed.close()
    broken = logging.StreamHandler(closed)
    logging.getLogger().addHandler(broken)
    try:
        print("a line", file=sys.stderr)
    finally:
        logging.getLogger().removeHandler(broken)
    assert "--- Logging error ---" in terminal.getvalue()


def test_threads_print_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "all"
    set_up_logging(LogOptions(logfile=path, redirectstdout=True, nologstdout=True))

    def work(word: str) -> None:
        for _ in range(50):
            sys.stdout.write(word)
            sys.stdout.write(word + "\n")

    threads = [threading.Thread(target=work, args=(word,)) for word in ("aa", "bb", "cc")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(messages(path)) == ["aaaa"] * 50 + ["bbbb"] * 50 + ["cccc"] * 50


@pytest.mark.parametrize("text", ["info", "INFO", "Info"])
def test_levels_in_any_case(text: str) -> None:
    set_up_logging(parse(f"--log={text}"))
    assert get_log_level() == logging.INFO
    assert logging.getLogger("tango_server").isEnabledFor(logging.INFO)
    assert not logging.getLogger("redis").isEnabledFor(logging.INFO)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--log=loud", "'loud' is no log level"),
        ("--filesize=-1", "0 for no"),
        ("--filesize=nan", "'nan' is no size"),
        ("--filesize=inf", "'inf' is no size"),
        ("--filebackups=-1", "'-1' is no number of files"),
        ("--filebackups=many", "'many' is no number of files"),
    ],
)
def test_bad_options_are_refused(argument: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        parse(argument)
    assert exit_info.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    before = logging.getLogger().handlers[:]
    with pytest.raises(LogFileNotWritable, match="choose another one") as error:
        set_up_logging(LogOptions(logfile=tmp_path / "file" / "all.log"))
    assert "\n" not in str(error.value)
    assert logging.getLogger().handlers == before


def test_a_directory_that_is_missing_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "nope"
    with pytest.raises(LogFileNotWritable, match=f"No such file or directory.*: make {missing}$"):
        set_up_logging(LogOptions(logfile=missing / "x.log"))
    assert not missing.exists()
