"""HTTP for live data: `transport.Transport` is the one way to a provider's API."""
