"""Names of generations: making new ones, and reading them from the names of their indices (contract, section 4)."""

import re
import secrets
import string
from datetime import UTC, datetime

from activity_stream.model import Alias, Generation

MAX_ID_BYTES = 512
"""OpenSearch's limit of `_id`, which every index keeps to; longer ids are refused."""

_INDEX_NAME = re.compile(r"(activities|objects)__feed_id_(.+?)__(date_.*)", re.DOTALL)
_LETTERS = string.ascii_lowercase + string.digits


def new_generation(feed: str, now: float) -> Generation:
    """A generation that never was before, begun `now` (seconds since 1970)."""
    batch = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return Generation(
        feed, f"date_{datetime.fromtimestamp(now, UTC):%Y-%m-%d}__timestamp_{int(now)}__batch_id_{batch}__"
    )


def generation_of(index_name: str) -> tuple[Alias, Generation] | None:
    """The alias and the generation of an index name, None if it is not one."""
    found = _INDEX_NAME.fullmatch(index_name)
    return None if found is None else (Alias(found[1]), Generation(found[2], found[3]))


def readable(document_id: str) -> str:
    """An id as it can be printed: half a surrogate pair is told by its number."""
    return document_id.encode(errors="backslashreplace").decode()


def id_problem(document_id: str) -> str:
    """Why a document of this id cannot be stored, by any index; empty where it can."""
    if document_id and len(document_id) <= MAX_ID_BYTES and document_id.isascii():
        return ""
    try:
        size = len(document_id.encode())
    except UnicodeEncodeError:
        return "its id has half a surrogate pair in it, which is no character"
    return "" if 1 <= size <= MAX_ID_BYTES else f"its id has {size} bytes, where 1 to {MAX_ID_BYTES} are allowed"


def index_names(generation: Generation) -> tuple[str, str]:
    """The generation's index names: of its activities and of its objects."""
    return generation.index_name(Alias.ACTIVITIES), generation.index_name(Alias.OBJECTS)
