"""Where requests may go: https, and one host that is either known or allowed on purpose."""

from __future__ import annotations

import re
from ipaddress import ip_address

from yarl import URL

from finassist.core.errors import ConfigurationError

KNOWN_HOSTS = frozenset({"financialmodelingprep.com", "data.sec.gov", "www.sec.gov"})

_PATH = re.compile(r"/?[\w.~-]+(/[\w.~-]+)*")


def check_base(base_url: str, *, allow_custom_host: bool) -> URL:
    """The address, if a key may be sent there.

    Raises:
        ConfigurationError: It is no plain https address, or its host is neither known nor allowed.

    Example:
        >>> check_base("https://financialmodelingprep.com/stable", allow_custom_host=False).host
        'financialmodelingprep.com'
    """
    url = _parse(base_url)
    host = url.host
    if host is None or url.scheme not in ("https", "http"):
        raise ConfigurationError(
            "The base_url is not a web address. Give one like https://financialmodelingprep.com/stable."
        )
    if url.user or url.password or url.query_string or url.fragment:
        raise ConfigurationError("The base_url has more than a host and a path. Leave out names, keys, ? and #.")
    if is_loopback(host):
        return url
    if url.scheme != "https":
        raise ConfigurationError(f"The key would travel in the clear to {host}. Use https:// in base_url.")
    if host not in KNOWN_HOSTS and not allow_custom_host:
        raise ConfigurationError(
            f"The key would be sent to {host}, which is not a known data source. "
            "If that is what you want, pass allow_custom_host=True."
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def join(base: URL, path: str) -> URL:
    """The address of `path` below `base`.

    Raises:
        ValueError: The path has anything but plain names and slashes, and might lead elsewhere.
    """
    if not _PATH.fullmatch(path) or ".." in path:
        raise ValueError("A request path is plain names joined by slashes. Put values into params.")
    return base.joinpath(*path.strip("/").split("/"))


def _parse(base_url: str) -> URL:
    try:
        return URL(base_url)
    except ValueError:
        raise ConfigurationError("The base_url is not a web address. Check its spelling.") from None
