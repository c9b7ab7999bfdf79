"""The commands of IMAPClient, extensions included."""

import datetime

from imapclient import DELETED, FLAGGED, SEEN, IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError
from surroundings import HOST, IMAP_PORT, IMAPS_PORT, PASSWORD, USER, message, tls

with IMAPClient(HOST, IMAP_PORT, ssl=False) as plain:
    plain.starttls(tls())
    try:
        plain.login(USER, "wrong")
    except LoginError:
        pass
    else:
        raise AssertionError("a wrong password was taken")
    plain.plain_login(USER, PASSWORD)

with IMAPClient(HOST, IMAPS_PORT, ssl_context=tls()) as client:
    client.login(USER, PASSWORD)
    for capability in ("IDLE", "MOVE", "UIDPLUS", "ENABLE", "NAMESPACE", "UNSELECT", "SPECIAL-USE", "ID", "CONDSTORE"):
        assert client.has_capability(capability), (capability, client.capabilities())
    client.id_({"name": "tests"})
    assert client.namespace().personal == (("", "/"),), client.namespace()

    # Mailboxes, with names beyond ASCII (RFC 3501 §5.1.3).
    name = "Entwürfe/日本語 & more"
    client.create_folder("Entwürfe")
    client.create_folder(name)
    assert client.folder_exists(name)
    assert name in [folder for _, _, folder in client.list_folders()]
    client.subscribe_folder(name)
    assert name in [folder for _, _, folder in client.list_sub_folders()]
    client.rename_folder(name, "Umbenannt")
    assert client.folder_exists("Umbenannt") and not client.folder_exists(name)

    # Messages.
    when = datetime.datetime(2020, 2, 29, 12, 0, 0, tzinfo=datetime.timezone.utc)
    for number in range(1, 5):
        client.append("Umbenannt", message(f"tour{number}"), flags=[FLAGGED] if number == 2 else [], msg_time=when)
    selected = client.select_folder("Umbenannt")
    assert selected[b"EXISTS"] == 4 and selected[b"UIDNEXT"] == 5, selected
    assert selected[b"READ-WRITE"], selected
    status = client.folder_status("Umbenannt", ["MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY"])
    assert status[b"MESSAGES"] == 4 and status[b"UIDVALIDITY"] == selected[b"UIDVALIDITY"], status
    assert client.search("FLAGGED") == [2]
    assert client.search(["SUBJECT", "tour3"]) == [3]
    assert client.search(["NOT", "DELETED", "SINCE", datetime.date(2020, 1, 1)]) == [1, 2, 3, 4]
    assert client.search(["SUBJECT", "日本"], charset="UTF-8") == []
    fetched = client.fetch([1, 2], ["FLAGS", "ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]"])
    assert fetched[1][b"BODY[]"] == message("tour1")
    assert fetched[1][b"RFC822.SIZE"] == len(message("tour1"))
    assert fetched[1][b"ENVELOPE"].subject == b"tour1", fetched[1]
    assert fetched[1][b"ENVELOPE"].from_[0].host == b"example.net", fetched[1]
    assert fetched[2][b"FLAGS"] == (FLAGGED,) or set(fetched[2][b"FLAGS"]) == {FLAGGED, b"\\Recent"}, fetched[2]
    assert fetched[1][b"BODYSTRUCTURE"][:2] == (b"text", b"plain") or fetched[1][b"BODYSTRUCTURE"][:2] == (b"TEXT", b"PLAIN")

    # Flags.
    assert SEEN in client.add_flags([1], [SEEN, b"$Label"])[1]
    assert b"$Label" in client.get_flags([1])[1]
    assert b"$Label" not in client.remove_flags([1], [b"$Label"])[1]
    assert set(client.set_flags([1], [FLAGGED])[1]) - {b"\\Recent"} == {FLAGGED}

    # Copies, moves, expunges.
    client.copy([1], "INBOX")
    client.move([2], "INBOX")
    assert client.search() == [1, 3, 4]
    client.delete_messages([3])
    client.uid_expunge([3])
    assert client.search([b"UID", b"1:*"]) == [1, 4]
    client.add_flags([4], [DELETED])
    client.expunge()
    assert client.search() == [1]
    client.unselect_folder()

    # Extensions.
    selected = client.select_folder("INBOX", readonly=True)
    assert not selected.get(b"READ-WRITE"), selected
    changes = client.fetch("1:*", ["FLAGS"], ["CHANGEDSINCE 1"])
    assert len(changes) == 2, changes
    assert all(b"MODSEQ" in item for item in changes.values()), changes
    client.close_folder()
    try:
        client.select_folder("Nowhere")
    except IMAPClientError:
        pass
    else:
        raise AssertionError("a mailbox that is not there was selected")
    if client.has_capability("QUOTA"):
        client.get_quota_root("INBOX")
    client.delete_folder("Umbenannt")
    client.noop()
    client.logout()
