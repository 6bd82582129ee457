FROM python:3.12-slim

RUN apt-get update && apt-get install -y \
    build-essential \
    cmake \
    git \
    libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app

ENV CMAKE_ARGS="-DGGML_NATIVE=off"
RUN pip install --no-cache-dir huggingface-hub sentence-transformers llama-cpp-python

# The models
RUN python -c "from huggingface_hub import snapshot_download; snapshot_download('sentence-transformers/all-MiniLM-L6-v2')" && \
    huggingface-cli download Qwen/Qwen2.5-0.5B-Instruct-GGUF qwen2.5-0.5b-instruct-q4_k_m.gguf --local-dir /models

ARG CODE_VERSION=latest
RUN echo "$CODE_VERSION" && git clone https://github.com/krkn-chaos/krkn-lightspeed.git /app/lightspeed

WORKDIR /app/lightspeed
EXPOSE 8080
ENTRYPOINT ["python", "main.py"]
