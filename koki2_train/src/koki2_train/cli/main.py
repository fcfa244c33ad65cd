"""Entry point: commands are imported when they are called, and errors become one line and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from koki2_envs.suggestions import did_you_mean
from koki2_train import __version__
from koki2_train.cli.output import tell
from koki2_train.cli.streams import substitute_unencodable
from koki2_train.runtime.jax_setup import start_error

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

_COMMANDS = {
    "ladder": "List the rungs, or show one with all its knobs.",
    "baseline": "Evaluate a reference policy in a world.",
    "evolve": "Evolve spiking brains in a world.",
    "evaluate": "Evaluate finished runs on held-out lives.",
    "factorial": "Evolve every on/off combination of factors at equal budget.",
    "compare": "Carry out a preregistered comparison: arms, paired seeds, controls.",
    "sweep": "Evolve every cell of a grid of knobs as one compiled program, and draw it.",
    "report": "Draw the learning curve of one or several runs.",
    "render": "Draw a life of a run's champion, as a picture and a film.",
    "verify": "Check that this machine gives the bits of the golden runs.",
    "bench": "Measure the speed of this machine.",
}


_COMPLETE = "_KOKI2_TRAIN_COMPLETE"  # by which a shell asks for completions
_CHEX = "[Chex] "
"""How the message of a check begins of what a custom brain, genome or strategy gives."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"koki2_train.cli.commands.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does, with a did-you-mean."""
        if not ctx.resilient_parsing and args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no such command {args[0]!r}{did_you_mean(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin so, without importing them."""
        found = [CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)]
        return found if found else click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their one line, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="koki2-train")
def cli() -> None:
    """Evolve spiking brains that stay alive in small worlds."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Returns:
        0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    substitute_unencodable()
    warnings.showwarning = _show_warning
    warnings.filterwarnings("always", module="koki2_train")
    with contextlib.suppress(FileNotFoundError):  # a working directory that was removed
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.append(here)  # for custom worlds, brains, genomes and strategies, named module:Class
    if _COMPLETE in os.environ:
        with contextlib.suppress(Exception):  # whatever is typed, a completion shows nothing but completions
            cli.main(arguments, prog_name="koki2-train", complete_var=_COMPLETE)
        return EXIT_FAILED
    try:
        code = cli.main(arguments, prog_name="koki2-train", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.NoSuchOption as error:
        close = f"; did you mean {error.possibilities[0]!r}?" if error.possibilities else ""
        return _complain(f"no such option {error.option_name!r}{close}", EXIT_USAGE)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        return _complain(_in_one_line(error.format_message(), arguments), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _complain("interrupted", EXIT_INTERRUPTED)
    except Exception as error:
        if (message := _explained(error)) is None:
            raise
        return _complain(_in_one_line(message, arguments), EXIT_FAILED)


def _explained(error: Exception) -> str | None:
    """What to say of an exception caused by the surroundings or a custom part rather than a bug here; else None."""
    if isinstance(error, OSError):
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    if isinstance(error, MemoryError):
        return "out of memory"
    if type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError"):  # JAX may not be imported, or be old
        return f"device error: {str(error)[:300]}"
    if str(error).startswith(_CHEX) or type(error).__name__ == "ContractError":
        return f"a contract does not hold: {str(error).removeprefix(_CHEX)}"
    if isinstance(error, ImportError) and error.name in ("matplotlib", "PIL"):
        return str(error)
    return start_error(error)


def _in_one_line(message: str, arguments: list[str]) -> str:
    """A message whose lines are joined, unless they are the lines of a name that was given."""
    return message if any("\n" in argument for argument in arguments) else re.sub(r"\s*\n\s*", " ", message.strip())


def _complain(message: str, code: int) -> int:
    tell(f"koki2-train: {message}")
    return code


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Prints a warning of ours as one line; others are for developers, and are left out."""
    if category.__module__.startswith(("koki2_train", "koki2_envs")):
        tell(f"warning: {message}")
