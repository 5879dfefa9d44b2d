"""Drives with static regions painted on them, and the masks of those regions."""

from fractions import Fraction
from functools import cache

import cv2
import numpy as np

from roadseg.streets.drive import drive_frames

SECONDS = 16
FONT = cv2.FONT_HERSHEY_SIMPLEX


@cache
def bare_drive(scenes):
    """(16, 270, 480, 3) uint8 RGB: a frame a second, without anything that is fixed to the camera."""
    frames = drive_frames(3, SECONDS, size=(480, 270), look="target", frame_rate=Fraction(1), scenes={scenes: 1.0})
    return np.stack([image for image, _ in frames])


def noisy(pictures, deviation, seed=0):
    noise = np.random.default_rng(seed).normal(0, deviation, pictures.shape)
    return np.clip(pictures + noise, 0, 255).astype(np.uint8)


def with_bonnet(pictures, colour=(150, 40, 40), reflection=0.35):
    """Frames with a bonnet that mirrors the street, and its (H, W) mask."""
    height, width = pictures.shape[1:3]
    where = np.zeros((height, width), np.uint8)
    axes = round(0.9 * width), round(0.39 * height)
    cv2.ellipse(where, (width // 2, round(1.25 * height)), axes, 0, 0, 360, 1, -1)
    painted = pictures.copy()
    shade = np.linspace(1.5, 0.7, height)[:, None, None]
    for picture in painted:
        mirrored = cv2.GaussianBlur(picture[::-1].astype(np.float32), (0, 0), 0.02 * height)
        body = (1 - reflection) * np.array(colour) * shade + reflection * mirrored
        picture[where > 0] = np.clip(body, 0, 255)[where > 0]
    return painted, where > 0


def with_stamp(pictures, corner=(0.03, 0.08)):
    """Frames with date, time and speed, whose digits change, and the (H, W) mask of their box."""
    height, width = pictures.shape[1:3]
    where = np.zeros((height, width), np.bool_)
    scale, thickness = 0.035 * height / 21, max(1, round(0.077 * height / 21))
    left, base = round(corner[0] * width), round(corner[1] * height)
    painted = pictures.copy()
    for index, picture in enumerate(painted):
        seconds = 100 + 7 * index
        text = f"2026-11-25 14:{seconds // 60:02}:{seconds % 60:02} {17 * index % 90 + 10} KM/H"
        for colour, width_px in (((0, 0, 0), thickness + 2), ((255, 255, 255), thickness)):
            cv2.putText(picture, text, (left, base), FONT, scale, colour, width_px, cv2.LINE_AA)
    (long, high), _ = cv2.getTextSize(text, FONT, scale, thickness)
    where[base - high : base + 1, left : left + long] = True
    return painted, where


def with_logo(pictures, opacity=0.5):
    """Frames with a translucent logo, and the (H, W) mask of its disc."""
    height, width = pictures.shape[1:3]
    centre, radius = (round(0.9 * width), round(0.12 * height)), round(0.06 * height)
    ink, where = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    cv2.circle(ink, centre, radius, 255, radius // 4, cv2.LINE_AA)
    corner = centre[0] - round(0.6 * radius), centre[1] + round(0.35 * radius)
    cv2.putText(ink, "RC", corner, FONT, radius / 26, 255, max(1, radius // 8), cv2.LINE_AA)
    cv2.circle(where, centre, radius + radius // 8, 1, -1)
    weight = (ink / 255 * opacity)[..., None]
    return (pictures * (1 - weight) + 255 * weight).astype(np.uint8), where > 0
