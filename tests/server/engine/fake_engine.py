"""A stand-in for vLLM's process: the standard library's HTTP server, and ways to fail.

python fake_engine.py PORT FOLDER [die-at-start | unhealthy | child]

It writes its process id to FOLDER/pid (and that of a child to FOLDER/child), a line to its output at
each start, and its key to its output where it dies at start, as careless servers do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

port, folder, *ways = sys.argv[1:]
(Path(folder) / "pid").write_text(str(os.getpid()))
print("the engine starts", flush=True)
if "die-at-start" in ways:
    print(f"OSError: no such checkpoint, key {os.environ.get('VLLM_API_KEY')}", flush=True)
    sys.exit(3)
if "child" in ways:
    sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", sleeper])
    (Path(folder) / "child").write_text(str(child.pid))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        broken = self.path == "/health" and (Path(folder) / "unhealthy").exists()
        self._answer(500 if broken else 200, {"data": [{"id": "fake", "max_model_len": 4096}]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        with (Path(folder) / "posted").open("a") as file:
            file.write(f"{self.path} {body.decode()}\n")
        if "slow-answers" in ways:
            time.sleep(600)
        message, scored = {"content": "Yes."}, {"probs": [0.5]}
        admitted = self.headers["authorization"] == f"Bearer {os.environ['VLLM_API_KEY']}"
        reply = {"choices": [{"message": message}], "data": [scored]}
        self._answer(200 if admitted else 401, reply)

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        print("a request", "x" * 200, flush=True)


ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
