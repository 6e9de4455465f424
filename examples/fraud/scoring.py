"""The scoring function of the application: how likely a transaction is a fraud, from 0 to 1.

`model.onnx`, which the training job made, lies beside this file in the application's code.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from features import GIVEN, features
from pyflink.table import DataTypes
from pyflink.table.udf import udf

_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = 1
_model = onnxruntime.InferenceSession(
    str(Path(__file__).with_name("model.onnx")), _options, providers=["CPUExecutionProvider"]
)
_THRESHOLD = float(_model.get_modelmeta().custom_metadata_map["threshold"])


@udf(result_type=DataTypes.DOUBLE(), func_type="pandas")
def fraud_score(*columns: Any) -> Any:
    """The score of each transaction, from the columns of `features.GIVEN` in this order."""
    given = features(**dict(zip(GIVEN, columns, strict=True)))
    return pd.Series(_model.run(None, {"X": given})[1][:, 1].astype(np.float64))


@udf(result_type=DataTypes.BOOLEAN(), func_type="pandas")
def is_alarming(score: Any) -> Any:
    """Whether a score is one that the training found to be a fraud's."""
    return score >= _THRESHOLD
