"""A result whose every string tries to become script."""

from __future__ import annotations

import anndata as ad
import numpy as np
from tests._results import blobs, store_result

ATTACK = "</script><script>alert('x')</script><img src=x onerror=\"alert('y')\">&lt;b&gt;"


def poisoned() -> ad.AnnData:
    """Four groups; groups, genes, parameters, layer, colours and the encoder's name are hostile."""
    adata = blobs()
    adata.obs["cell_type"] = adata.obs["cell_type"].cat.rename_categories(
        {adata.obs["cell_type"].cat.categories[0]: ATTACK}
    )
    store_result(adata)
    entry = adata.uns["tgt"]
    used = np.flatnonzero((entry["deltas"] != entry["deltas"][0]).any(axis=0))[0]
    names = np.array(adata.var_names, dtype=object)
    names[used] = ATTACK
    adata.var_names = names
    entry["genes"] = names
    entry["encoder"] |= {"genes": names, "name": ATTACK, "fidelity": {ATTACK: 0.5}}
    entry["params"] |= {"method": ATTACK, ATTACK: ATTACK}
    adata.uns["cell_type_colors"] = [f"#000000{ATTACK}"] * 4
    return adata
