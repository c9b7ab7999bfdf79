#!/usr/bin/env python3
"""Writes the corpus: one .eml file per message into the directory messages/ beside this script.

Each entry is (name, message). Messages are given with LF and written with CRLF, unless they are bytes:
those are written as they stand. The first word of a name is its family.
"""

import base64
import pathlib

H = "From: Alice Example <alice@example.org>\nTo: Bob <bob@example.net>\nSubject: {0}\n" \
    "Date: Tue, 3 Mar 2020 10:11:12 +0100\nMessage-ID: <{0}@example.org>\n"
M = H + "MIME-Version: 1.0\n"
ALL = []


def add(name, message):
    """Adds a message; text uses LF, {H} and {M} stand for a usual header without and with MIME-Version."""
    if isinstance(message, str):
        message = message.replace("{H}", H.format(name)).replace("{M}", M.format(name))
        message = message.replace("\n", "\r\n").encode("utf-8", "surrogateescape")
    ALL.append((name, message))


def plain():
    add("plain-simple", "{H}\nHello\nworld\n")
    add("plain-mime", "{M}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n")
    add("plain-no-final-newline", "{H}\nHello")
    add("plain-empty-body", "{H}\n")
    add("plain-only-header", "{H}")
    add("plain-header-cut", "From: a@example.org\nSubject: cut he")
    add("plain-no-header", "\nbody only\n")
    add("plain-body-looks-like-header", "not a header line at all\nsecond line\n\nbody\n")
    add("plain-empty-file", b"")
    add("plain-one-newline", "\n")
    add("plain-long-lines", "{M}Content-Type: text/plain\n\n" + "x" * 5000 + "\n" + "y" * 3000 + "\n")
    add("plain-many-lines", "{M}Content-Type: text/plain\n\n" + "line\n" * 400)
    add("plain-broken-base64", "{M}Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!!not base64****\n=\n")
    add("plain-html", "{M}Content-Type: text/html; charset=\"iso-8859-1\"\n\n<p>x</p>\n")
    add("plain-no-mime-version", "{H}Content-Type: text/html; charset=utf-8\n\n<p>x</p>\n")
    add("plain-no-mime-version-multipart", "{H}Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n")
    add("plain-unix-from", "From alice Tue Mar  3 10:11:12 2020\n{H}\nbody\n")
    add("plain-attachment-root", "{M}Content-Type: application/pdf; name=\"a b.pdf\"\nContent-Disposition: attachment;\n"
        " filename=\"a b.pdf\"; size=12\nContent-Transfer-Encoding: base64\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\n"
        "Content-ID: <cid1@example.org>\nContent-Description: a\n file\nContent-Location: http://example.org/a\n"
        "Content-Language: en, de-AT\n\nAAAA\n")
    add("plain-dots-and-dashes", "{H}\n--\n.\n--not-a-boundary\n-- \nsignature\n")


def lines():
    crlf = (M.format("lines") + "Content-Type: text/plain\n\none\ntwo\n").encode()
    add("lines-lf-only", crlf)
    add("lines-lf-only-multipart", (M.format("lf") + "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\none\n--b\n"
        "Content-Type: text/html\n\ntwo\n--b--\nepi\n").encode())
    add("lines-cr-only", crlf.replace(b"\n", b"\r"))
    add("lines-mixed", crlf.replace(b"\n", b"\r\n", 3))
    add("lines-cr-in-header", b"From: a@b.c\r\nSubject: one\rtwo\r\n\r\nbody\r\n")
    add("lines-cr-in-body", b"From: a@b.c\r\nSubject: x\r\n\r\none\rtwo\r\r\nthree\r\n")
    add("lines-crcrlf-header", b"From: a@b.c\r\r\nSubject: x\r\r\n\r\nbody\r\n")
    add("lines-nul-in-header", b"From: a@b.c\r\nSubject: nul\0here\r\n\r\nbody\r\n")
    add("lines-nul-in-body", b"From: a@b.c\r\nSubject: x\r\n\r\nnul\0here\r\n")
    add("lines-space-line-ends-header", b"From: a@b.c\r\nSubject: x\r\n \r\nTo: d@e.f\r\n\r\nbody\r\n")
    add("lines-tab-continuation", b"From: a@b.c\r\nSubject: one\r\n\ttwo\r\n   three \r\n\r\nbody\r\n")
    add("lines-leading-continuation", b" starts folded\r\nFrom: a@b.c\r\n\r\nbody\r\n")
    add("lines-trailing-cr", b"From: a@b.c\r\n\r\nbody\r")


