"""House prices in Boston, 1970."""

from __future__ import annotations

import anndata as ad

from ._bundled import Table, load

_TABLE = Table(
    file="boston_housing.csv",
    features={
        "CRIM": "crimes per head",
        "ZN": "share of residential land zoned for lots over 25,000 square feet, %",
        "INDUS": "share of non-retail business land, %",
        "CHAS": "1 if the tract bounds the Charles river",
        "NOX": "nitric oxides, parts per 10 million",
        "RM": "mean rooms per dwelling",
        "AGE": "share of owner-occupied units built before 1940, %",
        "DIS": "weighted distance to five employment centres",
        "RAD": "index of access to radial highways",
        "TAX": "property tax per $10,000",
        "PTRATIO": "pupils per teacher",
        "B": "1000 (Bk - 0.63)^2, Bk the share of Black residents: not invertible, see uns['description']",
        "LSTAT": "share of residents of lower status, %",
    },
    description=(
        "Boston housing: 13 features of 506 census tracts, scaled to [0, 1]. Feature B was built on the assumption "
        "that racial self-segregation raises prices, without showing it, and cannot be inverted to a share of "
        "residents; scikit-learn removed this data set for that reason. Kept only to reproduce a published experiment."
    ),
    source="D. Harrison and D. L. Rubinfeld, J. Environ. Economics and Management 5 (1978) 81-102; StatLib",
    license="none stated by StatLib; public census facts",
)


def boston_housing(*, drop_first_row: bool = False) -> ad.AnnData:
    """Boston housing, 506 census tracts x 13 features, scaled to [0, 1].

    The set is here to reproduce the paper and for nothing else: its feature ``B`` encodes race through a
    non-invertible square on an unproven assumption, which is why scikit-learn removed it (1.2).

    Parameters
    ----------
    drop_first_row
        Reproduce the 505 rows of the paper's published results.

    Returns
    -------
    AnnData with float64 ``X``, original units in ``layers["original"]``, ``obs["MEDV"]`` (median value of
    owner-occupied homes, $1,000), feature meanings and ranges in ``var`` and texts in ``uns["description"]``,
    ``uns["source"]``, ``uns["license"]``.
    """
    return load(_TABLE, drop_first_row=drop_first_row)
