"""What comes after the last question: where to save, and whether to train now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from advisor.errors import Finding, ProblemError
from advisor.interfaces.wizard.terminal import BACK, Front, Option, Screen

USUAL_FOLDER = "advice"


@dataclass(frozen=True)
class Training:
    """What a training is started with.

    Attributes:
        data: The data.
        target: The column to predict; None when it is found in the data.
    """

    data: str
    target: str | None


def ask_for_folder(front: Front) -> Path | None:
    """Ask where problem and recommendation are saved.

    Args:
        front: The way of asking.

    Returns:
        The folder, or None when nothing is to be saved.
    """
    screen = Screen(
        "Save",
        "In which folder shall problem.json and recommendation.json be saved? (empty: nowhere)",
        "A saved recommendation can be explained, trained and compared later.",
    )
    given = front.type_in(screen, USUAL_FOLDER, _folder)
    return None if given == BACK else given.value


def _folder(text: str) -> Path | None:
    folder = Path(text.strip())
    if text.strip() and folder.exists() and not folder.is_dir():
        raise ProblemError(Finding("R108", text, f"{text.strip()} is a file.", "Name a folder."))
    return folder if text.strip() else None


def ask_for_training(front: Front, data: str | None, target: str | None) -> Training | None:
    """Ask whether to train now, and with what.

    Args:
        front: The way of asking.
        data: The data that the interview began with, if there are some.
        target: Their target column, if it was named.

    Returns:
        What to train with, or None when not now.
    """
    text = (
        "The network can be trained with your data now."
        if data
        else "The network can be trained now, if you have data."
    )
    screen = Screen("Train now?", text, "Training takes a minute or more, and ends with a measured model.")
    given = front.choose(screen, [Option(False, "no"), Option(True, "yes")])
    if given == BACK or not given.value:
        return None
    if data is not None:
        return Training(data, target)
    file = front.type_in(
        Screen(
            "Your data", "Which file or folder holds the data? (empty: not now)", "The network learns from its rows."
        ),
        "",
        _existing,
    )
    if file == BACK or not file.value:
        return None
    column = front.type_in(
        Screen(
            "Target", "Which column should be predicted? (empty: it is found in the data)", "It is what is learned."
        ),
        "",
        str.strip,
    )
    return None if column == BACK else Training(file.value, column.value or None)


def _existing(text: str) -> str:
    name = text.strip()
    if name and not Path(name).exists():
        raise ProblemError(Finding("R102", name, f"There is no {name}.", "Name a file or a folder that is there."))
    return name


def command_of(training: Training, folder: Path) -> list[str]:
    """Return the words after ``advisor`` that start a training.

    Args:
        training: What it is started with.
        folder: Where the recommendation is saved; the run gets a folder of its own in it.
    """
    words = ["train", "--data", training.data, "--recommendation", str(folder / "recommendation.json")]
    words += ["--out", str(folder / "run")]
    return words + (["--target", training.target] if training.target is not None else [])
