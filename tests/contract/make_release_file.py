"""Write the small results file of the current release: ``python -m tests.contract.make_release_file``.

Run once when a release is made and committed; `test_files` reads every such file with the code of today.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from tests.contract._api import call, tiny

import scgce

FOLDER = Path(__file__).resolve().parents[1] / "data"
TOOLS = ("tl.tgt", "tl.dbm", "tl.marker_tests", "tl.evidence", "tl.stability", "tl.integrated_gradients")
FRAMES = ("metrics", "sweep", "pairs", "markers", "evidence")


def main() -> None:
    adata = tiny()
    for name in TOOLS:
        call(name, adata)
    del adata.obsp["connectivities"]
    stem = FOLDER / f"release-{scgce.__version__}"
    with TemporaryDirectory() as folder:
        adata.write_h5ad(Path(folder) / "cells.h5ad")
        packed = gzip.compress((Path(folder) / "cells.h5ad").read_bytes(), mtime=0)
    stem.with_name(stem.name + ".h5ad.gz").write_bytes(packed)  # most of a small h5ad is empty
    frames = {name: getattr(scgce.get, name)(adata) for name in FRAMES}
    pd.concat(frames, names=["frame", "row"]).to_csv(stem.with_name(stem.name + ".csv"), float_format="%.6g")


if __name__ == "__main__":
    main()
