"""Run the tests that take minutes and note how they ended: ``python -m benchmarks.promises.long``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from tempfile import TemporaryDirectory

from .stack import RESULTS, versions


def main() -> int:
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "long", f"--junitxml={report}"]
        code = subprocess.run([*command, "tests"], check=False).returncode
        suite = next(ET.parse(report).getroot().iter("testsuite"))
    tests: dict[str, dict[str, int]] = {}
    for case in suite.iter("testcase"):
        name = re.sub(r"\[.*", "", f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}")
        outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        counts = tests.setdefault(name, {})
        counts[outcome] = counts.get(outcome, 0) + 1
    entry = {"versions": versions(), "seconds": round(float(suite.get("time", 0))), "tests": tests}
    (RESULTS / "long.json").write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
