"""What is shown of hits, and in which order: of a search, of a bucket, or of a group."""

import msgspec

from activity_stream.search.query import Distance, MatchAll, Node, Scalar

SCRIPT = "_script"
"""What a sort by script is called, in place of a field."""
GEO_DISTANCE = "_geo_distance"
"""What a sort by distance is called."""


class NestedSort(msgspec.Struct, frozen=True, kw_only=True):
    """The objects in the nested field `path` that `filter` finds."""

    path: str
    filter: Node = MatchAll()


class SortKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key to sort by: a field, `_score` or `_doc`. `missing`: "_last", "_first", or a value to take instead.

    With `first_of` (and `field` SCRIPT): the least date of the first field, or of the second one where that has none.
    Of several values one counts, or a figure of numbers, as `mode` says: min, max, sum, avg, median; None: the first
    one by the order. With `nested`, the values are those of a field of nested objects.

    `numeric_type`: what numbers count as, which is what they are: None says so as well.

    With `distance` (and `field` GEO_DISTANCE): how far a place is; where the field is not mapped and `unmapped_type` is
    None, that is an error.
    """

    field: str
    descending: bool = False
    missing: Scalar = "_last"
    unmapped_type: str | None = None
    first_of: tuple[str, str] | None = None
    distance: Distance | None = None
    mode: str | None = None
    nested: NestedSort | None = None
    numeric_type: str | None = None


class SourceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What of `_source` comes back: nothing if not `enabled`; only `includes` (if any), without `excludes`.

    Patterns may have `*`; the name of an object takes all that is in it. The `_id` comes `with_id`. `leaves`: names
    that stored fields are asked for by; where a hit is shown, none of them may be that of an object.
    """

    enabled: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    with_id: bool = True
    leaves: tuple[str, ...] = ()


def of_objects(source: SourceFilter) -> SourceFilter:
    """What is shown of objects in nested fields, which always have an `_id`, and of whose source parts are shown even
    where it is not to be read."""
    if source.with_id:
        return source
    return msgspec.structs.replace(source, with_id=True, enabled=bool(source.includes or source.excludes))


class ShownField(msgspec.Struct, frozen=True, kw_only=True):
    """A field whose values are shown by themselves: its name, or a pattern of names; dates in a format."""

    name: str
    format: str | None = None


class Highlight(msgspec.Struct, frozen=True, kw_only=True):
    """What is marked in the texts of a field, or of those of a pattern of names: what `query` looks for there, None for
    the search's own, in up to `number_of_fragments` pieces of about `fragment_size` characters; 0: whole values.
    Without a piece, `no_match_size` characters are shown."""

    field: str
    query: Node | None = None
    pre_tag: str = "<em>"
    post_tag: str = "</em>"
    fragment_size: int = 100
    number_of_fragments: int = 5
    no_match_size: int = 0
    require_field_match: bool = True
    by_score: bool = False
    as_html: bool = False


class Spelling(msgspec.Struct, frozen=True, kw_only=True):
    """Which words of a field another one may be meant for: at most `max_edits` mistakes away, with the first
    `prefix_length` characters the same, at least `accuracy` alike. `mode`: for words that are missing, only more
    `popular` ones, or always; not for those that more than `max_term_freq` documents have (a share, below 1). Such a
    word has to be in more than `min_doc_freq` documents. `max_inspections`: as many words, for each that is asked for,
    are looked at."""

    field: str
    size: int = 5
    by_frequency: bool = False
    mode: str = "missing"
    max_edits: int = 2
    prefix_length: int = 1
    min_word_length: int = 4
    max_inspections: int = 5
    min_doc_freq: float = 0.0
    max_term_freq: float = 0.01
    accuracy: float = 0.5


class Suggest(msgspec.Struct, frozen=True, kw_only=True):
    """What each word of a text may be meant for; each index takes `spelling.size` words, together they are `size`."""

    name: str
    text: str
    spelling: Spelling
    size: int = 5

    @property
    def field(self) -> str:
        """The field whose words are suggested."""
        return self.spelling.field


_DISCOUNT = 0.4000000059604645
"""OpenSearch's where nothing is said: 0.4 in 32 bits, by which texts of equal scores are told apart."""


class Smoothing(msgspec.Struct, frozen=True, kw_only=True):
    """How likely it is that a word follows others: `kind` is stupid_backoff, with the `discount` for words that never
    do, laplace, which adds `alpha`, or linear, in which one, two and three words have weights."""

    kind: str = "stupid_backoff"
    discount: float = 0.4
    alpha: float = 0.5
    unigram_lambda: float = 0.0
    bigram_lambda: float = 0.0
    trigram_lambda: float = 0.0


class PhraseSuggest(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole text may be meant for, with at most `max_errors` other words (below 1: a share of the words), each
    of which one of the `generators` makes; of `per_index` for each word, and as many texts, by each index. Only what is
    better than the text itself times `confidence`. `tags` are put around what is another word."""

    name: str
    text: str
    field: str
    generators: tuple[Spelling, ...]
    size: int = 5
    per_index: int = 5
    gram_size: int = 1
    max_errors: float = 0.5
    confidence: float = 1.0
    likelihood: float = 0.95
    separator: str = " "
    token_limit: int = 10
    tags: tuple[str, str] | None = None
    smoothing: Smoothing = Smoothing(discount=_DISCOUNT)


class CompletionSuggest(msgspec.Struct, frozen=True, kw_only=True):
    """What texts may go on as. No field is mapped so that it is known."""

    name: str
    field: str


class Rescore(msgspec.Struct, frozen=True, kw_only=True):
    """Another query, that the first `window` hits of each index are scored by as well: their `own` score and the other
    one, each multiplied by what it weighs, put together by `mode` (total, multiply, avg, max, min)."""

    query: Node
    window: int = 10
    own: float = 1.0
    weight: float = 1.0
    mode: str = "total"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the hits of a bucket or a group: `size` from the `from_`th on, by the sort (none: by score)."""

    from_: int = 0
    size: int = 3
    sort: tuple[SortKey, ...] = ()
    source: SourceFilter = SourceFilter()
    track_scores: bool = False

    @property
    def scored(self) -> bool:
        """Whether scores show in it."""
        return not self.sort or self.track_scores or any(key.field == "_score" for key in self.sort)


class Collapse(msgspec.Struct, frozen=True, kw_only=True):
    """Only the first hit of each group of those that have the same value of a field, which has one at most; those
    without are a group too. `inner_hits`: pages of the group's hits, by name."""

    field: str
    inner_hits: tuple[tuple[str, Page], ...] = ()
