"""The lengths of texts as scores know them."""

_EXACT = 24


def stored_length(length: int) -> int:
    """A length, in words, as it is after Lucene has put it into one byte (SmallFloat.intToByte4): four significant
    bits."""
    above = length - _EXACT
    shift = above.bit_length() - 4
    if above < 0 or shift <= 0:
        return length
    return _EXACT + (above >> shift << shift)
