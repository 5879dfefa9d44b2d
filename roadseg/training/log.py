"""Lines of `log.jsonl` as series over the steps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Series = dict[str, list[tuple[int, float]]]
"""(step, value) by name, in the order of steps."""
RATE = "learning_rate"
"""Learning rate of the trunk: present in every line of losses, absent in lines of scores."""


def losses_of(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the mean losses of a line, by name; none for a line of scores. Only names of losses have a slash."""
    return {name: value for name, value in record.items() if "/" in name} if RATE in record else {}


def last_losses(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean losses of the last line that has some, by name; empty before the first."""
    return next(filter(None, map(losses_of, reversed(records))), {})


def loss_series(records: Iterable[Mapping[str, Any]]) -> Series:
    """Return all losses."""
    return _series((record["step"], losses_of(record)) for record in records)


def score_series(records: Iterable[Mapping[str, Any]]) -> Series:
    """Return all scores of evaluations during training."""
    return _series((record["step"], {} if RATE in record else _others(record)) for record in records)


def machine_series(records: Iterable[Mapping[str, Any]]) -> Series:
    """Return the other values of training: learning rates, seconds a step, waiting, skipped steps."""
    return _series(
        (record["step"], {name: value for name, value in _others(record).items() if "/" not in name})
        for record in records
        if RATE in record
    )


def _others(record: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in record.items() if name != "step"}


def _series(values: Iterable[tuple[int, Mapping[str, float]]]) -> Series:
    series: Series = defaultdict(list)
    for step, named in values:
        for name, value in named.items():
            series[name].append((step, value))
    return dict(series)
