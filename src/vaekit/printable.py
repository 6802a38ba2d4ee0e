"""Text of others, such as names in files, as one printable line of bounded length.

A terminal obeys control characters, and shows text in another order after characters that change
its direction: neither may come from a file that somebody else wrote.
"""

MAX_LINE_CHARACTERS = 2000
TAIL_CHARACTERS = 500
"""Characters that a shortened line keeps at its end, which says what to do."""


def printable(text: object, max_characters: int = MAX_LINE_CHARACTERS) -> str:
    r"""Text in which characters that cannot be seen are escaped, shortened in its middle.

    Args:
        text: The text, or an object that has one.
        max_characters: The most characters of the result.

    >>> print(printable("a\x1b[31m\nb\u202ec"))
    a\x1b[31m\nb\u202ec
    >>> printable("x" * 30, 9)
    'xxxxxxx…x'
    """
    line = shorten_middle(str(text), max_characters)  # first: the text may be of any length
    if not line.isprintable():
        line = shorten_middle("".join(map(_escape, line)), max_characters)
    return line


def shorten_middle(text: str, max_characters: int) -> str:
    """A text without the middle, if it is too long."""
    if len(text) <= max_characters:
        return text
    tail = min(TAIL_CHARACTERS, max_characters // 4) - 1
    return f"{text[: max_characters - tail - 1]}…{text[len(text) - tail :]}"


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
