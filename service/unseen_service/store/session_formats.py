"""In which forms a session reads and writes values, whatever its database or user is set to.

The statements and the driver depend on these: with another DateStyle no time can be read, and
without standard strings a migration would be another text.
"""

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_FORMATS = {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read\\ committed",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
}


def with_formats(url: str) -> str:
    """Return a connection string with these settings; what the URL itself sets has priority."""
    given = conninfo_to_dict(url).get("options") or ""
    formats = " ".join(f"-c {name}={value}" for name, value in _FORMATS.items())
    return make_conninfo(url, options=f"{formats} {given}".strip())
