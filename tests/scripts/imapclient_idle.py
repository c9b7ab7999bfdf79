"""Two sessions: what one does, the other is told in IDLE (RFC 2177)."""

import time

from imapclient import FLAGGED, IMAPClient
from surroundings import HOST, IMAPS_PORT, PASSWORD, USER, message, tls

LIMIT = 30


def session():
    """Returns a session with INBOX selected."""
    client = IMAPClient(HOST, IMAPS_PORT, ssl_context=tls(), timeout=LIMIT)
    client.login(USER, PASSWORD)
    client.select_folder("INBOX")
    return client


def told(watcher, wanted):
    """Waits in IDLE until something is told that is wanted."""
    deadline = time.monotonic() + LIMIT
    heard = []
    while time.monotonic() < deadline:
        heard += watcher.idle_check(timeout=1)
        if any(wanted(response) for response in heard):
            return
    raise AssertionError(heard)


actor, watcher = session(), session()
watcher.idle()
actor.append("INBOX", message("first"))
told(watcher, lambda response: response[:2] == (1, b"EXISTS"))
actor.noop()
actor.add_flags([1], [FLAGGED])
told(watcher, lambda response: response[1] == b"FETCH" and FLAGGED in response[2][1])
actor.append("INBOX", message("second"))
told(watcher, lambda response: response[:2] == (2, b"EXISTS"))
actor.delete_messages([1])
actor.expunge()
told(watcher, lambda response: response[:2] == (1, b"EXPUNGE"))
text, _ = watcher.idle_done()
assert text, text
assert watcher.search() == [2]

# The other way round, straight after DONE.
actor.idle()
watcher.append("INBOX", message("third"))
told(actor, lambda response: response[:2] == (2, b"EXISTS"))
actor.idle_done()
actor.logout()
watcher.logout()
