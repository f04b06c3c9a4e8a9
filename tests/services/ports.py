"""Ports that nobody uses."""

import random
import socket

# The engines' runner takes no port above 9299; below these are those that a server of one's own is likely to use.
HTTP_PORTS = range(9225, 9300)


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_row(count: int) -> int:
    """The first of `count` free HTTP ports in a row, at random, so that two starts seldom meet. Raises OSError."""
    starts = list(HTTP_PORTS[: len(HTTP_PORTS) - count + 1])
    random.shuffle(starts)
    for start in starts:
        if all(is_free(port) for port in range(start, start + count)):
            return start
    raise OSError(f"there are no {count} free ports in a row from {HTTP_PORTS.start} to {HTTP_PORTS.stop - 1}")


def free_ports(count: int) -> list[int]:
    """Free ports that are all different."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
