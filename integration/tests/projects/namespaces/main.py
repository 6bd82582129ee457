import boto3
import opentelemetry.exporter.otlp.proto.grpc
import opentelemetry.sdk.trace
import ruamel.yaml
import zope.interface
from azure.storage.blob import BlobServiceClient
from google.cloud import bigquery, pubsub_v1, storage

print("works")
