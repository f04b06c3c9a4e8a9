"""What `_source` filters leave of documents that are hard to read."""

import pytest

from activity_stream.adapters.index_embedded.filtering import filtered
from activity_stream.search.hits import SourceFilter


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1e400", "1e400"),
        ("-1.0E+999", "-1.0E+999"),
        ('"\\ud800 half"', '"\\ud800 half"'),
        ('[1e400,1.50,true,null,{"b":"\\ud800","c":1}]', '[1e400,1.50,true,null,{"b":"\\ud800","c":1}]'),
    ],
)
def test_what_no_decoder_has_a_value_for_is_shown_as_it_was_written(value: str, shown: str) -> None:
    """A number beyond all bounds, half a character: neither breaks the answer, nor is lost."""
    source = f'{{"a":{value},"z":1e400}}'.encode()
    assert filtered(source, SourceFilter(includes=("a",))).decode() == f'{{"a":{shown}}}'
    assert filtered(source, SourceFilter(excludes=("z",))).decode() == f'{{"a":{shown}}}'
