"""The kinds of scene, each a function that lays one out on a site.

A scene is laid out in its own metres, which the canvas may turn; layouts therefore reach past the picture's edges.
"""

from __future__ import annotations

from collections.abc import Callable

from rs2sam2.data.synthetic.airfield import airfield
from rs2sam2.data.synthetic.country import fields, river
from rs2sam2.data.synthetic.golf import golf_course
from rs2sam2.data.synthetic.industry import tank_farm
from rs2sam2.data.synthetic.interchange import overpasses
from rs2sam2.data.synthetic.port import harbour
from rs2sam2.data.synthetic.power_plant import power_plant
from rs2sam2.data.synthetic.reservoir import reservoir
from rs2sam2.data.synthetic.services import service_area
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.tolls import toll_station
from rs2sam2.data.synthetic.town import roads, sports, suburb

SCENES: dict[str, tuple[Callable[[Site], None], tuple[float, float]]] = {
    "airfield": (airfield, (0.3, 1.0)),
    "harbour": (harbour, (0.3, 1.0)),
    "tank-farm": (tank_farm, (0.4, 1.2)),
    "sports": (sports, (0.3, 0.8)),
    "suburb": (suburb, (0.15, 0.5)),
    "river": (river, (0.3, 1.0)),
    "fields": (fields, (0.4, 1.2)),
    "roads": (roads, (0.1, 0.35)),
    "reservoir": (reservoir, (0.6, 2.5)),
    "power-plant": (power_plant, (0.35, 1.1)),
    "toll-station": (toll_station, (0.4, 1.5)),
    "service-area": (service_area, (0.4, 1.5)),
    "overpasses": (overpasses, (0.3, 1.2)),
    "golf-course": (golf_course, (0.5, 4.0)),
}
"""Each kind of scene: what lays it out, and the ground sampling distances (metres) it is usually seen at."""
