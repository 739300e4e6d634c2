"""`unseen audit witness`: run a witness of a service's audit log."""

import argparse
from pathlib import Path

from ..audit import PublicKey
from ..audit.witness import Witness
from ..audit.witness_server import WitnessServer, serve
from ..errors import InputError
from .exit_codes import Exit
from .output import Output


def witness(options: argparse.Namespace, output: Output) -> Exit:
    """Serve until interrupted; print the address and the witness's public key."""
    address = _read_address(options.listen)
    logs = [PublicKey.parse(each) for each in options.log]
    witness = Witness(Path(options.folder), logs, options.name)
    try:
        server = WitnessServer(address, witness)
    except OSError as error:
        witness.close()
        raise InputError(
            f"The witness cannot listen on {options.listen}: {error.strerror}."
        ) from error
    host, port = address[0], server.server_address[1]
    shown = f"[{host}]" if ":" in host else host

    def report() -> None:
        output.line(f"witness http://{shown}:{port} {witness.key.encode()}")
        output.document({"url": f"http://{shown}:{port}", "key": witness.key.encode()})

    serve(server, report)
    return Exit.DONE


def _read_address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise InputError("--listen has the form ADDRESS:PORT.", hint="For example 127.0.0.1:8090")
    return host.strip("[]"), int(port)
