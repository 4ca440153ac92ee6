"""An HTTP server that answers as vLLM's does, or as a broken one; the real one is in callbacks."""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeServer:
    """Serves one adapter at a time; `broken[path]` replaces the answer to a path.

    Args:
        requests: The requests for groups that it will get, told apart by their seeds.
    """

    def __init__(self, requests=()):
        self.requests = {request.seeds[0]: request for request in requests}
        self.adapters = []
        self.asked = []
        self.broken = {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def answer(self, body):
                fake.asked.append((self.path, body, self.headers.get("Authorization")))
                status, reply = fake.broken.get(self.path, fake.reply)(self.path, body)
                data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def handle(self):
                with suppress(ConnectionError, ZeroDivisionError):
                    super().handle()

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def count(self, path):
        return sum(1 for asked, _, _ in self.asked if asked == path)

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def reply(self, path, body):
        if path == "/v1/models":
            return 200, {
                "data": [{"id": n, "max_model_len": 512} for n in ("base", *self.adapters)]
            }
        if path == "/v1/load_lora_adapter":
            self.adapters.append(body["lora_name"])
            return 200, b"loaded"
        if path == "/v1/unload_lora_adapter":
            if body["lora_name"] not in self.adapters:
                return 404, {"error": {"message": "no such adapter"}}
            self.adapters.remove(body["lora_name"])
            return 200, b"removed"
        if path == "/v1/chat/completions":
            return 200, self.chat(body)
        return 404, {"detail": "Not Found"}

    def chat(self, body):
        request = self.requests[body["seed"]]
        content = [{"logprob": -0.5}, {"logprob": -0.25}]
        choices = [
            {
                "index": index,
                "token_ids": [7, 8 + index],
                "logprobs": {"content": content},
                "finish_reason": "stop",
            }
            for index in reversed(range(body["n"]))
        ]
        return {"prompt_token_ids": request.prompt.input_ids.tolist(), "choices": choices}


def says(status, reply):
    """Always this answer."""
    return lambda path, body: (status, reply)


def hangs(seconds):
    """An answer that comes too late."""

    def wait(path, body):
        time.sleep(seconds)
        return 200, {}

    return wait


def first(times, broken, then):
    """Broken for a number of times."""
    left = [times]

    def answer(path, body):
        left[0] -= 1
        return (broken if left[0] >= 0 else then)(path, body)

    return answer
