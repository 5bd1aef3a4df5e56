"""Builds a static, minimal Botan from an unpacked source tree and installs it into a prefix.

Botan's own configure.py chooses the files and writes the headers. Parsing headers is most of the cost of compiling
them one by one, so ordinary files are compiled in groups (Botan keeps its files fit for that: its amalgamation is the
same idea taken to the end); files with processor-specific code stay alone. A group that does not compile is compiled
file by file. Exit code 0 when the library, its headers and botan-3.pc are installed.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

GROUP_SIZE = 14
ALONE = re.compile(r'(_ni|_vaes|_x86|_avx2|_avx512\w*|_simd\w*|_vperm|_cpu|_armv8|_neon|cpuid\w*|mem_ops|os_utils)\.cpp$')


def configure(args, build):
    command = [sys.executable, 'configure.py', '--build-tool=ninja', '--minimized-build',
               '--enable-modules=' + args.modules, '--disable-shared-library', '--build-targets=static',
               '--without-documentation', '--cxxflags=' + args.flags, '--prefix=' + str(args.prefix),
               '--with-build-dir=' + str(build)]
    with open(args.log, 'a') as log:
        subprocess.run(command, cwd=args.source, stdout=log, stderr=log, check=True)
    return json.loads((build / 'build' / 'build_config.json').read_text())


def units(config, source, build):
    """[(object, source file)] with the ordinary files joined into group files."""
    alone, ordinary = [], []
    for item in config['lib_build_info']:
        (alone if ALONE.search(item['src']) else ordinary).append(item['src'])
    groups = []
    for start in range(0, len(ordinary), GROUP_SIZE):
        members = ordinary[start:start + GROUP_SIZE]
        path = build / f'group{start // GROUP_SIZE}.cpp'
        path.write_text(''.join(f'#include "{source / member}"\n' for member in members))
        groups.append((path, members))
    return groups, alone


def object_of(build, member):
    return build / 'o' / (member.replace('/', '_') + '.o')


def write_ninja(config, args, build, sources):
    """A Ninja file that compiles `sources` [(object, file)]."""
    launcher = 'ccache ' if shutil.which('ccache') else ''
    flags = ' '.join([config['cxx_abi_flags'], config['cc_lang_flags'], config['cc_compile_flags'], '-w',
                      '-DBOTAN_IS_BEING_BUILT', config['public_include_flags'], config['internal_include_flags']])
    lines = ['ninja_required_version = 1.3', 'rule cxx',
             f'  command = {launcher}g++ {flags} -MD -MF $out.d -c $in -o $out',
             '  description = Botan: $in', '  depfile = $out.d', '  deps = gcc']
    lines += [f'build {obj}: cxx {src}' for obj, src in sources]
    (build / 'firedrill.ninja').write_text('\n'.join(lines) + '\n')


def ninja(args, build, keep_going):
    command = ['ninja', '-C', str(args.source), '-f', str(build / 'firedrill.ninja'), '-j', str(args.jobs)]
    with open(args.log, 'a') as log:
        process = subprocess.Popen(command + (['-k', '0'] if keep_going else []), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in process.stdout:
            log.write(line)
            progress = re.match(r'\[(\d+)/(\d+)\]', line)
            if progress and (int(progress[1]) % 10 == 0 or progress[1] == progress[2]):
                print(f'   Botan: {progress[1]} of {progress[2]}', flush=True)
        return process.wait()


def install(config, args, build, objects):
    library = args.prefix / 'lib' / 'libbotan-3.a'
    headers = args.prefix / 'include' / 'botan-3' / 'botan'
    (args.prefix / 'lib' / 'pkgconfig').mkdir(parents=True, exist_ok=True)
    headers.mkdir(parents=True, exist_ok=True)
    library.unlink(missing_ok=True)
    subprocess.run(['ar', 'crs', library, *sorted(objects)], check=True)
    for header in pathlib.Path(config['public_include_path']).glob('*.h'):
        shutil.copyfile(header, headers / header.name)
    shutil.copyfile(config['botan_pkgconfig'], args.prefix / 'lib' / 'pkgconfig' / 'botan-3.pc')
    shutil.copyfile(args.source / 'license.txt', args.prefix / 'license.txt')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('source', 'prefix', 'log'):
        parser.add_argument('--' + name, type=pathlib.Path, required=True)
    parser.add_argument('--modules', required=True)
    parser.add_argument('--flags', required=True)
    parser.add_argument('--jobs', type=int, default=2)
    args = parser.parse_args()
    build = args.log.parent / 'build'
    (build / 'o').mkdir(parents=True, exist_ok=True)
    config = configure(args, build)
    groups, alone = units(config, args.source, build)
    sources = [(build / 'o' / (path.name + '.o'), path) for path, _ in groups]
    single = [(object_of(build, member), args.source / member) for member in alone]
    write_ninja(config, args, build, sources + single)
    if ninja(args, build, keep_going=True) != 0:
        for (obj, _), (_, members) in zip(list(sources), groups):
            if not obj.exists():
                print(f'   Botan: {len(members)} files do not compile as a group; compiling them one by one')
                sources = [s for s in sources if s[0] != obj]
                single += [(object_of(build, member), args.source / member) for member in members]
        write_ninja(config, args, build, sources + single)
        if ninja(args, build, keep_going=False) != 0:
            sys.exit(1)
    install(config, args, build, [str(obj) for obj, _ in sources + single])


if __name__ == '__main__':
    main()
