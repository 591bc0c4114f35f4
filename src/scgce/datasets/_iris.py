"""Fisher's iris flowers."""

from __future__ import annotations

import anndata as ad
import pandas as pd

from ._bundled import Table, load

_TABLE = Table(
    file="iris.csv",
    features={
        "Sepal Length": "length of the sepal, cm",
        "Sepal Width": "width of the sepal, cm",
        "Petal Length": "length of the petal, cm",
        "Petal Width": "width of the petal, cm",
    },
    description="Iris: four measurements of 50 flowers of each of three species, scaled to [0, 1]",
    source="R. A. Fisher, Annals of Eugenics 7 (1936) 179-188; UCI Machine Learning Repository",
    license="CC BY 4.0",
)


def iris(*, drop_first_row: bool = False) -> ad.AnnData:
    """Fisher's iris data, 150 flowers x 4 measurements, scaled to [0, 1].

    Parameters
    ----------
    drop_first_row
        Reproduce the 149 rows of the paper's published results.

    Returns
    -------
    AnnData with float64 ``X``, original units in ``layers["original"]``, ``obs["species"]`` (categorical), feature
    meanings and ranges in ``var`` and texts in ``uns["description"]``, ``uns["source"]``, ``uns["license"]``.
    """
    adata = load(_TABLE, drop_first_row=drop_first_row)
    adata.obs["species"] = pd.Categorical(adata.obs["species"])
    return adata
