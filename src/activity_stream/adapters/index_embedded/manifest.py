"""What is published, as it is stored."""

from collections.abc import Mapping

import msgspec

from activity_stream.model import Generation


class Manifest(msgspec.Struct, frozen=True):
    """What is published, as it is stored: generation ids by feed. `version` is raised when the form changes."""

    published: Mapping[str, str] = {}
    version: int = 1

    def generations(self) -> dict[str, Generation]:
        """The published generations by feed."""
        return {feed: Generation(feed, generation_id) for feed, generation_id in self.published.items()}