def headers():
    add("header-8bit-utf8", "From: Jürgen <j@example.org>\nTo: \"Bjørn Å\" <b@example.org>\nSubject: Grüße aus Köln\n\nx\n")
    add("header-8bit-latin1", "From: J\udcfcrgen <j@example.org>\nSubject: Gr\udcfc\udcdfe\n\nx\n")
    add("header-encoded-words", "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\n"
        " =?iso-8859-1?Q?_x?=\n\nx\n")
    add("header-quotes-in-subject", "From: a@b.c\nSubject: say \"hi\" \\ there\n\nx\n")
    add("header-no-from", "To: b@example.org\nSubject: none\n\nx\n")
    add("header-sender-differs", "From: a@b.c\nSender: Sec Retary <s@b.c>\nReply-To: r1@b.c, R2 <r2@b.c>\n\nx\n")
    add("header-empty-sender", "From: a@b.c\nSender:\nReply-To: \n\nx\n")
    add("header-duplicate-subject", "From: a@b.c\nSubject: first\nSubject: second\n\nx\n")
    add("header-duplicate-to", "From: a@b.c\nTo: one@b.c\nTo: two@b.c, three@b.c\nCc: x@y.z\nCc: y@y.z\n\nx\n")
    add("header-duplicate-from", "From: a@b.c\nFrom: d@e.f\nDate: Mon, 1 Jan 2001 00:00:00 +0000\n"
        "Date: Tue, 2 Jan 2001 00:00:00 +0000\nMessage-ID: <1@x>\nMessage-ID: <2@x>\nIn-Reply-To: <3@x>\nIn-Reply-To: <4@x>\n\nx\n")
    add("header-empty-fields", "From: \nTo:\nCc: \nSubject:\nDate: \nMessage-ID:\nIn-Reply-To:  \n\nx\n")
    add("header-space-before-colon", "From : a@b.c\nSubject  : spaced\nTo\t: d@e.f\n\nx\n")
    add("header-case", "FROM: a@b.c\nsubject: low\nmEsSaGe-Id: <x@y>\nCONTENT-TYPE: TEXT/HTML; CHARSET=UTF-8\n\nx\n")
    add("header-line-without-colon", "From: a@b.c\njunk line\nSubject: after junk\n\nx\n")
    add("header-colon-first", ": nameless\nFrom: a@b.c\n\nx\n")
    add("header-in-reply-to-references", "From: a@b.c\nIn-Reply-To: <1@x> <2@x>\n\t<3@x>\nReferences: <1@x>\n <2@x>\n"
        "Message-ID: <4@x>\n\nx\n")
    add("header-message-id-comment", "From: a@b.c\nMessage-ID: <a@b> (comment)\nIn-Reply-To: your mail of Monday\n\nx\n")
    add("header-folded-everything", "From:\n a@b.c\nTo:\n \"Folded\n Name\" <d\n @e.f>\nSubject:\n\tfolded\n Subject \nDate:\n Tue,"
        " 3 Mar\n 2020 10:11:12 +0100\n\nx\n")
    add("header-trailing-space", "From: a@b.c\nSubject: trailing   \nMessage-ID: <x@y>  \n\nx\n")
    add("header-inner-space", "From: a@b.c\nSubject: two  spaces\tand\ttabs\n\nx\n")
    add("header-long-subject", "From: a@b.c\nSubject: " + "word " * 600 + "\n\nx\n")
    add("header-obsolete-date", "From: a@b.c\nDate: 21 Nov 97 09:55:06 (comment) EST\n\nx\n")
    add("header-many", "".join(f"X-Field-{n}: {n}\n" for n in range(300)) + "From: a@b.c\nSubject: late\n\nx\n")
    add("header-controls", "From: a@b.c\nSubject: bell\x07 esc\x1b del\x7f\n\nx\n")
    add("header-resent", "Resent-From: r@b.c\nResent-To: q@b.c\nFrom: a@b.c\nTo: d@e.f\nBcc: hidden@e.f\n\nx\n")


