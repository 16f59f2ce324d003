"""A client of the HTTP interface that holds every answer to docs/openapi.json. For tests."""

import base64
import datetime
import http.client
import json
import os
import re
import socket
import struct
import urllib.parse
from pathlib import Path

import jsonschema

DOCUMENT = json.loads((Path(os.environ["SKINK_SOURCE_DIR"]) / "docs/openapi.json").read_text())
TIMEOUT_S = 30

_formats = jsonschema.FormatChecker()


@_formats.checks("date-time", raises=ValueError)
def _is_time(text):
    return not isinstance(text, str) or datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None


def validate(value, schema):
    """Raises jsonschema.ValidationError. References of `schema` are of the document."""
    schema = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=_formats).validate(value)


def resolve(node):
    while "$ref" in node:
        reference, node = node["$ref"], DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    return node


def operation_of(method, path):
    """The operation that a path is of; None: none is described. What is longer without its parameters goes first."""
    for template in sorted(DOCUMENT["paths"], key=lambda t: -len(re.sub(r"\{\w+\}", "", t))):
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path):
            return DOCUMENT["paths"][template].get(method.lower())
    return None


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.media = (headers.get("Content-Type") or "").split(";")[0]
        self.json = json.loads(body) if self.media.endswith("json") else None


class Client:
    """Over a unix socket, or a port of loopback with a token."""

    answered = set()  # (operationId, status) of all clients

    def __init__(self, unix=None, port=0, token=None):
        self.unix, self.port, self.token = unix, port, token

    def socket(self):
        if self.unix is None:
            return socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(TIMEOUT_S)
        connection.connect(self.unix)
        return connection

    def _headers(self, headers):
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**token, **(headers or {})}

    def open(self, method, target, body=None, headers=None):
        """The answer's beginning; who reads a stream goes on with it."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = self.socket()
        connection.request(method, target, body, self._headers(headers))
        return connection.getresponse()

    def call(self, method, target, expected, body=None, headers=None, code=None):
        """One request, whose answer must have the status `expected` and be as described; a problem also has `code`.

        `body` is sent as JSON, or as it is where it is text."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        response = self.open(method, target, body, headers)
        answer = Answer(response.status, response.headers, response.read())
        label = f"{method} {target}: {answer.status} {answer.body[:300]}"
        assert answer.status == expected, f"{label}: {expected} expected"
        try:
            self._check(method, urllib.parse.unquote(target.split("?")[0]), answer)
        except jsonschema.ValidationError as error:
            raise AssertionError(f"{label}: {error.message} at {list(error.absolute_path)}") from error
        assert code is None or answer.json["code"] == code, f"{label}: {code} expected"
        return answer

    def _check(self, method, path, answer):
        operation = operation_of(method, path)
        if answer.media == "application/problem+json":
            validate(answer.json, DOCUMENT["components"]["schemas"]["Problem"])
            assert answer.json["status"] == answer.status, answer.json
            assert answer.json.get("instance") == path, f"{answer.json} is not of {path}"
        if operation is None:
            assert answer.status in (404, 405), f"{method} {path} is not described"
            return
        self.answered.add((operation["operationId"], answer.status))
        responses = operation["responses"]
        response = resolve(responses.get(str(answer.status), responses["default"]))
        if "content" not in response:
            assert not answer.body, f"{path}: {answer.body[:80]} where no body is described"
            return
        assert answer.media in response["content"], f"{path}: {answer.media} is not described for {answer.status}"
        if answer.json is not None:
            validate(answer.json, response["content"][answer.media]["schema"])
        for name, header in response.get("headers", {}).items():
            validate(answer.headers[name], header["schema"])

    def events(self, target="/api/v1/events", headers=None):
        """Begins a stream, and returns an iterator of (id, type, data) over its events, each as described."""
        response = self.open("GET", target, headers=headers)
        assert response.status == 200, response.read()
        self.answered.add(("streamEvents", 200))
        return self._events(response)

    @staticmethod
    def _events(response):
        schemas = operation_of("GET", "/api/v1/events")["responses"]["200"]["x-data"]
        fields = {}
        for line in response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                data, fields = fields, {}
                validate(json.loads(data["data"]), schemas.get(data["event"], schemas["any other"]))
                yield int(data.get("id", 0)), data["event"], json.loads(data["data"])

    def frames(self, target):
        """Yields the text frames of a WebSocket, each as described."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        lines += [f"{name}: {value}" for name, value in self._headers(None).items()]
        connection = self.socket()
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 101 ")
        self.answered.add(("streamFrames", 101))
        while stream.readline().strip():
            pass
        schema = operation_of("GET", "/api/v1/ws")["responses"]["101"]["x-frame"]
        while True:
            kind, length = stream.read(2)
            if length >= 126:
                length = struct.unpack(">H" if length == 126 else ">Q", stream.read(2 if length == 126 else 8))[0]
            payload = stream.read(length)
            if kind & 15 == 1:
                validate(json.loads(payload), schema)
                yield json.loads(payload)
