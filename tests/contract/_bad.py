"""What each parameter of the public interface refuses: one table of bad values, by the parameter's name.

`scgce._api.constraints` declares what is accepted; here stands, independently of it, what must not be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

NAN, INF = float("nan"), float("inf")
WHOLE = (0, -1, 1.5, "2", None, True)
POSITIVE = (0.0, -1.0, NAN, INF, "1")
FLAG = ("no", None, 2)
ABSENT = ("nowhere", 3)

BAD: dict[str, tuple[Any, ...]] = {
    "groupby": ("nowhere", 3, None, []),
    "use_rep": ("X_nowhere", 3),
    "encoder": (3, "nowhere.safetensors", np.ones((12, 2))),
    "layer": ABSENT,
    "gene_symbols": ABSENT,
    "groups": ("B/1", ["B/1"], ["B/1", "nowhere"], 3, []),
    "reference": ABSENT,
    "mask_var": ("nowhere", np.ones(3, dtype=bool), np.zeros(12, dtype=bool), np.ones(12), 3),
    "gene_costs": ("nowhere", np.ones(3), -np.ones(12), np.full(12, NAN), np.full(12, INF), 3, {"nowhere": 2.0}),
    "sparsity": (0, -1, 99, 2.5, "few", True, ()),
    "method": ("nowhere", 3, None),
    "amplitude": (*POSITIVE, True),
    "count": ("median", 3, None),
    "by": ("set", 3),
    "n_programs": (0, -1, 1.5, "2"),
    "clip": ("no", 2),
    "consistent": ("no", 2),
    "nonnegative": FLAG,
    "penalty": ("nowhere", -0.1, 1.2, None),
    "lam": (0.0, -1.0, NAN, "auto", [], [0.1, -1.0]),
    "epsilon": (*POSITIVE[:4], "median"),
    "validation_fraction": (-0.1, 1.0, NAN, "a", None),
    "judges": ("logreg", None, {"mine": object()}),
    "min_cells": WHOLE,
    "rng": ("seed", -1, None, 1.5),
    "device": ("tpu", 3, "cuda:99"),
    "key_added": ("a/b", "", 5),
    "copy": FLAG,
    "n_components": WHOLE,
    "batch_size": WHOLE,
    "learning_rate": POSITIVE,
    "weight_decay": (-1.0, NAN, INF, "1"),
    "n_epochs": (0, -1.0, NAN, "2"),
    "patience": (-1, 1.5, "2", None),
    "perplexity": (*POSITIVE, 99.0),
    "per_cell": FLAG,
    "neighbors_key": ABSENT,
    "min_dist": (-0.1, NAN, INF, "1"),
    "spread": POSITIVE,
    "negative_sample_rate": WHOLE,
    "n_pcs": WHOLE,
    "hidden": ((0,), (1.5,), "8"),
    "noise": (-1.0, NAN, INF, "1"),
    "n_steps": WHOLE[:4],
    "basis": ("nowhere", 3),
    "n_pairs": WHOLE,
    "init": ("nowhere", None, 3),
    "missing": ("nowhere", None),
    "key": ABSENT,
    "n_bootstraps": WHOLE,
    "resample": ("nowhere", 3),
    "split_by": ("nowhere", 3),
    "refit": FLAG,
    "leave_one_out": FLAG,
    "interval": (0.0, 1.0, -0.5, NAN, "a"),
    "doses": ((), (NAN,), ("a",), 0.5),
    "n_jobs": (0, -2, 1.5, "2", True),
    "n_permutations": (-1, 1.5, "2", None),
    "n_random": (-1, 1.5, "2", None),
    "threshold": (NAN, -0.1, 1.1, "a"),
    "lineage": ("nowhere", {}, {"B/1": "one"}, 3),
    "source": ("nowhere", "T cell", None),
    "target": ("nowhere", "B/1", None),
    "group": ("nowhere", 3),
    "n_genes": WHOLE[:4],
    "budget": (-1.0, NAN, INF, "1"),
    "fixed": ("gene1", ["nowhere"], 3, [3]),
    "programs": ("nowhere", 3, {"one": ["nowhere"]}),
    "pair_weights": ("nowhere", 3, np.ones((3, 3)), "group", pd.DataFrame(np.ones((3, 3)))),
    "restrict": FLAG,
    "pairs": (
        *("nowhere", "within:nowhere", "within:group", [], 3, ["B/1"], [("B/1", "nowhere")], [("B/1", "B/1")]),
        *(pd.DataFrame({"a": ["B/1"], "b": ["NK"]}), pd.DataFrame(columns=["source", "target"])),
    ),
    "include_self": FLAG,
    "min_genes": WHOLE,
    "rest": FLAG,
    "annotate": ("nowhere", 3, [["gene1"]]),
    "keys": ("tgt", ["nowhere"], []),
    "other_key": ABSENT,
    "other_sparsity": (0, 99, "few", 2.5),
    "metrics": (["nowhere"], [], "nowhere"),
    "order": ("nowhere", ["B/1"], 3),
    "labels": ("nowhere", 3),
    "label": ABSENT,
    "max_cells": WHOLE[:4],
    "n_items": WHOLE,
    "n_labels": (-1, 1.5, "2"),
    "nearest": (0, -1, 1.5, "2"),
    "size": (0.0, -1.0, NAN, "1"),
    "ax": ("axes", 3),
}

# Parameters without a bad value of their own: an AnnData, and matplotlib's switches, which take anything with a truth.
FREE = {"adata", "other", "show", "return_fig"}

# None, and other words, that mean something for one function and nothing for the rest.
MEANT: dict[str, dict[str, tuple[Any, ...]]] = {
    "tl.evaluate": {"groupby": (None,), "rng": (None,)},  # None: the seed of the explanation
    "tl.evidence": {"rng": (None,)},
    "tl.lineages": {"rng": (None,)},
    "get.stability": {"source": (None,), "target": (None,)},  # None: all pairs
    "tl.programs": {"groupby": (None,)},
    "pl.groups": {"groupby": (None,), "key": ("nowhere",)},  # read only where groupby is None
    "pl.compare": {"source": (None,), "target": (None,)},
}

# What an error may call a parameter that stands for others.
ALSO_CALLED = {"keys": "key", "other_sparsity": "sparsity", "other_key": "key"}


def cases(name: str, parameter: str) -> list[Any]:
    """The values of a parameter that a function must refuse."""
    fine = MEANT.get(name, {}).get(parameter, ())
    return [value for value in BAD[parameter] if not any(value is ok or (value == ok) is True for ok in fine)]