def addresses():
    cases = {
        "bare": "a@b.c", "angle": "<a@b.c>", "name": "Joe Doe <joe@b.c>", "quoted": "\"Doe, Joe\" <joe@b.c>",
        "quoted-escapes": "\"a \\\"q\\\" \\\\ b\" <joe@b.c>", "comment-name": "joe@b.c (Joe Doe)",
        "comment-nested": "joe@b.c (Joe (the one) Doe)", "comment-everywhere": "(c1) joe (c2) @ (c3) b (c4) . c (c5)",
        "comment-and-name": "Joe <joe@b.c> (not the name)", "comment-escape": "joe@b.c (a \\) b)",
        "comment-encoded": "joe@b.c (=?utf-8?Q?J=C3=BC?=)", "comment-only": "(nobody)", "comment-open": "joe@b.c (open",
        "comment-before": "(first) joe@b.c", "comment-inside-angle": "Joe <(x)joe@b.c(y)>",
        "group-empty": "undisclosed-recipients:;", "group": "Friends: a@b.c, Joe <d@e.f>;",
        "group-and-more": "Friends: a@b.c;, g@h.i", "group-open": "Friends: a@b.c, d@e.f", "group-quoted": "\"A, B\": a@b.c;",
        "group-nested": "A: B: a@b.c;;", "group-spaces": "A : ; ", "group-two": "A: a@b.c; , B: d@e.f;",
        "group-comment": "A (c): (d) ;", "group-commas": "A:,a@b.c,,d@e.f,;",
        "route": "Joe <@r1.x,@r2.y:joe@b.c>", "route-open": "Joe <@r1.x joe@b.c>", "route-spaces": "<@r1.x , @r2.y : joe@b.c>",
        "literal": "joe@[10.0.0.1]", "literal-v6": "Joe <joe@[IPv6:::1]>", "literal-open": "joe@[10.0.0.1",
        "quoted-local": "\"joe doe\"@b.c", "quoted-local-angle": "<\"joe \\\"x\\\" doe\"@b.c>", "quoted-local-dot": "joe.\"x y\".doe@b.c",
        "no-domain": "joe", "no-domain-angle": "Joe <joe>", "no-local": "@b.c", "no-local-angle": "Joe <@b.c>",
        "empty-angle": "<>", "empty-angle-name": "Joe <>", "only-name": "Joe Doe", "only-quoted": "\"Joe Doe\"",
        "dots-in-name": "J. R. Doe <joe@b.c>", "dots-double": "joe..doe@b.c", "dots-end": "joe.@b.c", "dots-start": ".joe@b.c",
        "dot-domain-end": "joe@b.c.", "at-in-name": "joe@b.c <joe@b.c>", "two-ats": "joe@b@c.d", "at-open": "joe@",
        "angle-open": "Joe <joe@b.c", "angle-junk": "Joe <joe@b.c junk>", "angle-double": "Joe <<joe@b.c>>",
        "angle-after-junk": "Joe <joe@b.c> junk", "angle-then-more": "Joe <joe b>, d@e.f",
        "commas": ",, a@b.c,, ,d@e.f,", "semicolons": "a@b.c; d@e.f", "spaces": "   a@b.c   ,   d@e.f   ",
        "list": "a@b.c, Joe <d@e.f>, \"X\" <g@h.i>", "quote-open": "\"Joe <joe@b.c>", "quote-mid": "Joe \"the man\" Doe <joe@b.c>",
        "quote-glued": "\"Joe\"Doe<joe@b.c>", "utf8-local": "jürgen@exämple.org", "encoded-name": "=?utf-8?Q?J=C3=BC?= D <a@b.c>",
        "encoded-quoted": "\"=?utf-8?Q?J=C3=BC?=\" <a@b.c>", "empty-quoted-name": "\"\" <a@b.c>", "colon-in-name": "Re: x <a@b.c>",
        "brackets-in-name": "Joe [Corp] <a@b.c>", "parens-in-name": "Joe (Corp) Doe <a@b.c>", "slash-name": "a/b/c <a@b.c>",
        "backslash": "Joe\\ Doe <a@b.c>", "trailing-comment-list": "a@b.c (A), d@e.f (D)", "space-in-domain": "joe@b .c",
        "name-no-space": "Joe<joe@b.c>", "percent": "joe%x@b.c", "bang": "x!y!joe", "mailto": "<mailto:joe@b.c>",
        "dots-end-alone": "joe.", "dots-end-then-more": "joe., x@y", "dots-end-angle": "<joe.>", "dots-start-name": ".Joe <a@b>",
        "name-then-comment": "Joe Doe (c)", "word-comment-word": "a (x) b", "word-comment-quoted": "a(x)\"b\"", "quoted-then-comment": "\"q s\"(c)",
        "quoted-alone": "\"joe\"", "quoted-then-word": "\"Joe\" x@y", "word-then-address": "Joe x@y", "empty-quoted-inside": "a\"\"b <c@d>",
        "comment-open-after-comma": "a@b.c,(open", "group-no-name": ":x@y", "group-words": "A: x y z; , q@r", "route-only": "<@r:>",
        "route-broken-comma": "Joe <@r,joe@b.c>", "words-then-list": "Joe Doe, x@y", "two-comments": "a@b (x) (y)", "empty-comment": "a@b ()",
    }
    for name, value in cases.items():
        add("address-" + name, f"From: {value}\nTo: {value}\nSubject: {name}\n\nx\n")
    add("address-folded-quoted", "From: \"Joe\n Doe\" <joe@b.c>\nTo: a@b.c,\n d@e.f,\n\tg@h.i\n\nx\n")
    add("address-hundreds", "From: a@b.c\nTo: " + ",\n ".join(f"U{n} <u{n}@example.org>" for n in range(400)) + "\n\nx\n")


