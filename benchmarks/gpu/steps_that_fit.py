"""Number of training steps that fit into a time: `python benchmarks/gpu/steps_that_fit.py LOG SECONDS MOST`.

LOG is the log.jsonl of a short run with the same settings. The fastest of its means of ten steps counts, since the
first steps also compile and warm up; a seventh of the time is kept for what is not a step.
"""

import json
import sys
from pathlib import Path

KEPT = 6 / 7


def steps_that_fit(log: Path, seconds: float, most: int) -> int:
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    fastest = min(record["seconds_a_step"] for record in records if record.get("seconds_a_step"))
    return max(1, min(most, int(KEPT * seconds / fastest)))


if __name__ == "__main__":
    print(steps_that_fit(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
