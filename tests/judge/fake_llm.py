"""A stand-in for an LLM behind HTTP: real sockets on loopback, scripted replies."""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Reply:
    """What the server answers, byte by byte."""

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    """Seconds between bytes."""


def completion(content, finish="stop", usage=(11, 2), delay=0.0, **message):
    """A chat completion that says `content`."""
    message = {"role": "assistant", "content": content, **message}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    if usage:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return Reply(body=json.dumps(body).encode(), delay=delay)


def error(status, message="no", **headers):
    """An error as OpenAI's API words it."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({"error": {"message": message}}).encode(), headers)


def says(*contents):
    """Answers with these contents in turn, the last one for ever; whatever is asked."""

    def answer(body, number):
        content = contents[min(number, len(contents) - 1)]
        return content if isinstance(content, Reply) else completion(content)

    return answer


FIELDS = {"choice": "structured_outputs", "json_schema": "response_format"}


def allowed(body):
    """Schema or choices that a request holds the reply to, by the mode that it uses."""
    if "structured_outputs" in body:
        return "choice", body["structured_outputs"]
    if "response_format" in body:
        return "json_schema", {"json": body["response_format"]["json_schema"]["schema"]}
    return "text", {}


def obeys(*modes, refuse=False, say="Paris"):
    """A server that knows these modes, and ignores the fields of others or refuses them."""

    def answer(body, number):
        mode, held = allowed(body)
        if mode != "text" and mode not in modes:
            return error(400, f"Unknown parameter: {FIELDS[mode]}") if refuse else completion(say)
        if "choice" in held:
            return completion(say if say in held["choice"] else held["choice"][0])
        if "json" in held:
            values = held["json"]["properties"].items()
            picks = {k: say if say in v["enum"] else v["enum"][0] for k, v in values}
            return completion(json.dumps(picks))
        return completion(say)

    return answer


class FakeLLM:
    """Notes what it is asked and answers by `answer(body, number)`."""

    def __init__(self, answer, port=0):
        self.answer, self.bodies, self.headers = answer, [], []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def users(self):
        """What the user's turns said, without the checks."""
        asked = [body["messages"] for body in self.bodies]
        return [messages[-1]["content"] for messages in asked if len(messages) == 2]

    def reply(self, body, headers):
        with self._lock:
            number = len(self.bodies)
            self.bodies.append(body)
            self.headers.append(headers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        reply = self.answer(body, number)
        time.sleep(reply.delay)
        with self._lock:
            self.at_once -= 1
        return reply


@contextmanager
def fake_llm(answer, port=0):
    """A server, closed at the end."""
    server = FakeLLM(answer, port)
    try:
        yield server
    finally:
        server.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that hung up is no error."""


def _handler(owner):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            reply = owner.reply(json.loads(self.rfile.read(length)), self.headers)
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            for piece in [bytes([byte]) for byte in reply.body] if reply.drip else [reply.body]:
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(reply.drip)

        def log_message(self, *_):
            pass

    return Handler
