"""Delivery with addresses and headers beyond ASCII (RFC 6531)."""

import smtplib

from surroundings import LMTP_PORT, USER

with smtplib.LMTP("127.0.0.1", LMTP_PORT) as client:
    client.ehlo("mx.example.net")
    for extension in ("smtputf8", "8bitmime", "pipelining", "enhancedstatuscodes", "size"):
        assert client.has_extn(extension), (extension, client.esmtp_features)
    code, _ = client.mail("jürgen@exämple.net", ["SMTPUTF8", "BODY=8BITMIME", "SIZE=200"])
    assert code == 250, code
    code, _ = client.rcpt(USER)
    assert code == 250, code
    text = "From: Jürgen <jürgen@exämple.net>\r\nSubject: Grüße\r\n\r\nÄpfel\r\n"
    code, reply = client.data(text.encode())
    assert code == 250, (code, reply)
