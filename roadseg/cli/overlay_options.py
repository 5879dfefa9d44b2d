"""Options of `roadseg overlay` for its files, and for work on many machines."""

from typing import Annotated, Literal

import typer

FILES = "Files"
MACHINES = "Many machines"

Container = Annotated[
    Literal["mp4", "mkv"],
    typer.Option(help="Format of the overlay. mkv copies sound that becomes AAC in mp4.", rich_help_panel=FILES),
]
Encoder = Annotated[
    Literal["x264", "nvenc"],
    typer.Option(help="x264 on the CPU, or the encoder of NVIDIA's graphics cards.", rich_help_panel=FILES),
]
Masks = Annotated[
    Literal["png", "npz", "mp4"] | None,
    typer.Option(help="Keep the label map of each frame too, lossless.", rich_help_panel=FILES),
]
Confidence = Annotated[
    bool,
    typer.Option(
        "--confidence", help="Keep how sure the network is, by class; with --masks, by pixel.", rich_help_panel=FILES
    ),
]
MakeGif = Annotated[
    bool,
    typer.Option(
        "--gif", help="Write a GIF too: the first 10 s, or up to 30 of --duration; at most 8 MB.", rich_help_panel=FILES
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier results.", rich_help_panel=FILES)]
Shard = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Do every N-th video, from the I-th on: one of N jobs.", rich_help_panel=MACHINES),
]
Ray = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Work on a Ray cluster: local (this machine), auto (running), HOST:PORT.",
        rich_help_panel=MACHINES,
    ),
]
RayCpus = Annotated[
    int, typer.Option(min=1, metavar="N", help="For --ray: processors of each worker.", rich_help_panel=MACHINES)
]
RayGpuShare = Annotated[
    float,
    typer.Option(
        min=0.01, max=1, metavar="SHARE", help="For --ray: part of a GPU for each worker.", rich_help_panel=MACHINES
    ),
]
