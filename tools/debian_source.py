"""Prints one deb822 stanza: this machine's own Debian archive, suite changed to sid, type to deb-src.

Reads /etc/apt/sources.list and sources.list.d/*.{list,sources} (or the folder given as the argument). The keyring
named there is kept, so that apt checks the archive's signature exactly as it does for the machine's packages. Exit
code 1 and one sentence when there is no Debian archive among the sources.
"""
import pathlib
import re
import sys

SUITES = re.compile(r'^(stable|testing|unstable|sid|oldstable|buster|bullseye|bookworm|trixie|forky|duke)$')


def parse_deb822(text):
    """Yields the stanzas of a .sources file as dicts of lower-case field name to value, continuations joined."""
    for block in re.split(r'\n[ \t]*\n', text):
        fields, name = {}, None
        for line in block.splitlines():
            if line.startswith('#'):
                continue
            if line[:1] in ' \t' and name:
                fields[name] += '\n' + line
            elif ':' in line:
                name, value = line.split(':', 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def parse_list(text):
    """Yields the lines of a .list file in the same shape."""
    for line in text.splitlines():
        match = re.match(r'^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$', line)
        if match:
            fields = {'types': 'deb', 'uris': match[2], 'suites': match[3], 'components': match[4]}
            signed = re.search(r'signed-by=(\S+)', match[1] or '')
            if signed:
                fields['signed-by'] = signed[1].replace(',', ' ')
            yield fields


def sources(folder):
    """Every enabled source of the apt configuration folder."""
    files = [folder / 'sources.list'] + sorted((folder / 'sources.list.d').glob('*'))
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(errors='replace')
        if path.suffix == '.sources':
            found = parse_deb822(text)
        elif path.suffix == '.list':
            found = parse_list(text)
        else:
            continue
        yield from (f for f in found if f.get('enabled', 'yes').lower() not in ('no', 'false', '0'))


def sid_stanza(folder):
    """The stanza, or None."""
    for fields in sources(folder):
        suites = fields.get('suites', '').split()
        uris = fields.get('uris', '').split()
        if ('deb' in fields.get('types', '').split() and uris and any(SUITES.match(s) for s in suites)
                and 'main' in fields.get('components', '').split()):
            lines = ['Types: deb-src', 'URIs: ' + uris[0], 'Suites: sid', 'Components: main']
            if fields.get('signed-by'):
                lines.append('Signed-By: ' + fields['signed-by'])
            return '\n'.join(lines) + '\n'
    return None


def main():
    stanza = sid_stanza(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '/etc/apt'))
    if stanza is None:
        sys.exit('no Debian archive stands in the apt sources of this machine')
    sys.stdout.write(stanza)


if __name__ == '__main__':
    main()
