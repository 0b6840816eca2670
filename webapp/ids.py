def is_id(text: str) -> bool:
    """Whether a word from outside can be the number of a row, in any database."""
    return text.isascii() and text.isdigit() and len(text) < 19
