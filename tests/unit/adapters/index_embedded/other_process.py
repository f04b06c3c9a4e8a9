"""Another process that writes to an index until it is killed: `python other_process.py DIRECTORY DOCUMENTS`.

It publishes generation after generation of the feed "one", each with so many activities and objects, all of which hold
the generation's number; it says on standard output when each is published.
"""

import asyncio
import sys
from pathlib import Path

import msgspec

from activity_stream.adapters.index_embedded.lock import WriterLock
from activity_stream.adapters.index_embedded.schema import EmbeddedSchema
from activity_stream.adapters.index_embedded.snapshot import directory_of
from activity_stream.adapters.index_embedded.writer import Writer
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity
from activity_stream.naming import new_generation


def activity(number: int, n: int) -> Activity:
    """The n-th activity of a generation."""
    inner = msgspec.json.encode({"id": f"{n}", "type": f"{number}", "content": f"number {number}"})
    source = b'{"id":"%d:Create","type":"%d","object":%s}' % (n, number, inner)
    return Activity(f"{n}:Create", source, f"{n}", inner)


def main(root: Path, documents: int) -> None:
    """Write until the end of the process."""
    asyncio.run(WriterLock(root).acquire())
    schema = EmbeddedSchema(searchable_fields())
    writer = Writer(directory_of(root, schema), schema, heap_bytes=15 << 20, threads=1)
    writer.drop(list(writer.unpublished))
    number = 0
    while True:
        number += 1
        generation = new_generation("one", float(number))
        writer.begin(generation)
        for start in range(0, documents, 50):
            page = [activity(number, n) for n in range(start, min(start + 50, documents))]
            writer.write([generation], page, visible=False)
            if number % 2:
                writer.flush()
        writer.publish(generation)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
