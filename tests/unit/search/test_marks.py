"""What the record of changes keeps of documents."""

from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Alias, Caller, Grant, GrantKind
from activity_stream.search.marks import MarkedFields

DERIVED = AddedField(Alias.ACTIVITIES, "owner", FieldType.KEYWORD, ("object.dit:team", "generator.name"))


def test_a_grant_on_a_derived_field_is_marked_by_its_values() -> None:
    """Those of the first field that has any: else who follows would not be told of what leaves its view."""
    caller = Caller("a", grants={Alias.ACTIVITIES: (Grant(GrantKind.TERMS, "owner", ("trade",)),)})
    marks = MarkedFields([caller], searchable_fields([DERIVED]))
    assert marks.of(Alias.ACTIVITIES, b'{"object":{"dit:team":"trade"},"generator":{"name":"x"}}') == ('owner="trade"',)
    assert marks.of(Alias.ACTIVITIES, b'{"generator":{"name":"x"},"owner":"trade"}') == ('owner="x"',)
    assert marks.asked(caller, Alias.ACTIVITIES) == [['owner="trade"']]