def content_types():
    cases = {
        "comment": "text/plain (hello) ; charset=utf-8 (there)", "comment-before": "(c) text/plain; charset=utf-8",
        "spaces": "text / plain ; charset = utf-8", "no-subtype": "text", "no-subtype-slash": "text/", "no-type": "/plain",
        "empty": "", "junk": "what is this", "semicolon-only": "text/plain;", "double-semicolon": "text/plain;; charset=utf-8",
        "no-semicolon": "text/plain charset=utf-8", "param-no-value": "text/plain; charset", "param-empty-value": "text/plain; charset=",
        "param-empty-quoted": "text/plain; charset=\"\"", "param-unquoted-specials": "application/x; name=a b/c@d.txt; x=y",
        "param-unquoted-slash": "application/x; name=dir/file.txt; x=y", "param-quote-open": "text/plain; charset=\"utf-8; x=y",
        "param-quote-escape": "text/plain; name=\"a\\\"b\\\\c\"", "param-junk": "text/plain; ???; charset=utf-8",
        "param-duplicate": "text/plain; charset=a; charset=b", "param-no-name": "application/x; =c; d=e", "param-space-value": "application/x; n=a b; x=y",
        "param-open-comment": "application/x; x=y (", "param-quoted-then-more": "application/x; n=\"a\"b; x=y", "rfc2231-plain-star": "application/x; n*=a; n*0=b; n*1=c",
        "rfc2231-order": "application/x; n*=utf-8''a; x=y; k*0=z", "rfc2231-percent": "application/x; n*0*=a; n*1=\"c d'*%(\"", "param-8bit": "application/x; name=\"grüße.txt\"",
        "param-8bit-bare": "application/x; name=grüße.txt", "param-equals": "text/plain; a=b=c; d=e", "param-single-quotes": "text/plain; charset='utf-8'",
        "param-case": "TEXT/PLAIN; CHARSET=US-ASCII; Format=Flowed", "param-folded": "text/plain;\n charset=utf-8;\n\tformat=flowed",
        "param-comment-in": "text/plain; charset=(c)utf-8; x=(d)\"y\"(e)", "param-encoded-word": "application/x; name=\"=?utf-8?Q?a?=\"",
        "param-encoded-word-bare": "application/x; name==?utf-8?Q?a?=; x=y", "type-8bit": "téxt/plain; a=b",
        "rfc2231-simple": "application/x; name*=utf-8''gr%C3%BC.txt", "rfc2231-continued": "application/x; name*0=\"long \"; name*1=\"name\"; name*2=.txt",
        "rfc2231-continued-encoded": "application/x; name*0*=utf-8''gr%C3; name*1*=%BC; name*2=.txt",
        "rfc2231-mixed": "application/x; name*0=\"a b\"; name*1*=%C3%BC; name*2=\"c%d\"", "rfc2231-disorder": "application/x; name*2=c; name*0=a; name*1=b",
        "rfc2231-gap": "application/x; name*0=a; name*2=c", "rfc2231-no-zero": "application/x; name*1=b; name*2=c",
        "rfc2231-duplicate": "application/x; name*0=a; name*0=b; name*1=c", "rfc2231-two": "application/x; b*0=1; a*0=2; b*1=3; a*1=4; z=5",
        "rfc2231-both": "application/x; name=plain; name*=utf-8''ext", "rfc2231-many": "application/x" + "".join(f"; n*{i}=v{i}" for i in range(30)),
        "rfc2231-stars": "application/x; name**=a; *=b; name*x=c; name*0x=d", "rfc2231-case": "application/x; NAME*0=a; name*1=b",
        "rfc2231-leading-zero": "application/x; name*00=a; name*01=b",
        "multipart-no-boundary": "multipart/mixed", "multipart-empty-boundary": "multipart/mixed; boundary=\"\"",
        "x-type": "x-own/x-thing; a=1", "dots": "application/vnd.a.b+xml; v=1.0", "at-sign": "text/pl@in; a=b", "text-slash-slash": "text/plain/x; a=b",
        "text-prefix": "textual/plain", "message-other": "message/external-body; access-type=x", "message-partial": "message/partial; id=\"a\"; number=1",
    }
    for name, value in cases.items():
        add("type-" + name, "{M}Content-Type: " + value + "\n\n--x\none\ntwo\n")
    add("type-duplicate", "{M}Content-Type: text/html; charset=utf-8\nContent-Type: application/pdf; x=y\n\nx\n")
    add("type-duplicate-multipart", "{M}Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--a\n\none\n--b\n\ntwo\n--a--\n")


