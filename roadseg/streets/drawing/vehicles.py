"""Vehicles of all kinds, from model to mesh to image."""

from collections.abc import Callable
from functools import lru_cache

from roadseg.streets.classes import AUTORICKSHAW, BUS, CAR, TRAIN, TRUCK
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.cars import car, rickshaw
from roadseg.streets.drawing.heavy_vehicles import bus, tram, truck
from roadseg.streets.drawing.mesh import Mesh, Solid, draw_mesh
from roadseg.streets.scene import Vehicle, VehicleKind, VehicleModel

LABELS: dict[VehicleKind, int] = {"rickshaw": AUTORICKSHAW, "truck": TRUCK, "bus": BUS, "tram": TRAIN}
"""Labels of kinds that are not labelled as cars."""
_BUILDERS: dict[VehicleKind, Callable[[VehicleModel], list[Solid]]] = {
    "rickshaw": rickshaw,
    "truck": truck,
    "bus": bus,
    "tram": tram,
}
"""Builders of kinds that are not built as cars."""


def draw_vehicle(canvas: Canvas, vehicle: Vehicle) -> None:
    """Draw a vehicle of any kind."""
    model = vehicle.model
    draw_mesh(canvas, _mesh(model), (vehicle.u, vehicle.s), vehicle.heading, LABELS.get(model.kind, CAR))


@lru_cache(maxsize=512)
def _mesh(model: VehicleModel) -> Mesh:
    return Mesh(_BUILDERS.get(model.kind, car)(model))
