"""One delivery over HTTP, and what its answer means."""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 30.0  # longer than the log takes under load; a repeat is harmless
MAX_ANSWER_BYTES = 4 << 20


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    media: str = ""

    @property
    def code(self) -> str:
        """The stable code of the log's own refusal; empty when something in between answered, which knows nothing of the log."""
        if self.media != "application/problem+json" or not isinstance(self.body, dict):
            return ""
        code = str(self.body.get("code", ""))
        return code if self.body.get("type") == f"urn:tabellion:problem:{code}" else ""

    @property
    def pointer(self) -> str:
        """Where in the delivery the fault is."""
        return str(self.body.get("pointer") or "") if isinstance(self.body, dict) else ""

    def __str__(self) -> str:
        detail = self.body.get("detail", "") if isinstance(self.body, dict) else f"({self.media or 'no media type'})"
        return f"{self.status} {self.code} {detail}".strip()


class Wire:
    """Talks to one control plane."""

    def __init__(self, url: str, key: str, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address like https://notary.example.com")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix, self._key = parts.path.rstrip("/"), key
        self._context = context or (ssl.create_default_context() if self._secure else None)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Raises OSError or http.client.HTTPException when there is no answer."""
        data = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", "Accept": "*/*"}
        if self._secure:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT_S, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, self._prefix + path, body=data, headers=headers)
            response = connection.getresponse()
            text = response.read(MAX_ANSWER_BYTES)
        finally:
            connection.close()
        media = (response.getheader("content-type") or "").split(";")[0].strip().lower()
        if "json" not in media:
            return Answer(response.status, text, media)
        try:
            return Answer(response.status, json.loads(text), media)
        except ValueError:
            return Answer(response.status, text, media)
