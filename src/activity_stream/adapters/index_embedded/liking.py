"""`more_like_this`: the words that tell most of a text, looked for in each index by itself, as on a cluster."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tantivy import Occur, Query

from activity_stream.adapters.index_embedded.predicates import Predicates, both, either, unscored, without
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import GENERATION, KEY, Column, document_key
from activity_stream.adapters.index_embedded.scoring import Scorer
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.model import Alias
from activity_stream.search.analysis import tokens
from activity_stream.search.field_values import raw_values
from activity_stream.search.likeness import Telling, telling, weights
from activity_stream.search.minimum import minimum_should_match
from activity_stream.search.query import MoreLikeThis
from activity_stream.search.values import json_text


class Liking:
    """Makes such queries over an alias of a snapshot."""

    def __init__(self, snapshot: Snapshot, alias: Alias, predicates: Predicates, scorer: Scorer) -> None:
        self._snapshot = snapshot
        self._alias = alias
        self._predicates = predicates
        self._scorer = scorer
        self._reader = ValueReader(snapshot, alias)

    def query(self, node: MoreLikeThis, columns: Mapping[str, Column]) -> Query:
        """What is like what the node likes, in these fields of text."""
        names = [each.index_name(self._alias) for each in self._snapshot.generations.values()]
        parts = [query for name in names for query in self._in_index(node, columns, name)]
        if not node.ids or node.include:
            return either(parts)
        liked = self._predicates.any_of(KEY, [document_key(name, each) for name in names for each in node.ids])
        return without(either(parts), liked)

    def _in_index(self, node: MoreLikeThis, columns: Mapping[str, Column], name: str) -> Iterator[Query]:
        mine = self._snapshot.term(GENERATION, name)
        documents = self._snapshot.count(mine)
        skipped = {word for text in node.unlike for word in tokens(text)}

        def having(field: str, word: str) -> int:
            return self._snapshot.count(both(self._predicates.term(columns[field].value, word), mine))

        def told(words: Counter[str], fields: Sequence[str]) -> list[Telling]:
            left = Counter({word: often for word, often in words.items() if word not in skipped})
            return telling(node, left, fields, having, documents)

        of_texts = told(Counter(word for text in node.texts for word in tokens(text)), list(columns))
        liked = [*node.documents, *self._liked(node, name)]
        of_documents = [each for field in columns for each in told(_words(liked, columns[field]), [field])]
        for found in (of_texts, of_documents):
            if found:
                yield both(self._any_of(node, columns, found), unscored(mine))

    def _any_of(self, node: MoreLikeThis, columns: Mapping[str, Column], found: Sequence[Telling]) -> Query:
        clauses = []
        for each, weight in zip(found, weights(node, found), strict=True):
            clauses.append((Occur.Should, Query.boost_query(self._scorer.word(columns[each.field], each.word), weight)))
        return Query.boolean_query(clauses, max(1, minimum_should_match(node.minimum_should_match, len(clauses))))

    def _liked(self, node: MoreLikeThis, name: str) -> list[Any]:
        """The documents of this index among those that are liked, decoded."""
        if not node.ids:
            return []
        keys = self._predicates.any_of(KEY, [document_key(name, each) for each in node.ids])
        outer = both(keys, self._snapshot.visible(self._alias))
        return [self._reader.document(address) for _, address in self._snapshot.every(outer)]


def _words(documents: Sequence[Any], column: Column) -> Counter[str]:
    values = (value for each in documents for value in raw_values(each, column.field))
    return Counter(word for value in values if not isinstance(value, dict) for word in tokens(json_text(value)))
