"""An engine as a test wants it: started, at an address, and empty when asked to be."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.services.available import require
from tests.services.engines import ENGINES, EngineKind, missing
from tests.services.jvm import Jvm, ask


class Engine:
    """A server of this engine. `start` and `stop` block; an async test calls them by `asyncio.to_thread`.

    Where speed is measured, `quick` is False: the start takes longer, and what follows is as fast as it gets.
    """

    def __init__(self, kind: EngineKind, nodes: int = 1, heap: str = "", *, quick: bool = True) -> None:
        self.jvm = Jvm(kind, kind.main_class, nodes, heap or ("768m" if nodes == 1 else "2g"), quick=quick)

    def start(self) -> str:
        """Its address, once it answers. Raises EngineFailedError, with the end of its log."""
        return self.jvm.start()[0]

    def stop(self) -> None:
        """End it; what it held is gone."""
        self.jvm.stop()


class Servers:
    """One server per engine, started at the first question for it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._urls: dict[str, str] = {}

    def url(self, name: str) -> str:
        """The address of the engine of this name; skips the test where it cannot be had."""
        kind = ENGINES[name]
        if reason := missing(kind):
            require(reason)
        if name not in self._urls:
            engine = Engine(kind)
            self._urls[name] = engine.start()
            self._stack.callback(engine.stop)
        return self._urls[name]


@contextmanager
def servers() -> Iterator[Servers]:
    """Servers for as long as the context lasts."""
    with ExitStack() as stack:
        yield Servers(stack)


def empty(url: str) -> None:
    """Remove every index, template and cluster setting that a test left behind."""
    settings = ask(f"{url}/_cluster/settings?flat_settings=true")
    cleared = {kind: dict.fromkeys(names) for kind, names in settings.items()}
    if any(cleared.values()):
        ask(f"{url}/_cluster/settings", "PUT", cleared)
    if ask(f"{url}/_cat/indices?format=json"):
        # Each of these hinders a deletion, and is lifted by a request that changes nothing else.
        for block in ("index.blocks.read_only", "index.blocks.metadata"):
            ask(f"{url}/*/_settings?expand_wildcards=open,closed", "PUT", {block: None})
        ask(f"{url}/*?expand_wildcards=open,closed", "DELETE")
    ask(f"{url}/_index_template/*", "DELETE", allowed=(404,))
    ask(f"{url}/_template/*", "DELETE", allowed=(404,))
