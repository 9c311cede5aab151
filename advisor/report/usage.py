"""Three ways to use a delivered model, as code to copy."""

from __future__ import annotations

from pathlib import Path

from advisor.report.inputs import ReportInputs


def ways(inputs: ReportInputs) -> list[dict[str, str]]:
    """Return each way as a title, a sentence and code.

    Args:
        inputs: The run; only its task, artefacts and target are read.

    Returns:
        Python, command line, and the LiteRT file without this program.
    """
    task = str(inputs.recommendation.get("problem", {}).get("task", ""))
    has_classes = task in ("binary", "multiclass", "multilabel")
    answers = ["print(run.predict(rows))"]
    if has_classes:
        answers.append("print(run.classes, run.predict_proba(rows))")
    python = "\n".join(
        [
            "import advisor",
            "",
            'run = advisor.load_run("RUN")',
            'rows = "new_rows.csv"  # or a dataframe, an array, a list of dictionaries',
            *answers,
        ]
    )
    found = [
        {
            "title": "From Python",
            "text": "Rows go in as they are in the user's table; answers come out in the target's own unit or labels. "
            "RUN is the folder that holds this page.",
            "code": python,
        },
        {
            "title": "From the command line",
            "text": "Writes one line of predictions for each row.",
            "code": "advisor predict RUN --data new_rows.csv --out predictions.csv",
        },
    ]
    litert = next((item for item in inputs.artifacts if item.name == "litert"), None)
    if litert is not None:
        found.append(
            {
                "title": "Without this program: the LiteRT file",
                "text": "The file takes one encoded row of float32 numbers; the contract beside it says which number "
                "is which column and how categories become codes. Everything else is inside the model.",
                "code": _litert(litert.path),
            }
        )
    return found


def _litert(path: Path) -> str:
    return "\n".join(
        [
            "import numpy as np",
            "from ai_edge_litert.interpreter import Interpreter",
            "",
            f'model = Interpreter("RUN/{path.as_posix()}", num_threads=1)',
            "model.allocate_tensors()",
            "entry, answer = model.get_input_details()[0], model.get_output_details()[0]",
            'row = np.zeros(entry["shape"], np.float32)  # fill it in as RUN/model/contract.json says',
            'model.set_tensor(entry["index"], row)',
            "model.invoke()",
            'print(model.get_tensor(answer["index"]))',
        ]
    )