def fields():
    cases = {
        "disposition-plain": "Content-Disposition: inline", "disposition-params": "Content-Disposition: attachment; filename=a.txt; size=3",
        "disposition-empty": "Content-Disposition:", "disposition-param-only": "Content-Disposition: ; filename=a.txt",
        "disposition-no-semicolon": "Content-Disposition: attachment filename=a.txt", "disposition-comment": "Content-Disposition: (c) attachment (d); filename=\"x\"",
        "disposition-2231": "Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1*=b", "disposition-equals": "Content-Disposition: filename=a.txt",
        "encoding-case": "Content-Transfer-Encoding: BASE64", "encoding-comment": "Content-Transfer-Encoding: (c) base64 (d)",
        "encoding-junk": "Content-Transfer-Encoding: base64; x", "encoding-empty": "Content-Transfer-Encoding:", "encoding-unknown": "Content-Transfer-Encoding: x-own",
        "encoding-twice": "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit", "encoding-quoted": "Content-Transfer-Encoding: \"base64\"",
        "language-one": "Content-Language: de", "language-list": "Content-Language: de, en-US , fr (French)", "language-empty": "Content-Language:",
        "language-broken": "Content-Language: de;en, ,fr", "language-space": "Content-Language: de en", "id": "Content-ID: <a@b>", "id-folded": "Content-ID:\n <a\n @b>",
        "id-empty": "Content-ID:", "id-twice": "Content-ID: <1@x>\nContent-ID: <2@x>", "description": "Content-Description: a \"quoted\" thing  ",
        "description-8bit": "Content-Description: grüße", "description-empty": "Content-Description:", "md5": "Content-MD5: abc==", "md5-junk": "Content-MD5: a b (c)",
        "location": "Content-Location: http://x/ y\n z", "unknown-field": "Content-Foo: bar",
    }
    for name, value in cases.items():
        add("field-" + name, "{M}Content-Type: application/octet-stream; a=b\n" + value + "\n\nAAAA\n")
        if name.startswith(("disp", "enc", "lang")):
            add("field-part-" + name, "{M}Content-Type: multipart/mixed; boundary=b\n\n--b\n" + value + "\n\nAAAA\n--b--\n")


