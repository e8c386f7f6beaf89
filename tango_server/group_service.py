"""``NxAcqGroup``: the Tango server of one node group. A Starter starts it, for a TangoHost."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .arguments import OneLineParser, leave, require_tango

PROGRAM = "NxAcqGroup"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or the Kill command of the admin device; then close all nodes."""
    parser = OneLineParser(
        PROGRAM,
        "A group of acquisition nodes on this host, for programs on others. A Starter device starts it when "
        "one of them creates a node group; by hand, INSTANCE has to be registered in the Tango database.",
    )
    parser.add_argument("instance", metavar="INSTANCE", help="server instance: the name of the group")
    options, tango_options = parser.parse_known_args(arguments)
    if wrong := [option for option in tango_options if not option.startswith(("-v", "-ORB", "giop:"))]:
        parser.error(f"unrecognized arguments: {' '.join(wrong)}")
    require_tango(PROGRAM)
    import tango
    from tango.server import run

    try:
        from .node_hosts.group_device import NxAcqGroup
    except ModuleNotFoundError as error:
        leave(f"{PROGRAM}: {error}", 1)

    logging.basicConfig(format="%(levelname)s %(asctime)s %(name)s: %(message)s", level=logging.INFO)
    try:
        run([NxAcqGroup], args=[PROGRAM, options.instance, *tango_options], msg_stream=None, raises=True)
    except KeyboardInterrupt:
        pass
    except tango.DevFailed as error:
        leave(f"{PROGRAM}/{options.instance} cannot be served: {error.args[0].desc}", 1)


if __name__ == "__main__":
    main()
