"""Things between the camera and the street: bonnet, wiper, reflections of the dashboard."""

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import IGNORE, LabelMap
from roadseg.streets.drawing.canvas import FRACTION_BITS, fixed_point
from roadseg.streets.scene import Camera, Colour, Floats
from roadseg.streets.textures.bank import TextureBank

WIPER: Colour = (18, 18, 20)


def draw_windscreen(image: NDArray[np.uint8], label: LabelMap, camera: Camera, bank: TextureBank) -> None:
    """Draw the visible parts of the own car; bonnet and wiper are unlabelled, reflections are transparent."""
    if camera.reflection:
        _draw_reflection(image, camera.reflection, bank)
    if camera.bonnet:
        _draw_bonnet(image, label, camera.bonnet, camera.bonnet_colour)
    if camera.wiper:
        _draw_wiper(image, label, camera.wiper)


def _fill(image: NDArray[np.uint8], label: LabelMap, outline: Floats, colour: Colour) -> None:
    corners = [fixed_point(outline)]
    cv2.fillPoly(image, corners, colour, cv2.LINE_AA, FRACTION_BITS)
    cv2.fillPoly(label, corners, IGNORE, cv2.LINE_8, FRACTION_BITS)


def _draw_bonnet(image: NDArray[np.uint8], label: LabelMap, share: float, colour: Colour) -> None:
    """Draw the bonnet along the bottom edge, brighter where it curves away."""
    height, width = label.shape
    x = np.linspace(-0.05, 1.05, 24)
    for level, factor in ((1.0, 1.0), (0.82, 0.8)):
        top = height * (1 - level * share * (1 - ((x - 0.5) / 0.62) ** 2))
        edge = np.stack([x * width, top], 1)
        foot = [(1.05 * width, height + 5), (-0.05 * width, height + 5)]
        tone: Colour = (colour[0] * factor, colour[1] * factor, colour[2] * factor)
        _fill(image, label, np.concatenate([edge, foot]), tone)


def _draw_wiper(image: NDArray[np.uint8], label: LabelMap, angle: float) -> None:
    """Draw a wiper blade that sweeps from a pivot below the image."""
    height, width = label.shape
    along, half = np.array((np.cos(angle), -np.sin(angle))), 0.006 * width
    across = np.array((-along[1], along[0])) * half
    pivot = np.array((0.35 * width, 1.15 * height))
    near, far = pivot + along * 0.25 * width, pivot + along * 0.85 * width
    _fill(image, label, np.array([near - across, near + across, far + across * 0.6, far - across * 0.6]), WIPER)


def _draw_reflection(image: NDArray[np.uint8], strength: float, bank: TextureBank) -> None:
    """Draw a pale veil with the pattern of the dashboard, strongest at the bottom."""
    height, width = image.shape[:2]
    veil = cv2.resize(bank.clouds[0][:128], (width, height), interpolation=cv2.INTER_LINEAR)
    fall_off = (np.linspace(0.2, 1.0, height) ** 2 * strength)[:, None]
    image[:] = cv2.add(image, cv2.cvtColor((veil * fall_off).astype(np.uint8), cv2.COLOR_GRAY2RGB))
