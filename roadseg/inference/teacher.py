"""Teacher: a run whose labels another network learns from."""

from collections.abc import Callable

from roadseg.errors import InputError, listed
from roadseg.inference.engines import load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import IGNORE, LabelSpace, conversion
from roadseg.runtime import DeviceName

SHOWN = 6
"""Classes that a message names."""


def load_teacher(run: str, space: LabelSpace, device: DeviceName, on_notice: Callable[[str], None]) -> Segmenter:
    """Load a run as the teacher of another network.

    Args:
        run: as for `load_segmenter`.
        space: classes of the other network.
        device: as for `load_segmenter`.
        on_notice: called with a sentence about classes that one of the two networks lacks, or a missing confidence.

    Raises:
        WeightsError: there is no readable network.
        InputError: no class of it is one of `space`, or the device is not there.
    """
    teacher = load_segmenter(run, device=device)
    taught = conversion(teacher.label_space, space)[: len(teacher.label_space)]
    lost = [name for name, train_id in zip(teacher.label_space.classes, taught, strict=True) if train_id == IGNORE]
    if len(lost) == len(taught):
        raise InputError(
            f"{run}: none of its classes ({listed(lost, SHOWN)}) is one of {space.name}",
            "Choose another teacher, or another label space for the run: --set labels=NAME.",
        )
    unknown = [name for train_id, name in enumerate(space.classes) if train_id not in taught]
    if lost:
        on_notice(
            f"{run} also knows {listed(lost, SHOWN)}, which {space.name} lacks: nothing is learned from these labels"
        )
    if unknown:
        on_notice(f"{run} does not know {listed(unknown, SHOWN)}: these are learned from the source only")
    if not teacher.has_scores:
        on_notice(f"{run} gives labels without confidence: all of them count, and flip and scales are not used")
    return teacher
