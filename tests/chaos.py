"""`make chaos`: the long form of the trials in tests/services/, on both databases, and a table of the results."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TRIALS = (
    "tests/services/test_killed_machines.py",
    "tests/services/test_killed_sender.py",
    "tests/services/test_killed_import.py",
    "tests/services/test_hours_by_many.py",
    "tests/services/test_handover_once.py",
    "tests/services/test_final_once.py",
    "tests/services/test_faults.py",
    "tests/operations/test_serving.py",
    "tests/operations/test_backups.py",
    "tests/workflow/deadlines/test_clock_year.py",
)


def main():
    """Run all trials, or those that the arguments of the command line select; returns exit code 1 when one failed."""
    chosen = [one for one in TRIALS if not sys.argv[1:] or any(word in one for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "report"
        environ = {**os.environ, "KAVO_THOROUGH": "1", "KAVO_CHAOS_REPORT": str(found)}
        failed = [
            database
            for database in ("sqlite", "postgresql")
            if subprocess.run(
                [sys.executable, "-m", "pytest", "-o", "faulthandler_timeout=0", "--database", database, *chosen],
                env=environ,
            ).returncode
        ]
        lines = [json.loads(line) for line in found.read_text("utf-8").splitlines()] if found.exists() else []
    print("\n| trial | database | figures |\n|---|---|---|")
    for line in lines:
        name, database = line.pop("name"), line.pop("database")
        print(f"| {name} | {database} | " + ", ".join(f"{word} {value}" for word, value in line.items()) + " |")
    print("All held." if not failed else f"FAILED on {', '.join(failed)}.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
