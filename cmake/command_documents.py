#!/usr/bin/env python3
"""Writes what a program's package has of its command line: the manual page, and completion for bash and zsh.

    command_documents.py TREE --page FILE --exit-codes FILE --version V --out FOLDER

TREE is what `program --print-command-tree` printed: a line each, cells between tabs. The page's own words (what the program
is for, its files, examples) are in --page, a text with [SECTIONS]; the exit codes are those of docs/exit-codes.md.
FOLDER gets PROGRAM.1, PROGRAM.bash and _PROGRAM.
"""

import argparse
import pathlib
import re


class Option:
    def __init__(self, cells):
        names, value, required, many, self.help = cells
        self.names = names.split(",")
        self.is_argument = not names.startswith("-")
        self.choices = re.search(r"\{(.*)\}", value).group(1).split(",") if "{" in value else []
        self.value = value.split(":")[0]
        self.limits = (re.search(r"\[.*\]", value) or [""])[0]
        self.required = required == "required"
        self.many = many == "many"


class Command:
    def __init__(self, path, text):
        self.path, self.help = path, text
        self.options, self.commands = [], []

    def name(self):
        return self.path.split()[-1]


def read_tree(path):
    commands = {}
    for line in pathlib.Path(path).read_text().rstrip("\n").splitlines():
        kind, where, *cells = line.split("\t")
        if kind == "command":
            commands[where] = Command(where, cells[0])
            if " " in where:
                commands[where.rsplit(" ", 1)[0]].commands.append(commands[where])
        elif kind == "option":
            commands[where].options.append(Option(cells))
        else:
            raise SystemExit(f"{path}: a line of an unknown kind: {line}")
    if not commands:
        raise SystemExit(f"{path}: no command")
    return list(commands.values())


# ---- the manual page --------------------------------------------------------------------------------------------------

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def bold(text):
    return f"\\fB{roff(text)}\\fR"


def value_text(option):
    if option.choices:
        return "|".join(bold(word) for word in option.choices)
    return f"\\fI{option.value}\\fR" if option.value else ""


def option_text(option):
    if option.is_argument:
        return f"\\fI{roff(option.names[0].upper())}\\fR" + (" ..." if option.many else "")
    value = value_text(option)
    return ", ".join(bold(name) for name in option.names) + (f" {value}" if value else "")


def usage(command):
    words = [bold(command.path)]
    if any(not option.is_argument for option in command.options):
        words.append("[\\fIOPTIONS\\fR]")
    for option in command.options:
        if option.required and not option.is_argument:
            words.append(option_text(option))
    for option in command.options:
        if option.is_argument:
            text = option_text(option)
            words.append(text if option.required else f"[{text}]")
    if command.commands:
        words.append("\\fICOMMAND\\fR")
    return " ".join(words)


def options_text(command):
    lines = []
    for option in command.options:
        lines += [".TP", option_text(option)]
        notes = [note for note in (option.limits and f"Allowed: {option.limits[1:-1]}.",
                                   option.required and not option.is_argument and "Required.",
                                   option.many and not option.is_argument and "May be given more than once.") if note]
        lines.append(roff(" ".join([option.help.rstrip(".") + "."] + notes) if notes else option.help))
    return lines


def command_text(command):
    lines = [f".SS {bold(command.path)}", roff(command.help) + ".", ".PP", usage(command)]
    return lines + options_text(command)


def body_text(text):
    """A paragraph each; lines that are indented stay as they are."""
    lines = []
    for paragraph in text.strip("\n").split("\n\n"):
        if paragraph.startswith("    "):
            lines += [".PP", ".in +4n", ".nf", roff("\n".join(line[4:] for line in paragraph.splitlines())), ".fi", ".in"]
        elif paragraph.startswith("\t"):
            for line in paragraph.splitlines():
                term, meaning = line.strip("\t").split("\t", 1)
                lines += [".TP", bold(term), roff(meaning)]
        else:
            lines += [".PP", roff(paragraph)]
    return lines


def exit_codes(path):
    rows = re.findall(r"^\| (\d+) \| \w+ \| (.*?) \| ", pathlib.Path(path).read_text(), re.M)
    if not rows:
        raise SystemExit(f"{path}: no exit codes found")
    lines = []
    for code, meaning in rows:
        lines += [".TP", bold(code), roff(meaning.replace("`", ""))]
    return lines


