"""Runs every program of BUILD/tests.list and sums up: one line a program, output only of what failed.

Lines of tests.list: `gtest NAME PROGRAM`, `replay NAME PROGRAM CORPUS` (a fuzz target without engine over its corpus;
every input counts as one), `bench NAME PROGRAM ARGUMENTS…` (counts as one). With --browser FOLDER the walk of real browsers
through BUILD/firedrill runs first, alone (tests/browser; a step counts as one). The last line is "N passed, N failed"; the exit code is 1
when anything failed. A program that crashes, hangs or runs no test counts as one failure. Before it the crash points that the
tests say they tried: one disk operation of one history at which one mishap strikes, each.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TIME_LIMIT_S = 3600 if os.environ.get('FIREDRILL_LONG') else 900
LONGEST_OUTPUT = 20000


class Outcome:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.seconds, self.words = name, 0, 0, 0.0, ''
        self.crash_points = self.histories = 0


def run(command, environment):
    """(exit code, output); a hang is ended and reported as exit code 124."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=environment, timeout=TIME_LIMIT_S, check=False)
        return done.returncode, done.stdout.decode(errors='replace')
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b'').decode(errors='replace')
        return 124, output + f'\nstopped: not done after {TIME_LIMIT_S} s\n'
    except OSError as error:
        return 127, f'{command[0]} cannot be started: {error.strerror}\n'


def run_gtest(outcome, program):
    with tempfile.TemporaryDirectory(prefix='firedrill-test-') as scratch:
        report = pathlib.Path(scratch) / 'report.json'
        environment = dict(os.environ, TEST_TMPDIR=scratch, GTEST_COLOR='no', GTEST_BRIEF='1')
        if not os.environ.get('FIREDRILL_LONG'):
            environment.setdefault('RC_PARAMS', 'seed=1')  # the short run is the same every time
        code, output = run([program, f'--gtest_output=json:{report}'], environment)
        try:
            result = json.loads(report.read_text())
        except (OSError, ValueError):
            result = None
    if result is None:
        outcome.failed, outcome.words = 1, output + f'\n{outcome.name} ended with exit code {code} before its report\n'
        return
    cases = [case for suite in result.get('testsuites', []) for case in suite.get('testsuite', [])
             if case.get('status') == 'RUN']
    outcome.crash_points = sum(int(case.get('crash_points', 0)) for case in cases)
    outcome.histories = sum(int(case.get('histories', 0)) for case in cases)
    outcome.failed = sum(1 for case in cases if case.get('failures'))
    outcome.passed = sum(1 for case in cases if not case.get('failures') and case.get('result') != 'SKIPPED')
    if code != 0 and outcome.failed == 0:
        outcome.failed, outcome.words = 1, output + f'\n{outcome.name} ended with exit code {code}\n'
    elif not cases:
        outcome.failed, outcome.words = 1, f'{outcome.name} holds no test\n'
    elif outcome.failed:
        outcome.words = output


def run_replay(outcome, program, corpus):
    inputs = sorted(str(path) for path in pathlib.Path(corpus).glob('*') if path.is_file())
    if not inputs:
        outcome.failed, outcome.words = 1, f'{outcome.name}: the corpus {corpus} is empty\n'
        return
    code, output = run([program, *inputs], dict(os.environ))
    if code == 0:
        outcome.passed = len(inputs)
    else:
        outcome.failed, outcome.words = 1, output + f'\n{outcome.name} ended with exit code {code}\n'


def run_bench(outcome, command):
    code, output = run(command, dict(os.environ))
    if code == 0:
        outcome.passed = 1
    else:
        outcome.failed, outcome.words = 1, output + f'\n{outcome.name} ended with exit code {code}\n'


def run_walk(outcome, build, folder):
    pictures = pathlib.Path('build/report/pages')
    code, output = run(['node', str(folder / 'run.js'), str(build / 'firedrill'), '.', str(pictures)], dict(os.environ))
    last = re.search(r'^(\d+) passed, (\d+) failed$', output.rstrip().rpartition('\n')[2])
    if last:
        outcome.passed, outcome.failed = int(last[1]), int(last[2])
    if outcome.failed or code != 0 or not outcome.passed:
        outcome.failed = max(1, outcome.failed)
        outcome.words = output + f'\nthe walk of the browsers ended with exit code {code}\n'


def run_line(line):
    kind, name, *command = line.split('\t')
    outcome, started = Outcome(name), time.monotonic()
    if kind == 'gtest':
        run_gtest(outcome, command[0])
    elif kind == 'replay':
        run_replay(outcome, command[0], command[1])
    elif kind == 'bench':
        run_bench(outcome, command)
    else:
        outcome.failed, outcome.words = 1, f'tests.list names the unknown kind {kind}\n'
    outcome.seconds = time.monotonic() - started
    return outcome


class Total:
    def __init__(self):
        self.passed = self.failed = self.crash_points = self.histories = 0

    def add(self, outcome):
        self.passed += outcome.passed
        self.failed += outcome.failed
        self.crash_points += outcome.crash_points
        self.histories += outcome.histories
        if outcome.failed:
            words = outcome.words
            if len(words) > LONGEST_OUTPUT:
                words = words[:LONGEST_OUTPUT // 2] + '\n[…]\n' + words[-LONGEST_OUTPUT // 2:]
            print(words.rstrip('\n'))
        verdict = 'FAILED' if outcome.failed else 'ok'
        counts = f'{outcome.passed} passed' + (f', {outcome.failed} failed' if outcome.failed else '')
        print(f'{verdict:6} {outcome.name:28} {counts:24} {outcome.seconds:6.1f} s', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--browser', type=pathlib.Path)
    args = parser.parse_args()
    lines = [line for line in (args.build / 'tests.list').read_text().splitlines() if line]
    total = Total()
    if args.browser:
        outcome = Outcome('browser')
        started = time.monotonic()
        run_walk(outcome, args.build, args.browser)
        outcome.seconds = time.monotonic() - started
        total.add(outcome)
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, args.jobs)) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run_line, line) for line in lines]):
            total.add(future.result())
    if total.crash_points:
        print(f'{total.crash_points} crash points in {total.histories} histories', flush=True)
    if not args.browser:
        print('the walk of real browsers was left out (--no-browser)', flush=True)
    print(f'{total.passed} passed, {total.failed} failed', flush=True)
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == '__main__':
    main()
