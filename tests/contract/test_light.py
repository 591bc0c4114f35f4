"""What only reads stored results starts quickly: it needs none of the libraries that compute."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anndata as ad
import pytest
from tests.contract._api import TABLE, at_hand

READ = """
import json, sys
import anndata, scgce
from scgce.cli import main
path, folder, calls = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
adata = anndata.read_h5ad(path)
for name, arguments, options in calls:
    assert len(getattr(scgce.get, name)(adata, *arguments, **options).columns), name
sys.argv = ["scgce", "export", "--input", path, "--output", folder, "--quiet"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({"torch", "scanpy", "matplotlib"} & set(sys.modules)))
"""


@pytest.mark.filterwarnings("ignore")
def test_reading_and_exporting_need_no_torch(results: ad.AnnData, tmp_path: Path) -> None:
    results.write_h5ad(tmp_path / "cells.h5ad")
    names = at_hand(name for name in TABLE if name.startswith("get."))
    calls = [(name.removeprefix("get."), TABLE[name].arguments, TABLE[name].options) for name in names]
    command = [sys.executable, "-c", READ, tmp_path / "cells.h5ad", tmp_path / "tables", json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert (tmp_path / "tables" / "metrics.tsv").is_file()
