"""Heart disease in Cleveland."""

from __future__ import annotations

import anndata as ad
import pandas as pd

from ._bundled import Table, load

#: Labels in ``obs["heart_disease"]``, in the order of the categories.
NO_DISEASE, DISEASE = "no heart disease", "heart disease"

_TABLE = Table(
    file="heart_disease.csv",
    features={
        "age": "years",
        "sex": "0 female, 1 male",
        "cp": "chest pain: 0 asymptomatic, 1 atypical angina, 2 non-anginal pain, 3 typical angina",
        "trestbps": "resting blood pressure, mm Hg",
        "chol": "serum cholesterol, mg/dl",
        "fbs": "1 if fasting blood sugar is over 120 mg/dl",
        "restecg": "resting ECG: 0 left ventricular hypertrophy, 1 normal, 2 ST-T abnormality",
        "thalach": "highest heart rate reached",
        "exang": "1 if exercise brings on angina",
        "oldpeak": "ST depression by exercise against rest",
        "slope": "slope of the ST segment at peak exercise: 0 down, 1 flat, 2 up",
        "ca": "major vessels coloured by fluoroscopy, 4 for unknown",
        "thal": "thallium scan: 1 fixed defect, 2 normal, 3 reversible defect, 0 unknown",
    },
    description=(
        "Heart disease, Cleveland: 13 features of 303 patients in the encoding of heart.csv, scaled to [0, 1]. "
        "Labels follow UCI's num (0: no vessel narrowed by more than half; 1 to 4: disease). The target column of "
        "heart.csv, which the paper's Table 3 shows, is the other way round: its target = 1 is num = 0."
    ),
    source="A. Janosi, W. Steinbrunn, M. Pfisterer, R. Detrano, UCI Machine Learning Repository, Heart Disease (1988)",
    license="CC BY 4.0",
)


def heart_disease(*, drop_first_row: bool = False) -> ad.AnnData:
    """Heart disease (Cleveland), 303 patients x 13 features, scaled to [0, 1].

    Labels have UCI's meaning. The widely copied ``heart.csv`` has them inverted, and with it the paper's Table 3: the
    group it calls low risk is the one at high risk, and the other way round.

    Parameters
    ----------
    drop_first_row
        Reproduce the 302 rows of the paper's published results.

    Returns
    -------
    AnnData with float64 ``X``, original units and codes in ``layers["original"]``, ``obs["heart_disease"]``
    (categorical, ``"no heart disease"`` and ``"heart disease"``), ``obs["num"]`` (UCI's degree, 0 to 4), feature
    meanings and ranges in ``var`` and texts in ``uns["description"]``, ``uns["source"]``, ``uns["license"]``.
    """
    adata = load(_TABLE, drop_first_row=drop_first_row)
    adata.obs["heart_disease"] = pd.Categorical.from_codes(
        (adata.obs["num"] > 0).to_numpy().astype(int), categories=[NO_DISEASE, DISEASE]
    )
    return adata
