"""Draw every plot from real data, for the gallery page: ``python docs/gallery/build.py``.

Results are kept in ``docs/_build/gallery``, so that a second run only draws; ``--fresh`` computes them again.
The retina data (18 groups) are used if they lie in ``../shared/data`` beside the repository; without them the
pictures that are there stay.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import anndata as ad
import matplotlib as mpl
import matplotlib.pyplot as plt
import scanpy as sc
from matplotlib.figure import Figure
from PIL import Image

import scgce

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
CACHE = HERE.parent / "_build" / "gallery"
SHARED = HERE.parents[2] / "shared" / "data"
SPARSITIES = (2, 5, 10, 20)
logger = logging.getLogger("scgce.gallery")


@dataclass(frozen=True)
class Case:
    """One data set: how to make it with its results, and the pair that is shown."""

    title: str
    make: Callable[[], ad.AnnData]
    groupby: str
    label: str
    source: str
    target: str


def blood() -> ad.AnnData:
    """Log values of 700 blood cells; scanpy carries them."""
    return sc.datasets.pbmc68k_reduced().raw.to_adata()


def blood_three() -> ad.AnnData:
    """Three groups."""
    names = ["CD14+ Monocyte", "CD8+/CD45RA+ Naive Cytotoxic", "CD19+ B"]
    adata = blood()
    return explained(adata[adata.obs["bulk_labels"].isin(names)].copy(), "bulk_labels", bootstraps=20)


def blood_all() -> ad.AnnData:
    """Ten groups, and an embedding trained here."""
    adata = explained(blood(), "bulk_labels", bootstraps=10)
    sc.pp.pca(adata, n_comps=30)
    scgce.tl.scvis(adata, rng=0)
    return adata


def retina() -> ad.AnnData:
    """Eighteen clusters of the human retina."""
    adata = ad.read_h5ad(SHARED / "voigt_human_retina.h5ad")
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    mapped(adata)
    return explained(adata, "cluster_label")


def simulated() -> ad.AnnData:
    """Thirty simulated groups."""
    adata = scgce.datasets.simulated_cells(3000, 600, 30, rng=0)
    adata.obs["group"] = adata.obs["group"].cat.rename_categories(lambda name: f"simulated cell type {name}")
    adata.obs["lineage"] = (adata.obs["group"].cat.codes % 7).astype(str).radd("lineage ").astype("category")
    mapped(adata)
    return explained(adata, "group")


def mapped(adata: ad.AnnData) -> None:
    """Add a PCA and a UMAP."""
    sc.pp.pca(adata, n_comps=30)
    sc.pp.neighbors(adata)
    sc.tl.umap(adata)


def explained(adata: ad.AnnData, groupby: str, bootstraps: int = 0) -> ad.AnnData:
    """Explain the UMAP, by our method and by the difference of means."""
    scgce.tl.tgt(adata, groupby, use_rep="X_umap", sparsity=SPARSITIES, rng=0)
    scgce.tl.dbm(adata, groupby, use_rep="X_umap", sparsity=SPARSITIES, rng=0)
    if bootstraps:
        scgce.tl.stability(adata, n_bootstraps=bootstraps, sparsity=None)
    return adata


CASES = {
    "3": Case(
        "3 groups: blood", blood_three, "bulk_labels", "louvain", "CD14+ Monocyte", "CD8+/CD45RA+ Naive Cytotoxic"
    ),
    "10": Case(
        "10 groups: blood", blood_all, "bulk_labels", "louvain", "CD14+ Monocyte", "CD8+/CD45RA+ Naive Cytotoxic"
    ),
    "18": Case("18 groups: human retina", retina, "cluster_label", "cell_type", "", ""),
    "30": Case("30 groups: simulated", simulated, "group", "lineage", "", ""),
}

Draw = Callable[[ad.AnnData, Case], Figure]
PLOTS: dict[str, tuple[str, Draw]] = {
    "explanation": (
        "The genes of one explanation and what they do on the map, both ways. Dots: amount added to each cell; "
        "diamonds: the real difference of means. Dark blue cells should lie on the amber ones.",
        lambda a, c: scgce.pl.explanation(a, c.source, c.target, return_fig=True),
    ),
    "groups": (
        "The map and its groups. Names that do not fit become numbers with a legend.",
        lambda a, c: scgce.pl.groups(a, c.groupby, return_fig=True),
    ),
    "metrics": (
        "Correctness and coverage of every ordered pair, groups that reach each other side by side.",
        lambda a, c: scgce.pl.metrics(a, order="cluster", return_fig=True),
    ),
    "sweep": (
        "What more genes buy, beside the variant without triangle error (consistent), the difference of means (DBM) "
        "and two independent judges.",
        lambda a, c: scgce.pl.sweep(a, return_fig=True),
    ),
    "path": (
        "Objective, genes per pair and levels per gene along the penalty λ.",
        lambda a, c: scgce.pl.path(a, return_fig=True),
    ),
    "translation": (
        "All genes of one explanation above, the dense difference of means below.",
        lambda a, c: scgce.pl.translation(a, c.source, c.target, return_fig=True),
    ),
    "heatmap": (
        "What to add to the typical group to reach each group.",
        lambda a, c: scgce.pl.heatmap(a, return_fig=True),
    ),
    "levels": (
        "The codebook: one line per gene, one dot per group. Groups at one place need nothing of this gene.",
        lambda a, c: scgce.pl.levels(a, return_fig=True),
    ),
    "markers": (
        "Genes that set each group apart, beside their real expression.",
        lambda a, c: scgce.pl.markers(a, n_genes=2, return_fig=True),
    ),
    "compare": (
        "How much the explanation of each pair differs between two methods.",
        lambda a, c: scgce.pl.compare(a, other_key="dbm", return_fig=True),
    ),
    "compare_pair": (
        "The same for one pair, gene by gene.",
        lambda a, c: scgce.pl.compare(a, other_key="dbm", source=c.source, target=c.target, return_fig=True),
    ),
    "dose": (
        "What a part of the translation does, and more than all of it.",
        lambda a, c: scgce.pl.dose(a, c.source, c.target, return_fig=True),
    ),
    "stability": (
        "How often each gene is chosen again from other cells of the same kind.",
        lambda a, c: scgce.pl.stability(a, c.source, c.target, return_fig=True),
    ),
    "embedding_shift": (
        "Where explanations take the mean of each group: arrows to its three nearest groups.",
        lambda a, c: scgce.pl.embedding_shift(a, return_fig=True),
    ),
    "label_distribution": (
        "Known labels in each group.",
        lambda a, c: scgce.pl.label_distribution(a, c.groupby, c.label, return_fig=True),
    ),
    "training": (
        "How the loss of an embedding fell.",
        lambda a, c: scgce.pl.training(a, "X_scvis", return_fig=True),
    ),
}
NEEDS = {"stability": ("tgt", "stability"), "training": ("X_scvis", "history")}


def results(name: str, *, fresh: bool) -> ad.AnnData:
    """The data set with its results, from the cache if it is there."""
    stored = CACHE / f"{name}.h5ad"
    if fresh or not stored.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        CASES[name].make().write_h5ad(stored)
    return ad.read_h5ad(stored)


def with_pair(adata: ad.AnnData, case: Case) -> Case:
    """The case with the two groups of the longest names if it names none."""
    if case.source:
        return case
    longest = sorted(adata.uns["tgt"]["groups"], key=len)[-2:]
    return Case(case.title, case.make, case.groupby, case.label, longest[1], longest[0])


def save(figure: Figure, path: Path) -> None:
    """Write a picture without transparency, packed well: small enough to be kept in the repository."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    Image.open(buffer).convert("RGB").save(path, optimize=True)


