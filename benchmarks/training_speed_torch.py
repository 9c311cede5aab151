"""The PyTorch side of training_speed.py, for an interpreter that has torch and numpy: EPOCHS THREADS; prints JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

ROWS, VALIDATION, COLUMNS, UNITS, BATCH, RATE = 8192, 2000, 20, (256, 256, 256), 32, 1e-3


def main():
    epochs = int(sys.argv[1])
    torch.set_num_threads(int(sys.argv[2]))
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS + VALIDATION, COLUMNS)).astype(np.float32)
    y = (np.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]).astype(np.float32)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    torch.manual_seed(0)
    layers, width = [], COLUMNS
    for units in UNITS:
        layers += [torch.nn.Linear(width, units), torch.nn.ReLU()]
        width = units
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
    before = time.perf_counter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.MSELoss()
    best = float("inf")
    for _ in range(epochs):
        order = torch.randperm(ROWS)
        for first in range(0, ROWS, BATCH):
            rows = order[first : first + BATCH]
            optimizer.zero_grad()
            loss_of(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            best = min(best, float(loss_of(model(x[ROWS:]), y[ROWS:])))
    print(json.dumps({"seconds": time.perf_counter() - before, "val_loss": best}))


if __name__ == "__main__":
    main()
