"""The reference of nodes and walks names tests that there are, and modules that there are."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import nexus_writer.data
from nexus_writer.data.walk_options import WalkOptions

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "nodes.md").read_text()
FUNCTIONS = re.compile(
    r"`(get_session_node|get_nodes?|sessions_list|get_last_s\w+|scan_(?:uris?|name|info|\w*filenames?)|on_\w+"
    r"|set_\w+|run|watch|stop|wait_\w+|running_scan_names|create_node|get_or_create_node|datanode_factory"
    r"|add_children|store|prepared|end|filter_node_names|get_filtered_nodes|get_\w+|is_\w+)\b"
)
THERE, _, NOT_THERE = REFERENCE.partition("## Other names")


def test_every_row_has_its_test() -> None:
    rows = [row for row in THERE.splitlines() if re.match(r"\| .*`", row)]
    named = [re.search(r"\| `(test_\w+)` \|$", row) for row in rows]
    assert len(rows) > 40 and None not in named
    code = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [match[1] for match in named if match and f"def {match[1]}(" not in code] == []


def test_every_module_has_what_it_is_named_for() -> None:
    for names, module in re.findall(r"^\| (.*) \| `([\w.]+)` \| `test_\w+` \|$", REFERENCE, re.MULTILINE):
        found = importlib.import_module(f"nexus_writer.data.{module}")
        functions = FUNCTIONS.findall(names)
        assert [name for name in functions if not _has(found, name)] == [], module


def test_every_argument_of_a_walk_is_there() -> None:
    arguments = re.findall(r"^\| `(\w+)", REFERENCE.partition("| argument |")[2], re.MULTILINE)
    assert set(WalkOptions.__annotations__) <= {*arguments, "filter"}


def test_the_package_has_the_names_of_the_page() -> None:
    for name in ("get_session_node", "get_node", "get_nodes", "sessions_list", "get_last_saved_scan"):
        assert name in REFERENCE and name in nexus_writer.data.__all__


def test_what_is_not_there_is_not_there() -> None:
    rows = re.findall(r"^\| (`.*) \| not there", NOT_THERE, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(names) > 15
    modules = ("nodes", "scan", "nodes.lima_view")
    homes = [importlib.import_module(f"nexus_writer.data.{module}") for module in modules]
    assert [name for name in names for home in homes if _has(home, name)] == []


def _has(module: object, name: str) -> bool:
    """As a function, or as a method of a class in it."""
    return hasattr(module, name) or any(hasattr(one, name) for one in vars(module).values())
