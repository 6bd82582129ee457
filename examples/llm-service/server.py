"""The service: embeddings and completions over gRPC."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

import llm_pb2
import llm_pb2_grpc
from completion import completer
from embedding import Embedder

ADDRESS = f"0.0.0.0:{os.environ.get('PORT', 50051)}"
MOST_TOKENS = 512
WORKERS = 4


class Service(llm_pb2_grpc.LLMServicer):
    def __init__(self) -> None:
        self.embedder = Embedder()
        self.completer = completer()
        # A completion takes long: some workers stay free, so that health is told meanwhile.
        self.room = BoundedSemaphore(WORKERS // 2)

    def Embed(self, request, context):
        if not request.text:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "there is no text")
        return llm_pb2.Embedding(values=self.embedder.embed(request.text))

    def Complete(self, request, context):
        if not request.text:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "there is no text")
        most = min(request.max_tokens or 64, MOST_TOKENS)
        if not self.room.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy: try again")
        try:
            text, tokens = self.completer.complete(request.text, most)
        except ValueError as error:  # longer than the model's context
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        finally:
            self.room.release()
        return llm_pb2.Completion(text=text, tokens=tokens, engine=self.completer.engine)


def main() -> None:
    # While models are loaded, too; the first process of a container ignores it otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS))
    # The models are loaded before the port is open: who is answered is served.
    llm_pb2_grpc.add_LLMServicer_to_server(Service(), server)
    status = health.HealthServicer()
    status.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    server.add_insecure_port(ADDRESS)
    server.start()
    print(f"listening on {ADDRESS}")
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=5))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
