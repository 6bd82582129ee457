"""Answers questions about chaos scenarios: as a server, or one that is given as an argument."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from llm import writer
from rag import Passages


class Assistant:
    def __init__(self) -> None:
        self.passages = Passages(Path(__file__).parent / "docs")
        self.writer = writer()
        self.one_at_a_time = Lock()

    def ask(self, question: str) -> dict[str, object]:
        with self.one_at_a_time:
            found = self.passages.nearest(question)
            written = self.writer.answer(question, found) if self.writer else None
        return {"answer": written or found[0], "written": written is not None, "sources": found}


def handler(assistant: Assistant) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            question = parse_qs(url.query).get("q")
            match url.path, question:
                case "/health", _:
                    self.say(200, {"status": "ok"})
                case "/ask", [text]:
                    try:
                        self.say(200, assistant.ask(text))
                    except ValueError as error:  # longer than the model's context
                        self.say(400, {"error": str(error)})
                case _:
                    self.say(404, {"error": "ask me something: /ask?q=…"})

        def say(self, status: int, answer: dict[str, object]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    # The first process of a container ignores it otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    assistant = Assistant()
    if questions := sys.argv[1:]:
        for question in questions:
            print(json.dumps(assistant.ask(question)))
        return
    ThreadingHTTPServer(("", 8080), handler(assistant)).serve_forever()


if __name__ == "__main__":
    main()
