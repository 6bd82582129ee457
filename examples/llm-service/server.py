"""The service: embeddings and completions over gRPC."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

import llm_pb2
import llm_pb2_grpc
from completion import completer
from embedding import Embedder

ADDRESS = f"0.0.0.0:{os.environ.get('PORT', 50051)}"
MOST_TOKENS = 512


class Service(llm_pb2_grpc.LLMServicer):
    def __init__(self) -> None:
        self.embedder = Embedder()
        self.completer = completer()

    def Embed(self, request, context):
        if not request.text:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "there is no text")
        return llm_pb2.Embedding(values=self.embedder.embed(request.text))

    def Complete(self, request, context):
        if not request.text:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "there is no text")
        most = min(request.max_tokens or 64, MOST_TOKENS)
        text, tokens = self.completer.complete(request.text, most)
        return llm_pb2.Completion(text=text, tokens=tokens, engine=self.completer.engine)


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
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
