# The quickstart by hand, as carefully as a Dockerfile can: what `cargo rebuilds` compares with.
ARG BASE=python:3-slim

FROM ${BASE} AS environment
RUN python3 -m venv --without-pip /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip --python /opt/venv/bin/python install -r /tmp/requirements.txt

# A tool of its own, so that no requirement's edit fetches a model again.
FROM ${BASE} AS hub
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /hub && /hub/bin/pip install huggingface_hub==1.8.0
ENV HF_HUB_CACHE=/cache HF_HUB_DISABLE_TELEMETRY=1
ARG HF_ENDPOINT=https://huggingface.co

FROM hub AS model
RUN --mount=type=cache,target=/cache \
    /hub/bin/python -c "import huggingface_hub as hub; hub.snapshot_download('sentence-transformers/all-MiniLM-L6-v2')" && \
    mkdir -p /opt/huggingface/hub && \
    cp -a /cache/models--sentence-transformers--all-MiniLM-L6-v2 /opt/huggingface/hub/

FROM ${BASE}
RUN useradd --create-home --uid 10001 app
COPY --link --from=environment /opt/venv /opt/venv
COPY --link --from=model /opt/huggingface /opt/huggingface
ENV PATH=/opt/venv/bin:$PATH HF_HOME=/opt/huggingface HF_HUB_OFFLINE=1
WORKDIR /app
COPY --link . /app
USER app
CMD ["python", "main.py"]
