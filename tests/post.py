"""A real mail server on this machine that keeps what it accepts, and can be told to fail in every way a server can."""

import asyncio
import contextlib
import email
import email.policy
import os
import signal
import socket
import ssl
import time
from collections import Counter

from aiosmtpd.controller import Controller


class Post:
    """`fault`: None, '451', '550' (some mailboxes), '554' (this text), 'slow', 'cut' (accepts, then hangs up); `kill_at` sets
    worse faults."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.fault, self.victims, self.left, self.mails = None, [], 0, []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self.port, tls_context=tls, require_starttls=tls is not None
        )

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *error):
        self.controller.stop()

    def to(self, address) -> list:
        return [mail for mail in self.mails if mail["To"] == address]

    def newest(self, address, subject="", seconds=15):
        """Wait for the last mail to this address with this text in its subject, and return it."""
        for _ in range(seconds * 20):
            fitting = [mail for mail in self.to(address) if subject in mail["Subject"]]
            if fitting:
                return fitting[-1]
            time.sleep(0.05)
        raise AssertionError(
            f"no mail to {address} about {subject!r}; came: {[mail['Subject'] for mail in self.mails]}"
        )

    def copies(self) -> Counter:
        """Message-ID → number of deliveries."""
        return Counter(mail["Message-ID"] for mail in self.mails)

    def kill_at(self, step, victims, after=0):
        """Kill these processes when a conversation reaches this step; `after`: how many times to let it pass first."""
        self.fault, self.victims, self.left = step, victims, after

    def _strike(self, step):
        if self.fault != step or not self.victims:
            return
        self.left -= 1
        if self.left < 0:
            victims, self.victims = self.victims, []
            for victim in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)

    # ---- called by aiosmtpd

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self._strike("connect")
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        self._strike("rcpt")
        if self.fault == "550" and "weigert" in address:
            return "550 5.1.1 no such mailbox"
        if self.fault == "451":
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self._strike("data")
        if self.fault == "554":
            return "554 5.6.0 not this text"
        if self.fault == "slow":
            await asyncio.sleep(2)
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        if self.fault == "cut":
            server.transport.abort()
        self._strike("taken")
        return "250 OK"


def link_in(mail) -> str:
    """The only action link of a mail: alone on its line in the plain text."""
    lines = [line for line in mail.get_content().splitlines() if "http" in line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("http")
    assert " " not in lines[0]
    return lines[0]