def multipart():
    mixed = "{M}Content-Type: multipart/mixed; boundary=\"b\"\n"
    add("multipart-simple", mixed + "\npreamble\n--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n--b--\nepilogue\n")
    add("multipart-no-end", mixed + "\n--b\n\none\n--b\n\ntwo\n")
    add("multipart-no-end-no-newline", mixed + "\n--b\n\none\n--b\n\ntwo")
    add("multipart-no-parts", mixed + "\njust a preamble\n")
    add("multipart-no-parts-end", mixed + "\n--b--\n")
    add("multipart-empty", mixed + "\n")
    add("multipart-header-only", mixed)
    add("multipart-empty-parts", mixed + "\n--b\n--b\n\n--b\n\n\n--b\n\n\n\n--b--\n")
    add("multipart-part-header-only", mixed + "\n--b\nContent-Type: text/html\n--b\nContent-Type: text/css\n\n--b--\n")
    add("multipart-part-no-blank", mixed + "\n--b\nContent-Type: text/html\nnot a header\n--b--\n")
    add("multipart-boundary-at-eof", mixed + "\n--b\n\none\n--b")
    add("multipart-boundary-line-at-eof", mixed + "\n--b\n\none\n--b\n")
    add("multipart-end-no-newline", mixed + "\n--b\n\none\n--b--")
    add("multipart-transport-padding", mixed + "\n--b  \t\n\none\n--b-- \t\n")
    add("multipart-boundary-suffix", mixed + "\n--b\n\none\n--bx\n\ntwo\n--b-\n\nthree\n--b--x\n")
    add("multipart-boundary-quoted", "{M}Content-Type: multipart/mixed; boundary=\"a b (c) \\\"d\"\n\n--a b (c) \"d\n\none\n--a b (c) \"d--\n")
    add("multipart-boundary-spaces-end", "{M}Content-Type: multipart/mixed; boundary=\"b  \"\n\n--b  \n\none\n--b\n\ntwo\n--b  --\n")
    add("multipart-boundary-case", mixed + "\n--B\n\none\n--b\n\ntwo\n--B--\n--b--\n")
    add("multipart-boundary-long", "{M}Content-Type: multipart/mixed; boundary=" + "z" * 70 + "\n\n--" + "z" * 70 + "\n\none\n--" + "z" * 70 + "--\n")
    add("multipart-boundary-very-long", "{M}Content-Type: multipart/mixed; boundary=" + "z" * 150 + "\n\n--" + "z" * 150 + "\n\none\n--" + "z" * 150 + "--\n")
    add("multipart-boundary-dashes", "{M}Content-Type: multipart/mixed; boundary=\"--\"\n\n----\n\none\n----\n\ntwo\n------\n")
    add("multipart-boundary-ends-in-dashes", "{M}Content-Type: multipart/mixed; boundary=\"b--\"\n\n--b--\n\none\n--b--\n\ntwo\n--b----\n")
    add("multipart-space-before-boundary", mixed + "\n --b\n\none\n--b\n\ntwo\n--b--\n")
    add("multipart-parts-after-end", mixed + "\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n")
    add("multipart-preamble-only-blank", mixed + "\n\n\n--b\n\none\n\n\n--b--\n\n\n")
    add("multipart-boundary-2231", "{M}Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\none\n--ab--\n")
    add("multipart-boundary-2231-encoded", "{M}Content-Type: multipart/mixed; boundary*=us-ascii''ab\n\n--ab\n\none\n--ab--\n")
    add("multipart-boundary-unquoted-odd", "{M}Content-Type: multipart/mixed; boundary=a=b/c:d?e\n\n--a=b/c:d?e\n\none\n--a=b/c:d?e--\n")
    add("multipart-boundary-unquoted-space", "{M}Content-Type: multipart/mixed; boundary=a b\n\n--a b\n\none\n--a b--\n")
    add("multipart-base64", mixed + "Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"--b\r\n\r\none\r\n--b--\r\n").decode() + "\n")
    add("multipart-all-fields", mixed + "Content-ID: <1@x>\nContent-Description: d\nContent-Disposition: inline; a=b\nContent-Language: de, fr\n"
        "Content-Location: http://x\n\n--b\nContent-ID: <2@x>\nContent-Disposition: attachment; filename=f\nContent-MD5: m==\n\none\n--b--\n")
    add("multipart-bare-lf-boundaries", b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\n\none\n--b\r\n\r\ntwo\r\n--b--\r\n")
    add("multipart-8bit", mixed + "\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n--b--\n")
    add("multipart-alternative", "{M}Content-Type: multipart/alternative; boundary=b; charset=utf-8; x=y\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n")
    add("multipart-subtype-missing", "{M}Content-Type: multipart; boundary=b\n\n--b\n\none\n--b--\n")
    add("multipart-subtype-empty", "{M}Content-Type: multipart/; boundary=b\n\n--b\n\none\n--b--\n")
    add("multipart-case", "{M}content-type: MULTIPART/Mixed; BOUNDARY=b\n\n--b\n\none\n--b--\n")
    add("multipart-part-leading-space", mixed + "\n--b\n continued\nContent-Type: text/html\n\none\n--b--\n")
    add("multipart-forty-parts", mixed + "\n" + "".join(f"--b\nContent-Type: text/x-{n}\n\n{n}\n" for n in range(40)) + "--b--\n")


def nested():
    outer = "{M}Content-Type: multipart/mixed; boundary=o\n\n"
    add("nested-two", outer + "--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--i\nContent-Type: text/html\n\ntwo\n--i--\n--o\n\nthree\n--o--\n")
    add("nested-inner-unclosed", outer + "--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n")
    add("nested-outer-end-only", outer + "--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--i\n\ntwo\n--o--\n")
    add("nested-same-boundary", outer + "--o\nContent-Type: multipart/alternative; boundary=o\n\n--o\n\none\n--o--\n--o\n\ntwo\n--o--\n")
    add("nested-prefix-inner-longer", outer + "--o\nContent-Type: multipart/alternative; boundary=oo\n\n--oo\n\none\n--oo--\n--o\n\ntwo\n--o--\n")
    add("nested-prefix-outer-longer", "{M}Content-Type: multipart/mixed; boundary=oo\n\n--oo\nContent-Type: multipart/alternative; boundary=o\n\n"
        "--o\n\none\n--oo\n\ntwo\n--o\n\nthree\n--o--\n--oo--\n")
    add("nested-inner-end-with-outer-prefix", outer + "--o\nContent-Type: multipart/alternative; boundary=o--\n\n--o--\n\none\n--o----\n--o--\n")
    add("nested-inner-epilogue", outer + "--o\nContent-Type: multipart/mixed; boundary=i\n\npre\n--i\n\none\n--i--\nepi\nmore\n--o--\nouter epi\n")
    add("nested-inner-no-parts", outer + "--o\nContent-Type: multipart/mixed; boundary=i\n\nnothing\n--o\n\ntwo\n--o--\n")
    add("nested-inner-no-boundary", outer + "--o\nContent-Type: multipart/mixed\n\nnothing\n--o\n\ntwo\n--o--\n")
    add("nested-boundary-in-header", outer + "--o\nContent-Type: text/html\n--o\nSubject: x\n\ntwo\n--o--\n")
    add("nested-boundary-after-inner-header", outer + "--o\nContent-Type: multipart/mixed; boundary=i\n--o\n\ntwo\n--o--\n")
    add("nested-inner-after-end", outer + "--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i--\n--i\n\nlate\n--i--\n--o--\n")
    add("nested-same-boundary-header-cut", outer + "--o\nContent-Type: multipart/mixed; boundary=o\n--o\n\ntwo\n--o--\n")
    add("nested-inner-delimiter-then-outer", outer + "--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n--o\n\ntwo\n--o--\n")
    text = "{M}Content-Type: multipart/mixed; boundary=d0\n\n"
    for n in range(20):
        text += f"--d{n}.\nContent-Type: multipart/mixed; boundary=d{n + 1}.\n\n" if n else "--d0\nContent-Type: multipart/mixed; boundary=d1.\n\n"
    add("nested-twenty", text + "--d20.\n\ndeep\n" + "".join(f"--d{n}.--\n" for n in range(20, 0, -1)) + "--d0--\n")
    add("nested-related", "{M}Content-Type: multipart/related; type=\"multipart/alternative\"; boundary=r\n\n--r\nContent-Type: multipart/alternative;\n boundary=a\n\n"
        "--a\nContent-Type: text/plain\n\nx\n--a\nContent-Type: text/html\n\n<img src=\"cid:i\">\n--a--\n\n--r\nContent-Type: image/png; name=i.png\n"
        "Content-ID: <i>\nContent-Disposition: inline; filename=i.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r--\n")
    add("nested-signed", "{M}Content-Type: multipart/signed; micalg=pgp-sha256;\n protocol=\"application/pgp-signature\"; boundary=\"s\"\n\n--s\n"
        "Content-Type: text/plain; charset=utf-8\n\nsigned\n\n--s\nContent-Type: application/pgp-signature; name=\"signature.asc\"\n\n-----BEGIN PGP SIGNATURE-----\n"
        "\nabc\n-----END PGP SIGNATURE-----\n\n--s--\n")


def messages():
    inner = "From: inner@example.org\nTo: x@y.z\nSubject: inner\nMessage-ID: <inner@x>\n"
    rfc822 = "{M}Content-Type: message/rfc822\n\n"
    add("message-root", rfc822 + inner + "\ninner body\n")
    add("message-root-twice", rfc822 + inner + "Content-Type: message/rfc822\n\nSubject: innermost\n\nbody\n")
    add("message-root-multipart", rfc822 + inner + "Content-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i\nContent-Type: text/html\n\ntwo\n--i--\n")
    add("message-empty", rfc822)
    add("message-header-only", rfc822 + inner)
    add("message-no-header", rfc822 + "\nbody without header\n")
    add("message-not-a-message", rfc822 + "this is no message\nat all\n")
    add("message-cut", "{M}Content-Type: message/rfc822\n")
    add("message-base64", "{M}Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode((inner + "\nx\n").encode()).decode() + "\n")
    mixed = "{M}Content-Type: multipart/mixed; boundary=o\n\n"
    add("message-in-multipart", mixed + "--o\n\ncover\n--o\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=f.eml\n"
        "Content-Description: forwarded\n\n" + inner + "\ninner body\nline two\n--o\n\nlast\n--o--\n")
    add("message-multipart-in-multipart", mixed + "--o\nContent-Type: message/rfc822\n\n" + inner + "Content-Type: multipart/mixed; boundary=i\n\n--i\n\none\n"
        "--i\nContent-Type: text/html\n\ntwo\n--i--\n--o--\n")
    add("message-unclosed-inside", mixed + "--o\nContent-Type: message/rfc822\n\n" + inner + "Content-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n")
    add("message-boundary-in-inner-header", mixed + "--o\nContent-Type: message/rfc822\n\n" + inner + "--o\n\ntwo\n--o--\n")
    add("message-boundary-before-inner-header", mixed + "--o\nContent-Type: message/rfc822\n\n--o\n\ntwo\n--o--\n")
    add("message-boundary-before-blank", mixed + "--o\nContent-Type: message/rfc822\n--o\n\ntwo\n--o--\n")
    add("message-same-boundary-inside", mixed + "--o\nContent-Type: message/rfc822\n\n" + inner + "Content-Type: multipart/mixed; boundary=o\n\n--o\n\none\n--o--\n--o--\n")
    add("message-params", "{M}Content-Type: message/rfc822; name=\"x.eml\"\nContent-ID: <1@x>\nContent-Description: d\nContent-MD5: m\nContent-Disposition: inline\n"
        "Content-Language: en\nContent-Location: l\n\n" + inner + "\nx\n")
    add("message-case", "{M}Content-Type: MESSAGE/RFC822\n\n" + inner + "\nx\n")
    add("message-global", "{M}Content-Type: message/global\n\n" + inner + "\nx\n")
    add("message-inner-8bit", rfc822 + "From: Jürgen <j@x>\nSubject: Grüße\n\nx\n")
    add("message-ten-deep", rfc822 + "Subject: s\nContent-Type: message/rfc822\n\n" * 9 + "Subject: last\n\ndeep\n")
    add("digest", "{M}Content-Type: multipart/digest; boundary=d\n\n--d\n\n" + inner + "\none\n--d\n\n" + inner + "\ntwo\n--d--\n")
    add("digest-text-part", "{M}Content-Type: multipart/digest; boundary=d\n\n--d\nContent-Type: text/plain\n\nintro\n--d\n\n" + inner + "\ntwo\n--d--\n")
    add("digest-empty-part", "{M}Content-Type: multipart/digest; boundary=d\n\n--d\n\n--d\n--d--\n")
    add("digest-no-blank", "{M}Content-Type: multipart/digest; boundary=d\n\n--d\n" + inner + "\none\n--d--\n")
    add("digest-broken-type", "{M}Content-Type: multipart/digest; boundary=d\n\n--d\nContent-Type:\n\n" + inner + "\none\n--d\nContent-Type: junk\n\n" + inner + "\ntwo\n--d--\n")
    add("digest-other-fields", "{M}Content-Type: multipart/digest; boundary=d\n\n--d\nContent-Description: x\nContent-Transfer-Encoding: 8bit\n\n" + inner + "\none\n--d--\n")
    add("digest-in-mixed", mixed + "--o\n\ncover\n--o\nContent-Type: multipart/digest; boundary=d\n\n--d\n\n" + inner + "\none\n--d--\n--o--\n")
    add("digest-message-multipart", "{M}Content-Type: multipart/digest; boundary=d\n\n--d\n\n" + inner + "Content-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i--\n--d--\n")
    add("report-delivery-status", "{M}Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\n\nYour mail bounced.\n--r\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\n\n--r\n"
        "Content-Type: text/rfc822-headers\n\n" + inner + "\n--r--\n")
    add("report-disposition", "{M}Content-Type: multipart/report; report-type=disposition-notification; boundary=r\n\n--r\n\nRead.\n--r\n"
        "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; a@b.c\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--r--\n")
    add("report-full-message", "{M}Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\n\nBounced.\n--r\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n--r\nContent-Type: message/rfc822\n\n" + inner + "\noriginal\n--r--\n")


def main():
    for family in (plain, lines, headers, addresses, content_types, fields, multipart, nested, messages):
        family()
    here = pathlib.Path(__file__).resolve().parent / "messages"
    here.mkdir(exist_ok=True)
    names = [name for name, _ in ALL]
    assert len(names) == len(set(names)), "two messages have one name"
    for old in here.glob("*.eml"):
        old.unlink()
    for name, message in ALL:
        (here / f"{name}.eml").write_bytes(message)
    print(len(ALL), "messages")


if __name__ == "__main__":
    main()
