"""Ask the service: client.py embed TEXT, or client.py complete TEXT."""

import json
import os
import sys

import grpc

import llm_pb2
import llm_pb2_grpc


def main(what: str, text: str) -> None:
    with grpc.insecure_channel(os.environ.get("SERVICE", "localhost:50051")) as channel:
        service = llm_pb2_grpc.LLMStub(channel)
        if what == "embed":
            print(json.dumps(list(service.Embed(llm_pb2.Text(text=text)).values)))
        else:
            answer = service.Complete(llm_pb2.Prompt(text=text, max_tokens=16))
            said = {"text": answer.text, "tokens": answer.tokens, "engine": answer.engine}
            print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
