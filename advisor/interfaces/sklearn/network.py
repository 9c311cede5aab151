"""A trained network as an estimator holds it: the bytes of its ``.keras`` file, and how rows become its input."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.data import DataEncoder, encoder_from_contract
from advisor.framework import load_framework

BLOCK = 256
"""Rows that are predicted at a time, the last block filled up: in products of one size, the answer to a row doesn't
depend on the other rows to the last bit."""
_NAME = "network.keras"


class Network:
    """A trained network with its encoder; pickled as bytes of a ``.keras`` file, loaded in safe mode.

    Attributes:
        content: The ``.keras`` file.
        contract: How raw rows become the network's input (:meth:`advisor.data.DataEncoder.contract`).
    """

    def __init__(self, content: bytes, contract: Mapping[str, Any]) -> None:
        """Hold a file's bytes; they are loaded at the first prediction."""
        self.content, self.contract = content, dict(contract)
        self._predict: Any = None
        self._encoder: DataEncoder | None = None

    @classmethod
    def of(cls, core: Any, encoder: DataEncoder) -> Network:
        """Take a network that answers in the target's units, as training or a run folder has it."""
        from advisor.export import save_keras

        with tempfile.TemporaryDirectory(prefix="advisor-") as folder:
            path = Path(folder) / _NAME
            save_keras(core, path)
            network = cls(path.read_bytes(), encoder.contract())
        network._predict = _predictor(core)
        return network

    def __getstate__(self) -> dict[str, Any]:
        """Return the bytes and the contract, and nothing that lives in TensorFlow."""
        return {"content": self.content, "contract": self.contract}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take up bytes and contract."""
        Network.__init__(self, state["content"], state["contract"])

    @property
    def encoder(self) -> DataEncoder:
        """How raw rows become the network's input."""
        if self._encoder is None:
            self._encoder = encoder_from_contract(self.contract)
        return self._encoder

    def outputs(self, rows: Any) -> Array:
        """Return what the network answers to raw rows.

        Args:
            rows: A frame with the columns of training.

        Returns:
            float64 (rows, outputs): values in the target's unit, or probabilities.

        Raises:
            DataError: If the rows don't fit the columns of training.
            ArtifactError: If the bytes are damaged or unsafe.
        """
        encoded = self.encoder.encode(rows)
        if self._predict is None:
            self._predict = _predictor(self._load())
        answers = []
        for first in range(0, len(encoded), BLOCK):
            block = encoded[first : first + BLOCK]
            filled = np.zeros((BLOCK, *block.shape[1:]), block.dtype)
            filled[: len(block)] = block
            answers.append(self._predict(filled)[: len(block)])
        return np.concatenate(answers).astype(np.float64)

    def _load(self) -> Any:
        load_framework()
        from advisor.builder import register_layers
        from advisor.export import load_keras

        register_layers()
        with tempfile.TemporaryDirectory(prefix="advisor-") as folder:
            path = Path(folder) / _NAME
            path.write_bytes(self.content)
            return load_keras(path)


def _predictor(core: Any) -> Any:
    from advisor.export.keras_format import predictor

    return predictor(core)
