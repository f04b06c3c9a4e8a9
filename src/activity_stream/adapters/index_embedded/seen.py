"""Which keys a generation may already have.

Replacing a document means deleting the one before by its key. In a generation that is being built almost every key is
new, and a delete that finds nothing is looked up in every segment of the index all the same. A Bloom filter (B. H.
Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970) tells most new keys for sure in little
memory; that it takes one in a hundred for known costs a superfluous delete.
"""

_LAYER_BITS = (19, 21, 23, 25)
_BITS_PER_KEY = 10
_ROTATIONS = (0, 13, 26, 39)


class Seen:
    """The keys of one generation: at most 5.3 MiB, enough for 4 million keys; with more, more keys seem known."""

    def __init__(self) -> None:
        self._layers: list[tuple[bytearray, int]] = []
        self._room = 0

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return sum(len(bits) for bits, _ in self._layers)

    def add(self, key: str) -> bool:
        """Remember a key. True if it may have been there before, False if it surely was not."""
        hashed = hash(key)
        if any(_holds(bits, mask, hashed) for bits, mask in self._layers):
            return True
        if self._room <= 0:
            self._grow()
        self._room -= 1
        bits, mask = self._layers[-1]
        for rotation in _ROTATIONS:
            position = (hashed >> rotation) & mask
            bits[position >> 3] |= 1 << (position & 7)
        return False

    def _grow(self) -> None:
        if len(self._layers) < len(_LAYER_BITS):
            size = 1 << _LAYER_BITS[len(self._layers)]
            self._layers.append((bytearray(size >> 3), size - 1))
            self._room = size // _BITS_PER_KEY


def _holds(bits: bytearray, mask: int, hashed: int) -> bool:
    for rotation in _ROTATIONS:
        position = (hashed >> rotation) & mask
        if not bits[position >> 3] & (1 << (position & 7)):
            return False
    return True
