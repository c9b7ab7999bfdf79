#!/usr/bin/env python3
"""Records what Dovecot answers about each message of the corpus, into golden/.

Needs Debian's dovecot-imapd. No server is started and no port opened: Dovecot's imap process runs with
its session on a pipe, on a mail store in a temporary directory. The answers are written in a normal form
that does not tell quoted strings from literals, so that tests compare meaning and not spelling:

    ENVELOPE (...)            strings in double quotes, bytes outside printable ASCII as \\xNN
    BODY (...)
    BODYSTRUCTURE (...)
    RFC822.SIZE n
    SECTION 1.MIME n crc      each body section: its length and CRC-32, or NIL
"""

import os
import pathlib
import subprocess
import tempfile
import zlib

IMAP = "/usr/lib/dovecot/imap"
HERE = pathlib.Path(__file__).resolve().parent
PATHS_MAX = 12


class Session:
    """An authenticated IMAP session with a fresh mail store."""

    def __init__(self, home):
        options = [f"mail_location=sdbox:{home}/mail", "postmaster_address=p@example.org", "mail_log_prefix=imap: ",
                   f"log_path={home}/log", "first_valid_uid=1", "mail_plugins="]
        # Dovecot refuses to serve mail as root.
        options += ["mail_uid=nobody", "mail_gid=nogroup"] if os.getuid() == 0 else []
        config = pathlib.Path(home) / "dovecot.conf"
        config.write_text("\n".join(option.replace("=", " = ", 1) for option in options)
                          + "\nnamespace inbox {\n  inbox = yes\n  separator = /\n}\n")
        environment = {"USER": "corpus", "HOME": str(home), "PATH": os.environ["PATH"], "CONFIG_FILE": str(config)}
        self.process = subprocess.Popen([IMAP, "-c", str(config)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment, cwd=home)
        self.reader = self.process.stdout
        greeting = self.reader.readline()
        assert b"PREAUTH" in greeting, greeting
        self.tag = 0

    def command(self, text, literal=None):
        """Sends a command; returns the values of its untagged FETCH answer, if it has one."""
        self.tag += 1
        self.process.stdin.write(f"t{self.tag} {text}".encode())
        if literal is not None:
            self.process.stdin.write(b" {%d+}\r\n" % len(literal) + literal)
        self.process.stdin.write(b"\r\n")
        self.process.stdin.flush()
        answer = None
        while True:
            values = Reader(self.reader).line()
            if values[0] == f"t{self.tag}".encode():
                assert values[1] == b"OK", values
                return answer
            if len(values) > 2 and values[2] == b"FETCH":
                answer = dict(zip(values[3][0::2], values[3][1::2]))


class Reader:
    """Reads one response line into atoms (bytes), strings (tuple of one), lists, None for NIL."""

    def __init__(self, file):
        self.file = file
        self.peeked = None

    def byte(self):
        byte, self.peeked = (self.peeked or self.file.read(1)), None
        return byte

    def peek(self):
        self.peeked = self.peeked or self.file.read(1)
        return self.peeked

    def line(self):
        """Returns the values of a line; text behind a status word is not interpreted."""
        values = []
        while True:
            if len(values) >= 2 and values[1] in (b"OK", b"NO", b"BAD", b"BYE", b"FLAGS", b"CAPABILITY"):
                self.file.readline()
                return values
            if self.peek() == b"\r":
                assert self.file.readline() == b"\n"
                return values
            if self.peek() == b" ":
                self.byte()
                continue
            values.append(self.value())

    def value(self):
        first = self.peek()
        if first == b"(":
            return self.list()
        if first == b'"':
            return self.quoted()
        if first == b"{":
            size = int(self.until(b"}")[1:].rstrip(b"+"))
            self.byte()
            assert self.file.read(2) == b"\r\n"
            return (self.file.read(size),)
        atom = self.until(b" ()\r")
        return None if atom.upper() == b"NIL" else atom

    def until(self, ends):
        out = b""
        depth = 0
        while depth or self.peek() not in [ends[i:i + 1] for i in range(len(ends))]:
            byte = self.byte()
            depth += {b"[": 1, b"]": -1}.get(byte, 0)
            out += byte
        return out

    def quoted(self):
        self.byte()
        out = b""
        while True:
            byte = self.byte()
            if byte == b'"':
                return (out,)
            out += self.byte() if byte == b"\\" else byte

    def list(self):
        self.byte()
        out = []
        while True:
            if self.peek() == b")":
                self.byte()
                return out
            if self.peek() == b" ":
                self.byte()
                continue
            out.append(self.value())


def normal(value):
    """Writes a value in the normal form."""
    if value is None:
        return "NIL"
    if isinstance(value, tuple):
        text = "".join(chr(b) if 0x20 <= b < 0x7f and b not in b'"\\' else f"\\x{b:02x}" for b in value[0])
        return f'"{text}"'
    if isinstance(value, list):
        return "(" + " ".join(map(normal, value)) + ")"
    return value.decode()


def paths(structure, prefix=()):
    """Yields the part numbers below a BODYSTRUCTURE value that belongs to a whole message."""
    if isinstance(structure[0], list):
        for number, part in enumerate((p for p in structure if isinstance(p, list) and is_body(p)), 1):
            yield from below(part, prefix + (number,))
    else:
        yield from below(structure, prefix + (1,))


def is_body(value):
    """Tells a part from the lists of extension data."""
    return bool(value) and (isinstance(value[0], list) and is_body(value[0]) or len(value) >= 7 and isinstance(value[6], bytes))


def below(part, path):
    yield path
    if isinstance(part[0], list):
        for number, child in enumerate((p for p in part if isinstance(p, list) and is_body(p)), 1):
            yield from below(child, path + (number,))
    elif len(part) > 8 and isinstance(part[8], list) and is_body(part[8]):
        yield from paths(part[8], path)


def record(session, message):
    session.command("APPEND INBOX", message)
    session.command("NOOP")
    answer = session.command("FETCH * (ENVELOPE BODY BODYSTRUCTURE RFC822.SIZE)")
    out = [f"{item} {normal(answer[item.encode()])}" for item in ("ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE")]
    sections = ["", "HEADER", "TEXT"]
    for path in list(paths(answer[b"BODYSTRUCTURE"]))[:PATHS_MAX]:
        number = ".".join(map(str, path))
        sections += [number, f"{number}.MIME", f"{number}.HEADER", f"{number}.TEXT"]
    for section in sections:
        (value,) = session.command(f"FETCH * (BODY.PEEK[{section}])").values()
        size = "NIL" if value is None else f"{len(value[0])} {zlib.crc32(value[0]):08x}"
        out.append(f"SECTION {section or '-'} {size}")
    return "\n".join(out) + "\n"


def main():
    golden = HERE / "golden"
    golden.mkdir(exist_ok=True)
    for old in golden.glob("*.txt"):
        old.unlink()
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)
        session = Session(home)
        session.command("SELECT INBOX")
        for path in sorted((HERE / "messages").glob("*.eml")):
            if not path.stat().st_size:
                continue  # Dovecot refuses to store it.
            (golden / f"{path.stem}.txt").write_text(record(session, path.read_bytes()))
        session.process.stdin.close()
        session.process.wait()


if __name__ == "__main__":
    main()
