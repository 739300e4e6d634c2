"""The service: stores hashes, answers platforms, proves what was done.

Layers, from the bottom up; an import never runs upward (`.importlinter` holds the code to it):

    errors, models                     what everything else is made of
    runtime, tlog, screening, ratelimit, credentials, metrics, settings, pages, embedded_postgres
    store                              all SQL
    live                               state in memory, followed from the store
    usecases                           one business operation per function
    jobs, api                          what runs beside requests; HTTP
    app, worker, cli                   composition root and entry points
"""

__version__ = "0.2.0"
