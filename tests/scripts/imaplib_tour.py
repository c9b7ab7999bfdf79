"""Every command that imaplib has a method for."""

import datetime
import imaplib

from surroundings import HOST, IMAP_PORT, IMAPS_PORT, PASSWORD, STAND_IN, USER, message, tls


def ok(answer):
    """Returns the data of an answer that must be OK."""
    status, data = answer
    assert status == "OK", answer
    return data


# STARTTLS, then another way to log in.
plain = imaplib.IMAP4(HOST, IMAP_PORT)
assert STAND_IN or "LOGINDISABLED" in plain.capabilities, plain.capabilities
ok(plain.starttls(tls()))
assert "LOGINDISABLED" not in plain.capabilities, plain.capabilities
try:
    plain.login(USER, "wrong")
except imaplib.IMAP4.error as error:
    assert b"AUTHENTICATIONFAILED" in error.args[0], error
else:
    raise AssertionError("a wrong password was taken")
ok(plain.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode()))
ok(plain.noop())
plain.logout()

client = imaplib.IMAP4_SSL(HOST, IMAPS_PORT, ssl_context=tls())
ok(client.login(USER, PASSWORD))
assert "IMAP4REV1" in client.capabilities, client.capabilities
assert ok(client.namespace())[0].startswith(b'(("" "/"))'), client.namespace()

# Mailboxes.
ok(client.create("Tour"))
ok(client.create('"Tour/With space"'))
ok(client.create("&AOk-t&AOk-"))
assert client.create("Tour")[0] == "NO"
names = [line.decode().split(' "/" ')[1] for line in ok(client.list('""', "Tour*"))]
assert sorted(names) == ['"Tour/With space"', "Tour"], names
ok(client.subscribe("Tour"))
assert any(b"Tour" in line for line in ok(client.lsub('""', "*")))
ok(client.unsubscribe("Tour"))
ok(client.rename('"Tour/With space"', "Tour/Renamed"))

# Messages.
when = datetime.datetime(1996, 7, 17, 2, 44, 25, tzinfo=datetime.timezone(datetime.timedelta(hours=-7)))
for number in range(1, 6):
    ok(client.append("Tour", r"(\Flagged)" if number == 3 else None, imaplib.Time2Internaldate(when), message(f"tour{number}")))
status = ok(client.status("Tour", "(MESSAGES UIDNEXT UNSEEN)"))[0].decode()
assert "MESSAGES 5" in status and "UIDNEXT 6" in status and "UNSEEN 5" in status, status
assert ok(client.select("Tour")) == [b"5"]
assert client.response("UIDNEXT") == ("UIDNEXT", [b"6"])
body = ok(client.fetch("1", "(BODY.PEEK[])"))[0][1]
assert body == message("tour1"), body
everything = ok(client.fetch("1:5", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"))
assert len(everything) == 5, everything
assert all(b'"17-Jul-1996 ' in line for line in everything), everything
moment = imaplib.Internaldate2tuple(everything[0])
assert moment is not None
assert ok(client.search(None, "FLAGGED")) == [b"3"]
assert ok(client.search("UTF-8", "SUBJECT", "tour4")) == [b"4"]
assert ok(client.uid("SEARCH", "HEADER", "Message-ID", "<tour5@example.net>")) == [b"5"]
stored = ok(client.store("2", "+FLAGS", r"(\Deleted $Label)"))
assert b"$Label" in stored[0] and b"\\Deleted" in stored[0], stored
ok(client.copy("1,3", "INBOX"))
assert client.copy("1", "Nowhere")[0] == "NO"
assert ok(client.expunge()) == [b"2"]
assert ok(client.uid("FETCH", "3:*", "(UID)"))[0] == b"2 (UID 3)"
ok(client.check())
ok(client.unselect())
ok(client.select("Tour", readonly=True))
assert STAND_IN or client.store("1", "+FLAGS", r"(\Seen)")[0] == "NO"
ok(client.close())

# The rest.
ok(client.enable("CONDSTORE"))
root = client.getquotaroot("INBOX")
assert root[0] == "OK", root
ok(client.delete("Tour/Renamed"))
ok(client.delete("Tour"))
assert client.select("Tour")[0] == "NO"
assert ok(client.select("INBOX")) == [b"2"]
ok(client.recent())
client.logout()
