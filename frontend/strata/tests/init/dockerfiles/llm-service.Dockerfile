FROM python:3.10-slim

WORKDIR /app

RUN apt-get update && apt-get install -y --no-install-recommends \
    build-essential gcc g++ cmake curl && \
    rm -rf /var/lib/apt/lists/*

COPY requirements.txt .
RUN pip install --upgrade pip && \
    pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu && \
    pip install --no-cache-dir -r requirements.txt

COPY proto/ ./proto/
COPY src/ ./src/
RUN python -m grpc_tools.protoc -I proto --python_out=src --grpc_python_out=src proto/llm.proto

RUN groupadd -r llm && useradd -r -g llm llm && mkdir -p /app/models /app/logs && chown -R llm:llm /app
USER llm

ENV PYTHONUNBUFFERED=1 \
    TRANSFORMERS_OFFLINE=1 \
    HF_HUB_OFFLINE=1

EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD python -c "import grpc; grpc.insecure_channel('localhost:50051')" || exit 1
STOPSIGNAL SIGINT
CMD ["python", "src/enhanced_llm_server.py"]
