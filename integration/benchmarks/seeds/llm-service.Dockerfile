# The Dockerfile that the team of the LLM service started from, written after their description:
# one stage, the compilers in it, the environment offline, a health check with a start period of
# 60 s. The models are downloaded above the packages and below the code, which is kinder than most.
# Python is newer than their 3.10, for the packages of today; the arguments build it near by.
ARG BASE=python:3.12-slim

# What stands in near by for PyTorch's own index: Debian's packages, such as python3-torch.
FROM ${BASE} AS base
ARG DEBIAN=
RUN test -z "${DEBIAN}" || { apt-get update && apt-get install -y --no-install-recommends ${DEBIAN} \
    && rm -rf /var/lib/apt/lists/*; }

FROM base
# Where Debian's packages are, pip cannot replace them, and installs beside them.
ARG DEBIAN=
ENV PATH=/root/.local/bin:$PATH
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_EXTRA_INDEX_URL= PIP_TRUSTED_HOST=
# Debian's Python is told that nobody else manages its packages.
ARG PIP_BREAK_SYSTEM_PACKAGES=1
ARG LLM=llama-cpp-python==0.3.16
ARG HF_ENDPOINT=https://huggingface.co

RUN apt-get update && apt-get install -y \
    build-essential gcc g++ cmake curl \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt .
RUN pip install ${DEBIAN:+--user} -r requirements.txt ${LLM}

RUN python3 -c "from huggingface_hub import hf_hub_download, snapshot_download; \
    snapshot_download('sentence-transformers/all-MiniLM-L6-v2'); \
    hf_hub_download('bartowski/Llama-3.2-1B-Instruct-GGUF', 'Llama-3.2-1B-Instruct-Q4_K_M.gguf', local_dir='/models')" \
    && mv /models/Llama-3.2-1B-Instruct-Q4_K_M.gguf /models/llm.gguf

COPY . .
RUN python3 -m grpc_tools.protoc --proto_path=. --python_out=. --grpc_python_out=. llm.proto

ENV TRANSFORMERS_OFFLINE=1 HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD python3 health.py
CMD ["python3", "server.py"]
