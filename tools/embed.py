#!/usr/bin/env python3
"""Writes a C file with the text of files: embed.py OUT FUNCTION FILE...
The function takes a stem ("conv2d" for cl/conv2d.cl) and gives the text or NULL; FUNCTION_at gives the i-th stem."""
import os, sys

out, function, files = sys.argv[1], sys.argv[2], sys.argv[3:]
stems = [os.path.splitext(os.path.basename(f))[0] for f in files]
with open(out, 'w') as c:
    c.write('#include <stddef.h>\n#include <string.h>\n\n')
    for i, name in enumerate(files):
        data = open(name, 'rb').read() + b'\0'
        rows = [', '.join(map(str, data[k:k + 24])) for k in range(0, len(data), 24)]
        c.write('static const unsigned char text_%d[] = {\n%s};\n' % (i, ',\n'.join(rows)))
    c.write('\nstatic const struct { const char *stem; const unsigned char *text; } files[] = {\n')
    c.write(''.join('    {"%s", text_%d},\n' % (s, i) for i, s in enumerate(stems)))
    c.write('    {NULL, NULL}};\n\n')
    c.write('const char *%s(const char *stem);\nconst char *%s_at(int i);\n\n' % (function, function))
    c.write('const char *%s(const char *stem)\n{\n    for (int i = 0; files[i].stem; i++)\n'
            '        if (strcmp(files[i].stem, stem) == 0) return (const char *)files[i].text;\n    return NULL;\n}\n\n' % function)
    c.write('const char *%s_at(int i)\n{\n    return i < (int)(sizeof files / sizeof *files) ? files[i].stem : NULL;\n}\n' % function)
