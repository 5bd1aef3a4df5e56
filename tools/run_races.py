"""Runs what uses real threads under ThreadSanitizer: ends with "N passed, N failed", exit code 1 when anything failed.

BUILD is a build folder with -Db_sanitize=thread. First the planted race, which must be reported; then every other
program, which must end well and report nothing. Reports are files, so that a process that is killed tells as well.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TIME_LIMIT_S = 900
LONGEST_REPORT = 6000
PLANTED_TRIES = 5


def run(name, command, scratch):
    """(exit code, output, reports)"""
    root = pathlib.Path(__file__).resolve().parent.parent
    log = scratch / name.replace(' ', '-')
    options = (f'log_path={log} halt_on_error=0 exitcode=66 second_deadlock_stack=1 history_size=7 '
               f'suppressions={root}/tests/races/suppressions.txt')
    environment = dict(os.environ, TSAN_OPTIONS=options, GTEST_BRIEF='1', GTEST_COLOR='no', TEST_TMPDIR=str(scratch))
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=environment, cwd=root, timeout=TIME_LIMIT_S, check=False)
        code, output = done.returncode, done.stdout.decode(errors='replace')
    except subprocess.TimeoutExpired:
        code, output = 124, f'stopped: not done after {TIME_LIMIT_S} s\n'
    except OSError as error:
        code, output = 127, f'{command[0]} cannot be started: {error.strerror}\n'
    reports = [path.read_text(errors='replace') for path in sorted(scratch.glob(log.name + '.*'))]
    return code, output, [text for text in reports if text.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', type=pathlib.Path)
    build = parser.parse_args().build.resolve()
    programs = [
        ('seams on threads', [build / 'tests/seams/seams_tests', '--gtest_filter=*Posix*:*osix*:*Real*']),
        ('store on lanes', [build / 'tests/store/store_threads_tests', '--gtest_repeat=3']),
    ]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix='firedrill-races-') as folder:
        scratch = pathlib.Path(folder)
        # Several times: the sanitizer drops a report when it no longer knows the stack of the first access, which
        # happens when the spinning threads are kept apart for long.
        for _ in range(PLANTED_TRIES):
            _, output, reports = run('planted race', [build / 'tests/races/planted_race'], scratch)
            is_seen = any('data race' in text for text in reports)
            if is_seen:
                break
        passed, failed = int(is_seen), int(not is_seen)
        print('ok     planted race: reported' if is_seen else
              'FAILED planted race: ThreadSanitizer did not report it\n' + output, flush=True)
        for name, command in programs:
            started = time.monotonic()
            code, output, reports = run(name, [str(part) for part in command], scratch)
            is_good = code == 0 and not reports
            passed, failed = passed + int(is_good), failed + int(not is_good)
            if not is_good:
                print(output[-LONGEST_REPORT:])
                for text in reports[:3]:
                    print(text[:LONGEST_REPORT])
            print(f'{"ok" if is_good else "FAILED":6} {name}: exit code {code}, {len(reports)} processes with reports, '
                  f'{time.monotonic() - started:.1f} s', flush=True)
    print(f'{passed} passed, {failed} failed', flush=True)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
