"""Runs a LiteRT file on one thread: one row at nearly the bare interpreter's cost, many rows in blocks."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import ArtifactError, DataError, Finding
from advisor.export.failures import first_line
from advisor.export.quiet import quiet

BLOCK_ROWS = 32
_IDENTIFIER = slice(4, 8)
_FLOAT32 = np.dtype(np.float32)


class LiteRTRuntime:
    """A loaded LiteRT file whose answers don't depend on how many rows are asked at once.

    Calls from several threads are put in line: an interpreter works on one row at a time.

    Attributes:
        width: Numbers in one row.
        outputs: Numbers in one answer.
    """

    def __init__(self, source: Path | bytes) -> None:
        """Load a file, or its content.

        Args:
            source: Path of a ``.tflite`` file, or its bytes.

        Raises:
            ArtifactError: If it is missing, damaged, needs an operation that LiteRT lacks, or doesn't take one
                float32 table.
        """
        self._place = str(source) if isinstance(source, Path) else "LiteRT file"
        self._content = _read(source) if isinstance(source, Path) else source
        if self._content[_IDENTIFIER] != b"TFL3":
            raise self._unusable("this isn't a LiteRT file.")
        self._rows = self._interpreter(1)
        inputs, outputs = self._rows.get_input_details(), self._rows.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1 or {inputs[0]["dtype"], outputs[0]["dtype"]} != {np.float32}:
            raise self._unusable("it must take one float32 table and give one back.")
        self._input, self._output = int(inputs[0]["index"]), int(outputs[0]["index"])
        self._shape = tuple(int(size) for size in inputs[0]["shape"])
        self.width, self.outputs = int(np.prod(self._shape[1:])), int(outputs[0]["shape"][-1])
        self._lock = threading.Lock()
        self._set, self._invoke, self._get = self._rows.set_tensor, self._rows.invoke, self._rows.get_tensor
        self._blocks: Any = None
        self._blocks_tried = False

    def predict_row(self, x: Array) -> Array:
        """Return the answer for one row.

        Args:
            x: Encoded row, float32 (width,) or (1, width); other numbers are converted, which takes longer.

        Returns:
            The answer, float32 (outputs,), a copy.

        Raises:
            DataError: If the row has another width or isn't numbers.
        """
        try:
            if x.dtype is _FLOAT32:  # the interpreter itself would take other byte orders for this one
                with self._lock:
                    self._set(self._input, x.reshape(self._shape))
                    self._invoke()
                    answer: Array = self._get(self._output)[0]
                    return answer
        except (ValueError, AttributeError):
            pass  # another shape, or no array: told apart below, where time doesn't matter
        table = self._table([x] if np.ndim(x) < len(self._shape) else x)
        if len(table) != 1:
            raise DataError(Finding("D101", "", f"one row is expected here, {len(table)} were given."))
        return self._one(table)

    def predict(self, rows: Array) -> Array:
        """Return the answers for many rows, the same as row by row.

        Blocks of rows go through a second interpreter where its answers for the first block are the same, bit for bit,
        as those for single rows; otherwise, and for the rest, row by row.

        Args:
            rows: Encoded rows (n, width).

        Returns:
            Answers, float32 (n, outputs).

        Raises:
            DataError: If the rows have another width or aren't numbers.
        """
        table = self._table(rows)
        answers = np.empty((len(table), self.outputs), dtype=np.float32)
        start = 0
        if len(table) >= BLOCK_ROWS and self._has_blocks(table[:BLOCK_ROWS]):
            with self._lock:
                for start in range(0, len(table) - BLOCK_ROWS + 1, BLOCK_ROWS):
                    answers[start : start + BLOCK_ROWS] = self._block(table[start : start + BLOCK_ROWS])
            start += BLOCK_ROWS
        for row in range(start, len(table)):
            answers[row] = self._one(table[row : row + 1])
        return answers

    def _one(self, row: Array) -> Array:
        with self._lock:
            self._set(self._input, row)
            self._invoke()
            answer: Array = self._get(self._output)[0]
            return answer

    def _block(self, block: Array) -> Array:
        self._blocks.set_tensor(self._input, block)
        self._blocks.invoke()
        answers: Array = self._blocks.get_tensor(self._output)
        return answers

    def _has_blocks(self, block: Array) -> bool:
        """Make the interpreter for blocks on first need, and keep it only if it agrees with single rows."""
        if not self._blocks_tried:
            single = np.stack([self._one(block[row : row + 1]) for row in range(len(block))])
            with self._lock:
                try:
                    self._blocks = self._interpreter(BLOCK_ROWS)
                    if not np.array_equal(self._block(block), single, equal_nan=True):
                        self._blocks = None
                except (RuntimeError, ValueError, ArtifactError):  # a graph that is fixed to one row
                    self._blocks = None
                self._blocks_tried = True
        return self._blocks is not None

    def _table(self, rows: Any) -> Array:
        try:
            table = np.ascontiguousarray(rows, dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise DataError(Finding("D101", "", f"the rows aren't numbers: {first_line(error)}")) from error
        if table.shape[1:] != self._shape[1:]:
            expected = ", ".join(["rows", *map(str, self._shape[1:])])
            raise DataError(Finding("D101", "", f"the rows have shape {table.shape}; expected: ({expected})."))
        return table

    def _interpreter(self, rows: int) -> Any:
        from ai_edge_litert.interpreter import Interpreter

        try:
            with quiet():
                interpreter = Interpreter(model_content=self._content, num_threads=1)
                details = interpreter.get_input_details()[0]
                if int(details["shape"][0]) != rows:
                    interpreter.resize_tensor_input(details["index"], [rows, *details["shape"][1:]])
                interpreter.allocate_tensors()
        except (ValueError, RuntimeError, IndexError) as error:
            raise self._unusable(f"LiteRT can't run it: {first_line(error)}") from error
        return interpreter

    def _unusable(self, message: str) -> ArtifactError:
        return ArtifactError(Finding("A106", self._place, message, "Export the model again."))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            Finding("A101", str(path), f"the file can't be read: {error.strerror or error}.", "Export the model again.")
        ) from error
