"""The command ``advisor``: finds the command, runs it, and turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import inspect
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from advisor.errors import EXIT_INTERRUPTED, EXIT_REQUEST, EXIT_UNUSABLE, AdvisorError

COMMANDS = {
    "ask": "ask",
    "recommend": "recommend",
    "explain": "explain",
    "train": "train",
    "predict": "predict",
    "step": "step",
    "bench": "bench",
    "generate": "generate",
    "rules": "rules",
    "schema": "schema",
    "batch": "batch",
    "serve": "serve",
    "mcp": "mcp",
}
"""Command → module in this folder; each holds a function (or a Typer app) of the command's name."""


def _take_words_as_they_are(parameters: list[Any]) -> list[Any]:
    """Spare words and flags typer's conversion to what they are already, which loads much of pydantic at each start.

    Where typer has no such conversion, or does it in another way, everything stays as it is.
    """
    try:
        from typer._coercion import PassThroughRuntimeParam, RuntimeParam, build_runtime_param
    except ImportError:
        return parameters

    class Late(RuntimeParam):
        """Makes typer's conversion when there is a value; nothing needs none."""

        def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
            return build_runtime_param(param.type_descriptor)._coerce_value(value, param=param, ctx=ctx)

    for parameter in parameters:
        descriptor = getattr(parameter, "type_descriptor", None)
        if descriptor is None:
            continue
        is_word = descriptor.annotation is str and parameter.nargs == 1 and not parameter.multiple
        is_flag = descriptor.annotation is bool and getattr(parameter, "is_flag", False)
        as_it_is = PassThroughRuntimeParam if is_word or is_flag else Late
        parameter._runtime_param = as_it_is(descriptor.parameter_info, descriptor.annotation)
    return parameters


VALUE_MAY_BE_MISSING = {"--mlflow": ""}
"""Options that also stand alone, with the value that they have then; Typer has no such options."""


class LightCommand(TyperCommand):
    """A command whose words are taken as they are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; an option that stands alone gets its value."""
        words: list[str] = []
        for number, word in enumerate(args):
            words.append(word)
            alone = number + 1 == len(args) or args[number + 1].startswith("-")
            if word in VALUE_MAY_BE_MISSING and alone:
                words.append(VALUE_MAY_BE_MISSING[word])
        return super().parse_args(ctx, words)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, the option ``--help`` among them."""
        return _take_words_as_they_are(super().get_params(ctx))


class LazyCommands(TyperGroup):
    """A group that imports a command only when it is used or its help is shown."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters of ``advisor`` itself."""
        return _take_words_as_they_are(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands that are there, in order of use."""
        return [name for name, module in COMMANDS.items() if _is_there(module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or None when there is no such one."""
        module = COMMANDS.get(cmd_name)
        if module is None or not _is_there(module):
            return None
        found = getattr(import_module(f"{__package__}.{module}"), cmd_name)
        return typer.main.get_command(found) if isinstance(found, typer.Typer) else as_command(cmd_name, found)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; suggestions come from all names, without importing them."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            from advisor.problem.checking import suggestion

            known = {each: None for each in self.list_commands(ctx)}
            print(f"advisor has no command {name!r}{suggestion(name, known)}", file=sys.stderr)
            print(f"  Commands: {', '.join(known)}. See: advisor --help", file=sys.stderr)
            raise typer.Exit(EXIT_REQUEST)
        return super().resolve_command(ctx, args)


def _is_there(module: str) -> bool:
    return os.path.exists(os.path.join(os.path.dirname(__file__), f"{module}.py"))


def as_command(name: str, function: Any) -> Any:
    """Return the command that calls a function; its help is the docstring up to the first section."""
    text = inspect.getdoc(function) or ""
    for section in ("Args:", "Raises:", "Returns:", "Examples:"):
        text = text.split(f"\n\n{section}")[0]
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command(name, cls=LightCommand, help=text)(function)
    return typer.main.get_command(single)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"advisor {version('advisor')}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyCommands,
    name="advisor",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="An expert system that configures deep neural networks, explains every choice, and delivers them.",
    epilog="Exit codes: 0 done; 1 the answer is no; 2 the request could not be understood; "
    "3 the data or an artefact is unusable; 130 interrupted.",
)


@app.callback()
def _advisor(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Give the group its options."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: The words after ``advisor``; None takes those of the process.
    """
    command = typer.main.get_command(app)
    try:
        result = command.main(args=arguments, prog_name="advisor", standalone_mode=False)
        sys.stdout.flush()
    except AdvisorError as error:
        _say(str(error))
        return error.exit_code
    except TyperException as error:
        error.show()  # type: ignore[attr-defined]  # every error of the parser has it
        return int(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _say("Interrupted.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _give_up_stdout()
    except OSError as error:  # what commands write is told by them: this is the parser's help, or the version
        if error.errno not in (errno.ENOSPC, errno.EIO) or error.filename is not None:
            raise
        _say(f"stdout  S101 the answer can't be written: {error.strerror}.\n  Free space or write it to another place.")
        _give_up_stdout()
        return EXIT_UNUSABLE
    return result if isinstance(result, int) else 0


def _say(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except BrokenPipeError:
        return


def _give_up_stdout() -> int:
    """Return 0 when stdout takes nothing more, as when its reader, such as ``head``, has gone away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def main() -> None:
    """Run the command line of this process, and end it with the command's exit code."""
    code = run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _give_up_stdout()
    except OSError:  # what could not be written was told when it was written
        _give_up_stdout()
        code = code or EXIT_UNUSABLE
    sys.exit(code)


if __name__ == "__main__":
    main()
