"""Tables of a comparison of finished runs: methods, differing settings, a sweep over one key, and classes."""

from collections.abc import Mapping, Sequence
from typing import Any

from roadseg.adaptation.defaults import AUTO
from roadseg.evaluation.comparison.groups import Comparison, Group
from roadseg.evaluation.score_tables import ABSENT, ScoreTable, score_text
from roadseg.labels.catalogue import label_space
from roadseg.training.published import PublishedRow

OWN_COLUMNS = ("method", "model")
"""Recipe keys with their own column in the method table."""
WITH_EVERY_METHOD = {"fourier_beta": "Fourier alignment", "adapt_bn": "batch norm adapted"}
"""Recipe keys that can be added to every method, and their names in the method column."""


def comparison_tables(comparison: Comparison) -> list[ScoreTable]:
    """Return all tables that have content."""
    key = swept_key(comparison)
    tables = [_methods(comparison)]
    if key is not None:
        tables.append(_sweep(comparison, key))
    elif comparison.differing.keys() - set(OWN_COLUMNS):
        tables.append(_settings(comparison))
    return [*tables, _classes(comparison)]


def published_table(rows: Sequence[PublishedRow]) -> ScoreTable:
    """Return all published rows that a recipe may name."""
    header = ("id", "from", "to", "method", "network", "mIoU")
    cells = tuple((row.id, row.source, row.target, row.method, row.network, score_text(row.miou)) for row in rows)
    notes = tuple(f"{row.id}: {row.note}." for row in rows if row.note)
    return ScoreTable("Published mIoU %", header, cells, notes)


def swept_key(comparison: Comparison) -> str | None:
    """Return the one key whose numbers distinguish the runs of each method; None where more differs."""
    keys = comparison.differing.keys() - {"method"}
    if len(keys) != 1:
        return None
    (key,) = keys
    if not all(isinstance(value, int | float) for value in comparison.differing[key]):  # a method may lack the key
        return None
    cells = {(group.recipe["method"], group.recipe[key]) for group in comparison.groups}
    return key if len(cells) == len(comparison.groups) else None


def _methods(comparison: Comparison) -> ScoreTable:
    """Return methods, mIoU and published mIoU, one row for each group."""
    several = any(len(group.runs) > 1 for group in comparison.groups)
    published = any(group.published for group in comparison.groups)
    header = ["run", "method", "network", *(["seeds"] if several else []), "mIoU"]
    header += ["published", "difference"] if published else []
    rows = []
    for group in comparison.groups:
        row = [group.label, _method(group.recipe), str(group.recipe["model"])]
        row += [str(len(group.runs))] if several else []
        row += [score_text(group.miou) + ("" if group.spread is None else f" ± {group.spread:.2f}")]
        if published:
            reference = group.published
            row += [ABSENT] * 2 if reference is None else [score_text(reference.miou), _difference(group, reference)]
        rows.append(tuple(row))
    engines = dict.fromkeys(run.engine for group in comparison.groups for run in group.runs if run.engine)
    notes = ["± is the standard deviation over the seeds."] if several else []
    notes += [f"Engine: {' and '.join(engines)}."] if engines else []
    for group in comparison.groups:
        kept = sum(run.kept_start for run in group.runs)
        notes += [f"{group.label}: {kept} of {len(group.runs)} runs kept the weights of the start."] if kept else []
    title = f"mIoU % on {comparison.dataset}, {comparison.images} images"
    return ScoreTable(title, tuple(header), tuple(rows), (*notes, *_published_notes(comparison)))


def _method(recipe: Mapping[str, Any]) -> str:
    added = (
        f"{name} (auto)" if recipe[key] == AUTO else name for key, name in WITH_EVERY_METHOD.items() if recipe[key]
    )
    return ", ".join([recipe["method"], *added])


def _difference(group: Group, reference: PublishedRow) -> str:
    return f"{group.miou - reference.miou:+z.2f}"


def _published_notes(comparison: Comparison) -> list[str]:
    """Return where each published row is printed, its remarks, and whether it can be compared."""
    rows = {row.id: row for row in _published(comparison)}.values()
    notes = [f"{row.id}: {row.network}; {row.printed}." + (f" Note: {row.note}." if row.note else "") for row in rows]
    elsewhere = sorted({row.target for row in rows if row.target.lower() not in comparison.dataset.lower()})
    if elsewhere:
        notes.append(
            f"Not comparable: the published figures are for {' and '.join(elsewhere)}, these for {comparison.dataset}."
        )
    return notes


def _published(comparison: Comparison) -> list[PublishedRow]:
    return [row for group in comparison.groups if (row := group.published)]


def _settings(comparison: Comparison) -> ScoreTable:
    """Return the settings that differ, one row for each key."""
    header = ("setting", *(group.label for group in comparison.groups))
    differing = {key: values for key, values in comparison.differing.items() if key not in OWN_COLUMNS}
    rows = tuple((key, *map(_plain, values)) for key, values in differing.items())
    return ScoreTable("Differing settings", header, rows)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return ABSENT if value in ("", None) else str(value)


def _sweep(comparison: Comparison, key: str) -> ScoreTable:
    """Return mIoU by the value of one key: one row for each method, and its published row below."""
    values = sorted(set(comparison.differing[key]))
    methods = dict.fromkeys(group.recipe["method"] for group in comparison.groups)
    rows = []
    for method in methods:
        groups = {group.recipe[key]: group for group in comparison.groups if group.recipe["method"] == method}
        rows.append((method, *(score_text(groups[value].miou if value in groups else None) for value in values)))
        published = {value: group.published.miou for value, group in groups.items() if group.published}
        if published:
            rows.append((f"{method}, published", *(score_text(published.get(value)) for value in values)))
    return ScoreTable(f"mIoU % by {key}", (key, *map(str, values)), tuple(rows))


def _classes(comparison: Comparison) -> ScoreTable:
    """Return IoU by class, one row for each group; a published row follows the last group that names it."""
    names = tuple(comparison.groups[0].iou)
    last = {group.published.id: group for group in comparison.groups if group.published}
    rows = []
    for group in comparison.groups:
        rows.append((group.label, *(score_text(group.iou[name]) for name in names), score_text(group.miou)))
        reference = group.published
        if reference is not None and reference.iou and last[reference.id] is group:
            iou = _in_space(reference, names, comparison.label_space)
            rows.append(("published", *(score_text(iou.get(name)) for name in names), score_text(reference.miou)))
    title = f"IoU % by class on {comparison.dataset}, {comparison.images} images"
    return ScoreTable(title, ("run", *names, "mIoU"), tuple(rows))


def _in_space(row: PublishedRow, names: tuple[str, ...], space: str) -> Mapping[str, float]:
    """Return published IoUs under the class names of the data set, for classes that correspond one to one."""
    contains = label_space(space).contains
    called = {name: name if name in names else contains.get(name, name) for name in row.iou}
    several = [target for target in called.values() if list(called.values()).count(target) > 1]
    return {target: row.iou[name] for name, target in called.items() if target not in several}