def page() -> Iterator[str]:
    """The gallery page, of the pictures that are there."""
    yield "# Gallery\n"
    yield "Made by `python docs/gallery/build.py` from the blood cells that scanpy carries, the human retina of"
    yield "Voigt et al. (2019) and simulated cells. Every plot takes `ax`, `show` and `return_fig`.\n"
    for plot, (caption, _) in PLOTS.items():
        yield f"## {plot.replace('_', ' ')}\n"
        yield f"{caption}\n"
        for name, case in CASES.items():
            if (IMAGES / f"{plot}_{name}.png").exists():
                yield f"{case.title}\n\n![{plot}, {case.title}](images/{plot}_{name}.png)\n"


def main() -> None:
    """Compute what is missing, draw everything, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="compute the results again")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--plots", nargs="*", default=list(PLOTS), choices=list(PLOTS))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    mpl.use("agg")
    sc.settings.autoshow = False
    IMAGES.mkdir(exist_ok=True)
    for name in arguments.cases:
        if name == "18" and not SHARED.is_dir():
            logger.info("no retina data; its pictures stay as they are")
            continue
        adata = results(name, fresh=arguments.fresh)
        case = with_pair(adata, CASES[name])
        for plot in arguments.plots:
            key, part = NEEDS.get(plot, ("tgt", "deltas"))
            if key in adata.uns and part in adata.uns[key]:
                save(PLOTS[plot][1](adata, case), IMAGES / f"{plot}_{name}.png")
                plt.close("all")
        logger.info("drawn: %s", case.title)
    (HERE / "index.md").write_text("\n".join(page()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
