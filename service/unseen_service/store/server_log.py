"""Whether PostgreSQL's own log would contain hashes, case numbers and digests of PINs.

They are parameters of our statements, never part of their text.
"""

import psycopg

from .diagnose import CONNECT_TIMEOUT_S, connection_lost
from .session_names import named

_LOGS_VALUES = """
SELECT current_setting('log_parameter_max_length') <> '0' AND (
           current_setting('log_statement') IN ('mod', 'all')
           OR current_setting('log_min_duration_statement') <> '-1'
           OR current_setting('log_min_duration_sample') <> '-1'
           OR current_setting('log_transaction_sample_rate')::float > 0)
    OR current_setting('log_parameter_max_length_on_error') <> '0'
    OR coalesce(current_setting('auto_explain.log_min_duration', true), '-1') NOT IN ('-1', '')
"""


def logs_values(url: str) -> bool:
    """Return whether the server logs the parameters of this user's statements.

    Raises StoreUnavailable.
    """
    try:
        with psycopg.connect(named(url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            return connection.execute(_LOGS_VALUES).fetchone() == (True,)
    except psycopg.OperationalError as error:
        raise connection_lost(error) from None