def manual_page(commands, page, codes, version):
    root = commands[0]
    sections = dict(re.findall(r"^\[([A-Z ]+)\]\n(.*?)(?=^\[|\Z)", pathlib.Path(page).read_text(), re.M | re.S))
    if "NAME" not in sections or "DESCRIPTION" not in sections:
        raise SystemExit(f"{page}: [NAME] and [DESCRIPTION] are needed")
    lines = [f'.TH {root.path.upper()} 1 "" "Skink {version}" "Skink"',
             ".SH NAME", roff(root.path) + " \\- " + roff(sections.pop("NAME").strip()),
             ".SH SYNOPSIS", usage(root), ".SH DESCRIPTION"]
    lines += body_text(sections.pop("DESCRIPTION"))
    lines += [".SH OPTIONS"] + options_text(root)
    if len(commands) > 1:
        lines += [".SH COMMANDS"]
        for command in commands[1:]:
            lines += command_text(command)
    see_also = sections.pop("SEE ALSO", "")
    for name, text in sections.items():
        lines += [f".SH {name}"] + body_text(text)
    lines += [".SH EXIT STATUS"] + exit_codes(codes)
    if see_also:
        lines += [".SH SEE ALSO"] + body_text(see_also)
    return "\n".join(lines) + "\n"


# ---- completion ---------------------------------------------------------------------------------------------------------

def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def patterns(words):
    return "|".join(quoted(word) for word in words)


def walk_text(commands, words, first, last, indent):
    """Shell lines that find, in `where`, the command that is being typed; values of options are passed over."""
    valued = [f"{c.path} {name}" for c in commands for o in c.options if o.value and not o.is_argument for name in o.names]
    below = [c.path for c in commands[1:]]
    lines = [f"for ((i = {first}; i < {last}; i++)); do", f'  case "$where {words}" in']
    if below:
        lines.append(f'    {patterns(below)}) where="$where {words}" ;;')
    if valued:
        lines.append(f"    {patterns(valued)}) ((i++)) ;;")
    lines += ["  esac", "done"]
    return [indent + line for line in lines]


def bash_completion(commands):
    program = commands[0].path
    function = "_" + program.replace("-", "_")
    lines = [f"# bash completion for {program}                                -*- shell-script -*-",
             f"{function}() {{",
             f"  local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} where={program} words= i",
             "  COMPREPLY=()"]
    lines += walk_text(commands, "${COMP_WORDS[i]}", 1, "COMP_CWORD", "  ")
    chosen, valued = [], []
    for command in commands:
        for option in command.options:
            names = [f"{command.path} {name}" for name in option.names if not option.is_argument]
            if names and option.choices:
                chosen.append(f"    {patterns(names)}) words={quoted(' '.join(option.choices))} ;;")
            elif names and option.value:
                valued += names
    lines += ['  case "$where $before" in'] + chosen
    if valued:
        lines.append(f"    {patterns(valued)}) return ;;")
    lines += ["    *)", '      case "$where" in']
    for command in commands:
        words = [below.name() for below in command.commands]
        words += [name for option in command.options if not option.is_argument for name in option.names]
        lines.append(f"        {quoted(command.path)}) words={quoted(' '.join(words))} ;;")
    lines += ["      esac", "      ;;", "  esac",
              '  [[ $cur == -* || $words != -* ]] || return # an argument: a file, mostly',
              '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")', "}",
              f"complete -o bashdefault -o default -F {function} {program}"]
    return "\n".join(lines) + "\n"


def zsh_completion(commands):
    program = commands[0].path
    function = "_" + program.replace("-", "_")

    def entries(pairs):
        return " ".join(quoted(name.replace(":", "\\:") + ":" + text) for name, text in pairs)

    lines = [f"#compdef {program}", "", f"{function}() {{", f"  local where={program} i", "  local -a commands options values"]
    lines += walk_text(commands, "${words[i]}", 2, "CURRENT", "  ")
    lines.append('  case "$where ${words[CURRENT - 1]}" in')
    valued = []
    for command in commands:
        for option in command.options:
            names = [f"{command.path} {name}" for name in option.names if not option.is_argument]
            if names and option.choices:
                lines.append(f"    {patterns(names)}) values=({' '.join(map(quoted, option.choices))}) ;;")
            elif names and option.value:
                valued += names
    if valued:
        lines.append(f"    {patterns(valued)}) _files; return ;;")
    lines += ["  esac", "  if (($#values)); then", "    compadd -a values", "    return", "  fi", '  case "$where" in']
    for command in commands:
        options = [(name, o.help) for o in command.options if not o.is_argument for name in o.names]
        below = [(c.name(), c.help) for c in command.commands]
        lines += [f"    {quoted(command.path)})", f"      commands=({entries(below)})", f"      options=({entries(options)})",
                  "      ;;"]
    lines += ["  esac", '  if [[ ${words[CURRENT]} == -* ]]; then', "    _describe option options",
              "  elif (($#commands)); then", "    _describe command commands", "  else", "    _files", "  fi", "}", "",
              f'{function} "$@"']
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tree")
    for name in ("--page", "--exit-codes", "--version", "--out"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    commands = read_tree(options.tree)
    out, program = pathlib.Path(options.out), commands[0].path
    (out / f"{program}.1").write_text(manual_page(commands, options.page, options.exit_codes, options.version))
    (out / f"{program}.bash").write_text(bash_completion(commands))
    (out / f"_{program}").write_text(zsh_completion(commands))


main()
