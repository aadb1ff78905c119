"""Writes safetensors.safetensors with the reference implementation of the format.

Needs: pip install safetensors numpy
Usage: python make_safetensors.py
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

tensors = {
    "encoder.weight": np.array([[1.5, -2.25, 3e-8], [np.inf, -0.0, 1e30]], dtype=np.float32),
    "encoder.bias": np.array([0.1, -1e-300], dtype=np.float64),
    "ids": np.array([-(2**31), 0, 2**31 - 1], dtype=np.int32),
    "step": np.array(2**62 + 1, dtype=np.int64),  # a scalar, and no double can hold it
    "nothing": np.zeros((0, 4), dtype=np.float32),
    "단어": np.array([7], dtype=np.int32),
}
path = Path(__file__).parent / "safetensors.safetensors"
save_file(tensors, path, metadata={"말": "한국어"})
