"""What the scripts know of the server: ports, account and certificate, from the environment."""

import os
import ssl

HOST = "localhost"
IMAP_PORT = int(os.environ["IMAP_PORT"])
IMAPS_PORT = int(os.environ["IMAPS_PORT"])
LMTP_PORT = int(os.environ["LMTP_PORT"])
USER = os.environ["MAIL_USER"]
STAND_IN = "FACTEUR_STAND_IN" in os.environ
PASSWORD = os.environ["MAIL_PASSWORD"]


def tls():
    """Returns a context that trusts the authority of the tests and nothing else."""
    return ssl.create_default_context(cafile=os.environ["AUTHORITY"])


def message(subject, body="hello"):
    """Returns a message as bytes."""
    lines = [
        "From: Ada <ada@example.net>",
        "To: Alice <alice@example.org>",
        f"Subject: {subject}",
        "Date: Mon, 02 Mar 2026 10:00:00 +0000",
        f"Message-ID: <{subject}@example.net>",
        "",
        body,
        "",
    ]
    return "\r\n".join(lines).encode()
