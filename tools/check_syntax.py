"""Lets a compiler look at every unit of FOLDER that BUILD has not compiled: ends with "N units compile".

BUILD is a configured build folder; its compile_commands.json says how each unit is compiled. Nothing is written.
Exit code 1 when a unit does not compile; the compiler's words are printed.
"""
import argparse
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys


def look(build, entry):
    """None, or the compiler's words."""
    command = shlex.split(entry['command'])
    while command[0].endswith('ccache'):
        command = command[1:]
    kept = []
    skips = 0
    for part in command:
        if skips:
            skips -= 1
        elif part in ('-o', '-MF', '-MQ', '-MT'):
            skips = 1
        elif part not in ('-c', '-MD', '-MMD'):
            kept.append(part)
    done = subprocess.run(kept + ['-fsyntax-only'], cwd=build, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return None if done.returncode == 0 else done.stdout.decode(errors='replace')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--jobs', type=int, default=1)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    folder = arguments.folder.resolve()
    units = []
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        unit = (pathlib.Path(entry['directory']) / entry['file']).resolve()
        if unit.is_relative_to(folder) and not (build / entry['output']).exists():
            units.append((unit, entry))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for (unit, _), words in zip(units, pool.map(lambda each: look(build, each[1]), units)):
            if words is not None:
                failed += 1
                print(f'FAILED {unit.relative_to(folder.parent)}\n{words[-4000:]}', flush=True)
    print(f'{len(units) - failed} units compile, {failed} do not', flush=True)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
