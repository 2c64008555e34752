#!/usr/bin/env python3
"""Turns the numbered migrations into a C file: embed.py OUT.c 0001_name.sql …"""
import pathlib
import re
import sys


def c_string(text):
    """The text as a C literal, one source line a line."""
    lines = text.splitlines(keepends=True) or ['']
    escape = {'\\': '\\\\', '"': '\\"', '\n': '\\n', '\t': '\\t'}
    return '\n'.join('     "' + ''.join(escape.get(c, c) for c in line) + '"' for line in lines)


def main(out, *files):
    rows = []
    for want, path in enumerate(sorted(map(pathlib.Path, files), key=lambda p: p.name), 1):
        match = re.fullmatch(r'(\d{4})_([a-z0-9_]+)\.sql', path.name)
        if not match or int(match[1]) != want:
            sys.exit(f'{path}: expected a file {want:04d}_name.sql here')
        text = path.read_text(encoding='ascii')
        rows.append(f'    {{{want}, "{match[2]}",\n{c_string(text)}}},\n')
    pathlib.Path(out).write_text(
        '/* Made by migrations/embed.py. */\n'
        '#include "store/migrate.h"\n\n'
        'const struct rp_migration rp_migrations[] = {\n' + ''.join(rows) + '};\n'
        f'const size_t rp_migration_count = {len(rows)};\n', encoding='ascii')


if __name__ == '__main__':
    main(*sys.argv[1:])
