"""``wengert completion``: a script with which a shell completes commands and options."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run", "script"]

SUMMARY = "a script with which a shell completes commands and options"
DESCRIPTION = """\
Print a script for a shell. It is plain text: look at it, keep it, load it.

  bash   wengert completion bash > ~/.local/share/bash-completion/completions/wengert
  zsh    wengert completion zsh > "${fpath[1]}/_wengert"
  fish   wengert completion fish > ~/.config/fish/completions/wengert.fish"""
EXAMPLES = ("wengert completion bash", "wengert completion zsh", "wengert completion fish")


@dataclass(frozen=True, slots=True)
class _Option:
    """An option of a command."""

    words: tuple[str, ...]  # such as -o and --output
    help: str
    choices: tuple[str, ...]
    takes: str  # the name of its value, empty for a switch
    repeats: bool


@dataclass(frozen=True, slots=True)
class _Command:
    """A command: its options, and the words that stand for its first argument."""

    name: str
    help: str
    options: tuple[_Option, ...]
    words: tuple[str, ...]


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("shell", choices=["bash", "zsh", "fish"], help="for which shell")


def run(args: argparse.Namespace) -> None:
    """Print the script."""
    sys.stdout.write(script(args.parser(), args.shell))


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script of a shell for a parser with commands."""
    commands = tuple(_commands(parser))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands, _options(parser))


# What the parser knows ----------------------------------------------------------------------------------------------


def _commands(parser: argparse.ArgumentParser) -> Iterator[_Command]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask for them
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
        for name, own in action.choices.items():
            words = [tuple(a.choices) for a in own._actions if a.choices and not a.option_strings]  # noqa: SLF001
            yield _Command(name, helps.get(name, ""), _options(own), words[0] if words else ())


def _options(parser: argparse.ArgumentParser) -> tuple[_Option, ...]:
    return tuple(
        _Option(
            tuple(action.option_strings),
            re.sub(r"\s+", " ", action.help or ""),
            tuple(map(str, action.choices or ())),
            "" if action.nargs == 0 else str(action.metavar or action.dest),
            action.nargs == "+",
        )
        for action in parser._actions  # noqa: SLF001
        if action.option_strings
    )


# Scripts ------------------------------------------------------------------------------------------------------------


def _bash(commands: tuple[_Command, ...], general: tuple[_Option, ...]) -> str:
    first = " ".join([command.name for command in commands] + [w for o in general for w in o.words])
    cases = []
    for command in commands:
        values = [
            f"                {'|'.join(o.words)}) words={_quoted(' '.join(o.choices))} ;;"
            for o in command.options
            if o.takes
        ]
        others = " ".join([w for o in command.options for w in o.words])
        cases += [
            f"        {command.name})",
            '            case "$previous" in',
            *values,
            f"                *) words={_quoted(' '.join(command.words))}",
            f"                   if [[ $word == -* ]]; then words={_quoted(others)}; fi ;;",
            "            esac ;;",
        ]
    return "\n".join(
        [
            "# Completion of wengert for bash.",
            "_wengert() {",
            '    local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" words=""',
            "    if (( COMP_CWORD == 1 )); then",
            f"        words={_quoted(first)}",
            '    else case "${COMP_WORDS[1]}" in',
            *cases,
            "    esac; fi",
            "    # Without words, -o default completes names of files.",
            '    COMPREPLY=( $(compgen -W "$words" -- "$word") )',
            "}",
            "complete -o bashdefault -o default -F _wengert wengert",
            "",
        ]
    )


def _zsh(commands: tuple[_Command, ...], general: tuple[_Option, ...]) -> str:
    named = [f"        {_quoted(c.name + ':' + _escaped(c.help, ':'))}" for c in commands]
    cases = []
    for command in commands:
        words = f"'1:argument:({' '.join(command.words)})'" if command.words else "'*:file:_files'"
        cases += [
            f"        {command.name}) _arguments \\",
            *[f"            {line} \\" for o in command.options for line in _zsh_option(o)],
            f"            {words} ;;",
        ]
    return "\n".join(
        [
            "#compdef wengert",
            "# Completion of wengert for zsh.",
            "_wengert() {",
            "    local -a commands",
            "    commands=(",
            *named,
            "    )",
            "    if (( CURRENT == 2 )); then",
            "        _describe -t commands command commands",
            f"        _arguments {' '.join(line for o in general for line in _zsh_option(o))}",
            "        return",
            "    fi",
            "    shift words; (( CURRENT-- ))",
            '    case "${words[1]}" in',
            *cases,
            "    esac",
            "}",
            'if [[ "${funcstack[1]}" == _wengert ]]; then _wengert "$@"; else compdef _wengert wengert; fi',
            "",
        ]
    )


def _zsh_option(option: _Option) -> list[str]:
    """Return the specifications of an option, one for each of its words."""
    help = _escaped(option.help, "[]:")
    value = ""
    if option.takes:
        how = f"({' '.join(option.choices)})" if option.choices else "_files"
        value = f":{_escaped(option.takes, '[]:')}:{how}"
    star = "*" if option.repeats else ""
    return [_quoted(f"{star}{word}[{help}]{value}") for word in option.words]


def _fish(commands: tuple[_Command, ...], general: tuple[_Option, ...]) -> str:
    lines = ["# Completion of wengert for fish."]
    lines += [f"complete -c wengert -n __fish_use_subcommand {_fish_option(o)}" for o in general]
    for command in commands:
        lines.append(
            f"complete -c wengert -n __fish_use_subcommand -f -a {command.name} -d {_fish_quoted(command.help)}"
        )
        after = f"complete -c wengert -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{after} {_fish_option(o)}" for o in command.options]
        if command.words:
            lines.append(f"{after} -f -a {_fish_quoted(' '.join(command.words))}")
    return "\n".join(lines) + "\n"


def _fish_option(option: _Option) -> str:
    words = [f"-l {w[2:]}" if w.startswith("--") else f"-s {w[1:]}" for w in option.words]
    if option.choices:
        words.append(f"-x -a {_fish_quoted(' '.join(option.choices))}")
    elif option.takes:
        words.append("-r")
    return " ".join([*words, "-d", _fish_quoted(option.help)])


def _quoted(text: str) -> str:
    """Return a text as one word of a shell, in which nothing has a meaning."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _escaped(text: str, letters: str) -> str:
    return "".join("\\" + letter if letter in letters else letter for letter in text)
