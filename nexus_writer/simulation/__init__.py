"""A beamline without hardware: detectors, motors and scans as a file describes them, published as BLISS does.

for outcome in Simulation(load(Path("beamline.yaml")), redis_url).run():
    print(outcome.name, outcome.reason, outcome.points)
"""

from .beamline_file import BadBeamline, example, load, parse
from .sent import SentChannel, SentStream
from .settings import BeamlineSettings
from .simulated_scan import Outcome, SimulatedScan
from .simulation import Simulation

__all__ = [
    "BadBeamline",
    "BeamlineSettings",
    "Outcome",
    "SentChannel",
    "SentStream",
    "SimulatedScan",
    "Simulation",
    "example",
    "load",
    "parse",
]
