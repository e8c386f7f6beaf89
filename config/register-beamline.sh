#!/bin/sh
# Registers the writers of a beamline in its Tango database: one device for each session, all in one server, so
# that one process (NexusWriterService beamline) saves all of them. Running it again changes nothing. It stops with one
# line at a session whose device belongs to another server: add --move to take it over.
set -e
: "${TANGO_HOST:=id00control:20000}" "${BEAMLINE:=id00}" "${BIN:=/opt/nexus-writer/bin}"
export TANGO_HOST BEAMLINE

for session in optics experiment alignment; do
    "$BIN/RegisterNexusWriter" "$session" --instance beamline
done

# Properties are those of docs/reference/tango-device.md; Jive sets them too.
"$BIN/python" - <<'PYTHON'
import os
import tango

database = tango.Database()
for session in ("optics", "experiment", "alignment"):
    device = f"{os.environ['BEAMLINE'].lower()}/bliss_nxwriter/{session}"
    database.put_device_property(
        device,
        {
            "required_disk_space": ["200"],
            "recommended_disk_space": ["10240"],
            "path_map": ["/data/visitor=/mnt/visitor", "/data/inhouse=/mnt/inhouse"],
        },
    )
PYTHON
