"""Where digests go: by e-mail, to a webhook, or both. Told by environment, for it holds secrets.

No password, and no address of a webhook (which is one), is ever part of what is said.
"""

from __future__ import annotations

import http.client
import json
import os
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from storage import times
from storage.errors import DigestNotSent, UsageError
from storage.query.digest import Digest
from storage.watch.digest_text import headline

_SECONDS = 30.0  # for each answer of a server
_KINDS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}
_MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class Channel(Protocol):
    """A way to people."""

    @property
    def name(self) -> str:
        """`email` or `webhook`."""

    def send(self, digest: Digest, text: str) -> str:
        """Send it; returns where it went, for people. Raises DigestNotSent."""


@dataclass(frozen=True, slots=True)
class Email:
    """Plain text by SMTP, in clear, with STARTTLS, or under TLS from the first byte."""

    server: SplitResult = field(repr=False)
    sender: str
    to: tuple[str, ...]

    @property
    def name(self) -> str:
        """As Channel says."""
        return "email"

    def send(self, digest: Digest, text: str) -> str:
        """As Channel says."""
        try:
            with self._connect() as server:
                if self.server.username:
                    server.login(unquote(self.server.username), self._password)
                refused = server.send_message(self._message(digest, text))
        except OSError as error:  # SMTPException is one
            raise DigestNotSent(self._without_secrets(error)) from None
        taken = [address for address in self.to if address not in refused]
        but = f"; refused for {', '.join(refused)}" if refused else ""
        return f"sent to {', '.join(taken)}{but}"

    @property
    def _password(self) -> str:
        return unquote(self.server.password or "")

    def _connect(self) -> smtplib.SMTP:
        host, port = self.server.hostname or "", self.server.port or _MAIL_PORTS[self.server.scheme]
        if self.server.scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
        server = smtplib.SMTP(host, port, timeout=_SECONDS)
        if self.server.scheme == "smtp+starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except OSError:
                server.close()
                raise
        return server

    def _message(self, digest: Digest, text: str) -> EmailMessage:
        message = EmailMessage()
        day = digest.until.astimezone(times.LOCAL)
        message["Subject"] = f"Tin Huyện {day:%Y-%m-%d}: {headline(digest)}"
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Date"] = format_datetime(digest.until)
        stamp = times.utc_text(digest.until).translate(str.maketrans("", "", "-:.TZ"))
        message["Message-ID"] = f"<digest.{stamp}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
        message.set_content(text)
        return message

    def _without_secrets(self, error: Exception) -> str:
        said = f"{self.server.hostname} did not take the mail: {_said(error)}"
        return said.replace(self._password, "…") if self._password else said


@dataclass(frozen=True, slots=True)
class Webhook:
    """JSON by POST: the figures, and the whole as `text`, which chat servers show."""

    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """As Channel says."""
        return "webhook"

    def send(self, digest: Digest, text: str) -> str:
        """As Channel says. A redirect is an error: where it leads nobody has decided."""
        address = urlsplit(self.url)
        connection = _KINDS[address.scheme](address.hostname or "", address.port, timeout=_SECONDS)
        body = json.dumps({"text": text} | digest.as_json(), ensure_ascii=False).encode()
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        headers = {"Content-Type": "application/json", "User-Agent": "tinhuyen"}
        try:
            connection.request("POST", target, body, headers)
            with connection.getresponse() as answer:
                status = answer.status
        except (OSError, http.client.HTTPException) as error:
            reason = f"the webhook at {address.hostname} did not answer: {_said(error)}"
            raise DigestNotSent(reason) from None
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise DigestNotSent(f"the webhook at {address.hostname} answered {status}")
        return f"sent to {address.hostname}"


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        words = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
        return f"{error.smtp_code} {words}"
    return str(error) or type(error).__name__


def channels(environment: Mapping[str, str] = os.environ) -> list[Channel]:
    """What TINHUYEN_DIGEST_TO and TINHUYEN_DIGEST_WEBHOOK name; empty if neither is set.

    Raises UsageError for what cannot work.
    """
    found: list[Channel] = []
    if environment.get("TINHUYEN_DIGEST_TO"):
        found.append(_email(environment))
    if environment.get("TINHUYEN_DIGEST_WEBHOOK"):
        found.append(_webhook(environment["TINHUYEN_DIGEST_WEBHOOK"]))
    return found


def _email(environment: Mapping[str, str]) -> Email:
    to = _addresses("TINHUYEN_DIGEST_TO", environment["TINHUYEN_DIGEST_TO"])
    sender = environment.get("TINHUYEN_DIGEST_FROM") or environment.get("TINHUYEN_CONTACT") or to[0]
    server = _split("TINHUYEN_SMTP", environment.get("TINHUYEN_SMTP") or "smtp://localhost")
    if server.scheme not in _MAIL_PORTS:
        raise UsageError("TINHUYEN_SMTP: write smtps://user:password@host, or smtp+starttls://…")
    if not unquote(f"{server.username}{server.password}").isascii():
        raise UsageError("TINHUYEN_SMTP: user and password must be ASCII")  # smtplib's own bound
    if server.username and server.scheme == "smtp" and not _is_loopback(server.hostname or ""):
        raise UsageError(
            "TINHUYEN_SMTP would send its password in clear; write smtp+starttls:// or smtps://"
        )
    return Email(server, _addresses("TINHUYEN_DIGEST_FROM", sender)[0], to)


def _webhook(url: str) -> Webhook:
    address = _split("TINHUYEN_DIGEST_WEBHOOK", url)
    if address.scheme not in _KINDS or address.username or not url.isascii():
        raise UsageError("TINHUYEN_DIGEST_WEBHOOK: write https://host/…, without user, in ASCII")
    return Webhook(url)


def _split(name: str, url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        host, _ = (address.hostname or "").encode("idna"), address.port
    except ValueError:
        raise UsageError(f"{name} is no address") from None
    if not host:
        raise UsageError(f"{name} names no host")
    return address


def _addresses(name: str, text: str) -> tuple[str, ...]:
    found = tuple(address for _, address in getaddresses([text]))
    plain = all(one.isascii() and one.isprintable() and "@" in one[1:-1] for one in found)
    if not found or not plain:
        raise UsageError(f"{name}={text!r} is no e-mail address")
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
