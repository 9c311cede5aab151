"""The errors a user can meet: where, what is wrong, what was received against what is allowed, what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field

EXIT_DONE = 0
EXIT_NO = 1
EXIT_REQUEST = 2
EXIT_UNUSABLE = 3
EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, with everything needed to mend it.

    Attributes:
        code: Stable code of the finding, such as ``P101``; each has a page in the reference.
        place: Where it is: ``file:line:column``, a field's path, a column's name; empty when the message says it.
        message: What is wrong, in one sentence, with the value as it was received.
        hint: What to do next; empty when the message already says it.
    """

    code: str
    place: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Render the finding as one to three lines for a terminal."""
        head = f"{self.place}  {self.code}" if self.place else self.code
        return f"{head} {self.message}" + (f"\n  {self.hint}" if self.hint else "")

    def as_dict(self) -> dict[str, str]:
        """Return the finding as a JSON-ready dictionary."""
        return {"code": self.code, "place": self.place, "message": self.message, "hint": self.hint}


@dataclass
class AdvisorError(Exception):
    """The base of every error that Advisor raises for a user's mistake.

    Attributes:
        findings: What is wrong; several problems are reported together.
        exit_code: The documented exit code of the command line for this error.
    """

    findings: list[Finding] = field(default_factory=list)
    exit_code: int = EXIT_REQUEST

    def __init__(self, *findings: Finding) -> None:
        """Collect the findings; at least one is needed."""
        if not findings:
            raise ValueError("an AdvisorError needs at least one finding")
        self.findings = list(findings)
        self.exit_code = type(self).exit_code
        super().__init__("\n".join(map(str, findings)))

    def __str__(self) -> str:
        """Render every finding, one after the other."""
        return "\n".join(map(str, self.findings))


class ProblemError(AdvisorError):
    """A problem description cannot be understood: unknown field, wrong type, contradiction."""


class KnowledgeError(AdvisorError):
    """A rulebook does not exist or cannot be used."""


class RuleFileError(KnowledgeError):
    """A rule file has a mistake; the finding names file, line and column."""


class ContradictionError(KnowledgeError):
    """Rules of one rulebook contradict each other; the finding holds a witness problem."""


class InferenceError(AdvisorError):
    """The facts leave a slot undecided."""


class RequestError(AdvisorError):
    """A request names something that does not exist: a slot, a field, a format, a run that is not empty."""


class DataError(AdvisorError):
    """The data cannot be used: unreadable, ragged, empty, no such target."""

    exit_code = EXIT_UNUSABLE


class ArtifactError(AdvisorError):
    """A file that Advisor (or someone else) wrote cannot be used: missing, damaged, unsafe."""

    exit_code = EXIT_UNUSABLE


class BuildError(AdvisorError):
    """A recommendation cannot be built for this data."""

    exit_code = EXIT_UNUSABLE


class TrainingError(AdvisorError):
    """Training cannot go on: it diverged at every rate that was tried, or a checkpoint does not fit."""

    exit_code = EXIT_NO


class CompressionError(AdvisorError):
    """A model cannot be compressed as asked; it is left as it was."""

    exit_code = EXIT_NO


class ExportError(AdvisorError):
    """An artefact cannot be written, or differs from the model in memory after reloading."""

    exit_code = EXIT_NO


class StorageError(AdvisorError):
    """A file cannot be written: no space, no permission."""

    exit_code = EXIT_UNUSABLE
