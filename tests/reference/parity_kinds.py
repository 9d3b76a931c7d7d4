"""Kinds as they are written: their names, numbers and options."""

import re


class KindError(ValueError):
    """A kind that is not written as FORMAT.md has it."""


STAMPS = ('timestamptz', 'timestamp')
PRECISION = STAMPS + ('time', 'timetz', 'interval')
KINDS = ('bool', 'int', 'decimal', 'float8', 'float4', 'text', 'char', 'bytes', 'timestamptz', 'timestamp',
         'date', 'time', 'timetz', 'interval', 'uuid', 'json', 'vector')
NO_BLOB_TEXT = ('bytes', 'uuid', 'vector')

# name, values (None: written without one), kinds; in the order of FORMAT.md
OPTIONS = (
    ('nonzero', None, ('bool',)),
    ('uint64', None, ('int',)),
    ('digits', ('15',), ('decimal',)),
    ('fold', ('ascii',), ('text', 'char')),
    ('text', ('utf8', 'hex', 'base64'), ('bytes',)),
    ('blob', ('utf8', 'jsonb'), tuple(k for k in KINDS if k not in NO_BLOB_TEXT)),
    ('epoch', ('s', 'ms', 'us'), STAMPS + ('date', 'time')),
    ('julian', None, STAMPS + ('date',)),
    ('zone', 'zone', STAMPS + ('timetz',)),
    ('unit', ('us', 'ms', 's'), ('interval',)),
    ('dotnet', None, ('uuid',)),
    ('round', None, ('int', 'decimal', 'float8', 'float4', 'date') + PRECISION),
)
ZONE_OPTION = re.compile(r'[+-](0[0-9]|1[0-5]):[0-5][0-9]')
KIND_NUMBER = r'(0|-?[1-9][0-9]*)'
KIND_HEAD = re.compile(r'([a-z0-9]+)(?:\(' + KIND_NUMBER + '(?:,' + KIND_NUMBER + r')?\))?')


class Kind:
    """A kind with its numbers in parentheses and its options (name → value, True without one)."""

    def __init__(self, name, numbers, options):
        self.name, self.numbers, self.options = name, numbers, options

    def __str__(self):
        text = self.name
        if self.numbers:
            text += '(' + ','.join(str(n) for n in self.numbers) + ')'
        for name, values, _ in OPTIONS:
            if name in self.options:
                text += ' ' + name + ('' if values is None else '=' + self.options[name])
        return text

    def has(self, option):
        return option in self.options


def parse_kind(text):
    head, *rest = text.split(' ')
    match = KIND_HEAD.fullmatch(head)
    if not match or match.group(1) not in KINDS:
        raise KindError('no such kind, or not written as it is printed: %r' % head)
    name = match.group(1)
    numbers = tuple(int(n) for n in match.groups()[1:] if n is not None)
    if numbers:
        if name in PRECISION:
            if len(numbers) != 1 or not 0 <= numbers[0] <= 6:
                raise KindError('%s takes one number from 0 to 6' % name)
        elif name != 'decimal' or len(numbers) != 2:
            raise KindError('%s does not take these numbers' % name)
        elif not (1 <= numbers[0] <= 1000 and -1000 <= numbers[1] <= 1000):
            raise KindError('p is 1 to 1000, s is -1000 to 1000')
    options = {}
    for word in rest:
        option, equals, value = word.partition('=')
        known = [o for o in OPTIONS if o[0] == option]
        if not known:
            raise KindError('no such option: %r' % word)
        _, values, kinds = known[0]
        if name not in kinds:
            raise KindError('%s has no option %s' % (name, option))
        if option in options:
            raise KindError('%s is given twice' % option)
        if values is None:
            if equals:
                raise KindError('%s takes no value' % option)
            options[option] = True
            continue
        if values == 'zone':
            if not ZONE_OPTION.fullmatch(value):
                raise KindError('a zone is written ±HH:MM')
            value = '+00:00' if value == '-00:00' else value
        elif value not in values:
            raise KindError('%s does not take %r' % (option, value))
        if (option, value) == ('blob', 'jsonb') and name != 'json':
            raise KindError('blob=jsonb is for json')
        options[option] = value
    if 'round' in options and name == 'decimal' and not numbers:
        raise KindError('round needs decimal(p,s)')
    return Kind(name, numbers, options)
