"""Ask the service for its health, as gRPC has it; the exit status is the answer."""

import os

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

with grpc.insecure_channel(f"localhost:{os.environ.get('PORT', 50051)}") as channel:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
raise SystemExit(answer.status != health_pb2.HealthCheckResponse.SERVING)
