"""Mouse retinal bipolar cells, the paper's single-cell example."""

from __future__ import annotations

import logging
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from ._dge import read_expression, read_labels
from ._download import fetch

logger = logging.getLogger("scgce")

COUNTS_URL = "https://ftp.ncbi.nlm.nih.gov/geo/series/GSE81nnn/GSE81904/suppl/GSE81904_BipolarUMICounts_Cell2016.txt.gz"
LABELS_URL = "https://scrnaseq-public-datasets.s3.amazonaws.com/manual-data/shekhar/clust_retinal_bipolar.txt"


def bipolar(
    *,
    cache: str | Path | None = None,
    labels: bool = True,
    min_cells: int = 30,
    min_counts: int = 60,
    counts_url: str = COUNTS_URL,
    labels_url: str = LABELS_URL,
) -> ad.AnnData:
    """Retinal bipolar neurons of the mouse, Drop-seq (Shekhar et al. 2016, GEO GSE81904).

    The first call downloads 43 MB of counts from GEO and 1.5 MB of cluster labels, with a progress bar in a terminal;
    an interrupted download is continued, and later calls read the cache.

    Parameters
    ----------
    cache
        Folder for the files; by default ``$SCGCE_DATA_DIR`` or the user's cache folder.
    labels
        If true, keep only the cells that the authors clustered (about 27,500 of 45,000) and add their labels.
    min_cells, min_counts
        Keep genes seen in more than ``min_cells`` cells with more than ``min_counts`` molecules in all (the authors'
        filter).
    counts_url, labels_url
        Where to fetch the files, for a mirror.

    Returns
    -------
    AnnData with

    ``X``
        ``log1p`` of the counts scaled to the median library, float32 CSR ``(n, d)``; counts in ``layers["counts"]``.
    ``obs["batch"]``
        Library, the part of the cell's name before the underscore.
    ``obs["cluster"]``, ``obs["sub_cluster"]``
        The authors' labels (categorical), if asked for.
    ``uns["description"]``, ``uns["source"]``
        Texts.

    Raises
    ------
    ConnectionError
        If a file is neither cached nor to be had; the message says where to put a copy.
    ValueError
        If a file is damaged, or the labels belong to other cells.

    References
    ----------
    Shekhar et al., Comprehensive classification of retinal bipolar neurons by single-cell transcriptomics, Cell 166
    (2016) 1308-1323.
    """
    counts_file = fetch(counts_url, "GSE81904_BipolarUMICounts_Cell2016.txt.gz", cache)
    labels_file = fetch(labels_url, "clust_retinal_bipolar.txt", cache) if labels else None
    genes, cells, counts = read_expression(counts_file)
    obs = pd.DataFrame({"batch": pd.Categorical([c.partition("_")[0] for c in cells])}, index=cells)
    if labels_file is not None:
        obs, counts = _with_labels(obs, counts, read_labels(labels_file), labels_file)
    molecules, seen = np.asarray(counts.sum(axis=0)).ravel(), counts.getnnz(axis=0)
    kept = (seen > min_cells) & (molecules > min_counts)
    if not kept.any():
        raise ValueError(f"min_cells={min_cells}, min_counts={min_counts}: none of the {len(genes)} genes is left")
    counts = counts[:, kept].tocsr()
    adata = ad.AnnData(X=_log_median(counts), obs=obs, var=pd.DataFrame(index=genes[kept]))
    adata.layers["counts"] = counts
    adata.uns["description"] = "Mouse retinal bipolar cells, Drop-seq, Vsx2-GFP sorted, with the authors' clusters"
    adata.uns["source"] = "Shekhar et al., Cell 166 (2016) 1308-1323; GEO GSE81904"
    logger.info("bipolar: %d cells x %d genes", *adata.shape)
    return adata


def _with_labels(
    obs: pd.DataFrame, counts: sparse.csr_matrix, labels: pd.DataFrame, path: Path
) -> tuple[pd.DataFrame, sparse.csr_matrix]:
    rows = np.flatnonzero(obs.index.isin(labels.index))
    if not len(rows):
        raise ValueError(f"{path} labels none of the cells of the count table, such as {obs.index[0]!r}")
    obs = obs.iloc[rows].join(labels.astype("category"))
    return obs, counts[rows]


def _log_median(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    totals = np.asarray(counts.sum(axis=1)).ravel()
    scale = np.divide(np.median(totals), totals, out=np.zeros_like(totals), where=totals > 0)
    matrix = counts.copy()
    matrix.data *= np.repeat(scale, np.diff(counts.indptr)).astype(np.float32)
    np.log1p(matrix.data, out=matrix.data)
    return matrix
