"""What a representation r can be: PCA loadings, a stored network, a torch module, a function, a distilled student."""

from __future__ import annotations

from ._base import Encoder
from ._fidelity import check_fidelity
from ._function import from_function
from ._io import encoder_from_uns, encoder_to_uns, load_safetensors, save_safetensors
from ._linear import linear_from_pca
from ._module import Output, wrap_module
from ._resolve import resolve
from ._scvi import from_scvi
from ._student import distill_student
from ._train import Training

__all__ = [
    "Encoder",
    "Output",
    "Training",
    "check_fidelity",
    "distill_student",
    "encoder_from_uns",
    "encoder_to_uns",
    "from_function",
    "from_scvi",
    "linear_from_pca",
    "load_safetensors",
    "resolve",
    "save_safetensors",
    "wrap_module",
]
